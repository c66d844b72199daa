//! Compressed files: whatever is asked of them at whatever offset is what the plain text says, and
//! what somebody built to do harm costs no more than it may.

mod hostile;
mod make;

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use proptest::prelude::*;
use tailwater_engine::file::{File, Identity, Stat};
use tailwater_engine::packed::{Outcome, Packed, Packing, Pass, Pieces, STRIDE, Spool, Stepped};
use tailwater_engine::read::{ReadAt, fingerprint_before, is_doubt, read_exact_at};

use make::{Part, gzip, log, one_block, zstd};

/// A file of memory, which may change.
pub(crate) struct Held {
    bytes: std::sync::Mutex<Vec<u8>>,
    written: std::sync::atomic::AtomicU64,
}

impl Held {
    pub(crate) fn new(bytes: Vec<u8>) -> Arc<Self> {
        Arc::new(Self { bytes: bytes.into(), written: 1.into() })
    }

    fn change(&self, change: impl FnOnce(&mut Vec<u8>)) {
        change(&mut self.bytes.lock().expect("no panic"));
        self.written.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

impl ReadAt for Held {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        // Short reads happen.
        let len = buf.len().min(50_000);
        self.bytes.lock().expect("no panic").read_at(&mut buf[..len], offset)
    }
}

impl File for Held {
    fn stat(&self) -> io::Result<Stat> {
        let identity = Identity { device: 1, inode: 1, birth: 1 };
        let bytes = self.bytes.lock().expect("no panic").len() as u64;
        let written = self.written.load(std::sync::atomic::Ordering::Relaxed);
        Ok(Stat { identity, bytes, links: 1, written, changed: written })
    }
}

/// A disk of memory.
#[derive(Default)]
struct Aside(std::sync::Mutex<Vec<u8>>, std::sync::atomic::AtomicU64);

impl ReadAt for Aside {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.lock().expect("no panic").read_at(buf, offset)
    }
}

impl Spool for Aside {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut disk = self.0.lock().expect("no panic");
        let end = (offset as usize + bytes.len()).max(disk.len());
        disk.resize(end, 0);
        disk[offset as usize..][..bytes.len()].copy_from_slice(bytes);
        self.1.fetch_add(bytes.len() as u64, Relaxed);
        Ok(())
    }

    fn free(&self, offset: u64, bytes: u64) -> io::Result<()> {
        self.0.lock().expect("no panic")[offset as usize..][..bytes as usize].fill(0xee);
        self.1.fetch_sub(bytes, Relaxed);
        Ok(())
    }
}

/// Goes through `bytes` in steps of `budget`.
pub(crate) fn open(bytes: Vec<u8>, budget: u64) -> Outcome {
    open_with(bytes, budget, Pieces::new())
}

fn open_with(bytes: Vec<u8>, budget: u64, pieces: Pieces) -> Outcome {
    let packing = Packing::of(&bytes).expect("packed");
    let file = Held::new(bytes);
    let mut pass = Pass::new(file, packing, Arc::new(pieces)).expect("a file");
    while pass.step(budget).expect("read") == Stepped::More {}
    pass.finish().expect("unchanged")
}

fn all_of(packed: &Packed) -> Vec<u8> {
    let mut text = vec![0; packed.bytes() as usize];
    read_exact_at(packed, &mut text, 0).expect("read");
    text
}

/// Reads here and there, as often forward as back.
fn probe(packed: &Packed, text: &[u8], probes: &[(prop::sample::Index, u32)]) {
    assert_eq!(packed.bytes(), text.len() as u64);
    let mut at = 0;
    for (index, len) in probes {
        let from = if len % 3 == 0 { at } else { index.index(text.len() + 1) };
        let len = (*len as usize).min(text.len() - from);
        let mut buf = vec![0; len];
        read_exact_at(packed, &mut buf, from as u64).expect("read");
        assert!(buf == text[from..from + len], "{len} bytes at {from} are others");
        at = if len.is_multiple_of(2) { from + len } else { from.saturating_sub(len) };
    }
    if !text.is_empty() {
        let before = fingerprint_before(packed, text.len() as u64).expect("read");
        assert_eq!(before, fingerprint_before(&text.to_vec(), text.len() as u64).expect("read"));
    }
}

