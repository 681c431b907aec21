//! The examples in `docs/signing.md` are run as they stand there, against a server that verifies.

use std::{
    env::temp_dir,
    fs,
    path::PathBuf,
    process::Stdio,
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, Method, Uri},
    response::{IntoResponse, Response},
};
use gateway::{
    problem::Problem,
    sign::{SignedHead, Signer, ToSign},
};
use tokio::{net::TcpListener, process::Command};

use super::{KEY_ID, SECRET, verify};

/// A document of the project.
pub(crate) fn document(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../docs")
        .join(name);
    fs::read_to_string(path).unwrap()
}

/// The first block of code in a language.
pub(crate) fn block(document: &str, language: &str) -> String {
    let (_, after) = document
        .split_once(&format!("```{language}\n"))
        .expect("a block of code");
    let (code, _) = after.split_once("```").expect("an end of the block");
    code.to_owned()
}

#[test]
fn the_worked_example_is_right() {
    let document = document("signing.md");
    let request = block(&document, "http");
    let (head, body) = request.trim_end().split_once("\n\n").unwrap();
    let idempotency_key = head
        .lines()
        .find_map(|line| line.strip_prefix("idempotency-key: "));
    let request = ToSign {
        method: "POST",
        path: "/v1/orders",
        query: None,
        body: body.as_bytes(),
        idempotency_key,
    };
    let signer = Signer::new(
        "key_0197a3e5c4b17f20a1b2c3d4e5f60718",
        b"this-is-not-a-secret-but-an-example",
    );
    let nonce = "3f9c0a52-5a1e-4b1c-9d57-0c8f5d2b7a64";
    let worked_out = signer.sign(&request, 1_769_846_400, nonce).unwrap();
    let headers: Vec<_> = worked_out
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    for expected in [worked_out.base, headers.join("\n")] {
        assert!(
            document.contains(&format!("\n{expected}\n")),
            "the document lacks\n{expected}"
        );
    }
}

/// A server that notes of each request whether its signature is good.
struct Verifier {
    url: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Verifier {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&seen);
        let handle = async move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let (said, answer) = Self::answer(&method, &uri, &headers, &body);
            record.lock().unwrap().push(said);
            answer
        };
        tokio::spawn(async { axum::serve(listener, Router::new().fallback(handle)).await });
        Self { url, seen }
    }

    fn answer(method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> (String, Response) {
        let head = SignedHead {
            method: method.as_str(),
            path: uri.path(),
            query: uri.query(),
            headers,
        };
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = i64::try_from(since.as_secs()).unwrap();
        match verify(&head, body, now) {
            Ok(_) => {
                let idempotent = headers.contains_key("idempotency-key");
                let body = String::from_utf8_lossy(body);
                let said = format!("{method} {uri} {idempotent} {body}");
                (said, "{\"verified\": true}\n".into_response())
            }
            Err(error) => (error.to_string(), Problem::from(error).into_response()),
        }
    }
}

/// Runs a program from the document and returns what the server saw.
async fn run(interpreter: &str, language: &str) -> Vec<String> {
    let server = Verifier::start().await;
    let program = temp_dir().join(format!("signing-{}.{language}", std::process::id()));
    fs::write(&program, block(&document("signing.md"), language)).unwrap();
    let output = Command::new(interpreter)
        .arg(&program)
        .env("JIAOZI_URL", &server.url)
        .env("JIAOZI_KEY_ID", KEY_ID)
        .env("JIAOZI_SECRET", str::from_utf8(SECRET).unwrap())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap_or_else(|error| panic!("{interpreter} is needed to check the document: {error}"));
    fs::remove_file(program).unwrap();
    let seen = server.seen.lock().unwrap().clone();
    assert!(
        output.status.success(),
        "{output:?}, and the server saw {seen:?}"
    );
    assert_eq!(
        String::from_utf8_lossy(&output.stdout)
            .to_lowercase()
            .matches("true")
            .count(),
        2
    );
    seen
}

#[tokio::test]
async fn the_python_program_signs_as_the_server_verifies() {
    let order = concat!(
        r#"{"number": "A-1001", "amount": {"amount": 1250, "currency": "CNY"}, "#,
        r#""description": "Dumplings"}"#
    );
    let expected = [
        format!("POST /v1/orders true {order}"),
        "GET /v1/orders?limit=10 false ".to_owned(),
    ];
    assert_eq!(run("python3", "python").await, expected);
}

#[tokio::test]
async fn the_shell_program_signs_as_the_server_verifies() {
    let order = concat!(
        r#"{"number":"A-1001","amount":{"amount":1250,"currency":"CNY"},"#,
        r#""description":"Dumplings"}"#
    );
    let expected = [
        format!("POST /v1/orders true {order}"),
        "GET /v1/orders?limit=10 false ".to_owned(),
    ];
    assert_eq!(run("sh", "sh").await, expected);
}
