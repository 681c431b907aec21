//! What waits for a payer to confirm, for the payer's phone to show.

use serde::Serialize;
use utoipa::ToSchema;

use super::ask::{Ask, Json, Replied, Reply};
use super::decision::PendingShown;
use super::wallet::must_be;
use super::wire::{Amount, SequenceToken};
use crate::app::App;
use crate::pay::{
    About, CombinedId, Command, Decision, MerchantId, OrderId, Outcome, RedPacketId, TransferId,
    WalletId,
};
use crate::problem::Problem;

/// What a payer is asked to confirm.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Confirmation)]
pub(super) struct ConfirmationShown {
    amount: Amount,
    /// The order, its merchant and the merchant's name as payers read it; or the transfer and to whom; or the red packet.
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<OrderId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant: Option<MerchantId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Old Street Dumplings")]
    merchant_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer: Option<TransferId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<WalletId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    red_packet: Option<RedPacketId>,
    /// The orders that are paid together.
    #[serde(skip_serializing_if = "Option::is_none")]
    combined: Option<CombinedId>,
    pending: PendingShown,
}

impl ConfirmationShown {
    async fn of(app: &App, decision: &Decision) -> Result<Option<Self>, Problem> {
        let Some(pending) = PendingShown::of(decision) else {
            return Ok(None);
        };
        let about = decision.about;
        let merchant = about.order().map(|(_, merchant, _)| merchant);
        let named = match merchant {
            Some(id) => Some(app.find_merchant(id).await?),
            None => None,
        };
        Ok(Some(Self {
            amount: decision.amount.into(),
            order: about.order().map(|(order, ..)| order),
            merchant,
            merchant_name: named.map(|merchant| merchant.name.clone()),
            transfer: about.transfer(),
            to: match about {
                About::Transfer { to, .. } => Some(to),
                _ => None,
            },
            red_packet: about.red_packet(),
            combined: about.combined(),
            pending,
        }))
    }
}

/// All that waits. There is never more than a handful.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Confirmations {
    data: Vec<ConfirmationShown>,
    sequence: SequenceToken,
}

pub(super) async fn list(ask: Ask<WalletId>) -> Replied<Confirmations> {
    must_be(&ask.caller()?, ask.id)?;
    let done = ask.app.ask(Command::FindAwaiting(ask.id)).await?;
    let Outcome::Awaiting(decisions) = &done.outcome else {
        return done.unexpected();
    };
    let mut data = Vec::new();
    for decision in decisions {
        data.extend(ConfirmationShown::of(&ask.app, decision).await?);
    }
    let sequence = done.sequence;
    let all = Confirmations {
        data,
        sequence: SequenceToken(sequence),
    };
    Ok(Reply::as_of(sequence, Json(all)))
}
