//! The stories in `docs/scenarios`, told to a real gateway.
//!
//! A story is a page for people. Its fenced blocks are requests and the replies they must get:
//!
//! ````text
//! ```http as shop
//! POST /v1/orders
//! {"number": "A-1", "amount": {"amount": 1250, "currency": "CNY"}, "description": "Dumplings"}
//! ```
//! ```json 201
//! {"order": {"id": "{order}", "state": "open"}}
//! ```
//! ````
//!
//! - `as NAME` signs with the key of that name; `operator` is there from the start. `key NAME` after it keeps the key
//!   that the reply shows under a name.
//! - `device NAME` keeps a wallet's new device under a name. `{new code of NAME}` in a request is a payment code that it
//!   makes, `{code of NAME}` the last one again, and `{NAME's signature of X}` what it signs of the text called X.
//! - `once KEY` sends that idempotency key; without it each POST gets a new one.
//! - A reply must have the status and hold what is written, and may hold more. Lists must be as long as written.
//! - A story that "goes on after" another, by a link, is told after that one.
//! - `{in a day}` is that moment.
//! - `{name}` in a reply stands for any text, which the story calls by that name from then on.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gateway::payment_code::{PaymentCode, step_at};
use gateway::secret::Secret;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use tempfile::TempDir;
use uuid::Uuid;

use super::layering::workspace;
use super::server::{Answer, Client, Server};

#[tokio::test(flavor = "multi_thread")]
async fn every_story_goes_as_it_is_told() {
    let stories = stories();
    assert!(
        stories.len() >= 3,
        "only {} stories were found",
        stories.len()
    );
    for file in stories {
        let directory = TempDir::new().unwrap();
        let server = Server::start(directory.path()).await;
        let mut telling = Telling::new(&server.url, Client::operator(directory.path()));
        for page in with_what_came_before(&file) {
            let scenes = scenes(&fs::read_to_string(&page).unwrap());
            assert!(!scenes.is_empty(), "{} tells nothing", page.display());
            for scene in scenes {
                if let Err(what) = telling.play(&scene).await {
                    panic!("{}:{}: {what}", page.display(), scene.line);
                }
            }
        }
    }
}

/// The page, after those that it goes on after.
fn with_what_came_before(page: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(page).unwrap();
    let before = text.split("goes on after [").nth(1).and_then(|rest| {
        let (_, rest) = rest.split_once("](")?;
        Some(page.with_file_name(rest.split_once(')')?.0))
    });
    let mut pages = before.map_or_else(Vec::new, |before| with_what_came_before(&before));
    pages.push(page.to_owned());
    pages
}

fn stories() -> Vec<PathBuf> {
    let folder = workspace().join("docs/scenarios");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|file| is_story(file)).collect();
    files.sort();
    files
}

/// Every page but the list of them.
fn is_story(file: &Path) -> bool {
    file.extension() == Some("md".as_ref()) && file.file_name() != Some("README.md".as_ref())
}

/// A request and the reply it must get.
#[derive(Debug, Default, PartialEq, Eq)]
struct Scene {
    line: usize,
    /// What stands after `http`, in pairs.
    told: BTreeMap<String, String>,
    method: String,
    target: String,
    body: String,
    status: u16,
    reply: String,
}

fn scenes(markdown: &str) -> Vec<Scene> {
    let mut scenes: Vec<Scene> = Vec::new();
    let mut lines = markdown.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(info) = line.strip_prefix("```").filter(|info| !info.is_empty()) else {
            continue;
        };
        let inside: Vec<&str> = lines
            .by_ref()
            .map(|(_, line)| line)
            .take_while(|line| *line != "```")
            .collect();
        if let Some(told) = info.strip_prefix("http ") {
            scenes.push(request(number + 1, told, &inside));
        } else if let Some(status) = info.strip_prefix("json ") {
            let scene = scenes.last_mut().expect("a reply follows a request");
            scene.status = status.parse().expect("a status follows json");
            scene.reply = inside.join("\n");
        }
    }
    scenes
}

