//! Money that a wallet's holder moves: looked up, assessed, decided.
//!
//! The first look goes to the machine with the command's keys but without an assessment. It tells a retry its first
//! answer and refuses what cannot be done, before anything is scored; otherwise it brings what is to be assessed and uses
//! no key up. It is answered before what it saw is durable, and nobody outside hears of it: what it refuses is then journalled
//! as the answer of the key. Between the looks others may pay the order or close it: the second look decides anew, with all
//! checks.

use fraud::{Attempt, Channel, Key, Kind};
use fx::Money;
use ledger::shell::Committed;
use ledger::{Remember, Submission, TransactionId, Unique};

use super::ask::new_id;
use super::risk::Moving;
use super::{App, Done};
use crate::api::refused::submit_problem;
use crate::pay::{
    BillId, CombinedId, Command, NewRedPacket, NewTransfer, Order, OrderId, Outcome, Pay, PayBill,
    PayCombined, Payments, Refusal, Scored, TransferId, Using, WalletId, Whence,
};
use crate::problem::{Code, Problem};

/// Whence somebody moves money, as far as the wallet's provider says it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin<'a> {
    /// The name of the phone or browser.
    pub device: Option<&'a str>,
    /// The name of the place.
    pub place: Option<&'a str>,
}

impl From<Origin<'_>> for Whence {
    fn from(origin: Origin<'_>) -> Self {
        Self {
            device: origin.device.map(str::to_owned),
            place: origin.place.map(str::to_owned),
        }
    }
}

/// Whose money it is, and whence it is moved.
#[derive(Clone, Copy, Debug)]
pub struct Payer<'a> {
    pub wallet: WalletId,
    pub origin: Origin<'a>,
}

impl App {
    /// Pays an order from a wallet. The answer is paid, or pending: then the payer must confirm or an analyst must look.
    pub async fn pay(
        &self,
        order: OrderId,
        payer: Payer<'_>,
        using: Using,
        once: Unique,
    ) -> Result<Done, Problem> {
        self.pay_by((order, using), payer, (Channel::MerchantCode, false), once)
            .await
    }

    /// Pays an order from inside an app, once the payer has confirmed.
    pub(crate) async fn pay_confirmed(
        &self,
        order: OrderId,
        payer: Payer<'_>,
        using: Using,
        once: Unique,
    ) -> Result<Done, Problem> {
        self.pay_by((order, using), payer, (Channel::App, true), once)
            .await
    }

    async fn pay_by(
        &self,
        (order, using): (OrderId, Using),
        payer: Payer<'_>,
        (channel, confirm): (Channel, bool),
        once: Unique,
    ) -> Result<Done, Problem> {
        let transaction = TransactionId(new_id());
        let command = |scored| {
            Command::Pay(Pay {
                order,
                wallet: payer.wallet,
                using: using.clone(),
                confirm,
                transaction,
                scored,
            })
        };
        let moving = |order: &Order| Moving {
            transaction,
            kind: Kind::Payment,
            channel,
            payer,
            payee: Some(Key::from(order.merchant.0)),
            amount: order.amount,
        };
        self.assessed_order(&[once], payer.origin, command, moving)
            .await
    }

    /// Pays several orders together, all or none. They are paid, or wait as one payment does.
    pub async fn pay_combined(
        &self,
        orders: &[OrderId],
        payer: Payer<'_>,
        once: Unique,
    ) -> Result<Done, Problem> {
        let id = CombinedId(new_id());
        let with_transaction = |order: &OrderId| (*order, TransactionId(new_id()));
        let orders: Vec<_> = orders.iter().map(with_transaction).collect();
        let command = |scored| {
            Command::PayCombined(PayCombined {
                id,
                wallet: payer.wallet,
                orders: orders.clone(),
                scored,
            })
        };
        let attempt = |looked: &Outcome| match looked {
            Outcome::MayPay(amount) => Some(self.risk.attempt(&Moving {
                transaction: TransactionId(id.0),
                kind: Kind::Payment,
                channel: Channel::App,
                payer,
                // Several get it.
                payee: None,
                amount: *amount,
            })),
            _ => None,
        };
        let done = self
            .assessed(&[once], payer.origin, command, attempt)
            .await?;
        self.count_paid(&done);
        Ok(done)
    }

    /// Sends a transfer. It is sent, or waits as a payment does.
    pub async fn transfer(
        &self,
        new: NewTransfer,
        origin: Origin<'_>,
        once: Unique,
    ) -> Result<Done, Problem> {
        let moving = Moving {
            transaction: new.transaction,
            kind: Kind::Transfer,
            channel: Channel::App,
            payer: Payer {
                wallet: new.from,
                origin,
            },
            payee: Some(Key::from(new.to.0)),
            amount: new.amount,
        };
        let command = |scored| {
            Command::Transfer(NewTransfer {
                scored,
                ..new.clone()
            })
        };
        self.sent(&moving, command, once).await
    }

    /// Pays a wallet's share of a bill, by a transfer.
    pub async fn pay_bill(
        &self,
        bill: BillId,
        wallet: WalletId,
        origin: Origin<'_>,
        once: Unique,
    ) -> Result<Done, Problem> {
        let pay = PayBill {
            bill,
            wallet,
            transfer: TransferId(new_id()),
            transaction: TransactionId(new_id()),
            scored: None,
        };
        // Whom it goes to and how much it is stands in the bill; what is wrong with paying it the rules say.
        let found = self.look_up(Command::FindBill(bill)).await?.outcome;
        let owed = match &found {
            Outcome::Bill(found) => found.share_of(wallet).map(|share| {
                let amount = Money::new(share.amount, found.amount.currency);
                (found.owner, amount)
            }),
            _ => None,
        };
        let attempt = |looked: &Outcome| {
            let (owner, amount) = owed.filter(|_| *looked == Outcome::MaySend)?;
            Some(self.risk.attempt(&Moving {
                transaction: pay.transaction,
                kind: Kind::Transfer,
                channel: Channel::App,
                payer: Payer { wallet, origin },
                payee: Some(Key::from(owner.0)),
                amount,
            }))
        };
        let command = |scored| {
            Command::PayBill(PayBill {
                scored,
                ..pay.clone()
            })
        };
        self.assessed(&[once], origin, command, attempt).await
    }

