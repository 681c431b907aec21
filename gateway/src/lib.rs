pub mod config;
pub mod problem;
pub mod qr;
pub mod sign;
