//! Red packets: money that one person or the members of a group take shares of.

use ledger::shell::chain::hex;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ask::{Ask, Json, Parameters, Replied, Reply, Schemas, named};
use super::check::Check;
use super::decision::PendingShown;
use super::page::{page, slice};
use super::payment::check_origin;
use super::transfer::{SideAsked, wallet_no};
use super::wallet::must_be;
use super::wire::{Amount, AskedAmount, Page, SequenceToken, Time};
use crate::app::secrets::random;
use crate::app::{Done, Origin, new_id, views_problem};
use crate::auth::Caller;
use crate::pay::{
    Command, DecisionId, NewRedPacket, Outcome, Owner, RedPacket, RedPacketId, Refusal, Split,
    TransactionName, WalletId, split,
};
use crate::problem::Problem;
use crate::store;
use crate::store::page::List;

/// Money that some people may take shares of, as it stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RedPacket)]
pub(super) struct RedPacketShown {
    id: RedPacketId,
    from: WalletId,
    amount: Amount,
    #[schema(inline)]
    split: SplitShown,
    /// Into how many shares it is cut.
    shares: usize,
    greeting: String,
    /// Who may take one.
    to: Vec<WalletId>,
    /// `awaiting_confirmation` (the sender must confirm), `in_review` (an analyst must look), `open`, `emptied` (every
    /// share is taken), `expired` (what was left is back) or `cancelled` (it never left).
    #[schema(example = "open")]
    state: &'static str,
    created_at: Time,
    /// The last moment a share can be taken, once it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<Time>,
    /// The shares that were taken, the first first.
    claims: Vec<ClaimShown>,
    /// What nobody has taken.
    left: Amount,
    /// What went back to the sender.
    returned: Amount,
    /// What was decided when it was sent.
    decision: DecisionId,
    /// By which chance it was cut; absent where all shares are equal.
    #[serde(skip_serializing_if = "Option::is_none")]
    chance: Option<ChanceShown>,
}

/// Who took how much.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RedPacketShare)]
pub(super) struct ClaimShown {
    wallet: WalletId,
    amount: Amount,
    at: Time,
}

/// What the cut follows from. The digest is told at once and the seed at the end, so that everybody can repeat the cut.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Chance)]
pub(super) struct ChanceShown {
    /// SHA-256 of the seed's bytes, in hexadecimal digits.
    seed_digest: String,
    /// The seed's bytes, once the red packet has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<String>,
}

impl ChanceShown {
    fn of(packet: &RedPacket) -> Option<Self> {
        (packet.split == Split::Lucky).then(|| Self {
            seed_digest: hex(&split::commitment(&packet.seed)),
            seed: packet.ended_at.map(|_| hex(&packet.seed)),
        })
    }
}

impl From<&RedPacket> for RedPacketShown {
    fn from(packet: &RedPacket) -> Self {
        let amount = |minor: i64| Amount::new(minor.into(), packet.amount.currency);
        let claims = packet.claims.iter().map(|claim| ClaimShown {
            wallet: claim.wallet,
            amount: amount(claim.amount),
            at: Time(claim.at),
        });
        Self {
            id: packet.id,
            from: packet.from,
            amount: packet.amount.into(),
            split: packet.split.into(),
            shares: packet.shares.len(),
            greeting: packet.greeting.clone(),
            to: packet.members.clone(),
            state: packet.state.name(),
            created_at: Time(packet.created_at),
            expires_at: packet.expires_at.map(Time),
            ended_at: packet.ended_at.map(Time),
            claims: claims.collect(),
            left: amount(packet.left() - packet.returned),
            returned: amount(packet.returned),
            decision: packet.decision,
            chance: ChanceShown::of(packet),
        }
    }
}

/// Whether all shares are equal, or chance cuts them.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Split)]
pub(super) enum SplitShown {
    Fixed,
    Lucky,
}

impl From<Split> for SplitShown {
    fn from(split: Split) -> Self {
        match split {
            Split::Fixed => Self::Fixed,
            Split::Lucky => Self::Lucky,
        }
    }
}

impl From<SplitShown> for Split {
    fn from(split: SplitShown) -> Self {
        match split {
            SplitShown::Fixed => Self::Fixed,
            SplitShown::Lucky => Self::Lucky,
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewRedPacket, example = json!({
    "amount": {"amount": 8888, "currency": "CNY"},
    "split": "lucky",
    "shares": 2,
    "to": ["wal_0197a3e5c4b17f20a1b2c3d4e5f60718", "wal_0197a3e5c4b17f20a1b2c3d4e5f60719"],
    "greeting": "Happy new year"
}))]
#[serde(deny_unknown_fields)]
pub(super) struct RedPacketAsked {
    /// All of it.
    amount: AskedAmount,
    #[schema(inline)]
    split: SplitShown,
    /// Into how many shares it is cut: one for each of those it is for, or fewer.
    #[schema(minimum = 1, maximum = 500)]
    shares: u16,
    /// Who may take one: a person, or the members of a group.
    #[schema(min_items = 1, max_items = 500)]
    to: Vec<WalletId>,
    #[schema(max_length = 60)]
    #[serde(default)]
    greeting: String,
    /// Your name for the sender's phone or browser, always the same for the same one.
    #[schema(min_length = 1, max_length = 128)]
    device: Option<String>,
    /// Where the sender is, as roughly as you like to say it; always the same for the same place.
    #[schema(min_length = 1, max_length = 64)]
    place: Option<String>,
}

/// A red packet that is open, or that waits for its sender or for an analyst.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RedPacketDone {
    red_packet: RedPacketShown,
    /// What the sender has left, in the packet's currency; absent while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    wallet_balance: Option<Amount>,
    /// What it waits for before it leaves the sender; absent when it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<PendingShown>,
    sequence: SequenceToken,
}

