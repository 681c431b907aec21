//! The ledger's integration tests, one binary.

mod core_oracle;
mod core_pair;
mod core_random;
mod core_scenarios;
mod shell_sequencer;
mod shell_tasks;
