//! What transfers and red packets have in common: how much one person may have under way, and what goes back to its
//! sender when nobody took it in time.

use ledger::{Answer, Cold, NewTransaction, Timestamp};

use super::decision::Decision;
use super::id::{DecisionId, WalletId};
use super::message::{ColdKey, ColdRow, Command, Event, Outcome};
use super::recipe::PAYMENTS_BOOK;
use super::red_packet::{PacketState, RedPacket};
use super::refusal::Refusal;
use super::state::Payments;
use super::transfer::{Transfer, TransferState};

/// What one person may have under way, so that nobody fills the memory: more than anybody sends in a day.
pub(super) const UNDER_WAY_MAX: u32 = 1_000;
/// For how much longer something stays open that cannot go back.
const EXTENSION_SECS: u64 = 24 * 3600;

/// What nobody took in time.
enum Untaken<'a> {
    Transfer(&'a Transfer),
    RedPacket(&'a RedPacket),
}

impl Untaken<'_> {
    fn posting(&self) -> NewTransaction {
        match self {
            Self::Transfer(transfer) => transfer.return_posting(),
            Self::RedPacket(packet) => packet.return_posting(),
        }
    }

    fn returned(&self, at: Timestamp) -> Event {
        match self {
            Self::Transfer(transfer) => {
                let expired = Transfer::clone(transfer).ended(at, TransferState::Expired);
                Event::TransferChanged(Box::new(expired))
            }
            Self::RedPacket(packet) => Event::RedPacketEnded {
                packet: packet.id,
                state: PacketState::Expired,
                at,
                returned: packet.left(),
            },
        }
    }

    fn extended(&self, at: Timestamp) -> Event {
        let expires_at = at.plus_secs(EXTENSION_SECS);
        match self {
            Self::Transfer(transfer) => Event::TransferExtended {
                transfer: transfer.id,
                expires_at,
            },
            Self::RedPacket(packet) => Event::RedPacketExtended {
                packet: packet.id,
                expires_at,
            },
        }
    }
}

impl Payments {
    /// Decides on what people send each other.
    pub(super) fn decide_on_sending(
        &self,
        at: Timestamp,
        command: &Command,
        cold: &Cold<ColdKey, ColdRow>,
        events: &mut Vec<Event>,
    ) -> Answer<Outcome, ColdKey> {
        let decided = match command {
            Command::Transfer(new) => self.transfer(at, new, events),
            Command::RedPacket(new) => self.red_packet(at, new, events),
            Command::Reply {
                transfer,
                wallet,
                reply,
            } => {
                return self.with_transfer(*transfer, cold, |transfer| {
                    self.reply(at, transfer, *wallet, *reply, events)
                });
            }
            Command::Claim {
                packet,
                wallet,
                transaction,
            } => {
                return self.with_red_packet(*packet, cold, |packet| {
                    self.claim(at, packet, (*wallet, *transaction), events)
                });
            }
            Command::FindTransfer(id) => {
                return self.with_transfer(*id, cold, |transfer| {
                    Ok(Outcome::Transfer {
                        transfer: Box::new(transfer.clone()),
                        balance: None,
                        decision: self.decision_of(transfer.decision),
                    })
                });
            }
            Command::FindRedPacket(id) => {
                return self.with_red_packet(*id, cold, |packet| {
                    Ok(Outcome::RedPacket {
                        packet: Box::new(packet.clone()),
                        balance: None,
                        decision: self.decision_of(packet.decision),
                    })
                });
            }
            // Whoever calls this has seen which command it is.
            _ => Err(Refusal::TransferNotFound),
        };
        Answer::Decided(decided.into())
    }

    /// What something under way waits for.
    fn decision_of(&self, id: DecisionId) -> Option<Box<Decision>> {
        self.pending.get(id).cloned().map(Box::new)
    }

    pub(super) fn must_have_room_to_send(&self, wallet: WalletId) -> Result<(), Refusal> {
        let under_way = self.under_way.get(&wallet).copied().unwrap_or_default();
        if under_way < UNDER_WAY_MAX {
            Ok(())
        } else {
            Err(Refusal::SendingTooMuch)
        }
    }

    /// Gives back what nobody took in time, at most `limit` things.
    pub(super) fn give_back_untaken(&self, at: Timestamp, limit: usize, events: &mut Vec<Event>) {
        let transfers = self.transfers.due(at).map(Untaken::Transfer);
        let packets = self.red_packets.due(at).map(Untaken::RedPacket);
        let due: Vec<Untaken<'_>> = transfers.chain(packets).take(limit).collect();
        if due.is_empty() || self.give_back_all(at, &due, events) {
            return;
        }
        // An account lets nothing in: whose it is shows one by one, one a batch, as this hardly ever happens.
        let first = &due[..1];
        if !self.give_back_all(at, first, events) {
            events.extend(first.iter().map(|untaken| untaken.extended(at)));
        }
    }

