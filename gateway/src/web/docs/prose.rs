//! Descriptions as HTML.

use std::fmt;

use askama::filters::HtmlSafe;

/// A description as HTML: paragraphs, and code between back quotes. Everything else in it is text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Prose(String);

impl Prose {
    pub(super) fn of(text: &str) -> Self {
        let escaped = text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        let paragraphs = escaped.trim().split("\n\n").map(|paragraph| {
            let pieces = paragraph.split('`').enumerate();
            let piece = |(place, piece): (usize, &str)| match place % 2 {
                0 => piece.to_owned(),
                _ => format!("<code>{piece}</code>"),
            };
            pieces.map(piece).collect::<String>()
        });
        Self(paragraphs.collect::<Vec<_>>().join("</p><p>"))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Prose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Prose {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_becomes_html_and_stays_text() {
        let html = Prose::of("Pass `a<b` on.\n\nThen <wait> & see.").to_string();
        assert_eq!(
            html,
            "Pass <code>a&lt;b</code> on.</p><p>Then &lt;wait&gt; &amp; see."
        );
    }
}
