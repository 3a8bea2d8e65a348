#![no_main]

#[path = "../one_reader.rs"]
mod one_reader;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| one_reader::read("picture", bytes));
