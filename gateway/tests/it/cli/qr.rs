//! `gateway qr`.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{gateway, in_folder};
use crate::api::payment_code_by_python;

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
fn a_payload_is_explained() {
    let (code, out, err) = gateway(&["qr", "parse", PIX]);
    assert_eq!((code, err.as_str()), (0, ""));
    for what in [
        "Pix",
        "Fulano de Tal, BRASILIA, BR",
        "123e4567-e12b-12d1-a456-426655440000",
    ] {
        assert!(out.contains(what), "{what:?} in\n{out}");
    }

    let (code, out, _) = gateway(&["qr", "parse", PIX, "--json"]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 0);
    assert_eq!(
        json["merchant"]["account"],
        "123e4567-e12b-12d1-a456-426655440000"
    );

    let broken = PIX.replace("Fulano", "Fulana");
    let (code, out, _) = gateway(&["qr", "parse", &broken]);
    assert_eq!(code, 1);
    assert!(
        out.contains("Fulana de Tal") && out.contains("check sum"),
        "{out}"
    );
}

#[test]
fn a_payment_code_is_made_as_on_a_phone_and_drawn() {
    let folder = TempDir::new().unwrap();
    let device = in_folder(&folder, "phone.json");
    let answer = serde_json::json!({"id": "key_1", "secret": "sk_abc", "handle": "00000017"});
    fs::write(&device, answer.to_string()).unwrap();
    let (qr, bars) = (
        in_folder(&folder, "code.png"),
        in_folder(&folder, "bars.svg"),
    );
    let arguments = [
        "qr",
        "payment-code",
        "--device",
        &device,
        "-o",
        &qr,
        "--barcode",
        &bars,
    ];
    // The minute may end between the two.
    let before = payment_code_by_python(&device, None);
    let (code, out, err) = gateway(&arguments);
    let after = payment_code_by_python(&device, None);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!([before, after].contains(&out), "{out}");
    assert!(out.starts_with("7400000017"), "{out}");
    assert!(fs::read_to_string(&bars).unwrap().starts_with("<svg"));
    let (code, payload, _) = gateway(&["qr", "decode", &qr]);
    assert_eq!(code, 0);
    let (_, told, _) = gateway(&["qr", "parse", payload.trim(), "--json"]);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["code"], out.trim());

    fs::write(&device, "{}").unwrap();
    let (code, _, err) = gateway(&["qr", "payment-code", "--device", &device]);
    assert_eq!(code, 2);
    assert!(err.contains("adding a device"), "{err}");
}
