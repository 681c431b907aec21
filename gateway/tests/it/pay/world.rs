//! An engine of payments with views beside it, as the gateway has them: what leaves memory is read
//! back from here.

use std::collections::BTreeMap;

use fx::{Currency, Money};
use gateway::pay::message::{NewOrder, NewRefund, Pay};
use gateway::pay::order::Verdict as Risk;
use gateway::pay::step_up::{Change, StepUps};
use gateway::pay::{
    Assessment, Bill, BillId, CheckedProof, ColdKey, ColdRow, Combined, CombinedId, Command,
    DecisionId, Event, Fee, FeeLine, FeeSchedule, KeyId, Lookup, Mandate, MandateId, MerchantId,
    NewMerchant, OrderId, OrderNumber, Outcome, Payments, Quote, QuoteId, RedPacket, RedPacketId,
    RefundId, RiskCommand, Row, Scan, Scored, SealedSecret, StepUp, Transfer, TransferId, Using,
    WalletId, Whence,
};
use ledger::{
    Cold, Engine, Fingerprint, Moment, OnceKey, Record, Remember, Sequence, Submission, Timestamp,
    TransactionId, Unique, Verdict,
};

pub(super) const SECOND: u64 = 1_000_000_000;
const START: Timestamp = Timestamp(1_800_000_000 * SECOND);

