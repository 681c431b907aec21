//! The command line as a person uses it: what it prints, where, and with which exit code.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// Runs the real binary and returns its exit code, standard output and standard error.
pub(crate) fn gateway(arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
    said(&command.args(arguments).output().expect("the binary starts"))
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
fn a_text_becomes_a_picture_and_a_text_again() {
    let folder = TempDir::new().unwrap();
    let file = in_folder(&folder, "code.png");
    let text = "https://pay.example/c/ord_1?not=ours 你好";
    assert_eq!(
        gateway(&["qr", "encode", text, "-o", &file]),
        (0, String::new(), String::new())
    );
    assert_eq!(
        gateway(&["qr", "decode", &file]),
        (0, format!("{text}\n"), String::new())
    );

    let file = in_folder(&folder, "code.svg");
    assert_eq!(gateway(&["qr", "encode", text, "--output", &file]).0, 0);
    assert!(fs::read_to_string(file).unwrap().starts_with("<svg"));
}

#[test]
fn a_picture_without_a_code_is_a_no_and_what_cannot_be_read_is_an_error() {
    let folder = TempDir::new().unwrap();
    let blank = in_folder(&folder, "blank.png");
    image::GrayImage::from_pixel(64, 64, image::Luma([255]))
        .save(&blank)
        .unwrap();
    let (code, out, err) = gateway(&["qr", "decode", &blank]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("no QR code was found"), "{err}");

    let text = in_folder(&folder, "text.png");
    fs::write(&text, "no picture").unwrap();
    for (file, why) in [
        (text.as_str(), "not a PNG or JPEG"),
        ("nowhere.png", "cannot read nowhere.png"),
    ] {
        let (code, out, err) = gateway(&["qr", "decode", file]);
        assert_eq!((code, out.as_str()), (2, ""), "{file}");
        assert!(err.starts_with("error: ") && err.contains(why), "{err}");
    }
    let (code, _, err) = gateway(&["qr", "encode", "x", "-o", "code.gif"]);
    assert_eq!(code, 2);
    assert!(err.contains(".png"), "{err}");
    assert!(!Path::new("code.gif").exists());
}

/// The static code in the examples of Brazil's central bank ("Manual de Padrões para Iniciação do Pix").
const PIX: &str = "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR\
                   5913Fulano de Tal6008BRASILIA62070503***63041D3D";

#[test]
fn a_payload_is_explained_field_by_field() {
    let (code, out, err) = gateway(&["qr", "parse", PIX]);
    assert_eq!((code, err.as_str()), (0, ""));
    for line in [
        "   00 network               br.gov.bcb.pix",
        "59 merchant name            Fulano de Tal",
    ] {
        assert!(out.lines().any(|said| said == line), "{line:?} in\n{out}");
    }

    let (code, out, _) = gateway(&["qr", "parse", PIX, "--json"]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &json["problem"]), (0, &serde_json::Value::Null));
    assert_eq!(json["fields"][1]["fields"][0]["value"], "br.gov.bcb.pix");

    let broken = PIX.replace("Fulano", "Fulana");
    let (code, out, err) = gateway(&["qr", "parse", &broken]);
    assert_eq!(code, 1);
    assert!(out.contains("Fulana de Tal"), "{out}");
    assert!(err.contains("check sum"), "{err}");
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
