//! An image into the payloads of the QR codes in it.
//!
//! | module | does |
//! |---|---|
//! | [`open`] | refuses what is too large by its header, then decodes PNG or JPEG into grey |
//! | [`gray`] | shrinks, blurs and inverts a picture |
//! | [`threshold`] | grey into dark and light |
//! | [`read`] | dark and light into payloads |
//!
//! A picture is looked at in several ways, the most promising first, until a look reads something: an ordinary picture
//! costs one look. Which looks there are, and their order, was chosen by what they read and cost on the black-box
//! images of ZXing and zxing-cpp; `cargo bench -p gateway --bench qr` measures it again.
//!
//! The decoders are other people's code working on hostile input. A panic inside one of them is caught here, at this
//! one place, and counts as a look that found nothing.

mod gray;
mod open;
mod read;
mod threshold;

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::DynamicImage;

pub use gray::Gray;
pub use open::{DECODED_BYTES_MAX, DecodeError, IMAGE_BYTES_MAX, IMAGE_PIXELS_MAX, IMAGE_SIDE_MAX};
use threshold::Threshold;

/// The looks work on at most about this many pixels along the longer side. The modules of a code that is meant to be
/// read stay several pixels wide, and the time of a look is bounded.
const LOOK_SIDE_MAX: usize = 1600;

/// A picture no larger than this may be a drawing with modules of one or two pixels, too fine for the decoder.
const DRAWING_SIDE_MAX: usize = 256;
/// Makes modules of one pixel wide enough.
const DRAWING_FACTOR: usize = 3;

/// One way to look at a picture.
struct Look {
    prepare: fn(&Gray) -> Cow<'_, Gray>,
    threshold: Threshold,
}

/// Large areas stay whole, whatever the light: the best single look.
const EVEN: Threshold = Threshold::Blocks { side: 8, reach: 2 };

/// The looks in the order of what they cost and find. The first alone reads nine of ten black-box images.
const LOOKS: [Look; 6] = [
    Look {
        prepare: as_it_is,
        threshold: EVEN,
    },
    Look {
        prepare: inverted,
        threshold: EVEN,
    },
    Look {
        prepare: enlarged,
        threshold: Threshold::Middle,
    },
    // Shadows and folds, where the light changes within a few modules.
    Look {
        prepare: as_it_is,
        threshold: Threshold::Blocks { side: 12, reach: 1 },
    },
    // Noise, and modules drawn as dots or with gaps between them.
    Look {
        prepare: halved,
        threshold: Threshold::Mean {
            reach: 20,
            margin: 0,
        },
    },
    Look {
        prepare: blurred,
        threshold: Threshold::Mean {
            reach: 10,
            margin: 5,
        },
    },
];

fn as_it_is(gray: &Gray) -> Cow<'_, Gray> {
    Cow::Borrowed(gray)
}

fn enlarged(gray: &Gray) -> Cow<'_, Gray> {
    if gray.longer_side() > DRAWING_SIDE_MAX {
        return Cow::Borrowed(gray);
    }
    Cow::Owned(gray.enlarged(DRAWING_FACTOR))
}

fn inverted(gray: &Gray) -> Cow<'_, Gray> {
    Cow::Owned(gray.inverted())
}

fn halved(gray: &Gray) -> Cow<'_, Gray> {
    Cow::Owned(gray.shrunk(2))
}

fn blurred(gray: &Gray) -> Cow<'_, Gray> {
    Cow::Owned(gray.blurred())
}

/// The payloads of the QR codes in a PNG or JPEG image: at least one, each once, in the order they were found.
pub fn payloads(image: &[u8]) -> Result<Vec<String>, DecodeError> {
    let gray = opened(|| open::open(image))?;
    payloads_in(&gray).ok_or(DecodeError::NoCode)
}

/// The payloads of the QR codes in a picture that is already open; `None` if no look reads one.
pub fn payloads_in(gray: &Gray) -> Option<Vec<String>> {
    let factor = gray.longer_side().div_ceil(LOOK_SIDE_MAX);
    if factor == 1 {
        return LOOKS.iter().find_map(|look| look.payloads(gray));
    }
    let small = gray.shrunk(factor);
    // A small code in a large picture is lost by shrinking, so that picture is looked at in full once.
    LOOKS
        .iter()
        .find_map(|look| look.payloads(&small))
        .or_else(|| LOOKS[0].payloads(gray))
}

impl Look {
    fn payloads(&self, gray: &Gray) -> Option<Vec<String>> {
        contained(|| read::payloads(&self.threshold.dark(&(self.prepare)(gray))?))
    }
}

/// The picture in a PNG or JPEG image, in its colours.
pub(super) fn picture(image: &[u8]) -> Result<DynamicImage, DecodeError> {
    opened(|| open::picture(image))
}

/// What opening gives; an image that makes its decoder panic is broken.
fn opened<T>(open: impl FnOnce() -> Result<T, DecodeError>) -> Result<T, DecodeError> {
    let gave_up = DecodeError::Broken("its decoder gave up".to_owned());
    contained(|| Some(open())).unwrap_or(Err(gave_up))
}

/// What a decoder finds; nothing if it panics.
fn contained<T>(decoder: impl FnOnce() -> Option<T>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(decoder)).unwrap_or(None)
}

#[cfg(test)]
mod tests {
    use super::contained;

    #[test]
    fn a_decoder_that_panics_finds_nothing() {
        assert_eq!(contained(|| Some(1)), Some(1));
        assert_eq!(
            contained(|| -> Option<u8> { panic!("as a decoder might") }),
            None
        );
    }
}
