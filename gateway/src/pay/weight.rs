//! How much of the queue a command takes: the bytes that it holds in memory, its texts and lists too.

use ledger::{Ledger, Machine};

use super::bill::Cut;
use super::decision::Scored;
use super::desk;
use super::key::TermsChange;
use super::message::{Command, Lookup, RiskCommand};
use super::step_up::{Change, CheckedProof, StepUps};

impl Command {
    /// About how many bytes the command holds in memory.
    #[expect(clippy::too_many_lines, reason = "a table of what each command holds")]
    pub(super) fn weight(&self) -> usize {
        let within = match self {
            Self::OpenMerchant(new) => {
                new.name.len() + new.city.len() + size_of_val(new.currencies.as_slice())
            }
            Self::OpenWallet {
                holder, currencies, ..
            } => holder.len() + size_of_val(currencies.as_slice()),
            Self::AddKey { secret, .. } => secret.0.len(),
            Self::RotateKey(rotate) => rotate.secret.0.len(),
            Self::ChangeKeyTerms {
                change: TermsChange::Networks(networks),
                ..
            } => size_of_val(networks.as_slice()),
            Self::AddEndpoint(endpoint) => endpoint.url.len() + endpoint.secret.0.len(),
            Self::TopUp { reference, .. } => reference.len(),
            Self::CreateOrder(new) => new.number.as_str().len() + new.description.len(),
            Self::Pay(pay) => {
                let coupons = size_of_val(pay.using.coupons.as_slice());
                coupons + pay.scored.as_deref().map_or(0, scored)
            }
            Self::RegisterBiller(new) => {
                let rule = &new.reference;
                let texts = new.name.len() + rule.label.len() + texts(&rule.patterns);
                size_of_val(&**new) + texts
            }
            Self::PayBiller(pay) => {
                let scored = pay.scored.as_deref().map_or(0, scored);
                size_of_val(&**pay) + pay.reference.len() + scored
            }
            Self::Propose(new) => new.number.as_str().len() + new.description.len(),
            Self::AcceptMandate { proof, .. } => proof.as_deref().map_or(0, checked),
            Self::Debit(new) => {
                let texts = new.number.as_str().len() + new.description.len();
                size_of_val(&**new) + texts + new.scored.as_deref().map_or(0, scored)
            }
            Self::Share(new) => {
                let texts = new.shares.iter().map(|share| share.description.len());
                let shares = size_of_val(new.shares.as_slice()) + texts.sum::<usize>();
                lookup(&new.order) + new.number.as_str().len() + shares
            }
            Self::PayCombined(pay) => {
                let orders = size_of_val(pay.orders.as_slice());
                orders + pay.scored.as_deref().map_or(0, scored)
            }
            Self::MakeCoupon(coupon) => {
                let merchants = size_of_val(coupon.merchants.as_slice());
                size_of_val(&**coupon) + coupon.name.len() + merchants
            }
            Self::Refund(new) => lookup(&new.order) + new.number.as_str().len() + new.reason.len(),
            Self::CloseOrder { order, .. }
            | Self::Reverse { order, .. }
            | Self::FindOrder(order) => lookup(order),
            Self::Risk(command) => risk(command),
            Self::FindAsset(code) => code.len(),
            Self::Transfer(new) => new.note.len() + new.scored.as_deref().map_or(0, scored),
            Self::RedPacket(new) => {
                let members = size_of_val(new.members.as_slice());
                members + new.greeting.len() + new.scored.as_deref().map_or(0, scored)
            }
            Self::LockQuote(new) => {
                let terms = |terms: &fx::Terms| {
                    let path = terms.path.as_slice();
                    let sources = path.iter().map(|leg| leg.source.len()).sum::<usize>();
                    size_of_val(path) + sources + terms.tier.len()
                };
                new.terms.as_ref().map_or(0, terms)
            }
            Self::OpenBill(new) => {
                let among = size_of_val(new.among.as_slice());
                new.title.len() + among + shared(&new.cut)
            }
            Self::Charge(new) => {
                let texts = new.number.as_str().len() + new.description.len() + new.till.bytes();
                size_of_val(&**new) + texts + new.scored.as_deref().map_or(0, scored)
            }
            Self::RefuseCode { till, .. } => till.bytes(),
            Self::SetFees { schedule, .. } => size_of_val(schedule.0.as_slice()),
            Self::PrintCode(code) => code.description.len() + code.till.bytes(),
            Self::PayPrinted(pay) => pay.scored.as_deref().map_or(0, scored),
            Self::PayBill(pay) => pay.scored.as_deref().map_or(0, scored),
            Self::OpenBook { settings, .. } => settings.name.len(),
            Self::Ledger(asked) => {
                size_of_val(asked.assets.as_slice()) + Ledger::weight(&asked.command)
            }
            Self::RegisterAsset(_)
            | Self::RevokeKey { .. }
            | Self::RemoveEndpoint { .. }
            | Self::Refuse(_)
            | Self::FindKey(_)
            | Self::KeysOf(_)
            | Self::ChangeKeyTerms { .. }
            | Self::FindMerchant(_)
            | Self::FindWallet(_)
            | Self::FindStepUps(_)
            | Self::FindPending(_)
            | Self::Reply { .. }
            | Self::Claim { .. }
            | Self::FindTransfer(_)
            | Self::FindRedPacket(_)
            | Self::Convert { .. }
            | Self::LimitPosition { .. }
            | Self::FindQuote(_)
            | Self::Positions
            | Self::Remind { .. }
            | Self::Forestall
            | Self::FindFees(_)
            | Self::RetireCode { .. }
            | Self::FindCodeDevice(_)
            | Self::FindPrintedCode(_)
            | Self::PrintedCodes { .. }
            | Self::FindAwaiting(_)
            | Self::WithdrawCoupon { .. }
            | Self::SetScheme(_)
            | Self::FindCoupon(_)
            | Self::FindCombined(_)
            | Self::ReturnShare(_)
            | Self::RevokeMandate { .. }
            | Self::FindMandate(_)
            | Self::RetireBiller(_)
            | Self::FindBiller(_)
            | Self::Billers { .. }
            | Self::Coupons { .. }
            | Self::Schemes
            | Self::CancelBill { .. }
            | Self::FindBill(_)
            | Self::Endpoints(_)
            | Self::TrialBalance
            | Self::FindBook(_)
            | Self::Books => 0,
        };
        size_of_val(self) + within
    }
}

