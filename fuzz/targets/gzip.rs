//! See `tailwater_fuzz::gzip`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tailwater_fuzz::gzip(data));
