//! The first start: a house without a key could let nobody in.
//!
//! The first operator's key is made once in the life of a journal, under a key of the *once* index. Asking again gives
//! the first answer again, its secret sealed inside; so a start that was interrupted between making the key and
//! writing its file loses nothing, and a file that was lost is written again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ledger::Submission;
use serde::Serialize;

use super::ask::new_id;
use super::secrets::{new_secret, write_private};
use super::{App, StartError};
use crate::api::once;
use crate::pay::{Command, KeyId, Outcome, Owner};
use crate::problem::Problem;

/// The file of the operator's key, inside the data directory.
pub const OPERATOR_KEY_FILE: &str = "operator.key";
/// How long the start waits until the journal takes commands.
const READY_WAIT_MAX: Duration = Duration::from_secs(60);

/// The operator's key, in the one form in which its file keeps it.
#[derive(Clone, Debug, Serialize)]
pub struct FirstKey {
    pub key_id: KeyId,
    /// As text; its bytes are what signs.
    pub secret: String,
    #[serde(skip)]
    pub file: PathBuf,
}

/// Makes the operator's key, or finds the one that was made. Returns it if it is new.
pub(super) async fn first_key(app: &App, data: &Path) -> Result<Option<FirstKey>, StartError> {
    let failed = |problem: Problem| {
        let cause = problem.cause.unwrap_or(problem.detail);
        StartError::FirstKey(cause.into())
    };
    wait_until_ready(app).await?;
    let id = KeyId(new_id());
    let make = Command::AddKey {
        id,
        owner: Owner::Operator,
        secret: app.secrets.seal(&new_secret()?, &id.to_string())?,
    };
    let made = Submission::new(make).once(once::of_start("operator key"));
    let made = app.submit(made).await.map_err(failed)?;
    let Outcome::Key(key) = made.outcome else {
        return Err(StartError::FirstKey("the rules refused it".to_owned()));
    };
    let secret = app.secrets.open(&key.secret, &key.id.to_string())?;
    let first = FirstKey {
        key_id: key.id,
        secret: String::from_utf8_lossy(secret.expose()).into_owned(),
        file: data.join(OPERATOR_KEY_FILE),
    };
    if !first.file.exists() {
        let text = serde_json::to_string(&first).map_err(std::io::Error::from);
        let written = text.and_then(|text| write_private(&first.file, &text));
        written.map_err(|source| StartError::KeyFile {
            file: first.file.clone(),
            source,
        })?;
    }
    Ok((!made.again).then_some(first))
}

async fn wait_until_ready(app: &App) -> Result<(), StartError> {
    let ready = async {
        while !app.is_ready() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let waited = tokio::time::timeout(READY_WAIT_MAX, ready).await;
    waited.map_err(|_| StartError::FirstKey("the journal does not take commands".to_owned()))
}
