//! `gateway qr`: codes without a server.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use gateway::qr::decode::DecodeError;
use gateway::qr::file::{self, FileError};
use gateway::qr::report::Report;

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
    /// Explain a scanned payload: whose code it is, who is paid how much, every field, and what is wrong with it.
    #[command(
        after_help = "Exit code 1 when it must not be paid; what could be read is printed all the same.\n\n\
                      Example:\n  gateway qr decode code.png | xargs -d '\\n' gateway qr parse --json"
    )]
    Parse {
        /// The payload, as `gateway qr decode` prints it: EMVCo of any scheme, a payment link, a payer's code.
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

fn parse(text: &str, json: bool) -> Result<ExitCode> {
    let report = Report::on(text);
    if json {
        print(&(serde_json::to_string_pretty(&report)? + "\n"))?;
    } else {
        print(&report.to_string())?;
    }
    Ok(if report.valid {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NO)
    })
}
