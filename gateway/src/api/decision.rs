//! Decisions about attempts to pay: what was decided and why, and how a payer confirms.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::{Ask, Json, Replied, Reply};
use super::combined::CombinedShown;
use super::order::OrderShown;
use super::red_packet::RedPacketShown;
use super::transfer::TransferShown;
use super::wire::{Amount, SequenceToken, Time};
use crate::app::risk::Why;
use crate::app::{App, DeviceSignature, Done, Pin, Proof, text_to_sign};
use crate::auth::Caller;
use crate::pay::desk::Desk;
use crate::pay::{
    CombinedId, Decision, DecisionId, KeyId, MerchantId, OrderId, Outcome, Owner, RedPacketId,
    Resolver, Standing, TransferId, WalletId,
};
use crate::problem::{Code, Problem};
use crate::store::decision::Labelled;

/// What a payment waits for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PendingPayment)]
pub(super) struct PendingShown {
    decision: DecisionId,
    /// `awaiting_confirmation`: the payer must confirm. `in_review`: an analyst must look, and the money is on hold.
    #[schema(example = "awaiting_confirmation")]
    standing: &'static str,
    /// The last moment; then the payment lapses, and money on hold goes back.
    until: Time,
    /// What the payer's device signs to confirm.
    #[serde(skip_serializing_if = "Option::is_none")]
    text_to_sign: Option<String>,
}

impl PendingShown {
    pub(super) fn of(decision: &Decision) -> Option<Self> {
        let until = Time(decision.due?);
        let awaits = decision.standing == Standing::AwaitingConfirmation;
        Some(Self {
            decision: decision.id,
            standing: decision.standing.name(),
            until,
            text_to_sign: awaits.then(|| text_to_sign(decision)),
        })
    }
}

/// One reason.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reason)]
pub(super) struct ReasonShown {
    /// The feature or rule behind it; stable.
    #[schema(example = "payer.count_10m")]
    code: String,
    #[schema(example = "the payer had 12 attempts in the last ten minutes")]
    text: String,
    /// What was observed, in thousandths.
    value_milli: i64,
    /// How far it moved the score, in parts per million; 0 for a rule.
    weight_ppm: i32,
}

impl From<Why> for ReasonShown {
    fn from(why: Why) -> Self {
        Self {
            code: why.code,
            text: why.text,
            value_milli: why.value_milli,
            weight_ppm: why.weight_ppm,
        }
    }
}

/// How a decision ended that was pending.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Resolution)]
pub(super) struct ResolutionShown {
    /// `payer`, `analyst`, `merchant` or `house`.
    #[schema(example = "analyst")]
    by: &'static str,
    /// The analyst's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<KeyId>,
    /// How the payer confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<&'static str>,
    at: Time,
    note: String,
}

impl ResolutionShown {
    fn of(decision: &Decision) -> Option<Self> {
        let resolution = decision.resolution.as_ref()?;
        let (by, key, proof) = match resolution.by {
            Resolver::Payer(proof) => ("payer", None, Some(proof.name())),
            Resolver::Analyst(key) => ("analyst", Some(key), None),
            Resolver::Merchant => ("merchant", None, None),
            Resolver::House => ("house", None, None),
        };
        Some(Self {
            by,
            key,
            proof,
            at: Time(resolution.at),
            note: resolution.note.clone(),
        })
    }
}

/// What was decided about an attempt to pay. A payer sees how it stands, analysts and operators also why.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Decision)]
pub(super) struct DecisionShown {
    pub(super) id: DecisionId,
    /// The order that was to be paid, and its merchant; or the transfer, or the red packet, that was to be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<OrderId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant: Option<MerchantId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer: Option<TransferId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    red_packet: Option<RedPacketId>,
    /// Or the orders that were to be paid together.
    #[serde(skip_serializing_if = "Option::is_none")]
    combined: Option<CombinedId>,
    wallet: WalletId,
    amount: Amount,
    at: Time,
    /// `settled`, `awaiting_confirmation`, `in_review`, `denied`, `lapsed`, `withdrawn` or `failed`.
    #[schema(example = "settled")]
    standing: &'static str,
    /// The last moment of what is pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolution: Option<ResolutionShown>,
    /// `fraud` or `genuine`, if anybody said.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    risk: Option<Explained>,
}

/// Why it was decided so.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExplainedRisk)]
pub(super) struct Explained {
    /// `allow`, `challenge`, `review` or `deny`.
    #[schema(example = "review")]
    verdict: &'static str,
    /// The probability of fraud in parts per million.
    score_ppm: u32,
    /// The money expected to be lost if it is let through, in hundredths of a yuan; all of it while somebody must look.
    at_risk: i64,
    /// The payer's phone or browser, and the place, by the names that came with the attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    /// The weightiest first.
    reasons: Vec<ReasonShown>,
    /// 0 when only the lists counted.
    rules_version: u32,
    /// 0 is the scorecard that is built in.
    model_version: u32,
    /// Rules in shadow that would have held.
    shadow: Vec<String>,
    /// What the challenger would have scored, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    challenger_ppm: Option<u32>,
}

impl DecisionShown {
    /// A decision as its payer sees it.
    fn plain(found: &Labelled) -> Self {
        let decision = &found.decision;
        Self {
            id: decision.id,
            order: decision.about.order().map(|(order, ..)| order),
            merchant: decision.about.order().map(|(_, merchant, _)| merchant),
            transfer: decision.about.transfer(),
            red_packet: decision.about.red_packet(),
            combined: decision.about.combined(),
            wallet: decision.wallet,
            amount: decision.amount.into(),
            at: Time(decision.at),
            standing: decision.standing.name(),
            until: decision.due.map(Time),
            resolution: ResolutionShown::of(decision),
            label: None,
            risk: None,
        }
    }

