//! See `tailwater_fuzz::zstd`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tailwater_fuzz::zstd(data));
