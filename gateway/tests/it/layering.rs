//! The plan of the house holds: no room imports what it must not.
//!
//! The crates' manifests say what may be imported at all; the source says what is. Both are read as text, so that a
//! rule also holds for code that this build leaves out. A path counts wherever it is written, in a `use` or in line;
//! comments, strings and the tests at the end of a file do not count.

use std::fs;
use std::path::{Path, PathBuf};

/// What a part of the source tree must not import: names of crates, or paths such as `crate::shell`.
struct Rule {
    room: &'static str,
    never: &'static [&'static str],
    why: &'static str,
}

const OURS: [&str; 5] = ["fx", "ledger", "fraud", "gateway", "sim"];
const PURE: &str = "it is pure: no clock, no I/O, no database, no HTTP";

const IMPORTS: &[Rule] = &[
    Rule {
        room: "fx/src",
        never: &["tokio", "sqlx", "axum", "reqwest", "chrono", "rand"],
        why: "values of money know nothing of the world",
    },
    Rule {
        room: "ledger/src/core",
        never: &[
            "tokio",
            "sqlx",
            "chrono",
            "axum",
            "rand",
            "uuid",
            "tracing",
            "crate::shell",
        ],
        why: PURE,
    },
    Rule {
        room: "ledger/src/engine.rs",
        never: &[
            "tokio",
            "sqlx",
            "chrono",
            "rand",
            "uuid",
            "tracing",
            "crate::shell",
        ],
        why: PURE,
    },
    Rule {
        room: "ledger/src",
        never: &["axum", "reqwest", "utoipa"],
        why: "the ledger does not know how it is asked",
    },
    Rule {
        room: "fraud/src",
        never: &[
            "tokio",
            "sqlx",
            "axum",
            "rand",
            "std::time",
            "chrono::Utc",
            "chrono::Local",
        ],
        why: "the caller brings time and storage",
    },
    Rule {
        room: "fraud/src/attempt.rs",
        never: &["chrono"],
        why: "only the reading of files knows a calendar",
    },
    Rule {
        room: "fraud/src/decision.rs",
        never: &["chrono"],
        why: "only the reading of files knows a calendar",
    },
    Rule {
        room: "fraud/src/expert.rs",
        never: &["chrono"],
        why: "only the reading of files knows a calendar",
    },
    Rule {
        room: "fraud/src/feature",
        never: &["chrono"],
        why: "only the reading of files knows a calendar",
    },
    Rule {
        room: "fraud/src/metrics.rs",
        never: &["chrono"],
        why: "only the reading of files knows a calendar",
    },
    Rule {
        room: "fraud/src/model",
        never: &["chrono"],
        why: "only the reading of files knows a calendar",
    },
    Rule {
        room: "fraud/src/policy.rs",
        never: &["chrono"],
        why: "only the reading of files knows a calendar",
    },
    Rule {
        room: "fraud/src/profile",
        never: &["chrono"],
        why: "only the reading of files knows a calendar",
    },
    Rule {
        room: "fraud/src/rule",
        never: &["chrono"],
        why: "only the reading of files knows a calendar",
    },
    Rule {
        room: "fraud/src/scorecard.rs",
        never: &["chrono"],
        why: "only the reading of files knows a calendar",
    },
    Rule {
        room: "fraud/src/scorer.rs",
        never: &["chrono"],
        why: "only the reading of files knows a calendar",
    },
    Rule {
        room: "fraud/src/speed.rs",
        never: &["chrono"],
        why: "only the reading of files knows a calendar",
    },
    Rule {
        room: "gateway/src/pay",
        never: &[
            "axum",
            "sqlx",
            "tokio",
            "reqwest",
            "chrono",
            "rand",
            "clap",
            "utoipa",
            "crate::app",
            "crate::api",
            "crate::store",
            "crate::web",
            "crate::problem",
            "crate::sign",
            "crate::webhook",
            "crate::config",
        ],
        why: PURE,
    },
    Rule {
        room: "gateway/src/qr",
        never: &[
            "axum",
            "sqlx",
            "tokio",
            "reqwest",
            "crate::pay",
            "crate::app",
            "crate::api",
        ],
        why: "codes are text and pictures, nothing else",
    },
    Rule {
        room: "gateway/src/sign",
        never: &[
            "sqlx",
            "tokio",
            "reqwest",
            "crate::app",
            "crate::api",
            "crate::store",
        ],
        why: "a signature is checked without looking anything up",
    },
    Rule {
        room: "gateway/src/store",
        never: &["axum", "crate::api", "crate::app", "crate::web"],
        why: "reads do not know who asks or how it is shown",
    },
    Rule {
        room: "gateway/src/web",
        never: &["sqlx"],
        why: "pages ask the application, never the database",
    },
    Rule {
        room: "gateway/src/api",
        never: &["sqlx", "crate::web"],
        why: "handlers ask the application, never the database",
    },
];

/// Which of our crates, and which foreign ones, a crate's manifest may not name as a dependency.
const MANIFESTS: &[Rule] = &[
    Rule {
        room: "fx",
        never: &["ledger", "fraud", "gateway", "sim", "tokio", "sqlx", "axum"],
        why: "fx imports nothing of ours",
    },
    Rule {
        room: "ledger",
        never: &["fraud", "gateway", "sim", "axum", "reqwest"],
        why: "the ledger knows neither payments nor HTTP",
    },
    Rule {
        room: "fraud",
        never: &["ledger", "gateway", "sim", "sqlx", "axum", "tokio"],
        why: "fraud and ledger never import each other; the caller brings storage",
    },
    Rule {
        room: "gateway",
        never: &["sim"],
        why: "the product does not know its simulator",
    },
];

