//! What the scorer promises to those who call it.

mod scoring;
mod world;
