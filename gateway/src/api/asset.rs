//! Assets of the house's own, such as loyalty points.

use fx::Currency;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::{Ask, Json, Replied, Reply};
use super::wire::SequenceToken;
use crate::pay::Command;
use crate::problem::{Code, Problem};

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewAsset, example = json!({"code": "POINTS", "decimals": 0}))]
#[serde(deny_unknown_fields)]
pub(super) struct AssetAsked {
    /// 4 to 11 characters A-Z, 0-9 or `-`, starting with a letter. Three letters are ISO's.
    #[schema(pattern = "^[A-Z][A-Z0-9-]{3,10}$")]
    code: String,
    /// How many decimal places its minor unit has.
    #[schema(maximum = 8)]
    decimals: u8,
}

/// An asset that amounts can be counted in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AssetRegistered {
    #[schema(example = "POINTS")]
    code: String,
    decimals: u8,
    sequence: SequenceToken,
}

pub(super) async fn register(ask: Ask<(), (), Json<AssetAsked>>) -> Replied<AssetRegistered> {
    let Json(asked) = ask.body;
    let asset = Currency::own(&asked.code, asked.decimals)
        .map_err(|error| Problem::field(Code::FieldInvalid, "/code", format!("{error}.")))?;
    let done = ask
        .app
        .command(Command::RegisterAsset(asset), ask.once)
        .await?;
    let registered = AssetRegistered {
        code: asset.code().to_owned(),
        decimals: asset.exponent(),
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::done(&done, Json(registered)))
}