    /// All of these or none.
    fn give_back_all(&self, at: Timestamp, due: &[Untaken<'_>], events: &mut Vec<Event>) -> bool {
        let postings: Vec<NewTransaction> = due.iter().map(Untaken::posting).collect();
        let mut made = Vec::new();
        let posted = self.ledger.post_at(at, PAYMENTS_BOOK, &postings, &mut made);
        if posted.is_err() {
            return false;
        }
        // Each transaction is followed by what it was for, so that whoever reads along can tell.
        let mut due = due.iter();
        for event in made {
            let is_posting = matches!(event, ledger::Event::Posted { .. });
            events.push(Event::Ledger(event));
            if is_posting && let Some(untaken) = due.next() {
                events.push(untaken.returned(at));
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use fx::{Currency, Money};
    use ledger::{AccountState, Machine as _, Moment, Sequence, TransactionId};

    use super::*;
    use crate::pay::recipe::Role;
    use crate::pay::transfer::Mode;
    use crate::pay::{DecisionId, TransferId, WalletNo};

    const DAY: u64 = 24 * 3600;

    fn happen(payments: &mut Payments, at: Timestamp, events: &[Event]) {
        let sequence = Sequence(1);
        for event in events {
            payments.evolve(Moment { sequence, at }, event);
        }
    }

    fn must(payments: &mut Payments, at: Timestamp, command: &Command) {
        let mut events = Vec::new();
        let answer = payments.decide(at, command, &Cold::default(), &mut events);
        assert!(
            !matches!(answer, Answer::Decided(Outcome::Refused(_))),
            "{answer:?}"
        );
        happen(payments, at, &events);
    }

    /// Two people; the first has sent the second two offers of 1.00.
    fn two_offers(start: Timestamp) -> Payments {
        let mut payments = Payments::default();
        for id in [1, 2] {
            let open = Command::OpenWallet {
                id: WalletId(id),
                holder: format!("holder {id}"),
                currencies: vec![Currency::CNY],
            };
            must(&mut payments, start, &open);
        }
        let top_up = Command::TopUp {
            transaction: TransactionId(1),
            wallet: WalletId(1),
            amount: Money::new(1_000, Currency::CNY),
            reference: "in".to_owned(),
        };
        must(&mut payments, start, &top_up);
        for id in [10, 11] {
            let amount = Money::new(100, Currency::CNY);
            let posting =
                crate::pay::recipe::transfer_offered(TransactionId(id), WalletNo(0), amount);
            let mut posted = Vec::new();
            payments
                .ledger
                .post_at(start, PAYMENTS_BOOK, &[posting], &mut posted)
                .unwrap();
            let posted: Vec<Event> = posted.into_iter().map(Event::Ledger).collect();
            happen(&mut payments, start, &posted);
            let offer = Transfer {
                id: TransferId(id << 64),
                from: WalletId(1),
                from_no: WalletNo(0),
                to: WalletId(2),
                to_no: WalletNo(1),
                amount,
                note: String::new(),
                mode: Mode::ToAccept,
                bill: None,
                state: TransferState::AwaitingConfirmation,
                created_at: start,
                expires_at: None,
                ended_at: None,
                decision: DecisionId(id),
            };
            let offered = Event::TransferChanged(Box::new(offer.gone(start)));
            happen(&mut payments, start, &[offered]);
        }
        payments
    }

    fn set_state(payments: &mut Payments, at: Timestamp, state: AccountState) {
        let account = Role::Wallet(WalletNo(0)).account(Currency::CNY);
        let mut made = Vec::new();
        payments
            .ledger
            .set_state(PAYMENTS_BOOK, account, state, &mut made)
            .unwrap();
        let made: Vec<Event> = made.into_iter().map(Event::Ledger).collect();
        happen(payments, at, &made);
    }

    /// Lets happen what is due, batch by batch; how many batches it took.
    fn let_happen(payments: &mut Payments, at: Timestamp) -> usize {
        for batch in 0.. {
            let mut events = Vec::new();
            payments.due(at, 1_000, &mut events);
            if events.is_empty() {
                return batch;
            }
            happen(payments, at, &events);
        }
        unreachable!("the loop has no end but the one above")
    }

    #[test]
    fn what_cannot_go_back_stays_open_for_a_day_and_holds_nothing_up() {
        let start = Timestamp(1_800_000_000_000_000_000);
        let mut payments = two_offers(start);
        set_state(&mut payments, start, AccountState::FrozenIn);
        let over = start.plus_secs(DAY + 1);
        assert_eq!(
            let_happen(&mut payments, over),
            2,
            "each is extended by itself"
        );
        let offers = || [10, 11].map(|id| TransferId(id << 64));
        for id in offers() {
            let offer = payments.transfers.get(id).unwrap();
            assert_eq!(offer.state, TransferState::Offered);
            assert_eq!(offer.expires_at, Some(over.plus_secs(DAY)));
        }
        set_state(&mut payments, over, AccountState::Open);
        let later = over.plus_secs(DAY + 1);
        assert_eq!(let_happen(&mut payments, later), 1, "both go back at once");
        for id in offers() {
            assert_eq!(
                payments.transfers.get(id).unwrap().state,
                TransferState::Expired
            );
        }
        let account = Role::Wallet(WalletNo(0)).account(Currency::CNY);
        let account = payments.ledger.account(PAYMENTS_BOOK, account).unwrap();
        assert_eq!(account.net(), 1_000);
        assert!(payments.under_way.is_empty());
    }
}