fn texts(texts: &[String]) -> usize {
    size_of_val(texts) + texts.iter().map(String::len).sum::<usize>()
}

fn lookup(lookup: &Lookup) -> usize {
    match lookup {
        Lookup::Id(_) => 0,
        Lookup::Number(_, number) => number.as_str().len(),
    }
}

fn scored(scored: &Scored) -> usize {
    let evidence = size_of_val(scored.evidence.as_slice());
    let whence = [&scored.whence.device, &scored.whence.place];
    let whence: usize = whence.into_iter().flatten().map(String::len).sum();
    let told = texts(&scored.assessment.reasons) + texts(&scored.shadow);
    size_of_val(scored) + evidence + told + whence
}

fn checked(proof: &CheckedProof) -> usize {
    let StepUps { pin, devices, .. } = &proof.against;
    let pin = pin.as_ref().map_or(0, |pin| pin.0.len());
    let each = devices
        .iter()
        .map(|device| size_of_val(device) + device.name.len() + device.secret.0.len());
    size_of_val(proof) + pin + each.sum::<usize>()
}

fn risk(command: &RiskCommand) -> usize {
    match command {
        RiskCommand::Confirm { proof, .. } => checked(proof),
        RiskCommand::ChangeStepUps { change, proof, .. } => {
            let change = match change {
                Change::Pin(pin) => pin.0.len(),
                Change::AddDevice(device) => device.name.len() + device.secret.0.len(),
                Change::RemoveDevice(_) | Change::Reset => 0,
            };
            change + proof.as_deref().map_or(0, checked)
        }
        RiskCommand::Release { note, .. } | RiskCommand::Deny { note, .. } => note.len(),
        RiskCommand::Desk(command) => at_desk(command),
    }
}

fn shared(cut: &Cut) -> usize {
    match cut {
        Cut::Even => 0,
        Cut::Weights(weights) => size_of_val(weights.as_slice()),
        Cut::Items(items) => {
            let each = items.iter().map(|item| size_of_val(item.who.as_slice()));
            size_of_val(items.as_slice()) + each.sum::<usize>()
        }
    }
}

fn at_desk(command: &desk::Command) -> usize {
    use desk::{Command as C, Said};
    let subject = |subject: &desk::Subject| match subject {
        desk::Subject::Device(name) => name.len(),
        desk::Subject::Wallet(_) | desk::Subject::Merchant(_) => 0,
    };
    match command {
        C::Draft { note, rules, .. } => {
            let each = rules.iter().map(|rule| {
                size_of_val(rule) + rule.name.len() + rule.when.len() + rule.because.len()
            });
            note.len() + each.sum::<usize>()
        }
        C::Enter {
            subject: entered,
            note,
            ..
        } => subject(entered) + note.len(),
        C::Strike {
            subject: struck, ..
        } => subject(struck),
        C::AddModel(model) => model.note.len(),
        C::GoBack { note, .. } | C::Freeze { note, .. } | C::Say(Said::Label { note, .. }) => {
            note.len()
        }
        C::Say(Said::Note { text, .. }) => text.len(),
        C::Approve { .. } | C::Discard { .. } | C::UseModel { .. } | C::Look => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pay::{DecisionId, KeyId, WalletId};

    #[test]
    fn what_a_command_says_counts() {
        let note = |length: usize| {
            Command::Risk(RiskCommand::Deny {
                decision: DecisionId(1),
                by: KeyId(1),
                note: "n".repeat(length),
            })
        };
        assert_eq!(note(4_000).weight(), note(0).weight() + 4_000);
        let wallet = |currencies| Command::OpenWallet {
            id: WalletId(1),
            holder: "h".repeat(10),
            currencies: vec![fx::Currency::CNY; currencies],
        };
        let each = size_of::<fx::Currency>();
        assert_eq!(wallet(32).weight(), wallet(0).weight() + 32 * each);
    }
}