impl RedPacketDone {
    fn answer(done: Done) -> Replied<Self> {
        let Outcome::RedPacket {
            packet,
            balance,
            decision,
        } = &done.outcome
        else {
            return done.unexpected();
        };
        let pending = decision.as_deref().and_then(PendingShown::of);
        let waits = pending.is_some();
        let told = Self {
            red_packet: RedPacketShown::from(&**packet),
            wallet_balance: balance.map(|balance| Amount::new(balance, packet.amount.currency)),
            pending,
            sequence: SequenceToken(done.sequence),
        };
        Ok(Reply {
            waits,
            ..Reply::done(&done, Json(told))
        })
    }
}

pub(super) async fn create(ask: Ask<(), (), Json<RedPacketAsked>>) -> Replied<RedPacketDone> {
    let from = ask.caller()?.wallet()?;
    let once = ask
        .once
        .ok_or_else(|| Problem::internal(&"a route with an effect has no key"))?;
    let Json(asked) = ask.body;
    let mut check = Check::default();
    check.optional_text("/greeting", &asked.greeting, RedPacket::GREETING_CHARS_MAX);
    let origin = Origin {
        device: asked.device.as_deref(),
        place: asked.place.as_deref(),
    };
    check_origin(&mut check, &origin);
    check.done()?;
    let new = NewRedPacket {
        id: RedPacketId(new_id()),
        from,
        amount: ask.app.money(&asked.amount, "/amount").await?,
        split: asked.split.into(),
        shares: asked.shares,
        greeting: asked.greeting,
        members: asked.to,
        seed: random().map_err(|error| Problem::internal(&error))?,
        transaction: ledger::TransactionId(new_id()),
        scored: None,
    };
    RedPacketDone::answer(ask.app.red_packet(new, origin, once).await?)
}

pub(super) async fn find(ask: Ask<RedPacketId>) -> Replied<RedPacketDone> {
    let caller = ask.caller()?;
    let done = ask.app.ask(Command::FindRedPacket(ask.id)).await?;
    let Outcome::RedPacket { packet, .. } = &done.outcome else {
        return done.unexpected();
    };
    if !may_see(&caller, packet) {
        return Err(super::refused::refused(&Refusal::RedPacketNotFound));
    }
    let found = RedPacketDone::answer(done)?;
    Ok(Reply {
        waits: false,
        ..found
    })
}

fn may_see(caller: &Caller, packet: &RedPacket) -> bool {
    match caller.owner {
        Owner::Wallet(wallet) => {
            wallet == packet.from || (packet.may_claim(wallet) && packet.has_left())
        }
        _ => caller.sees_risk(),
    }
}

/// A share that was taken.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ShareTaken {
    red_packet: RedPacketId,
    amount: Amount,
    /// What the wallet has now, in this currency.
    wallet_balance: Amount,
    at: Time,
    transaction: TransactionName,
    sequence: SequenceToken,
}

pub(super) async fn claim(ask: Ask<RedPacketId>) -> Replied<ShareTaken> {
    let command = Command::Claim {
        packet: ask.id,
        wallet: ask.caller()?.wallet()?,
        transaction: ledger::TransactionId(new_id()),
    };
    let done = ask.app.command(command, ask.once).await?;
    let Outcome::Claimed {
        packet,
        claim,
        amount,
        balance,
    } = &done.outcome
    else {
        return done.unexpected();
    };
    let taken = ShareTaken {
        red_packet: *packet,
        amount: (*amount).into(),
        wallet_balance: Amount::new(*balance, amount.currency),
        at: Time(claim.at),
        transaction: claim.transaction.into(),
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::done(&done, Json(taken)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct SidedPage {
    /// Those that come from the wallet, or those that are for it.
    #[param(inline)]
    pub side: SideAsked,
    /// How many to show, 1 to 100; 20 when not given.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Wait until the list shows what was written at this place in the journal.
    pub at_least: Option<SequenceToken>,
}

impl Parameters for SidedPage {
    fn schemas(schemas: &mut Schemas) {
        named::<SequenceToken>(schemas);
    }
}

pub(super) async fn list(ask: Ask<WalletId, SidedPage>) -> Replied<Page<RedPacketShown>> {
    must_be(&ask.caller()?, ask.id)?;
    let asked = ask.query;
    let wallet = wallet_no(&ask.app, ask.id).await?;
    let slice = slice(asked.limit, asked.cursor.as_deref(), List::RedPackets)?;
    let at_least = asked.at_least.map(|token| token.0);
    let mut reading = ask.app.read_views(at_least).await?;
    let read = store::sending::red_packets(&mut reading, wallet, asked.side.into(), slice).await;
    let (packets, next) = read.map_err(|error| views_problem(&error))?;
    let shown = packets.iter().map(RedPacketShown::from);
    Ok(page(shown.collect(), next, reading.watermark()))
}
