//! The town as its visitors meet it: the real program, in a process of its own.

mod process;
mod same_seed;
mod town;