    /// Sends a red packet. It is open, or waits as a payment does.
    pub async fn red_packet(
        &self,
        new: NewRedPacket,
        origin: Origin<'_>,
        once: Unique,
    ) -> Result<Done, Problem> {
        // A group has no history; a single person has.
        let payee = match new.members[..] {
            [one] => Some(Key::from(one.0)),
            _ => None,
        };
        let moving = Moving {
            transaction: new.transaction,
            kind: Kind::RedPacket,
            channel: Channel::App,
            payer: Payer {
                wallet: new.from,
                origin,
            },
            payee,
            amount: new.amount,
        };
        let command = |scored| {
            Command::RedPacket(NewRedPacket {
                scored,
                ..new.clone()
            })
        };
        self.sent(&moving, command, once).await
    }

    async fn sent(
        &self,
        moving: &Moving<'_>,
        command: impl Fn(Option<Box<Scored>>) -> Command,
        once: Unique,
    ) -> Result<Done, Problem> {
        let attempt =
            |looked: &Outcome| (*looked == Outcome::MaySend).then(|| self.risk.attempt(moving));
        self.assessed(&[once], moving.payer.origin, command, attempt)
            .await
    }

    /// Pays an order, which the command may have to make first, once the attempt was scored.
    pub(super) async fn assessed_order<'a>(
        &self,
        keys: &[Unique],
        origin: Origin<'_>,
        command: impl Fn(Option<Box<Scored>>) -> Command,
        moving: impl FnOnce(&Order) -> Moving<'a>,
    ) -> Result<Done, Problem> {
        let attempt = |looked: &Outcome| match looked {
            Outcome::ToAssess(order) => Some(self.risk.attempt(&moving(order))),
            _ => None,
        };
        let done = self.assessed(keys, origin, command, attempt).await?;
        self.count_paid(&done);
        Ok(done)
    }

    /// Looks whether a command could be done, scores what it attempts, and gives it with the score.
    async fn assessed(
        &self,
        keys: &[Unique],
        origin: Origin<'_>,
        command: impl Fn(Option<Box<Scored>>) -> Command,
        attempt: impl FnOnce(&Outcome) -> Option<Attempt>,
    ) -> Result<Done, Problem> {
        let looks = keys.iter().map(|key| Unique {
            remember: Remember::Successes,
            ..*key
        });
        let looked = looks.fold(Submission::new(command(None)), Submission::once);
        let looked = self.handle.look(looked).await.map_err(submit_problem)?;
        if let Some(attempt) = attempt(&looked.outcome) {
            let scored = Scored {
                whence: origin.into(),
                ..self.risk.assess(&attempt)
            };
            let assessed = Submission::new(command(Some(Box::new(scored))));
            let assessed = keys.iter().copied().fold(assessed, Submission::once);
            return Done::of(self.see_through(attempt, assessed).await?);
        }
        match looked.outcome {
            Outcome::Refused(refusal) if !looked.again => {
                self.command(Command::Refuse(refusal), keys.iter().copied())
                    .await
            }
            _ => Done::of(looked),
        }
    }

    /// Counts a payment that was just made.
    pub(super) fn count_paid(&self, done: &Done) {
        if done.again {
            return;
        }
        let paid = match &done.outcome {
            Outcome::Paid { .. } => 1,
            Outcome::Combined {
                combined,
                decision: None,
                ..
            } => combined.parts.len(),
            _ => 0,
        };
        for _ in 0..paid {
            self.metrics.paid();
        }
    }

    /// Gives the command of an attempt that was assessed, and learns its end. This goes on by itself if whoever asked has
    /// gone: an attempt whose end nobody learns would count as under way for good.
    async fn see_through(
        &self,
        attempt: Attempt,
        submission: Submission<Payments>,
    ) -> Result<Committed<Outcome>, Problem> {
        let (handle, risk) = (self.handle.clone(), self.risk.clone());
        let seen_through = tokio::spawn(async move {
            let answer = handle.submit(submission).await.map_err(submit_problem);
            if !may_be_journalled(&attempt, &answer) {
                risk.forget(&attempt);
            }
            answer
        });
        seen_through
            .await
            .unwrap_or_else(|error| Err(Problem::internal(&error)))
    }
}

/// Whether the journal knows of an attempt, or may: then its end is learned from there.
fn may_be_journalled(attempt: &Attempt, answer: &Result<Committed<Outcome>, Problem>) -> bool {
    match answer {
        Err(problem) => problem.code == Code::OutcomeUnknown,
        Ok(committed) => match &committed.outcome {
            Outcome::Paid { order, .. } => {
                let payment = order.payment.as_ref();
                payment.is_some_and(|payment| payment.transaction.0 == attempt.id)
            }
            Outcome::Pending { decision, .. } => decision.id.0 == attempt.id,
            Outcome::Transfer { transfer, .. } => transfer.decision.0 == attempt.id,
            Outcome::RedPacket { packet, .. } => packet.decision.0 == attempt.id,
            Outcome::Combined { combined, .. } => combined.id.0 == attempt.id,
            Outcome::Refused(
                Refusal::RiskDenied | Refusal::InsufficientFunds | Refusal::Ledger(_),
            ) => !committed.again,
            _ => false,
        },
    }
}
