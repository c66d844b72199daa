//! See `tailwater_fuzz::fields`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tailwater_fuzz::fields(data));
