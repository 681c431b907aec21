//! `gateway qr`: codes without a server.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use gateway::qr::decode::DecodeError;
use gateway::qr::emvco::payload::{ACCOUNT_TEMPLATES, Payload, id};
use gateway::qr::emvco::tlv::{self, Field};
use gateway::qr::file::{self, FileError};
use gateway::qr::find_code;
use serde::Serialize;

use super::{NO, print};

#[derive(Debug, Subcommand)]
pub(crate) enum Qr {
    /// Write a text as a QR code into a PNG or SVG file.
    #[command(
        after_help = "Example:\n  gateway qr encode https://pay.example.com/c/ord_1 -o code.png"
    )]
    Encode {
        /// The text to encode.
        text: String,
        /// The file to write; its ending, .png or .svg, says the format.
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Print the payload of each QR code in a PNG or JPEG picture, one a line.
    #[command(
        after_help = "Exit code 1 when the picture holds no code.\n\nExample:\n  gateway qr decode photo.jpg"
    )]
    Decode {
        /// The picture to read.
        file: PathBuf,
    },
    /// Explain an EMVCo merchant-presented payload, field by field.
    #[command(
        after_help = "Exit code 1 when the payload breaks the rules; what could be read is printed all the same.\n\n\
                      Example:\n  gateway qr decode code.png | xargs -d '\\n' gateway qr parse --json"
    )]
    Parse {
        /// The payload, as `gateway qr decode` prints it.
        payload: String,
        /// Print JSON instead of lines.
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(command: &Qr) -> Result<ExitCode> {
    match command {
        Qr::Encode { text, output } => {
            file::encode_to_file(text, output)?;
            Ok(ExitCode::SUCCESS)
        }
        Qr::Decode { file } => decode(file),
        Qr::Parse { payload, json } => parse(payload, *json),
    }
}

fn decode(file: &std::path::Path) -> Result<ExitCode> {
    match file::decode_file(file) {
        Ok(payloads) => {
            print(&(payloads.join("\n") + "\n"))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(
            error @ FileError::Decode {
                source: DecodeError::NoCode,
                ..
            },
        ) => {
            eprintln!("{error}");
            Ok(ExitCode::from(NO))
        }
        Err(error) => Err(error.into()),
    }
}

/// A payload explained. A field that is a template has the fields inside it.
#[derive(Debug, Serialize)]
struct Explained<'a> {
    /// The order or merchant code of this network that the payload names, if it is one of ours.
    code: Option<String>,
    /// What is wrong with it, if anything.
    problem: Option<String>,
    fields: Vec<Part<'a>>,
}

#[derive(Debug, Serialize)]
struct Part<'a> {
    id: String,
    name: &'static str,
    value: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<Part<'a>>,
}

fn parse(text: &str, json: bool) -> Result<ExitCode> {
    let text = text.trim();
    let explained = match Payload::read(text) {
        Ok(payload) => Explained {
            code: find_code(text).map(|code| code.to_string()),
            problem: payload.check_crc().err().map(|error| error.to_string()),
            fields: payload.fields().iter().map(part).collect(),
        },
        Err(error) => Explained {
            code: None,
            problem: Some(error.to_string()),
            fields: Vec::new(),
        },
    };
    if json {
        print(&(serde_json::to_string_pretty(&explained)? + "\n"))?;
    } else {
        print(&lines(&explained))?;
    }
    let Some(problem) = explained.problem else {
        return Ok(ExitCode::SUCCESS);
    };
    eprintln!("{problem}");
    Ok(ExitCode::from(NO))
}

fn part<'a>(field: &Field<'a>) -> Part<'a> {
    let template = ACCOUNT_TEMPLATES.contains(&field.id)
        || matches!(field.id, id::ADDITIONAL | id::LOCAL | 80..=99);
    let inside = if template {
        tlv::fields(field.value, field.value_at()).ok()
    } else {
        None
    };
    let leaf = |inner: &Field<'a>| Part {
        id: format!("{:02}", inner.id),
        name: inner_name(field.id, inner.id),
        value: inner.value,
        fields: Vec::new(),
    };
    Part {
        id: format!("{:02}", field.id),
        name: name(field.id),
        value: field.value,
        fields: inside.iter().flatten().map(leaf).collect(),
    }
}

fn lines(explained: &Explained<'_>) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    for field in &explained.fields {
        let value = if field.fields.is_empty() {
            field.value
        } else {
            ""
        };
        let _ = writeln!(out, "{} {:<24} {value}", field.id, field.name);
        for inner in &field.fields {
            let _ = writeln!(out, "   {} {:<21} {}", inner.id, inner.name, inner.value);
        }
    }
    if let Some(code) = &explained.code {
        let _ = writeln!(out, "names the code {code} of this network");
    }
    out
}

/// What EMVCo calls a payload's own fields.
const fn name(field: u8) -> &'static str {
    match field {
        id::FORMAT => "payload format",
        id::INITIATION => "point of initiation",
        2..=51 => "merchant account",
        id::CATEGORY => "merchant category",
        id::CURRENCY => "currency",
        id::AMOUNT => "amount",
        55 => "tip indicator",
        56 => "fixed convenience fee",
        57 => "percentage fee",
        id::COUNTRY => "country",
        id::NAME => "merchant name",
        id::CITY => "merchant city",
        id::POSTAL_CODE => "postal code",
        id::ADDITIONAL => "additional data",
        id::CRC => "check sum",
        id::LOCAL => "merchant, local language",
        80..=99 => "unreserved template",
        _ => "reserved",
    }
}

/// What EMVCo calls the fields inside a template.
const fn inner_name(template: u8, field: u8) -> &'static str {
    match (template, field) {
        (id::ADDITIONAL, 1) => "bill number",
        (id::ADDITIONAL, 2) => "mobile number",
        (id::ADDITIONAL, 3) => "store",
        (id::ADDITIONAL, 4) => "loyalty number",
        (id::ADDITIONAL, 5) => "reference",
        (id::ADDITIONAL, 6) => "customer",
        (id::ADDITIONAL, 7) => "terminal",
        (id::ADDITIONAL, 8) => "purpose",
        (id::ADDITIONAL, 9) => "customer data asked for",
        (id::LOCAL, 0) => "language",
        (id::LOCAL, 1) => "name",
        (id::LOCAL, 2) => "city",
        (id::ADDITIONAL | id::LOCAL, _) => "reserved",
        (_, 0) => "network",
        _ => "of the network",
    }
}
