//! What happens at a till: which rule decides on which command.

use ledger::{Answer, Cold, Timestamp};

use super::message::{ColdKey, ColdRow, Command, Event, Outcome};
use super::refusal::Refusal;
use super::state::Payments;

impl Payments {
    pub(super) fn decide_at_till(
        &self,
        at: Timestamp,
        command: &Command,
        cold: &Cold<ColdKey, ColdRow>,
        events: &mut Vec<Event>,
    ) -> Answer<Outcome, ColdKey> {
        let decided = match command {
            Command::Charge(new) => self.charge(at, new, events),
            Command::RefuseCode { merchant, till } => self.refuse_code(at, *merchant, till, events),
            Command::Reverse {
                order,
                merchant,
                transaction,
            } => {
                return self.with_order(order, cold, |order| {
                    self.reverse(at, order, (*merchant, *transaction), events)
                });
            }
            Command::Forestall => Ok(Outcome::Done),
            Command::PrintCode(new) => self.print_code(new, events),
            Command::RetireCode { id, merchant } => self.retire_code(*id, *merchant, events),
            Command::PayPrinted(pay) => self.pay_printed(at, pay, events),
            Command::FindCodeDevice(handle) => self.find_code_device(*handle),
            Command::FindPrintedCode(id) => self.find_printed(*id),
            Command::PrintedCodes {
                merchant,
                after,
                limit,
            } => Ok(self.list_printed(*merchant, *after, *limit)),
            // Whoever calls this has seen which command it is.
            _ => Err(Refusal::NotACharge),
        };
        Answer::Decided(decided.into())
    }
}