fn probes() -> impl Strategy<Value = Vec<(prop::sample::Index, u32)>> {
    prop::collection::vec((any::<prop::sample::Index>(), 0_u32..300_000), 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn gzip_reads_as_its_text(
        parts in prop::collection::vec(make::part(), 0..5),
        padding in prop_oneof![3 => Just(0_usize), 1 => 1_usize..600],
        budget in prop_oneof![1_u64..100_000, Just(u64::MAX)],
        probes in probes(),
    ) {
        let text: Vec<u8> = parts.iter().flat_map(Part::text).collect();
        let mut file: Vec<u8> = parts.iter().flat_map(|part| gzip(&part.text(), part.level)).collect();
        if parts.is_empty() {
            file = gzip(&[], 6);
        }
        file.resize(file.len() + padding, 0);
        let Outcome { packed, damage } = open(file, budget);
        prop_assert_eq!(damage, None);
        probe(&packed, &text, &probes);
    }

    #[test]
    fn zstandard_reads_as_its_text(
        parts in prop::collection::vec(make::part(), 0..5),
        skipped in any::<bool>(),
        spooled in any::<bool>(),
        budget in prop_oneof![1_u64..100_000, Just(u64::MAX)],
        probes in probes(),
    ) {
        let text: Vec<u8> = parts.iter().flat_map(Part::text).collect();
        let mut file = Vec::new();
        for part in &parts {
            if skipped {
                file.extend([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, b'a', b'b', b'c']);
            }
            file.extend(zstd(&part.text(), part.level > 4));
        }
        if parts.is_empty() {
            file = zstd(&[], true);
        }
        let disk = Arc::new(Aside::default());
        let pieces = if spooled { Pieces::with_spool(Arc::clone(&disk) as _) } else { Pieces::new() };
        let Outcome { packed, damage } = open_with(file, budget, pieces);
        prop_assert_eq!(damage, None);
        probe(&packed, &text, &probes);
        // What needs no room takes none, and what was taken is given back.
        let large = parts.iter().any(|part| part.text().len() as u64 > 3 * STRIDE);
        prop_assert!(!(spooled && large) || disk.1.load(Relaxed) > 0);
        prop_assert!(parts.iter().any(|part| part.text().len() as u64 > STRIDE) || disk.1.load(Relaxed) == 0);
        drop(packed);
        prop_assert_eq!(disk.1.load(Relaxed), 0);
    }

    #[test]
    fn a_block_without_end_has_seek_points(probes in probes()) {
        let (file, text) = one_block(5 * STRIDE as usize + 77);
        let Outcome { packed, damage } = open(file, 1 << 20);
        prop_assert_eq!(damage, None);
        prop_assert!(packed.cost() > 1000, "points within the block");
        probe(&packed, &text, &probes);
    }
}

#[test]
fn points_cost_little() {
    let text = log(7, 24 << 20);
    let Outcome { packed, .. } = open(gzip(&text, 6), u64::MAX);
    assert!(packed.cost() > 0);
    assert!(packed.cost() * 200 < packed.bytes(), "{} for {}", packed.cost(), packed.bytes());
}

#[test]
fn many_read_at_once() {
    let text = log(3, 9 << 20);
    let Outcome { packed, .. } = open(gzip(&text, 6), u64::MAX);
    std::thread::scope(|scope| {
        for thread in 0..4_usize {
            let (packed, text) = (&packed, &text);
            scope.spawn(move || {
                for step in 0..60_usize {
                    let from = (thread * 31 + step * 977) * 4099 % (text.len() - 70_000);
                    let mut buf = vec![0; 70_000];
                    read_exact_at(packed, &mut buf, from as u64).expect("read");
                    assert!(buf == text[from..from + 70_000], "at {from}");
                }
            });
        }
    });
}

#[test]
fn a_file_that_changes_is_a_doubt() {
    let text = log(1, 3 << 20);
    let file = Held::new(gzip(&text, 6));
    let pass = || Pass::new(Arc::clone(&file) as _, Packing::Gzip, Arc::default());
    let mut first = pass().expect("a file");
    while first.step(1 << 20).expect("read") == Stepped::More {}
    let packed = first.finish().expect("unchanged").packed;
    let mut second = pass().expect("a file");
    second.step(1 << 20).expect("read");
    let end = text.len() as u64;
    fingerprint_before(&packed, end).expect("still there");
    file.change(|bytes| bytes.truncate(100));
    assert!(is_doubt(&fingerprint_before(&packed, end).expect_err("it was cut")));
    let mut left = Ok(Stepped::More);
    while matches!(left, Ok(Stepped::More)) {
        left = second.step(1 << 20);
    }
    assert!(is_doubt(&left.expect_err("it was cut")));
}
