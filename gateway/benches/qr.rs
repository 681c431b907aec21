//! What drawing and reading QR codes costs, and what is read of pictures that are hard to read.
//!
//! ```text
//! cargo bench -p gateway --bench qr
//! QR_IMAGES=FOLDER cargo bench -p gateway --bench qr
//! ```
//!
//! FOLDER holds PNG and JPEG images of QR codes, at any depth, each with its text beside it (`name.png`, `name.txt`),
//! such as the black-box images of `ZXing` (github.com/zxing/zxing, core/src/test/resources/blackbox/qrcode-*) and
//! zxing-cpp (github.com/zxing-cpp/zxing-cpp, test/samples/qrcode-*), the other formats converted to PNG. Each image is
//! read in four rotations. Run as a test, everything is done once with small numbers.
//!
//! Times are those of the processor, so that other work on the machine does not count.

use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use gateway::qr::decode::{Gray, payloads_in};
use gateway::qr::encode::{Drawing, Level, Matrix};
use rustix::time::{ClockId, clock_gettime};

#[path = "../tests/it/qr/camera.rs"]
mod camera;

use camera::Shot;

/// 60 characters, as long as a checkout link.
const TEXT: &str = "https://pay.jiaozi.example/c/ord_0193f2b7c8d97e3aa1b2c3d4e5f6";

fn main() {
    let full = std::env::args().any(|argument| argument == "--bench");
    // The decoders that are compared here may panic, which is counted and not worth a message each.
    std::panic::set_hook(Box::new(|_| {}));
    drawing(if full { 20_000 } else { 20 });
    shots(if full { 20 } else { 1 });
    if let Some(folder) = std::env::var_os("QR_IMAGES") {
        images(Path::new(&folder));
    }
}

fn drawing(rounds: u32) {
    println!("drawing {} characters, {rounds} rounds", TEXT.len());
    let drawing = Drawing::default();
    let matrix = || Matrix::encode(TEXT, Level::Medium).expect("a short text");
    rate("ours, matrix", rounds, || matrix().side());
    rate("ours, PNG", rounds, || {
        matrix().to_png(drawing).expect("a drawing").len()
    });
    println!(
        "  ours, PNG                      {:>9} bytes",
        matrix().to_png(drawing).expect("a drawing").len()
    );
    rate("ours, SVG", rounds, || {
        matrix().to_svg(drawing).expect("a drawing").len()
    });
    rate("qrcode, matrix (baseline)", rounds / 5, || {
        qrcode::QrCode::new(TEXT).expect("a short text").width()
    });
    println!(
        "  qrcode and image, PNG          {:>9} bytes",
        baseline_png()
    );
    rate("qrcode and image, PNG (baseline)", rounds / 5, baseline_png);
}

