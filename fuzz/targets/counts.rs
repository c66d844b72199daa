//! See `tailwater_fuzz::counts`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tailwater_fuzz::counts(data));