fn request(line: usize, told: &str, inside: &[&str]) -> Scene {
    let words: Vec<&str> = told.split_whitespace().collect();
    let pair = |pair: &[&str]| match pair {
        [name, value] => ((*name).to_owned(), (*value).to_owned()),
        _ => panic!("line {line}: {told:?} is not made of pairs"),
    };
    let (method, target) = inside[0].split_once(' ').expect("a method and a path");
    Scene {
        line,
        told: words.chunks(2).map(pair).collect(),
        method: method.to_owned(),
        target: target.to_owned(),
        body: inside[1..].join("\n"),
        ..Scene::default()
    }
}

/// A story under way: who has which key and which phone, and what has which name.
struct Telling<'a> {
    url: &'a str,
    keys: BTreeMap<String, Client>,
    phones: BTreeMap<String, Phone>,
    names: BTreeMap<String, String>,
}

/// A device of a wallet. Its codes follow each other by the minute, and nobody waits for one: the first is of the minute
/// that has gone, the third of the one that comes, and a till takes all three.
struct Phone {
    id: String,
    secret: String,
    handle: u32,
    ahead: i64,
}

impl Phone {
    fn of(answer: &Value) -> Self {
        let text = |name: &str| answer[name].as_str().expect("a device has it").to_owned();
        Self {
            id: text("id"),
            secret: text("secret"),
            handle: text("handle").parse().expect("a handle is a number"),
            ahead: -1,
        }
    }

    fn new_code(&mut self) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = step_at(now.expect("a clock after 1970").as_secs());
        let step = now.checked_add_signed(self.ahead).expect("a step");
        self.ahead += 1;
        assert!(self.ahead <= 2, "a phone makes three codes in a story");
        PaymentCode::make(&Secret::new(self.secret.as_bytes()), self.handle, step).to_string()
    }

    fn sign(&self, text: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).expect("any length");
        mac.update(text.as_bytes());
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }
}

