//! `gateway qr`: codes without a server.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use clap::Subcommand;
use gateway::payment_code::{PaymentCode, step_at};
use gateway::qr::decode::DecodeError;
use gateway::qr::emvco::consumer;
use gateway::qr::file::{self, FileError};
use gateway::qr::report::Report;
use gateway::secret::Secret;
use serde::Deserialize;

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
    /// Print the payment code of this minute, as a payer's phone makes it, and draw it for a till to scan.
    #[command(
        after_help = "Example:\n  gateway request POST /v1/wallets/wal_…/devices --key-file ann.key --data '{\"name\": \"phone\"}' > phone.json\n  \
                      gateway qr payment-code --device phone.json --output code.svg --barcode bars.svg"
    )]
    PaymentCode {
        /// What was answered when the device was added to the wallet, as JSON.
        #[arg(long, value_name = "FILE")]
        device: PathBuf,
        /// Draw it as a QR code, as EMVCo's consumer-presented payload; the ending, .png or .svg, says the format.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Draw the digits as a bar code, Code 128; in the same formats.
        #[arg(long, value_name = "FILE")]
        barcode: Option<PathBuf>,
    },
}

/// A device as it was answered.
#[derive(Deserialize)]
struct Device {
    secret: String,
    handle: String,
}

pub(crate) fn run(command: &Qr) -> Result<ExitCode> {
    match command {
        Qr::Encode { text, output } => {
            file::encode_to_file(text, output)?;
            Ok(ExitCode::SUCCESS)
        }
        Qr::Decode { file } => decode(file),
        Qr::Parse { payload, json } => parse(payload, *json),
        Qr::PaymentCode {
            device,
            output,
            barcode,
        } => payment_code(device, output.as_deref(), barcode.as_deref()),
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

fn payment_code(device: &Path, output: Option<&Path>, barcode: Option<&Path>) -> Result<ExitCode> {
    let file = device.display();
    let text = fs::read(device).with_context(|| format!("cannot read {file}"))?;
    let wrong = || format!("{file} is not the answer to adding a device");
    let device: Device = serde_json::from_slice(&text).with_context(wrong)?;
    let handle = device.handle.parse().with_context(wrong)?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let step = step_at(since.unwrap_or_default().as_secs());
    let code = PaymentCode::make(&Secret::new(device.secret), handle, step).to_string();
    if let Some(output) = output {
        file::encode_to_file(&consumer::of_payment_code(&code)?, output)?;
    }
    if let Some(barcode) = barcode {
        file::bars_to_file(&code, barcode)?;
    }
    print(&format!("{code}\n"))?;
    Ok(ExitCode::SUCCESS)
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
