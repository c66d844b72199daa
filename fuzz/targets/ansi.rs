//! See `tailwater_fuzz::ansi`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tailwater_fuzz::ansi(data));