/// The same picture by the crates `qrcode` and `image` as their documentation shows.
fn baseline_png() -> usize {
    let code = qrcode::QrCode::new(TEXT).expect("a short text");
    let (modules, quiet, module_px) = (code.width(), 4, 8);
    let side = u32::try_from((modules + 2 * quiet) * module_px).expect("a small picture");
    let picture = image::GrayImage::from_fn(side, side, |x, y| {
        let module = |px: u32| (px as usize / module_px).wrapping_sub(quiet);
        let (x, y) = (module(x), module(y));
        let dark = x < modules && y < modules && code[(x, y)] == qrcode::Color::Dark;
        image::Luma([if dark { 0 } else { 255 }])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, image::ImageFormat::Png)
        .expect("memory");
    bytes.into_inner().len()
}

fn rate<T>(name: &str, rounds: u32, mut work: impl FnMut() -> T) {
    let rounds = rounds.max(1);
    let start = processor_time();
    (0..rounds).for_each(|_| drop(black_box(work())));
    let spent = processor_time().saturating_sub(start);
    println!(
        "  {name:34} {:>9.0}/s",
        f64::from(rounds) / spent.as_secs_f64()
    );
}

/// What is read of pictures taken in each way, by us and by rqrr.
fn shots(count: u32) {
    println!("reading {count} pictures of each kind          ours            rqrr (baseline)");
    let plain = Shot::default();
    compare("straight", count, |_| plain);
    compare("turned by 7 to 45 degrees", count, |part| Shot {
        angle: 7.0 + 38.0 * part,
        ..plain
    });
    compare("tilted by up to 50%", count, |part| Shot {
        tilt: 0.5 * part,
        angle: 15.0,
        ..plain
    });
    compare("out of focus by 1 to 2.2 modules", count, |part| Shot {
        blur_px: 6.0 + 7.0 * part,
        ..plain
    });
    compare("noise of up to 80 shades", count, |part| Shot {
        noise: 80.0 * part,
        ..plain
    });
    compare("contrast of 8 to 30 shades", count, |part| Shot {
        shades: (100.0, 108.0 + 22.0 * part),
        ..plain
    });
    compare("dark, contrast of 8 to 30 shades", count, |part| Shot {
        shades: (3.0, 11.0 + 22.0 * part),
        noise: 1.0,
        ..plain
    });
    compare("inverted", count, |part| Shot {
        shades: (235.0, 20.0),
        angle: 90.0 * part,
        ..plain
    });
    compare("inverted, low contrast", count, |part| Shot {
        shades: (120.0 + 20.0 * part, 110.0),
        ..plain
    });
    compare("mirrored", count, |part| Shot {
        mirrored: true,
        angle: 90.0 * part,
        ..plain
    });
    compare("light falling to 5 to 50%", count, |part| Shot {
        shade_right: 0.05 + 0.45 * part,
        ..plain
    });
    compare("1.5 to 3 pixels a module", count, |part| Shot {
        module_px: 1.5 + 1.5 * part,
        angle: 5.0,
        ..plain
    });
    compare("all of it a little", count, |part| Shot {
        angle: 40.0 * part,
        tilt: 0.2,
        blur_px: 4.0,
        noise: 15.0,
        shade_right: 0.5,
        shades: (60.0, 180.0),
        ..plain
    });
}

fn compare(name: &str, count: u32, shot: impl Fn(f64) -> Shot) {
    let mut ours = Score::default();
    let mut theirs = Score::default();
    for number in 0..count {
        let text = format!("{TEXT}?{number}");
        let matrix = Matrix::encode(&text, Level::Medium).expect("a short text");
        let part = f64::from(number) / f64::from(count);
        let (width, pixels) = Shot {
            seed: u64::from(number) + 1,
            ..shot(part)
        }
        .take(&matrix);
        let gray = Gray::new(width, pixels.clone()).expect("a picture");
        ours.add(&text, || payloads_in(&gray).unwrap_or_default());
        theirs.add(&text, || rqrr(width, &pixels));
    }
    println!("  {name:36} {ours} {theirs}");
}

fn rqrr(width: usize, pixels: &[u8]) -> Vec<String> {
    let height = pixels.len() / width;
    let mut picture =
        rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| pixels[y * width + x]);
    picture
        .detect_grids()
        .iter()
        .filter_map(|grid| Some(grid.decode().ok()?.1))
        .collect()
}

/// What is read of the images in a folder, each in four rotations.
fn images(folder: &Path) {
    let mut paths = Vec::new();
    collect(folder, &mut paths);
    paths.sort();
    let (mut ours, mut theirs) = (Score::default(), Score::default());
    for path in &paths {
        let text = std::fs::read(path.with_extension("txt")).expect("the text beside the image");
        let text = String::from_utf8_lossy(&text).into_owned();
        let mut picture = image::open(path).expect("a PNG or JPEG image").to_luma8();
        for _ in 0..4 {
            let gray =
                Gray::new(picture.width() as usize, picture.as_raw().clone()).expect("a picture");
            ours.add(&text, || payloads_in(&gray).unwrap_or_default());
            theirs.add(&text, || rqrr(picture.width() as usize, picture.as_raw()));
            picture = image::imageops::rotate90(&picture);
        }
    }
    println!("{} images in four rotations", paths.len());
    println!("  ours            {ours}\n  rqrr (baseline) {theirs}");
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder of QR_IMAGES") {
        let path = entry.expect("an entry of the folder").path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.with_extension("txt") != path && path.with_extension("txt").exists() {
            paths.push(path);
        }
    }
}

/// The time that this thread has had a processor for itself.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("time spent is not negative")
}

#[derive(Default)]
struct Score {
    exact: u32,
    wrong: u32,
    panics: u32,
    pictures: u32,
    time: Duration,
}

impl Score {
    fn add(&mut self, text: &str, read: impl FnOnce() -> Vec<String>) {
        let start = processor_time();
        let found = catch_unwind(AssertUnwindSafe(read));
        self.time += processor_time().saturating_sub(start);
        self.pictures += 1;
        match found {
            Ok(found) if found.iter().any(|payload| payload == text) => self.exact += 1,
            Ok(found) if !found.is_empty() => self.wrong += 1,
            Ok(_) => {}
            Err(_) => self.panics += 1,
        }
    }
}

impl std::fmt::Display for Score {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let share = 100.0 * f64::from(self.exact) / f64::from(self.pictures.max(1));
        let mean = self.time / self.pictures.max(1);
        write!(out, "{share:5.1}% {:7.2} ms", mean.as_secs_f64() * 1000.0)?;
        if self.wrong + self.panics > 0 {
            write!(out, " ({} wrong, {} panics)", self.wrong, self.panics)?;
        }
        Ok(())
    }
}
