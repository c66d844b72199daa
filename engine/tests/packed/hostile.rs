//! Files that are broken, or were made to break their reader.

use proptest::prelude::*;
use tailwater_engine::packed::{FREE, Outcome, Packing};
use tailwater_engine::read::{ReadAt as _, read_exact_at};

use tailwater_protocol::Damage;

use super::make::{gzip, log, one_block, zstd};
use super::{all_of, open};

#[test]
fn a_file_cut_short_is_readable_up_to_there() {
    let text = log(5, 4 << 20);
    let whole = gzip(&text, 6);
    for kept in [3, 10, 12, 400, whole.len() / 2, whole.len() - 9, whole.len() - 8, whole.len() - 1]
    {
        let Outcome { packed, damage } = open(whole[..kept].to_vec(), 1 << 16);
        assert_eq!(damage, Some(Damage::Truncated), "{kept} bytes");
        let read = all_of(&packed);
        assert!(text.starts_with(&read), "{kept} bytes");
        assert!(read.len() * 2 > text.len() || kept <= whole.len() / 2, "{} of it", read.len());
    }
}

#[test]
fn a_second_member_cut_short_leaves_the_first() {
    let text = log(5, 100_000);
    let second = gzip(&text, 6);
    let mut file = gzip(&text, 9);
    file.extend(&second[..second.len() / 3]);
    let Outcome { packed, damage } = open(file, u64::MAX);
    assert_eq!(damage, Some(Damage::Truncated));
    assert!(packed.bytes() >= text.len() as u64);
    assert!(all_of(&packed).starts_with(&text));
}

#[test]
fn a_wrong_checksum_is_said() {
    let text = log(5, 1 << 20);
    let mut file = gzip(&text, 6);
    let at = file.len() - 6;
    file[at] ^= 1;
    let Outcome { packed, damage } = open(file, u64::MAX);
    assert_eq!(damage, Some(Damage::Checksum));
    assert_eq!(all_of(&packed), text);

    let mut file = zstd(&text, true);
    let at = file.len() - 2;
    file[at] ^= 1;
    assert_eq!(open(file, u64::MAX).damage, Some(Damage::Checksum));
}

#[test]
fn garbage_behind_it_is_passed_over() {
    let text = log(9, 50_000);
    for packed in [gzip(&text, 6), zstd(&text, true)] {
        let mut file = packed;
        file.extend(b"no member, no frame");
        let Outcome { packed, damage } = open(file, u64::MAX);
        assert_eq!(damage, None);
        assert_eq!(all_of(&packed), text);
    }
}

#[test]
fn what_is_no_compressed_file_is_told_by_its_bytes() {
    assert_eq!(Packing::of(b"2026-11-20 INFO plain text in a .gz"), None);
    assert_eq!(Packing::of(b""), None);
    assert_eq!(Packing::of(&gzip(b"", 6)), Some(Packing::Gzip));
    assert_eq!(Packing::of(&zstd(b"", true)), Some(Packing::Zstd));
    let Outcome { packed, damage } = open(gzip(b"", 6), 1);
    assert_eq!((packed.bytes(), damage), (0, None));
    assert_eq!(packed.read_at(&mut [0; 9], 0).expect("read"), 0);
}

#[test]
fn what_swells_is_read_no_further_than_it_may() {
    let zeros = vec![0; FREE as usize + (8 << 20)];
    let Outcome { packed, damage } = open(gzip(&zeros, 9), u64::MAX);
    assert_eq!(damage, Some(Damage::Ratio));
    assert!((FREE..FREE + (1 << 20)).contains(&packed.bytes()), "{}", packed.bytes());
    let mut buf = [1; 1000];
    read_exact_at(&packed, &mut buf, FREE - 1000).expect("read");
    assert_eq!(buf, [0; 1000]);

    let (file, _) = one_block(20 << 20);
    assert_eq!(open(file, u64::MAX).damage, None, "what is small may");

    // A frame of one repeated byte, 128 KiB for every four bytes of the file.
    let mut file = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 0x58];
    for _block in 0..1000 {
        let header = (128 * 1024) << 3 | 0b010_u32;
        file.extend(&header.to_le_bytes()[..3]);
        file.push(b'z');
    }
    let Outcome { packed, damage } = open(file, u64::MAX);
    assert_eq!(damage, Some(Damage::Ratio));
    assert!(packed.bytes() < FREE + (16 << 20), "{}", packed.bytes());
}

#[test]
fn one_large_frame_is_read_as_far_as_there_is_room() {
    let text = log(3, FREE as usize + (6 << 20));
    let file = zstd(&text, true);
    let Outcome { packed, damage } = open(file, u64::MAX);
    assert_eq!(damage, Some(Damage::Room));
    assert!((FREE..FREE + (1 << 20)).contains(&packed.bytes()), "{}", packed.bytes());
    let mut buf = [1; 1000];
    read_exact_at(&packed, &mut buf, FREE - 1000).expect("read");
    assert_eq!(buf, text[FREE as usize - 1000..FREE as usize]);
}

#[test]
fn a_window_above_the_bound_is_refused() {
    // A frame header that asks for a terabyte.
    let file = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 0xf0, 1, 0, 0];
    assert_eq!(open(file, u64::MAX).damage, Some(Damage::Window));
    // And one that asks for a dictionary.
    let file = vec![0x28, 0xb5, 0x2f, 0xfd, 1, 0x58, 9, 1, 0, 0];
    assert_eq!(open(file, u64::MAX).damage, Some(Damage::Dictionary));
}

#[test]
fn members_that_hold_nothing_cost_their_length() {
    let file = gzip(b"", 0).repeat(20_000);
    let Outcome { packed, damage } = open(file, 10_000);
    assert_eq!((packed.bytes(), damage), (0, None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever is done to a file, what it says can be read can be, again and again.
    #[test]
    fn damage_is_no_harm(
        seed: u64,
        zst: bool,
        at in any::<prop::sample::Index>(),
        bytes in prop::collection::vec(any::<u8>(), 1..40),
        cut in any::<prop::sample::Index>(),
    ) {
        let text = log(seed, 200_000);
        let mut file = if zst { zstd(&text, true) } else { gzip(&text, 6) };
        let at = 4 + at.index(file.len() - 4);
        for (to, from) in file[at..].iter_mut().zip(&bytes) {
            *to = *from;
        }
        if bytes.len() % 3 == 0 {
            file.truncate(4 + cut.index(file.len() - 4));
        }
        let Outcome { packed, .. } = open(file, 1 << 15);
        let first = all_of(&packed);
        prop_assert_eq!(&all_of(&packed), &first);
        let mut buf = vec![0; first.len().min(300)];
        let end = (first.len() - buf.len()) as u64;
        read_exact_at(&packed, &mut buf, end).expect("read");
        prop_assert!(first.ends_with(&buf));
    }
}
