//! The command line as a person uses it: what it prints, where, and with which exit code.

mod backup;
mod exchange;
mod fraud;
mod ledger;
mod listen;
mod qr;
mod service;

use std::process::{Command, Output};

use tempfile::TempDir;

use crate::database;

/// Runs the real binary and returns its exit code, standard output and standard error.
pub(crate) fn gateway(arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
    let command = database::tell(&mut command, arguments);
    said(&command.output().expect("the binary starts"))
}

fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code().expect("it ended by itself"),
        text(&output.stdout),
        text(&output.stderr),
    )
}

fn in_folder(folder: &TempDir, file: &str) -> String {
    folder
        .path()
        .join(file)
        .to_str()
        .expect("a path in UTF-8")
        .to_owned()
}

#[test]
fn every_command_has_help_with_an_example() {
    let mut seen = 0;
    let mut waiting = vec![Vec::new()];
    while let Some(path) = waiting.pop() {
        let arguments: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
        let (code, help, _) = gateway(&arguments);
        assert_eq!(code, 0, "{arguments:?}");
        let inner = commands(&help);
        if inner.is_empty() {
            seen += 1;
            assert!(
                help.contains("Example"),
                "`gateway {}` shows no example:\n{help}",
                path.join(" ")
            );
        }
        waiting.extend(
            inner
                .into_iter()
                .map(|command| [path.clone(), vec![command]].concat()),
        );
    }
    assert!(seen >= 3, "only {seen} commands were found");
}

/// The commands that a help text lists.
fn commands(help: &str) -> Vec<String> {
    let listed = help.split("Commands:\n").nth(1).unwrap_or_default();
    let names = listed.lines().take_while(|line| line.starts_with("  "));
    let names = names
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned);
    names.filter(|name| name != "help").collect()
}
