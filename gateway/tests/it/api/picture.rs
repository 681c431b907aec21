//! Pictures that are none, hold nothing, or would take all memory.

use gateway::qr::encode::{Drawing, Level, Matrix};
use reqwest::Method;

use super::house::Request;
use super::refusal::Scene;

#[tokio::test]
async fn pictures_that_are_none() {
    let scene = Scene::new().await;
    let scan = async |body: Vec<u8>| {
        let request = Request {
            body,
            content_type: "image/png",
            idempotency_key: None,
            ..Request::new(Method::POST, "/v1/scan")
        };
        scene.payer.client.send(request).await
    };
    let png = |text: &str| {
        Matrix::encode(text, Level::Low)
            .unwrap()
            .to_png(Drawing::default())
            .unwrap()
    };
    let good = png("https://pay.example.com/c/ord_00000000000000000000000000000000");
    scan(Vec::new()).await.refused("image_invalid");
    scan(b"hello".to_vec()).await.refused("image_invalid");
    scan(good[..good.len() / 2].to_vec())
        .await
        .refused("image_invalid");
    scan(bomb(60_000, 60_000)).await.refused("image_too_large");
    scan(vec![0; (10 << 20) + 1])
        .await
        .refused("body_too_large");
    scan(blank(64, 64)).await.refused("image_without_code");
    scan(png("https://somebody.example/pay/17"))
        .await
        .refused("code_unknown");
    scan(good).await.refused("code_unknown");
    scene.unchanged().await;
}

/// A PNG of one shade.
fn blank(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let pixels = vec![255; usize::try_from(width * height).unwrap()];
    encoder
        .write_header()
        .unwrap()
        .write_image_data(&pixels)
        .unwrap();
    bytes
}

/// A small PNG that says it is a huge one.
fn bomb(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = blank(8, 8);
    // The header chunk: length, name, width, height, five more bytes, check sum.
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let sum = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&sum.to_be_bytes());
    bytes
}

/// The check sum of PNG's chunks.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    })
}
