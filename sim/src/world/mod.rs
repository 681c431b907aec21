//! The town: who lives in it and what they set out to do. Pure: a seed gives the same town and the
//! same errands on any machine, in whatever order and however fast they are run.

pub(crate) mod chat;
pub(crate) mod crook;
pub(crate) mod errand;
pub(crate) mod stream;
pub(crate) mod town;

pub(crate) use chat::{Chat, Sends};
pub(crate) use errand::{Errand, Fate};
pub(crate) use town::{Person, Shop, Town};
