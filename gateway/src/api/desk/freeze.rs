//! Freezing: nothing leaves a wallet, and nobody pays a merchant, until they are let go.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::ask::{Ask, Json, Replied, Reply};
use super::super::wire::SequenceToken;
use super::note;
use crate::app::Done;
use crate::pay::desk::{self, Party};
use crate::pay::{MerchantId, WalletId};
use crate::problem::Problem;

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

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MerchantFrozen {
    merchant: MerchantId,
    /// While it is, nobody can pay it; it can still refund.
    frozen: bool,
    sequence: SequenceToken,
}

type Asked<Id> = Ask<Id, (), Option<Json<FreezeAsked>>>;

pub(super) async fn freeze_wallet(ask: Asked<WalletId>) -> Replied<WalletFrozen> {
    set_wallet(ask, true).await
}

pub(super) async fn unfreeze_wallet(ask: Asked<WalletId>) -> Replied<WalletFrozen> {
    set_wallet(ask, false).await
}

pub(super) async fn freeze_merchant(ask: Asked<MerchantId>) -> Replied<MerchantFrozen> {
    set_merchant(ask, true).await
}

pub(super) async fn unfreeze_merchant(ask: Asked<MerchantId>) -> Replied<MerchantFrozen> {
    set_merchant(ask, false).await
}

async fn set_wallet(ask: Asked<WalletId>, frozen: bool) -> Replied<WalletFrozen> {
    let wallet = ask.id;
    let done = set(ask, Party::Wallet(wallet), frozen).await?;
    let shown = WalletFrozen {
        wallet,
        frozen,
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::done(&done, Json(shown)))
}

async fn set_merchant(ask: Asked<MerchantId>, frozen: bool) -> Replied<MerchantFrozen> {
    let merchant = ask.id;
    let done = set(ask, Party::Merchant(merchant), frozen).await?;
    let shown = MerchantFrozen {
        merchant,
        frozen,
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::done(&done, Json(shown)))
}

async fn set<Id>(ask: Asked<Id>, who: Party, frozen: bool) -> Result<Done, Problem> {
    let by = ask.caller()?.key;
    let asked = ask.body.map(|Json(asked)| asked).unwrap_or_default();
    let command = desk::Command::Freeze {
        who,
        frozen,
        by,
        note: note("/note", asked.note)?,
    };
    let (done, _) = ask.app.at_desk(command, ask.once).await?;
    Ok(done)
}
