//! Compressed files: read anywhere as their text, sound or not, at a bounded cost.

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use tailwater_engine::packed::{FREE, Packed, Packing, Pass, Pieces, Stepped};
use tailwater_engine::read::{ReadAt, read_exact_at};

use crate::choice::Choices;
use crate::file::Memory;

/// Bytes of a text that is large.
const LARGE: usize = 100_000;

pub fn gzip(data: &[u8]) {
    packed(data, b"\x1f\x8b\x08", |text, choices| {
        let level = u32::from(choices.byte() % 10);
        // Packing well what is large would be nearly all of the time.
        let level = if text.len() > LARGE { level.min(1) } else { level };
        let level = flate2::Compression::new(level);
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
        encoder.write_all(text).expect("in memory");
        if choices.byte().is_multiple_of(4) {
            encoder.flush().expect("in memory");
        }
        encoder.finish().expect("in memory")
    });
}

pub fn zstd(data: &[u8]) {
    packed(data, b"\x28\xb5\x2f\xfd", |text, choices| {
        let plain = choices.byte().is_multiple_of(4) || text.len() > LARGE;
        let level = if plain { CompressionLevel::Uncompressed } else { CompressionLevel::Fastest };
        compress_to_vec(text, level)
    });
}

fn packed(data: &[u8], magic: &[u8], pack: impl Fn(&[u8], &mut Choices<'_>) -> Vec<u8>) {
    let mut choices = Choices::of(data);
    let mode = choices.byte() % 4;
    let (probe, at, with) = (choices.short(), choices.short(), choices.byte());
    if mode == 0 {
        // Whatever comes behind what says how it is packed.
        let file = [magic, choices.rest()].concat();
        let read = check(&file, probe);
        if magic[0] == 0x1f {
            as_others(&file, &read);
        }
        return;
    }
    let repeated = choices.byte();
    let parts = 1 + choices.below(3);
    let mut spare = Choices::of(choices.rest());
    let mut text = Vec::new();
    let mut file = Vec::new();
    for _ in 0..parts {
        let (level, flush) = (spare.byte(), spare.byte());
        let part = stretched(spare.rest_so_far(), repeated, probe);
        file.extend(pack(&part, &mut Choices::of(&[flush, level])));
        text.extend(part);
    }
    if mode == 1 {
        let (index, len) = (4 + at % (file.len() - 4), file.len());
        file[index] ^= with.max(1);
        if with.is_multiple_of(5) {
            file.truncate(len - probe % (len - 4));
        }
        check(&file, probe);
        return;
    }
    let read = check(&file, probe);
    assert!(read == text, "{} bytes of {}", read.len(), text.len());
}

/// Some bytes made many; now and then so many that there is more than one stride of them, which
/// takes a thousand times as long.
fn stretched(bytes: &[u8], repeated: u8, probe: usize) -> Vec<u8> {
    let times = match repeated {
        255 if probe.is_multiple_of(64) => (2_500_000 / bytes.len().max(1)).min(40_000),
        _ => usize::from(repeated) / 32,
    };
    let mut text = bytes.to_vec();
    for number in 0..times as u32 {
        text.extend_from_slice(&number.wrapping_mul(0x5bd1_e995).to_le_bytes());
        text.extend_from_slice(bytes);
    }
    text
}

/// Reads all of it, once in order and then here and there; gives the text.
fn check(file: &[u8], probe: usize) -> Vec<u8> {
    let packing = Packing::of(file).expect("it says so");
    let memory = Arc::new(Memory { short: 50_000, ..Memory::new(file) });
    let mut pass = Pass::new(memory, packing, Arc::new(Pieces::new())).expect("in memory");
    let budget = if probe.is_multiple_of(3) { 1 + probe as u64 } else { 1 << 20 };
    while pass.step(budget).expect("in memory") == Stepped::More {}
    let packed = pass.finish().expect("it did not change").packed;
    assert!(packed.bytes() <= FREE + (16 << 20));
    let mut text = vec![0; packed.bytes() as usize];
    read_exact_at(&packed, &mut text, 0).expect("what is said to be there can be read");
    here_and_there(&packed, &text, probe);
    text
}

fn here_and_there(packed: &Packed, text: &[u8], probe: usize) {
    let mut at = probe;
    for step in 1..8 {
        at = at.wrapping_mul(2_654_435_761).wrapping_add(step * 40_503) % (text.len() + 1);
        let len = (at ^ probe) % 70_000;
        let mut buf = vec![0; len.min(text.len() - at)];
        read_exact_at(packed, &mut buf, at as u64).expect("again");
        assert!(buf == text[at..at + buf.len()], "{} bytes at {at} are others", buf.len());
    }
    assert_eq!(packed.read_at(&mut [0; 9], text.len() as u64).expect("at the end"), 0);
}

/// What another reader takes for sound, is read alike.
fn as_others(file: &[u8], read: &[u8]) {
    let mut other = Vec::new();
    let decoder = flate2::bufread::MultiGzDecoder::new(file);
    let sound = decoder.take(FREE).read_to_end(&mut other).is_ok();
    if sound && (other.len() as u64) < FREE {
        assert!(read == other, "{} bytes of {}", read.len(), other.len());
    } else {
        let common = other.len().min(read.len());
        assert!(read[..common] == other[..common], "alike as far as both go");
    }
}
