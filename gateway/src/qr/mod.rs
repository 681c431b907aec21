//! QR codes, both ways: text to image, image to text, and what the text means.
//!
//! | module | turns | into |
//! |---|---|---|
//! | [`encode`] | a text | a [`encode::Matrix`], then SVG or PNG |
//! | [`barcode`] | digits | [`barcode::Bars`], then SVG or PNG |
//! | [`decode`] | PNG or JPEG bytes | the payloads of the codes in the picture |
//! | [`emvco`] | a merchant's data | the EMVCo merchant-presented payload, and back |
//! | [`logo`] | a text and a logo | a code with the logo in its middle |
//! | [`link`] | a checkout link | the code it names |
//! | [`report`] | any scanned text | what it says and what is wrong with it |
//! | [`file`] | the same by file name | for the command line |
//!
//! The module is pure apart from [`file`]: the same input gives the same output, and no input from outside makes it
//! panic or allocate without a limit. It knows nothing of HTTP, of the database, or of what a code id stands for.

#![expect(
    clippy::doc_markdown,
    reason = "EMVCo, the name of a standards body, is not code"
)]

pub mod barcode;
pub mod decode;
pub mod emvco;
pub mod encode;
pub mod file;
pub mod link;
pub mod logo;
pub mod report;

/// The most characters a code id may have: with it the account template stays within EMVCo's 99 characters.
pub const CODE_CHARS_MAX: usize = 64;

/// The id of an order or merchant code as it stands in a payload: 1 to [`CODE_CHARS_MAX`] letters, digits, `-` or `_`,
/// so that it needs no escaping in a link, a path or a TLV field.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CodeRef(String);

impl CodeRef {
    /// The id, if it has the form of one.
    pub fn new(id: &str) -> Option<Self> {
        let fits = !id.is_empty() && id.len() <= CODE_CHARS_MAX;
        let plain = id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        (fits && plain).then(|| Self(id.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for CodeRef {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

/// The code of ours that a scanned payload names, whether it is our EMVCo payload or our checkout link.
///
/// `None` for the codes of others and for broken ones: a payload whose check sum is wrong names nothing.
pub fn find_code(payload: &str) -> Option<CodeRef> {
    let payload = payload.trim();
    link::code_of(payload).or_else(|| Some(emvco::MerchantPresented::parse(payload).ok()?.code))
}
