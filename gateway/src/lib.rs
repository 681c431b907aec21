pub mod config;
pub mod qr;
