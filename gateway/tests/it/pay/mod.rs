//! The payment rules without HTTP or SQL: stories, and a naive second implementation that must agree.

mod model;
mod property;
mod sending;
mod story;
mod world;
