//! Which database a test's gateway keeps its data in: files, or with `JIAOZI_TEST_DATABASE=postgres` a database of
//! its own on a real server. The address is noted in the data directory, so that the next gateway there finds it.

use std::path::Path;
use std::process::Command;

use crate::postgres::server;

/// The file that holds the address.
const NOTE: &str = "test-database";

/// Notes that a directory's data are files whatever is wanted, for tests of what is done to files.
pub(crate) fn in_files(data: &Path) {
    std::fs::create_dir_all(data).expect("the directory can be made");
    std::fs::write(data.join(NOTE), "").expect("it can be noted");
}

/// The address of a directory's database; `None` for files.
pub(crate) async fn of(data: &Path) -> Option<String> {
    let wanted = std::env::var("JIAOZI_TEST_DATABASE").is_ok_and(|name| name == "postgres");
    if wanted && !data.join(NOTE).exists() {
        return Some(on_server(data).await);
    }
    noted(data)
}

/// Makes a database for a directory that has none, and tells its address.
pub(crate) async fn on_server(data: &Path) -> String {
    let server = server();
    let url = server.url(&server.database().await);
    std::fs::create_dir_all(data).expect("the directory can be made");
    std::fs::write(data.join(NOTE), &url).expect("the address can be noted");
    url
}

/// The address that is noted.
pub(crate) fn noted(data: &Path) -> Option<String> {
    let note = std::fs::read_to_string(data.join(NOTE)).ok()?;
    (!note.is_empty()).then_some(note)
}

/// Tells a command the database of the directory that it is given by `--data`.
pub(crate) fn tell<'a>(command: &'a mut Command, arguments: &[&str]) -> &'a mut Command {
    let data = arguments.windows(2).find(|two| two[0] == "--data");
    if let Some(url) = data.and_then(|two| noted(Path::new(two[1]))) {
        command.env("JIAOZI_DATABASE", url);
    }
    command.args(arguments)
}
