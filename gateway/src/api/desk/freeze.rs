//! Freezing wallets: nothing leaves them until they are let go.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::ask::{Ask, Json, Replied, Reply};
use super::super::wire::SequenceToken;
use super::note;
use crate::pay::{WalletId, desk};

#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = NewFreeze, example = json!({"note": "Reported stolen"}))]
#[serde(deny_unknown_fields)]
pub(super) struct FreezeAsked {
    #[schema(max_length = 1000)]
    note: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WalletFrozen {
    wallet: WalletId,
    /// While it is, money comes in, such as refunds, and none goes out.
    frozen: bool,
    sequence: SequenceToken,
}

type Asked = Ask<WalletId, (), Option<Json<FreezeAsked>>>;

pub(super) async fn freeze(ask: Asked) -> Replied<WalletFrozen> {
    set(ask, true).await
}

pub(super) async fn unfreeze(ask: Asked) -> Replied<WalletFrozen> {
    set(ask, false).await
}

async fn set(ask: Asked, frozen: bool) -> Replied<WalletFrozen> {
    let by = ask.caller()?.key;
    let asked = ask.body.map(|Json(asked)| asked).unwrap_or_default();
    let command = desk::Command::Freeze {
        wallet: ask.id,
        frozen,
        by,
        note: note("/note", asked.note)?,
    };
    let (done, _) = ask.app.at_desk(command, ask.once).await?;
    let shown = WalletFrozen {
        wallet: ask.id,
        frozen,
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::done(&done, Json(shown)))
}
