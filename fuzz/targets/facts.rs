//! See `tailwater_fuzz::facts`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tailwater_fuzz::facts(data));
