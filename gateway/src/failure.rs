//! How a failure is told to people on a command line.

use std::fmt::Write as _;

/// The failure and its causes in one line. A cause whose words are in the line already is not said again: many errors
/// tell their cause themselves, for readers who see only the outermost.
pub fn told(error: &anyhow::Error) -> String {
    let mut line = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !line.contains(&cause) {
            // Writing to a string cannot fail.
            let _ = write!(line, ": {cause}");
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn each_cause_is_told_once() {
        let cause = std::io::Error::other("no such file");
        let error = anyhow::Error::new(cause).context("cannot read a.png: no such file");
        let error = Err::<(), _>(error).context("cannot decode");
        assert_eq!(
            told(&error.unwrap_err()),
            "cannot decode: cannot read a.png: no such file"
        );
    }
}
