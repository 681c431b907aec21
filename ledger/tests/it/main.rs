//! The ledger's integration tests, one binary.

mod core_dice;
mod core_oracle;
mod core_oracle_steps;
mod core_oracle_velocity;
mod core_pair;
mod core_random;
mod core_scenarios;
mod core_story;
mod postgres;
mod shell_archive;
mod shell_books;
#[macro_use]
mod shell_fixture;
mod shell_crash;
mod shell_disk;
mod shell_golden;
mod shell_hot;
mod shell_once;
mod shell_postgres;
mod shell_retry;
mod shell_sequencer;
mod shell_tasks;
mod shell_verify;
mod shell_views;