/// A moment that has not come yet, for what must end in the future.
fn in_a_day() -> String {
    let tomorrow = chrono::Utc::now() + chrono::Duration::days(1);
    tomorrow.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

impl<'a> Telling<'a> {
    fn new(url: &'a str, operator: Client) -> Self {
        Self {
            url,
            keys: BTreeMap::from([("operator".to_owned(), operator)]),
            phones: BTreeMap::new(),
            names: BTreeMap::from([("in a day".to_owned(), in_a_day())]),
        }
    }

    async fn play(&mut self, scene: &Scene) -> Result<(), String> {
        self.ask_phones(&scene.body);
        let answer = self.send(scene).await?;
        if answer.status != scene.status {
            return Err(format!(
                "the story says {}, the gateway says {} {:#}",
                scene.status, answer.status, answer.body
            ));
        }
        if !scene.reply.trim().is_empty() {
            let told: Value = serde_json::from_str(&scene.reply)
                .map_err(|error| format!("the reply: {error}"))?;
            self.compare("", &told, &answer.body)?;
        }
        if let Some(name) = scene.told.get("key") {
            self.keys.insert(name.clone(), Client::of_key(&answer.body));
        }
        if let Some(name) = scene.told.get("device") {
            let phone = Phone::of(&answer.body);
            self.names.insert(name.clone(), phone.id.clone());
            self.phones.insert(name.clone(), phone);
        }
        Ok(())
    }

    /// Has phones make the codes and signatures that a request names.
    fn ask_phones(&mut self, body: &str) {
        for (phone, device) in &mut self.phones {
            let new = format!("new code of {phone}");
            if body.contains(&new) {
                let code = device.new_code();
                self.names.insert(format!("code of {phone}"), code.clone());
                self.names.insert(new, code);
            }
            let signature = format!("{phone}'s signature of ");
            if let Some((_, rest)) = body.split_once(&signature) {
                let name = rest.split('}').next().unwrap_or_default();
                let signed = device.sign(&self.names[name]);
                self.names.insert(format!("{signature}{name}"), signed);
            }
        }
    }

    async fn send(&self, scene: &Scene) -> Result<Answer, String> {
        let who = scene.told.get("as").ok_or("nobody is said to ask")?;
        let client = self
            .keys
            .get(who)
            .ok_or_else(|| format!("{who} has no key yet"))?;
        let body = self.named(&scene.body);
        let body = match body.trim() {
            "" => None,
            text => {
                Some(serde_json::from_str(text).map_err(|error| format!("the request: {error}"))?)
            }
        };
        let new = || (scene.method == "POST").then(|| Uuid::now_v7().to_string());
        let once = scene.told.get("once").cloned().or_else(new);
        let target = self.named(&scene.target);
        let answer = client
            .send(
                self.url,
                &scene.method,
                &target,
                body.as_ref(),
                once.as_deref(),
            )
            .await;
        answer.map_err(|error| format!("no answer: {error}"))
    }

    /// A text with the names in it replaced by what they stand for.
    fn named(&self, text: &str) -> String {
        let replace = |text: String, (name, value): (&String, &String)| {
            text.replace(&format!("{{{name}}}"), value)
        };
        self.names.iter().fold(text.to_owned(), replace)
    }

    /// Whether a value holds what is told, and gives names to what is new.
    fn compare(&mut self, at: &str, told: &Value, found: &Value) -> Result<(), String> {
        match (told, found) {
            (Value::Object(told), Value::Object(found)) => {
                told.iter().try_for_each(|(name, told)| {
                    self.compare(
                        &format!("{at}/{name}"),
                        told,
                        found.get(name).unwrap_or(&Value::Null),
                    )
                })
            }
            (Value::Array(told), Value::Array(found)) if told.len() == found.len() => {
                let mut pairs = told.iter().zip(found).enumerate();
                pairs.try_for_each(|(no, (told, found))| {
                    self.compare(&format!("{at}/{no}"), told, found)
                })
            }
            (Value::String(told), Value::String(found)) => self.compare_text(at, told, found),
            _ if told == found => Ok(()),
            _ => Err(format!("{at} should be {told}, but is {found}")),
        }
    }

    fn compare_text(&mut self, at: &str, told: &str, found: &str) -> Result<(), String> {
        let name = told
            .strip_prefix('{')
            .and_then(|told| told.strip_suffix('}'));
        if let Some(name) = name.filter(|name| !self.names.contains_key(*name)) {
            self.names.insert(name.to_owned(), found.to_owned());
            return Ok(());
        }
        let told = self.named(told);
        if told == found {
            Ok(())
        } else {
            Err(format!("{at} should be {told:?}, but is {found:?}"))
        }
    }
}

#[test]
fn a_story_is_read_from_its_page() {
    let page = "Once.\n```http as shop once k1\nPOST /v1/orders\n{\"a\": 1}\n```\nThen.\n```json 201\n{}\n```\n```sh\nls\n```\n";
    let told = BTreeMap::from([
        ("as".to_owned(), "shop".to_owned()),
        ("once".to_owned(), "k1".to_owned()),
    ]);
    let scene = Scene {
        line: 2,
        told,
        method: "POST".to_owned(),
        target: "/v1/orders".to_owned(),
        body: "{\"a\": 1}".to_owned(),
        status: 201,
        reply: "{}".to_owned(),
    };
    assert_eq!(scenes(page), [scene]);
}

#[test]
fn a_reply_holds_at_least_what_is_told() {
    fn check(told: &str, found: &str, holds: bool) {
        let json = |text| serde_json::from_str(text).unwrap();
        let mut telling = Telling {
            url: "",
            keys: BTreeMap::new(),
            phones: BTreeMap::new(),
            names: BTreeMap::new(),
        };
        telling.names.insert("order".to_owned(), "ord_1".to_owned());
        assert_eq!(
            telling.compare("", &json(told), &json(found)).is_ok(),
            holds,
            "{told} in {found}"
        );
    }

    check(r#"{"a": 1}"#, r#"{"a": 1, "b": 2}"#, true);
    check(r#"{"a": 1}"#, r#"{"b": 2}"#, false);
    check(r#"{"a": null}"#, r#"{"b": 2}"#, true);
    check("[1]", "[1, 2]", false);
    check(r#"{"id": "{order}"}"#, r#"{"id": "ord_1"}"#, true);
    check(r#"{"id": "{order}"}"#, r#"{"id": "ord_2"}"#, false);
    check(r#"{"id": "{other}"}"#, r#"{"id": "ord_2"}"#, true);
    check(r#"{"link": "/c/{order}"}"#, r#"{"link": "/c/ord_1"}"#, true);
}

#[test]
fn the_stories_are_listed() {
    let list = fs::read_to_string(workspace().join("docs/scenarios/README.md")).unwrap();
    for story in stories() {
        let name = story.file_name().unwrap().to_string_lossy().into_owned();
        assert!(list.contains(&format!("({name})")), "{name} is not listed");
    }
}
