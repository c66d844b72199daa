//! Logs, and what packs them.

use std::io::Write as _;

use proptest::prelude::*;

/// A part of a log that is packed by itself.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    seed: u64,
    bytes: usize,
    pub(crate) level: u32,
}

impl Part {
    pub(crate) fn text(&self) -> Vec<u8> {
        log(self.seed, self.bytes)
    }
}

pub(crate) fn part() -> impl Strategy<Value = Part> {
    let bytes = prop_oneof![1 => Just(0_usize), 3 => 0_usize..5000, 3 => 0_usize..900_000, 2 => 3_000_000_usize..7_000_000];
    (any::<u64>(), bytes, 0_u32..10).prop_map(|(seed, bytes, level)| Part { seed, bytes, level })
}

/// Lines as programs write them: alike, and each with something of its own.
pub(crate) fn log(seed: u64, bytes: usize) -> Vec<u8> {
    let mut random = seed | 1;
    let mut log = Vec::with_capacity(bytes + 200);
    let mut number = 0;
    while log.len() < bytes {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        number += 1;
        let level = ["INFO", "WARN", "ERROR"][(random % 3) as usize];
        let len = (random >> 8) as usize % 90;
        let line = format!(
            "2026-11-20T10:{:02}:{:02}.{number:06}Z {level} request {random:x} {}\n",
            number / 60 % 60,
            number % 60,
            "x".repeat(len)
        );
        log.extend(line.bytes());
    }
    log.truncate(bytes);
    log
}

/// A member; level 0 stores.
pub(crate) fn gzip(text: &[u8], level: u32) -> Vec<u8> {
    let named =
        flate2::GzBuilder::new().filename("app.log\x1b]0;").comment("c").extra(vec![7; 300]);
    let mut encoder = named.write(Vec::new(), flate2::Compression::new(level));
    encoder.write_all(text).expect("in memory");
    encoder.finish().expect("in memory")
}

/// A frame.
pub(crate) fn zstd(text: &[u8], packed: bool) -> Vec<u8> {
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};
    compress_to_vec(
        text,
        if packed { CompressionLevel::Fastest } else { CompressionLevel::Uncompressed },
    )
}

/// A member of one block that never ends, and its text: matches of 258 bytes, one letter further
/// on after each, so that every stretch of text says where it stands.
pub(crate) fn one_block(bytes: usize) -> (Vec<u8>, Vec<u8>) {
    let mut bits = Bits::default();
    bits.put(0b1, 1);
    bits.put(0b01, 2);
    let mut text = Vec::with_capacity(bytes + 300);
    let mut number = 0_u32;
    while text.len() < bytes {
        number += 1;
        for byte in number.to_string().bytes().chain([b'\n']) {
            bits.literal(byte);
            text.push(byte);
        }
        bits.longest_match();
        let last = text[text.len() - 1];
        text.resize(text.len() + 258, last);
    }
    bits.huffman(0, 7);
    let mut crc = flate2::Crc::new();
    crc.update(&text);
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    file.extend(bits.finish());
    file.extend(crc.sum().to_le_bytes());
    file.extend((text.len() as u32).to_le_bytes());
    (file, text)
}

/// Deflate's order of bits.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    buffer: u32,
    held: u32,
}

impl Bits {
    fn put(&mut self, value: u32, bits: u32) {
        self.buffer |= value << self.held;
        self.held += bits;
        while self.held >= 8 {
            self.bytes.push(self.buffer as u8);
            self.buffer >>= 8;
            self.held -= 8;
        }
    }

    /// Codes stand with their first bit first.
    fn huffman(&mut self, code: u32, bits: u32) {
        self.put(code.reverse_bits() >> (32 - bits), bits);
    }

    /// By the fixed code.
    fn literal(&mut self, byte: u8) {
        assert!(byte < 144, "of eight bits");
        self.huffman(0x30 + u32::from(byte), 8);
    }

    /// 258 times the byte before.
    fn longest_match(&mut self) {
        self.huffman(0xc0 + 285 - 280, 8);
        self.huffman(0, 5);
    }

    fn finish(mut self) -> Vec<u8> {
        self.put(0, 7);
        self.bytes
    }
}