#[derive(Default)]
pub(super) struct World {
    pub engine: Engine<Payments>,
    pub records: Vec<(Sequence, Record<Payments>)>,
    views: BTreeMap<OrderId, Row>,
    transfers: BTreeMap<TransferId, Transfer>,
    red_packets: BTreeMap<RedPacketId, RedPacket>,
    quotes: BTreeMap<QuoteId, Quote>,
    bills: BTreeMap<BillId, Bill>,
    combined: BTreeMap<CombinedId, Combined>,
    mandates: BTreeMap<MandateId, Mandate>,
    once: BTreeMap<OnceKey, ledger::OnceEntry>,
    pub now: Timestamp,
    sequence: Sequence,
    transactions: u128,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            now: START,
            ..Self::default()
        }
    }

    /// A world with `merchants` and `wallets` that are paid in CNY and JPY.
    pub(super) fn with(merchants: u128, wallets: u128, fee_basis_points: u16) -> Self {
        let mut world = Self::new();
        let currencies = [Currency::CNY, Currency::JPY];
        world.open(merchants, wallets, fee_basis_points, &currencies);
        world
    }

    /// Opens merchants and wallets that hold these.
    pub(super) fn open(
        &mut self,
        merchants: u128,
        wallets: u128,
        fee_basis_points: u16,
        currencies: &[Currency],
    ) {
        let currencies = currencies.to_vec();
        for id in 1..=merchants {
            let (name, city) = (format!("shop {id}"), "Chengdu".to_owned());
            let (currencies, fee) = (
                currencies.clone(),
                Fee {
                    basis_points: fee_basis_points,
                },
            );
            let id = MerchantId(id);
            self.must(Command::OpenMerchant(NewMerchant {
                id,
                name,
                city,
                country: None,
                category: None,
                currencies,
                fee,
            }));
        }
        for id in 1..=wallets {
            let (holder, currencies) = (format!("holder {id}"), currencies.clone());
            self.must(Command::OpenWallet {
                id: WalletId(id),
                holder,
                currencies,
            });
        }
    }

    pub(super) fn set_fees(&mut self, merchant: u128, lines: Vec<FeeLine>) -> Outcome {
        let (merchant, schedule) = (MerchantId(merchant), FeeSchedule(lines));
        self.ask(Command::SetFees { merchant, schedule }, Vec::new())
    }

    pub(super) fn wait(&mut self, nanos: u64) {
        self.wait_by(nanos, 2);
    }

    /// Waits, and lets so much happen at once of what then is due.
    pub(super) fn wait_by(&mut self, nanos: u64, at_once: usize) {
        self.now = self.now.plus_nanos(nanos);
        loop {
            let moment = self.moment();
            let Some(record) = self.engine.due(moment, at_once) else {
                break;
            };
            self.keep(record);
        }
    }

    fn moment(&mut self) -> Moment {
        self.sequence = self.sequence.next();
        self.now = self.now.plus_nanos(1);
        Moment {
            sequence: self.sequence,
            at: self.now,
        }
    }

    fn keep(&mut self, record: Record<Payments>) {
        let moment = Moment {
            sequence: self.sequence,
            at: record.at(),
        };
        for event in record.events() {
            if let Event::OrderCreated(order)
            | Event::OrderPaid(order)
            | Event::OrderClosed(order)
            | Event::OrderExpired(order)
            | Event::OrderHeld(order)
            | Event::OrderReopened(order)
            | Event::OrderAwaitsPayer(order)
            | Event::OrderReversed(order)
            | Event::OrderShared { order, .. }
            | Event::ShareReturned { order, .. }
            | Event::OrderRefunded { order, .. } = event
            {
                let row = Row {
                    order: order.clone(),
                    changed: moment.sequence,
                };
                self.views.insert(order.id, row);
            }
            self.keep_what_is_sent(event);
        }
        self.keep_mandates(&record);
        if let Record::Command {
            uniques,
            outcome: Some(_),
            ..
        } = &record
        {
            let place = ledger::Place {
                sequence: moment.sequence,
                record: 0,
            };
            for unique in uniques {
                let entry = ledger::engine::once_entry(place, *unique);
                self.once.insert(unique.key, entry);
            }
        }
        self.records.push((self.sequence, record));
    }

    fn keep_what_is_sent(&mut self, event: &Event) {
        let payments = self.engine.machine();
        match event {
            Event::BillChanged(bill) => {
                self.bills.insert(bill.id, Bill::clone(bill));
            }
            Event::TransferChanged(transfer) => {
                self.transfers
                    .insert(transfer.id, Transfer::clone(transfer));
                let bill = transfer.bill.and_then(|id| payments.bill_in_memory(id));
                self.bills.extend(bill.map(|bill| (bill.id, bill.clone())));
            }
            Event::CombinedChanged(combined) => {
                self.combined.insert(combined.id, Combined::clone(combined));
            }
            Event::QuoteChanged(quote) => {
                self.quotes.insert(quote.id, Quote::clone(quote));
            }
            Event::RedPacketChanged(packet) => {
                self.red_packets.insert(packet.id, RedPacket::clone(packet));
            }
            Event::RedPacketClaimed { packet, .. } | Event::RedPacketEnded { packet, .. } => {
                let now = payments.red_packet_in_memory(*packet).cloned();
                self.red_packets.extend(now.map(|now| (now.id, now)));
            }
            _ => {}
        }
    }

    /// Mandates as they are once a record has happened: their own events change them, and those of orders by them.
    fn keep_mandates(&mut self, record: &Record<Payments>) {
        for event in record.events() {
            let id = match event {
                Event::MandateChanged(mandate) => Some(mandate.id),
                Event::OrderPaid(order)
                | Event::OrderHeld(order)
                | Event::OrderAwaitsPayer(order)
                | Event::OrderClosed(order)
                | Event::OrderExpired(order) => match order.direct.as_ref().map(|one| one.scan) {
                    Some(Scan::Mandate(id)) => Some(id),
                    _ => None,
                },
                _ => None,
            };
            let now = id.and_then(|id| self.engine.machine().mandate_in_memory(id));
            self.mandates.extend(now.map(|now| (now.id, now.clone())));
        }
    }

    /// What the views have under a name.
    fn cold(&self, key: &ColdKey) -> Option<ColdRow> {
        match key {
            ColdKey::Transfer(id) => {
                let found = self.transfers.get(id).cloned();
                found.map(Box::new).map(ColdRow::Transfer)
            }
            ColdKey::RedPacket(id) => {
                let found = self.red_packets.get(id).cloned();
                found.map(Box::new).map(ColdRow::RedPacket)
            }
            ColdKey::Quote(id) => {
                let found = self.quotes.get(id).cloned();
                found.map(Box::new).map(ColdRow::Quote)
            }
            ColdKey::Bill(id) => {
                let found = self.bills.get(id).cloned();
                found.map(Box::new).map(ColdRow::Bill)
            }
            ColdKey::Mandate(id) => {
                let found = self.mandates.get(id).cloned();
                found.map(Box::new).map(ColdRow::Mandate)
            }
            ColdKey::Combined(id) => {
                let found = self.combined.get(id).cloned();
                found.map(Box::new).map(ColdRow::Combined)
            }
            ColdKey::Order(_) | ColdKey::Ledger(_) => {
                let row = self.views.values().find(|row| names(key, row));
                row.cloned().map(Box::new).map(ColdRow::Order)
            }
        }
    }

    /// Everything finished leaves memory.
    pub(super) fn evict(&mut self) {
        let through = self.sequence;
        let moment = self.moment();
        let record = Record::Evict {
            at: moment.at,
            through,
        };
        self.engine.apply(moment.sequence, &record, |_, _, _| {});
        self.keep(record);
    }

    pub(super) fn must(&mut self, command: Command) -> Outcome {
        let outcome = self.ask(command, Vec::new());
        assert!(
            !matches!(outcome, Outcome::Refused(_)),
            "refused: {outcome:?}"
        );
        outcome
    }

    /// Submits as a handler does: what is missing is read from the views.
    pub(super) fn submit(&mut self, command: &Command, uniques: &[Unique]) -> Verdict<Payments> {
        let mut cold = Cold::default();
        let mut once_cold = BTreeMap::new();
        for _ in 0..3 {
            let moment = self.moment();
            let submission = Submission {
                uniques: uniques.to_vec().into(),
                command: command.clone(),
                cold: cold.clone(),
                once_cold: once_cold.clone(),
            };
            let (verdict, record) = self.engine.submit(moment, &submission);
            if let Some(record) = record {
                self.keep(record);
            }
            let Verdict::Missing {
                keys,
                once,
                at_least,
            } = verdict
            else {
                return verdict;
            };
            cold.read_at = self.sequence;
            assert!(cold.read_at >= at_least);
            for key in keys {
                let row = self.cold(&key);
                cold.rows.insert(key, row);
            }
            once_cold.extend(
                once.into_iter()
                    .map(|key| (key, self.once.get(&key).copied())),
            );
        }
        panic!("a command with everything at hand still misses something: {command:?}");
    }

    pub(super) fn ask(&mut self, command: Command, uniques: Vec<Unique>) -> Outcome {
        match self.submit(&command, &uniques) {
            Verdict::New(outcome) => outcome,
            Verdict::Again(place) => self.outcome(place),
            other => panic!("no outcome: {other:?}"),
        }
    }

    /// What a record was answered with; each row of this world has one.
    pub(super) fn outcome(&self, place: ledger::Place) -> Outcome {
        let record = self.records.iter().find(|(row, _)| *row == place.sequence);
        match record {
            Some((
                _,
                Record::Command {
                    outcome: Some(outcome),
                    ..
                },
            )) => outcome.clone(),
            other => panic!("no outcome stands at {place:?}: {other:?}"),
        }
    }

    pub(super) fn transaction(&mut self) -> TransactionId {
        self.transactions += 1;
        TransactionId(self.transactions)
    }

    pub(super) fn top_up(&mut self, wallet: u128, amount: Money) -> Outcome {
        let transaction = self.transaction();
        let reference = "in".to_owned();
        self.ask(
            Command::TopUp {
                transaction,
                wallet: WalletId(wallet),
                amount,
                reference,
            },
            vec![],
        )
    }

    pub(super) fn create(
        &mut self,
        order: u128,
        merchant: u128,
        amount: Money,
        life_secs: u64,
    ) -> Verdict<Payments> {
        let number = OrderNumber::new(&format!("N{order}")).unwrap();
        let merchant_id = MerchantId(merchant);
        let unique = Unique {
            key: OnceKey::of_text(u64::try_from(merchant).unwrap(), number.as_str()),
            fingerprint: Fingerprint(amount.amount.unsigned_abs().into()),
            remember: Remember::Successes,
        };
        let new = NewOrder {
            id: OrderId(order),
            merchant: merchant_id,
            number,
            amount,
            description: "noodles".to_owned(),
            life_secs,
        };
        self.submit(&Command::CreateOrder(new), &[unique])
    }

    /// Pays, and says under which id it was decided.
    pub(super) fn try_to_pay(&mut self, order: u128, wallet: u128, risk: Risk) -> (u128, Outcome) {
        self.pay_using(order, wallet, risk, Using::default())
    }

    /// Pays with coupons and points beside money, and says under which id it was decided.
    pub(super) fn pay_using(
        &mut self,
        order: u128,
        wallet: u128,
        risk: Risk,
        using: Using,
    ) -> (u128, Outcome) {
        let transaction = self.transaction();
        let pay = Pay {
            order: OrderId(order),
            wallet: WalletId(wallet),
            using,
            confirm: false,
            transaction,
            scored: Some(Box::new(scored(transaction, risk))),
        };
        (transaction.0, self.ask(Command::Pay(pay), Vec::new()))
    }

    pub(super) fn pay(&mut self, order: u128, wallet: u128, risk: Risk) -> Outcome {
        self.try_to_pay(order, wallet, risk).1
    }

    /// Gives a wallet something to confirm with.
    pub(super) fn set_pin(&mut self, wallet: u128) {
        self.must(Command::Risk(RiskCommand::ChangeStepUps {
            wallet: WalletId(wallet),
            change: Change::Pin(SealedSecret(vec![1, 2, 3])),
            proof: None,
        }));
    }

    /// A proof as somebody checks it at this moment.
    pub(super) fn proof(&self, wallet: u128, holds: bool) -> CheckedProof {
        let known = self.engine.machine().step_ups(WalletId(wallet)).cloned();
        CheckedProof {
            method: StepUp::Pin,
            holds,
            against: known.unwrap_or_default(),
        }
    }

    pub(super) fn step_ups(&self, wallet: u128) -> StepUps {
        self.proof(wallet, true).against
    }

    pub(super) fn change_step_ups(
        &mut self,
        wallet: u128,
        change: Change,
        proof: Option<CheckedProof>,
    ) -> Outcome {
        let command = Command::Risk(RiskCommand::ChangeStepUps {
            wallet: WalletId(wallet),
            change,
            proof: proof.map(Box::new),
        });
        self.ask(command, Vec::new())
    }

    pub(super) fn confirm(&mut self, decision: u128, wallet: u128) -> Outcome {
        let proof = self.proof(wallet, true);
        self.confirm_by(decision, wallet, proof)
    }

    pub(super) fn wrong_proof(&mut self, decision: u128, wallet: u128) -> Outcome {
        let proof = self.proof(wallet, false);
        self.confirm_by(decision, wallet, proof)
    }

    pub(super) fn confirm_by(
        &mut self,
        decision: u128,
        wallet: u128,
        proof: CheckedProof,
    ) -> Outcome {
        let command = Command::Risk(RiskCommand::Confirm {
            decision: DecisionId(decision),
            wallet: WalletId(wallet),
            proof: Box::new(proof),
        });
        self.ask(command, Vec::new())
    }

    pub(super) fn release(&mut self, decision: u128) -> Outcome {
        let command = Command::Risk(RiskCommand::Release {
            decision: DecisionId(decision),
            by: KeyId(1),
            note: "known customer".to_owned(),
        });
        self.ask(command, Vec::new())
    }

    pub(super) fn deny(&mut self, decision: u128) -> Outcome {
        let command = Command::Risk(RiskCommand::Deny {
            decision: DecisionId(decision),
            by: KeyId(1),
            note: "stolen phone".to_owned(),
        });
        self.ask(command, Vec::new())
    }

    pub(super) fn close(&mut self, order: u128, merchant: u128) -> Outcome {
        let order = Lookup::Id(OrderId(order));
        self.ask(
            Command::CloseOrder {
                order,
                merchant: MerchantId(merchant),
            },
            Vec::new(),
        )
    }

    pub(super) fn refund(
        &mut self,
        refund: u128,
        order: u128,
        merchant: u128,
        amount: Money,
    ) -> Outcome {
        let new = NewRefund {
            id: RefundId(refund),
            order: Lookup::Id(OrderId(order)),
            merchant: MerchantId(merchant),
            number: OrderNumber::new(&format!("R{refund}")).unwrap(),
            amount,
            reason: "sold out".to_owned(),
            transaction: self.transaction(),
        };
        self.ask(Command::Refund(new), Vec::new())
    }
}

fn names(key: &ColdKey, row: &Row) -> bool {
    let ColdKey::Order(lookup) = key else {
        return false;
    };
    match lookup {
        Lookup::Id(id) => row.order.id == *id,
        Lookup::Number(merchant, number) => {
            row.order.merchant == *merchant && row.order.number == *number
        }
    }
}

pub(super) fn scored(transaction: TransactionId, verdict: Risk) -> Scored {
    let assessment = Assessment {
        verdict,
        score_ppm: 1_000,
        reasons: Vec::new(),
        rules_version: 1,
        model_version: 0,
    };
    let attempt = fraud::Attempt {
        id: transaction.0,
        at: START.0,
        kind: fraud::Kind::Payment,
        channel: fraud::Channel::MerchantCode,
        payer: fraud::Key(1),
        payee: Some(fraud::Key(2)),
        device: None,
        link: None,
        place: None,
        amount: 100,
        currency: fraud::CurrencyCode::new("CNY"),
    };
    Scored {
        assessment,
        attempt,
        evidence: Vec::new(),
        shadow: Vec::new(),
        challenger_ppm: None,
        whence: Whence::default(),
    }
}

pub(super) fn cny(amount: i64) -> Money {
    Money::new(amount, Currency::CNY)
}
