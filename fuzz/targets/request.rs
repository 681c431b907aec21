#![no_main]

#[path = "../house.rs"]
mod house;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| house::ask(bytes));
