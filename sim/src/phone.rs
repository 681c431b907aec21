//! A customer's phone: it looks at the picture of a code and reads what it says.
//!
//! It reads with a decoder of its own, not the gateway's, so that each payment of the town also
//! shows that strangers can read the codes.

use anyhow::Context as _;
use gateway::qr;
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
