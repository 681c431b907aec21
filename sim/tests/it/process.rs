//! Running the program.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// Runs the program to its end; its summary is written to a file in the directory.
pub(crate) fn summary(directory: &Path, flags: &[&str]) -> Value {
    let file = directory.join("summary.json");
    let output = command(flags)
        .arg("--json")
        .arg(&file)
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{}", told(&output));
    let summary = std::fs::read(&file).expect("a summary was written");
    serde_json::from_slice(&summary).expect("the summary is JSON")
}

/// Starts the program and leaves it running; its output can be read line by line.
pub(crate) fn start(flags: &[&str]) -> (Child, impl Iterator<Item = String> + use<>) {
    let mut child = command(flags)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let output = child.stdout.take().expect("its output is ours");
    let lines = BufReader::new(output).lines().map_while(Result::ok);
    (child, lines)
}

/// Sends a signal, as `kill` does in a shell.
pub(crate) fn signal(child: &Child, signal: &str) {
    let sent = Command::new("kill")
        .arg(format!("-{signal}"))
        .arg(child.id().to_string())
        .status();
    assert!(sent.expect("there is a kill command").success());
}

fn command(flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sim"));
    command.args(flags);
    command
}

fn told(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    String::from_utf8_lossy(out).into_owned() + &String::from_utf8_lossy(err)
}
