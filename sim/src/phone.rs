//! A customer's phone: it looks at the picture of a code and reads what it says, and shows payment codes of its own.
//!
//! It reads with a decoder of its own, not the gateway's, so that each payment of the town also
//! shows that strangers can read the codes.

use anyhow::Context as _;
use gateway::payment_code::{PaymentCode, SKEW_STEPS};
use gateway::qr;
use gateway::secret::Secret;
use rqrr::PreparedImage;

use crate::rail::OrderId;

/// The order that the code in a PNG names.
pub(crate) fn read(png: &[u8]) -> anyhow::Result<OrderId> {
    let picture = image::load_from_memory(png).context("the code is no picture")?;
    let mut picture = PreparedImage::prepare(picture.to_luma8());
    let mut payloads = Vec::new();
    for grid in picture.detect_grids() {
        let (_, payload) = grid.decode().context("the code cannot be read")?;
        payloads.push(payload);
    }
    let code = payloads.iter().find_map(|payload| qr::find_code(payload));
    let code = code.with_context(|| format!("the code names no order: {payloads:?}"))?;
    Ok(OrderId(code.as_str().to_owned()))
}

/// What a phone makes payment codes of.
#[derive(Debug)]
pub(crate) struct Phone {
    secret: Secret,
    handle: u32,
    /// The step of the last code that it showed.
    shown: u64,
}

impl Phone {
    pub(crate) fn new(secret: &str, handle: &str) -> anyhow::Result<Self> {
        let handle = handle.parse().context("a handle is a number")?;
        Ok(Self::with(Secret::new(secret.as_bytes()), handle))
    }

    pub(crate) const fn with(secret: Secret, handle: u32) -> Self {
        Self {
            secret,
            handle,
            shown: 0,
        }
    }

    /// A code that was not shown before, if there is one that a till takes in this step. The town has no time to wait for
    /// the next minute, so the phone's clock may be as wrong as is allowed.
    pub(crate) fn show(&mut self, step: u64) -> Option<String> {
        let next = (self.shown + 1).max(step.saturating_sub(SKEW_STEPS));
        if next > step + SKEW_STEPS {
            return None;
        }
        self.shown = next;
        Some(PaymentCode::make(&self.secret, self.handle, next).to_string())
    }
}
