//! The project's papers: their links lead somewhere, and they speak of the project alone.

use std::fs;
use std::path::{Path, PathBuf};

use super::layering::workspace;

/// Where people keep their checkouts. A path below one of these is of the machine something was written on, and means
/// nothing on another.
const HOMES: [&str; 4] = ["/home/", "/Users/", "/root/", "C:\\Users\\"];
/// Folders that git does not keep.
const NOT_OURS: [&str; 3] = [".git", "target", "jiaozi-data"];

#[test]
fn every_link_between_documents_leads_somewhere() {
    let mut broken = Vec::new();
    let mut links_seen = 0;
    for document in files(workspace()) {
        if document
            .extension()
            .is_none_or(|extension| extension != "md")
        {
            continue;
        }
        let text = fs::read_to_string(&document).unwrap();
        for link in links(&text) {
            links_seen += 1;
            if !resolves(&document, &text, link) {
                broken.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(links_seen > 0, "no document has a link");
    assert!(
        broken.is_empty(),
        "links to nowhere:\n{}",
        broken.join("\n")
    );
}

#[test]
fn nothing_names_a_path_of_the_machine_it_was_written_on() {
    let this = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/documents.rs");
    let mut found = Vec::new();
    for file in files(workspace()) {
        // What is not text has no path to read.
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        for (number, line) in text.lines().enumerate() {
            if file != this && names_a_home(line) {
                found.push(format!("{}:{}: {line}", file.display(), number + 1));
            }
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn a_home_is_seen_and_a_route_is_not() {
    assert!(names_a_home("run `/home/li/jiaozi/test.sh`"));
    assert!(names_a_home("/root/jiaozi"));
    assert!(!names_a_home("GET /v1/orders/home/list"));
    assert!(!names_a_home("https://pay.example/home/page"));
}

#[test]
fn links_are_found_outside_code() {
    let text = "See [the plan](plan.md#rooms) and ![a code](qr.svg).\n```\n[no](link)\n```\n`[no](link)` [x](y)";
    assert_eq!(links(text), ["plan.md#rooms", "qr.svg", "y"]);
}

/// Every file of the project, in an order of its own.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if NOT_OURS.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn names_a_home(line: &str) -> bool {
    HOMES.iter().any(|home| {
        line.match_indices(home).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            before.is_none_or(|before| !before.is_alphanumeric() && !"._-/}".contains(before))
        })
    })
}

/// The targets of a document's inline links.
fn links(markdown: &str) -> Vec<&str> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        // Every other piece between back quotes is code.
        for prose in line.split('`').step_by(2) {
            for (at, _) in prose.match_indices("](") {
                let target = &prose[at + 2..];
                found.extend(target.find(')').map(|end| &target[..end]));
            }
        }
    }
    found
}

fn resolves(document: &Path, text: &str, link: &str) -> bool {
    if link.starts_with("https://") || link.starts_with("http://") {
        return true;
    }
    let (path, heading) = link.split_once('#').unwrap_or((link, ""));
    let folder = document.parent().unwrap();
    let target = if path.is_empty() {
        document.to_owned()
    } else {
        folder.join(path)
    };
    if heading.is_empty() || !target.is_file() {
        return target.exists();
    }
    let text = if path.is_empty() {
        text.to_owned()
    } else {
        fs::read_to_string(target).unwrap()
    };
    text.lines()
        .filter(|line| line.starts_with('#'))
        .any(|line| anchor(line) == heading)
}

/// A heading's anchor as the common renderers make it: small letters, spaces as hyphens, no punctuation.
fn anchor(heading: &str) -> String {
    let kept = |letter: &char| letter.is_alphanumeric() || " -_".contains(*letter);
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars()
        .filter(kept)
        .map(|letter| if letter == ' ' { '-' } else { letter })
        .collect()
}
