pub mod config;
pub mod problem;
pub mod qr;
pub mod secret;
pub mod sign;
pub mod webhook;
