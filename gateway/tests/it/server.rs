//! A real gateway: the binary in a process of its own, and clients that sign.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use gateway::sign::{Signer, ToSign};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use uuid::Uuid;

use crate::database;

/// How long a start may take on a machine that has other things to do.
const START_WAIT_MAX: Duration = Duration::from_mins(1);
const ANSWER_WAIT_MAX: Duration = Duration::from_mins(1);
/// How long views may be behind after many kills in a row.
const READY_WAIT_MAX: Duration = Duration::from_mins(1);

/// A gateway that was started and may not have its doors open yet.
pub(crate) struct Starting {
    child: Child,
    says: Lines<BufReader<ChildStdout>>,
}

/// A gateway that takes requests.
pub(crate) struct Server {
    starting: Starting,
    pub(crate) url: String,
}

impl Starting {
    /// Starts a gateway in a directory, on a free port.
    pub(crate) fn new(data: &Path) -> Self {
        Self::with(data, &[])
    }

    /// The same with some settings.
    pub(crate) fn with(data: &Path, settings: &[&str]) -> Self {
        Self::by(Command::new(env!("CARGO_BIN_EXE_gateway")), data, settings)
    }

    /// The same under a limit of how large a file may grow; writing more is an error, as on a full disk.
    pub(crate) fn limited(data: &Path, file_kib_max: u32) -> Self {
        // Shells count in blocks of 512 bytes. Who ignores the signal gets the error.
        let blocks = file_kib_max * 2;
        let limit = format!("trap '' XFSZ; ulimit -S -f {blocks}; exec \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &limit, "sh", env!("CARGO_BIN_EXE_gateway")]);
        Self::by(command, data, &[])
    }

    fn by(mut command: Command, data: &Path, settings: &[&str]) -> Self {
        if let Some(url) = database::noted(data) {
            command.env("JIAOZI_DATABASE", url);
        }
        let mut child = command
            .args(["serve", "--log", "warn"])
            .args(settings)
            .args(["--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary starts");
        let stdout = child.stdout.take().expect("its output is a pipe");
        Self {
            child,
            says: BufReader::new(stdout).lines(),
        }
    }

    /// Waits until it says where it listens.
    pub(crate) async fn up(mut self) -> Server {
        let listens = async {
            while let Some(line) = self.says.next_line().await.expect("its output is text") {
                if let Some(url) = line.trim().strip_prefix("listens on") {
                    return url.trim().to_owned();
                }
            }
            panic!("the gateway ended without having opened its doors");
        };
        let url = tokio::time::timeout(START_WAIT_MAX, listens)
            .await
            .expect("it starts in time");
        Server {
            starting: self,
            url,
        }
    }

    /// `kill -9`.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.expect("it can be killed");
    }
}

impl Server {
    pub(crate) async fn start(data: &Path) -> Self {
        database::of(data).await;
        Starting::new(data).up().await
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.starting.child.id().expect("it runs")
    }

    /// `kill -9`.
    pub(crate) async fn kill(self) {
        self.starting.kill().await;
    }

    /// Asks it to end, as a service manager would, and waits until it has.
    pub(crate) async fn stop(mut self) -> ExitStatus {
        let id = self.starting.child.id().expect("it runs").to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(asked.expect("there is a kill command").success());
        self.starting.child.wait().await.expect("it ends")
    }
}

/// What a request was answered with.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// Somebody with a key.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    signer: Signer,
    http: reqwest::Client,
}

impl Client {
    /// The operator of a data directory.
    pub(crate) fn operator(data: &Path) -> Self {
        let text = std::fs::read(data.join("operator.key")).expect("the first start wrote the key");
        let key: Value = serde_json::from_slice(&text).expect("the key file is JSON");
        Self::new(&key["key_id"], &key["secret"])
    }

    /// Whoever has the key that an answer to making one shows.
    pub(crate) fn of_key(answer: &Value) -> Self {
        Self::new(&answer["id"], &answer["secret"])
    }

    fn new(id: &Value, secret: &Value) -> Self {
        let text = |value: &Value| {
            value
                .as_str()
                .expect("a key has an id and a secret")
                .to_owned()
        };
        let http = reqwest::Client::builder()
            .timeout(ANSWER_WAIT_MAX)
            .build()
            .expect("a client");
        Self {
            signer: Signer::new(text(id), text(secret).as_bytes()),
            http,
        }
    }

    /// Signs a request, sends it and reads the answer. An error means that no answer came.
    pub(crate) async fn send(
        &self,
        url: &str,
        method: &str,
        target: &str,
        body: Option<&Value>,
        idempotency_key: Option<&str>,
    ) -> reqwest::Result<Answer> {
        let bytes = body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        let to_sign = ToSign {
            method,
            path,
            query,
            body: &bytes,
            idempotency_key,
        };
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("a clock after 1970")
            .as_secs();
        let nonce = Uuid::new_v4().to_string();
        let signed = self
            .signer
            .sign(&to_sign, now.cast_signed(), &nonce)
            .expect("it can be signed");
        let method = method.parse().expect("a method");
        let mut request = self.http.request(method, format!("{url}{target}"));
        for (name, value) in signed.iter() {
            request = request.header(name, value);
        }
        if !bytes.is_empty() {
            request = request
                .header("content-type", "application/json")
                .body(bytes);
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let bytes = answer.bytes().await?;
        // What is no JSON (a picture, nothing at all) is not looked into.
        Ok(Answer {
            status,
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
        })
    }

    /// A POST that must succeed.
    pub(crate) async fn post(&self, url: &str, target: &str, body: Value) -> Value {
        let body = (!body.is_null()).then_some(&body);
        let key = Uuid::now_v7().to_string();
        let answer = self
            .send(url, "POST", target, body, Some(&key))
            .await
            .expect("an answer");
        assert!(answer.status < 300, "POST {target}: {answer:?}");
        answer.body
    }

    /// A GET that must succeed; asked again while the server says that it is not ready, for a minute.
    pub(crate) async fn get(&self, url: &str, target: &str) -> Value {
        let asked = Instant::now();
        let answer = loop {
            let answer = self
                .send(url, "GET", target, None, None)
                .await
                .expect("an answer");
            let ready = answer.status != 503 || answer.body["code"] != "not_ready";
            if ready || asked.elapsed() > READY_WAIT_MAX {
                break answer;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        };
        assert_eq!(answer.status, 200, "GET {target}: {answer:?}");
        answer.body
    }
}