#[test]
fn no_room_imports_what_it_must_not() {
    let mut broken = Vec::new();
    let mut files_seen = 0;
    for rule in IMPORTS {
        for file in sources(&workspace().join(rule.room)) {
            files_seen += 1;
            let source = fs::read_to_string(&file).unwrap();
            for import in imported(&source, rule.never) {
                let file = file.strip_prefix(workspace()).unwrap().display();
                broken.push(format!("{file} names {import}; {}", rule.why));
            }
        }
    }
    assert!(files_seen > IMPORTS.len(), "the rules look at no source");
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn no_manifest_depends_on_what_it_must_not() {
    let mut broken = Vec::new();
    for rule in MANIFESTS {
        let manifest = workspace().join(rule.room).join("Cargo.toml");
        let dependencies = dependencies(&fs::read_to_string(manifest).unwrap());
        assert!(!dependencies.is_empty(), "{} depends on nothing", rule.room);
        for name in dependencies {
            if rule.never.contains(&name.as_str()) {
                broken.push(format!("{} depends on {name}; {}", rule.room, rule.why));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn every_crate_takes_its_lints_from_the_workspace() {
    for name in OURS {
        let manifest = fs::read_to_string(workspace().join(name).join("Cargo.toml")).unwrap();
        let inherits = manifest.contains("[lints]\nworkspace = true");
        assert!(inherits, "{name} has lints of its own");
    }
}

#[test]
fn an_import_is_seen_wherever_it_is_written() {
    fn check(source: &str, seen: &[&str]) {
        assert_eq!(
            imported(source, &["sqlx", "crate::shell"]),
            seen,
            "{source}"
        );
    }

    check("use sqlx::Row;", &["sqlx"]);
    check("use {serde::Serialize, sqlx};", &["sqlx"]);
    check("fn f(pool: &sqlx::Pool) {}", &["sqlx"]);
    check("extern crate sqlx;", &["sqlx"]);
    check("use crate::shell::Journal;", &["crate::shell"]);
    check("use ::sqlx as database;", &["sqlx"]);

    check("/// Knows nothing of `sqlx::Pool`.\nfn f() {}", &[]);
    check("fn f() -> &'static str { \"sqlx::Pool\" }", &[]);
    check("let my_sqlx = 1; let sqlxs = my::sqlx_like();", &[]);
    check("fn f() {}\n#[cfg(test)]\nmod tests { use sqlx::Row; }", &[]);
}

#[test]
fn dependencies_are_read_and_dev_dependencies_are_not() {
    let manifest = "[package]\nname = \"x\"\n[dependencies]\nfx.workspace = true\nserde = \"1\"\n\n\
                    [dev-dependencies]\nledger = { path = \"..\" }\n[target.'cfg(unix)'.dependencies]\nlibc = \"1\"\n";
    assert_eq!(dependencies(manifest), ["fx", "serde", "libc"]);
}

pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The Rust files of a folder, or the one file; a room that is not there is an error in the rules.
fn sources(room: &Path) -> Vec<PathBuf> {
    if room.is_file() {
        return vec![room.to_owned()];
    }
    let entries = fs::read_dir(room).unwrap_or_else(|error| panic!("{}: {error}", room.display()));
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// Which of the names the source uses as the beginning of a path.
fn imported<'a>(source: &str, names: &[&'a str]) -> Vec<&'a str> {
    let code = code_of(source);
    let uses = |name: &&&str| {
        code.match_indices(**name).any(|(at, _)| {
            let before = code[..at].trim_end_matches("::");
            let begins = !before.ends_with(|end: char| end.is_alphanumeric() || end == '_');
            let after = &code[at + name.len()..];
            let ends = !after.starts_with(|next: char| next.is_alphanumeric() || next == '_');
            begins && ends && (after.starts_with("::") || in_use(before))
        })
    };
    names.iter().filter(uses).copied().collect()
}

/// Whether what follows this text is part of a `use` or `extern crate` that is not finished.
fn in_use(before: &str) -> bool {
    let statement = before.rsplit(';').next().unwrap_or(before);
    let mut words = statement.split_whitespace();
    words.any(|word| word == "use" || word == "extern")
}

/// The source without comments, without the contents of strings, and without its tests.
fn code_of(source: &str) -> String {
    let source = source.split("#[cfg(test)]").next().unwrap_or(source);
    let mut code = String::with_capacity(source.len());
    for line in source.lines() {
        let mut quoted = false;
        let mut rest = line.chars().peekable();
        while let Some(next) = rest.next() {
            match next {
                '\\' if quoted => drop(rest.next()),
                '"' => quoted = !quoted,
                '/' if !quoted && rest.peek() == Some(&'/') => break,
                _ if quoted => {}
                _ => code.push(next),
            }
        }
        code.push('\n');
    }
    code
}

/// The names of what a manifest depends on outside its tests.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut inside = false;
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line.trim_end_matches(']').ends_with("dependencies") && !line.contains("dev-");
        } else if inside && !line.is_empty() && !line.starts_with('#') {
            let name = line.split(['.', '=', ' ']).next().unwrap_or(line);
            names.push(name.to_owned());
        }
    }
    names
}
