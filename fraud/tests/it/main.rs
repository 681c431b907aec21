//! What the scorer promises to those who call it.

mod evaluate;
mod flood;
mod labels;
mod replay;
mod rules;
mod scoring;
mod world;
