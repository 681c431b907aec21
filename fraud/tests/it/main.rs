//! What the scorer promises to those who call it.

mod evaluate;
mod replay;
mod report;
mod rules;
mod scoring;
mod world;