    /// A decision with its reasons.
    pub(super) fn explained(app: &App, found: &Labelled, desk: &Desk) -> Self {
        let scored = &found.decision.scored;
        let why = app.risk.explain(&found.decision, desk);
        let risk = Explained {
            verdict: scored.assessment.verdict.name(),
            score_ppm: scored.assessment.score_ppm,
            at_risk: found.decision.at_risk(),
            device: scored.whence.device.clone(),
            place: scored.whence.place.clone(),
            reasons: why.into_iter().map(Into::into).collect(),
            rules_version: scored.assessment.rules_version,
            model_version: scored.assessment.model_version,
            shadow: scored.shadow.clone(),
            challenger_ppm: scored.challenger_ppm,
        };
        Self {
            label: found.label.map(|(label, _)| label.name()),
            risk: Some(risk),
            ..Self::plain(found)
        }
    }

    async fn to(app: &App, caller: &Caller, found: &Labelled) -> Result<Self, Problem> {
        if caller.sees_risk() {
            let desk = app.desk().await?;
            return Ok(Self::explained(app, found, &desk));
        }
        if caller.owner == Owner::Wallet(found.decision.wallet) {
            return Ok(Self::plain(found));
        }
        Err(Problem::new(
            Code::DecisionNotFound,
            "There is no such decision, or it is not yours.",
        ))
    }
}

pub(super) async fn find(ask: Ask<DecisionId>) -> Replied<DecisionShown> {
    let caller = ask.caller()?;
    let found = ask.app.find_decision(ask.id).await?;
    let shown = DecisionShown::to(&ask.app, &caller, &found).await?;
    Ok(Reply::new(Json(shown)))
}

/// One proof that the payer is who they should be.
#[derive(Deserialize, ToSchema)]
#[schema(as = Proof, example = json!({"pin": "271828"}))]
#[serde(deny_unknown_fields)]
pub(super) struct ProofAsked {
    /// The wallet's PIN, as the payer typed it.
    pin: Option<String>,
    /// Or one of the wallet's devices, and
    device: Option<KeyId>,
    /// its HMAC-SHA256 over the text that is to be signed, in base64url without padding.
    signature: Option<String>,
}

impl std::fmt::Debug for ProofAsked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProofAsked(…)")
    }
}

impl ProofAsked {
    /// Reads a proof that stood at this pointer of the body.
    pub(super) fn read(self, pointer: &str) -> Result<Box<dyn Proof>, Problem> {
        match (self.pin, self.device, self.signature) {
            (Some(pin), None, None) => Ok(Box::new(Pin(pin))),
            (None, Some(device), Some(signature)) => {
                let signature = URL_SAFE_NO_PAD.decode(&signature).map_err(|error| {
                    Problem::field(
                        Code::FieldInvalid,
                        format!("{pointer}/signature"),
                        format!("is not base64url: {error}"),
                    )
                })?;
                Ok(Box::new(DeviceSignature { device, signature }))
            }
            _ => Err(Problem::field(
                Code::FieldInvalid,
                pointer,
                "Send either a pin, or a device and its signature.",
            )),
        }
    }
}

/// What went through, and what is left in the wallet, in its currency.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Confirmed {
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<OrderShown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer: Option<TransferShown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    red_packet: Option<RedPacketShown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    combined: Option<CombinedShown>,
    wallet_balance: Amount,
    sequence: SequenceToken,
}

impl Confirmed {
    fn answer(caller: &Caller, done: Done) -> Replied<Self> {
        let (mut order, mut transfer, mut red_packet, mut combined) = (None, None, None, None);
        let (balance, currency) = match &done.outcome {
            Outcome::Paid {
                order: paid,
                wallet_balance,
                ..
            } => {
                order = Some(OrderShown::to(caller.owner, paid));
                (*wallet_balance, paid.amount.currency)
            }
            Outcome::Transfer {
                transfer: sent,
                balance: Some(balance),
                ..
            } => {
                transfer = Some(TransferShown::from(&**sent));
                (*balance, sent.amount.currency)
            }
            Outcome::RedPacket {
                packet,
                balance: Some(balance),
                ..
            } => {
                red_packet = Some(RedPacketShown::from(&**packet));
                (*balance, packet.amount.currency)
            }
            Outcome::Combined {
                combined: paid,
                balance: Some(balance),
                ..
            } => {
                combined = Some(CombinedShown::from(&**paid));
                (*balance, paid.amount.currency)
            }
            _ => return done.unexpected(),
        };
        let confirmed = Self {
            order,
            transfer,
            red_packet,
            combined,
            wallet_balance: Amount::new(balance, currency),
            sequence: SequenceToken(done.sequence),
        };
        Ok(Reply::done(&done, Json(confirmed)))
    }
}

pub(super) async fn confirm(ask: Ask<DecisionId, (), Json<ProofAsked>>) -> Replied<Confirmed> {
    let caller = ask.caller()?;
    let once = ask
        .once
        .ok_or_else(|| Problem::internal(&"a route with an effect has no key"))?;
    let proof = ask.body.0.read("")?;
    let wallet = caller.wallet()?;
    let done = ask
        .app
        .confirm(ask.id, wallet, proof.as_ref(), once)
        .await?;
    Confirmed::answer(&caller, done)
}
