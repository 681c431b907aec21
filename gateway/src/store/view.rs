//! From events to rows.

use std::collections::BTreeMap;

use ledger::shell::sql::Connection;
use ledger::shell::{LedgerEvents, LedgerView, Rows, Seen, Table, Value, View};
use ledger::{Moment, Place, Record, Sequence, Timestamp};
use sha2::{Digest, Sha256};

use super::movement::Movement;
use super::order::find_cold;
use super::quote;
use super::risk_view;
use super::tables::{
    BOOKS, ENDPOINT_REMOVALS, ENDPOINTS, KEYS, MERCHANTS, MOVEMENTS, NOTIFICATIONS, ORDERS,
    REFUNDS, WALLETS,
};
use super::{act, bill, combined, mandate, profit_share, sending, sending_view};
use crate::pay::recipe::{Kind, PAYMENTS_BOOK, Role};
use crate::pay::{
    ColdKey, ColdRow, ENDPOINTS_MAX, Endpoint, Event, Key, Mandate, Merchant, MerchantId,
    MessageId, Order, Owner, Payments, Refund, TenantBook, Topic, Wallet, WalletNo,
};

/// Words a message to a webhook endpoint. How things look outside is for others to say.
pub type Wording = fn(Topic, Timestamp, Told<'_>) -> String;

/// What a message tells of.
#[derive(Clone, Copy, Debug)]
pub enum Told<'a> {
    Order(&'a Order, Option<&'a Refund>),
    Mandate(&'a Mandate),
}

impl Told<'_> {
    fn merchant(&self) -> MerchantId {
        match self {
            Self::Order(order, _) => order.merchant,
            Self::Mandate(mandate) => mandate.merchant,
        }
    }

    /// What messages are kept in order for.
    fn id(&self) -> u128 {
        match self {
            Self::Order(order, _) => order.id.0,
            Self::Mandate(mandate) => mandate.id.0,
        }
    }
}

/// The views of payments and of the ledger inside them.
#[derive(Debug)]
pub struct PaymentsView {
    ledger: LedgerView,
    /// The events of the tenants' books.
    events: LedgerEvents,
    wording: Wording,
}

impl PaymentsView {
    pub fn new(wording: Wording) -> Self {
        Self {
            ledger: LedgerView::without_references_of(PAYMENTS_BOOK),
            events: LedgerEvents::default(),
            wording,
        }
    }
}

impl View<Payments> for PaymentsView {
    fn tables(&self) -> Vec<&'static Table> {
        let mut tables = LedgerView::tables();
        tables.extend(LedgerEvents::tables());
        tables.extend([
            &BOOKS,
            &MERCHANTS,
            &WALLETS,
            &KEYS,
            &ENDPOINTS,
            &ENDPOINT_REMOVALS,
            &ORDERS,
            &REFUNDS,
            &MOVEMENTS,
            &NOTIFICATIONS,
        ]);
        tables.extend([
            &quote::QUOTES,
            &combined::COMBINED_ORDERS,
            &profit_share::PROFIT_SHARES,
            &mandate::MANDATES,
            &act::ACTS,
        ]);
        tables.extend(sending_view::tables());
        tables.extend(risk_view::tables());
        tables
    }

    fn record(
        &mut self,
        place: Place,
        record: &Record<Payments>,
        payments: &Payments,
        rows: &mut Rows,
    ) {
        act::fold(place, record, payments, rows);
    }

    fn fold(&mut self, seen: Seen, event: &Event, payments: &Payments, rows: &mut Rows) {
        let moment = seen.moment;
        mandate::follow(event, payments, rows);
        match event {
            Event::Ledger(event) => {
                self.ledger.fold(moment, event, payments.ledger(), rows);
                let wanted = |book| book != PAYMENTS_BOOK;
                self.events
                    .fold(seen, event, payments.ledger(), wanted, rows);
                put_top_up(event, payments, rows);
            }
            Event::BookOpened(book) => put_book(moment, book, rows),
            Event::MerchantOpened(merchant) => put_merchant(moment, merchant, rows),
            Event::WalletOpened(wallet) => put_wallet(moment, wallet, rows),
            Event::KeyAdded(key) => put_key(moment, key, rows),
            Event::KeyRevoked(id) => {
                if let Some(key) = payments.key(*id) {
                    put_key(moment, key, rows);
                }
            }
            Event::EndpointAdded(endpoint) => put_endpoint(moment, endpoint, rows),
            Event::EndpointRemoved(id) => {
                rows.put(&ENDPOINT_REMOVALS, [Value::id(id.0), moment.at.0.into()]);
            }
            Event::OrderPaid(order) => {
                // What was paid together has told of its transactions already.
                let payment = order.payment.as_ref();
                if payment.is_none_or(|payment| payment.combined.is_none()) {
                    put_movement(payments, order, None, rows);
                }
                self.put_and_tell((seen, Topic::OrderPaid), order, None, payments, rows);
            }
            Event::OrderCreated(order)
            | Event::OrderHeld(order)
            | Event::OrderReopened(order)
            | Event::OrderAwaitsPayer(order) => put_order(moment, order, rows),
            Event::OrderReversed(order) => {
                if order.payment.is_some() {
                    put_movement(payments, order, None, rows);
                }
                self.put_and_tell((seen, Topic::OrderReversed), order, None, payments, rows);
            }
            Event::Decided(decision) => risk_view::decided(seen, decision, rows),
            Event::DecisionChanged(decision) => risk_view::changed(seen, decision, rows),
            Event::Desk(event) => risk_view::at_desk(seen, event, rows),
            // Sealed secrets are for nobody to read; what leads to a payment is in its order, and printed codes, coupons,
            // schemes of points and billers are in memory.
            Event::StepUpsChanged { .. }
            | Event::PaymentCodeUsed { .. }
            | Event::PaymentCodeGuessed { .. }
            | Event::PrintedCodeChanged(_)
            | Event::CouponChanged(_)
            | Event::SchemeChanged(_)
            | Event::BillerChanged(_)
            | Event::FeesChanged { .. }
            | Event::KeyTermsSet { .. } => {}
            Event::OrderClosed(order) => {
                self.put_and_tell((seen, Topic::OrderClosed), order, None, payments, rows);
            }
            Event::OrderExpired(order) => {
                self.put_and_tell((seen, Topic::OrderExpired), order, None, payments, rows);
            }
            Event::BillChanged(_)
            | Event::TransferChanged(_)
            | Event::TransferExtended { .. }
            | Event::RedPacketChanged(_)
            | Event::RedPacketClaimed { .. }
            | Event::RedPacketEnded { .. }
            | Event::RedPacketExtended { .. } => sending_view::fold(event, payments, rows),
            Event::CombinedChanged(changed) => combined::fold(changed, payments, rows),
            Event::QuoteChanged(changed) => quote::fold(changed, payments, rows),
            Event::MandateChanged(mandate) => {
                if let Some(topic) = mandate::topic(mandate) {
                    self.notify(seen, topic, Told::Mandate(mandate), payments, rows);
                }
            }
            Event::OrderShared { order, shares } => {
                profit_share::shared(payments, order, shares, rows);
                self.put_and_tell((seen, Topic::OrderShared), order, None, payments, rows);
            }
            Event::ShareReturned { order, share } => {
                profit_share::returned(payments, order, *share, rows);
                self.put_and_tell(
                    (seen, Topic::OrderShareReturned),
                    order,
                    None,
                    payments,
                    rows,
                );
            }
            Event::OrderRefunded { order, refund } => {
                put_refund(order, refund, rows);
                if refund.moved() {
                    put_movement(payments, order, Some(refund), rows);
                }
                self.put_and_tell(
                    (seen, Topic::OrderRefunded),
                    order,
                    Some(refund),
                    payments,
                    rows,
                );
            }
        }
    }

    fn finish(&mut self, payments: &Payments, rows: &mut Rows) {
        self.ledger.finish(payments.ledger(), rows);
    }

    async fn cold(
        connection: &mut Connection<'_>,
        keys: &[ColdKey],
    ) -> Result<BTreeMap<ColdKey, Option<ColdRow>>, sqlx::Error> {
        let mut found = BTreeMap::new();
        for key in keys {
            let row = match key {
                ColdKey::Order(lookup) => find_cold(connection, lookup)
                    .await?
                    .map(Box::new)
                    .map(ColdRow::Order),
                ColdKey::Transfer(id) => {
                    let found = sending::find_transfer(connection, *id).await?;
                    found.map(Box::new).map(ColdRow::Transfer)
                }
                ColdKey::RedPacket(id) => {
                    let found = sending::find_red_packet(connection, *id).await?;
                    found.map(Box::new).map(ColdRow::RedPacket)
                }
                ColdKey::Quote(id) => {
                    let found = quote::find(connection, *id).await?;
                    found.map(Box::new).map(ColdRow::Quote)
                }
                ColdKey::Combined(id) => {
                    let found = combined::find(connection, *id).await?;
                    found.map(Box::new).map(ColdRow::Combined)
                }
                ColdKey::Mandate(id) => {
                    let found = mandate::find(connection, *id).await?;
                    found.map(Box::new).map(ColdRow::Mandate)
                }
                ColdKey::Bill(id) => {
                    let found = bill::find(connection, *id).await?;
                    found.map(Box::new).map(ColdRow::Bill)
                }
                ColdKey::Ledger(key) => {
                    let mut rows = LedgerView::cold(connection, &[*key]).await?;
                    rows.remove(key).flatten().map(ColdRow::Ledger)
                }
            };
            found.insert(key.clone(), row);
        }
        Ok(found)
    }
}

impl PaymentsView {
    /// An order as it now is, and what its merchant hears of it.
    fn put_and_tell(
        &self,
        (seen, topic): (Seen, Topic),
        order: &Order,
        refund: Option<&Refund>,
        payments: &Payments,
        rows: &mut Rows,
    ) {
        put_order(seen.moment, order, rows);
        self.notify(seen, topic, Told::Order(order, refund), payments, rows);
    }

    /// One message for each endpoint that the merchant has at this moment, written as it will be sent.
    fn notify(
        &self,
        seen: Seen,
        topic: Topic,
        told: Told<'_>,
        payments: &Payments,
        rows: &mut Rows,
    ) {
        let moment = seen.moment;
        let mut endpoints = payments
            .endpoints_of(told.merchant())
            .filter(|endpoint| endpoint.enabled)
            .peekable();
        if endpoints.peek().is_none() {
            return;
        }
        let body = (self.wording)(topic, moment.at, told);
        for (number, endpoint) in endpoints.enumerate() {
            let position = seen.position as usize * ENDPOINTS_MAX + number;
            let id = message_id(endpoint, moment.sequence, seen.position);
            rows.put(
                &NOTIFICATIONS,
                [
                    moment.sequence.0.into(),
                    (position as u64).into(),
                    Value::id(id.0),
                    Value::id(endpoint.id.0),
                    Value::id(told.id()),
                    topic.name().into(),
                    moment.at.0.into(),
                    body.as_str().into(),
                ],
            );
        }
    }
}

/// The same whenever the views are rebuilt, so that a receiver can tell a repetition.
fn message_id(endpoint: &Endpoint, row: Sequence, position: u32) -> MessageId {
    let mut hash = Sha256::new();
    hash.update(endpoint.id.0.to_be_bytes());
    hash.update(row.0.to_be_bytes());
    hash.update(position.to_be_bytes());
    let mut first = [0; 16];
    first.copy_from_slice(&hash.finalize()[..16]);
    MessageId(u128::from_be_bytes(first))
}

fn codes(currencies: &[fx::Currency]) -> String {
    let codes: Vec<&str> = currencies.iter().map(fx::Currency::code).collect();
    codes.join(",")
}

fn put_book(moment: Moment, book: &TenantBook, rows: &mut Rows) {
    rows.put(
        &BOOKS,
        [
            book.tenant.book.0.into(),
            Value::id(book.tenant.id.0),
            book.settings.name.as_ref().into(),
            i64::from(book.settings.offset_minutes).into(),
            moment.at.0.into(),
        ],
    );
}

fn put_merchant(moment: Moment, merchant: &Merchant, rows: &mut Rows) {
    rows.put(
        &MERCHANTS,
        [
            merchant.no.0.into(),
            Value::id(merchant.id.0),
            merchant.name.as_str().into(),
            merchant.city.as_str().into(),
            codes(&merchant.currencies).into(),
            merchant.fee.basis_points.into(),
            moment.at.0.into(),
        ],
    );
}

fn put_wallet(moment: Moment, wallet: &Wallet, rows: &mut Rows) {
    rows.put(
        &WALLETS,
        [
            wallet.no.0.into(),
            Value::id(wallet.id.0),
            wallet.holder.as_str().into(),
            codes(&wallet.currencies).into(),
            moment.at.0.into(),
        ],
    );
}

fn put_key(moment: Moment, key: &Key, rows: &mut Rows) {
    let owner = match key.owner {
        Owner::Operator | Owner::Bank | Owner::Analyst => Value::Null,
        Owner::Merchant(id) => Value::id(id.0),
        Owner::Wallet(id) => Value::id(id.0),
        Owner::Book(tenant) => Value::id(tenant.id.0),
    };
    rows.put(
        &KEYS,
        [
            key.no.into(),
            Value::id(key.id.0),
            crate::auth::Role::of(key.owner).name().into(),
            owner,
            key.revoked.into(),
            moment.at.0.into(),
        ],
    );
}

fn put_endpoint(moment: Moment, endpoint: &Endpoint, rows: &mut Rows) {
    rows.put(
        &ENDPOINTS,
        [
            Value::id(endpoint.id.0),
            Value::id(endpoint.merchant.0),
            endpoint.url.as_str().into(),
            endpoint.secret.0.as_slice().into(),
            moment.at.0.into(),
        ],
    );
}

fn put_order(moment: Moment, order: &Order, rows: &mut Rows) {
    let payment = order.payment.as_ref();
    let risk = payment.map(|payment| &payment.assessment);
    rows.put(
        &ORDERS,
        [
            Value::id(order.id.0),
            order.merchant_no.0.into(),
            order.number.as_str().into(),
            order.amount.amount.into(),
            order.amount.currency.code().into(),
            u32::from(order.amount.currency.exponent()).into(),
            order.description.as_str().into(),
            order.state.name().into(),
            order.created_at.0.into(),
            order.expires_at.0.into(),
            payment.map(|payment| payment.wallet_no.0).into(),
            payment.map(|payment| payment.at.0).into(),
            payment.map_or(Value::Null, |payment| Value::id(payment.transaction.0)),
            payment.map(|payment| payment.fee.amount).into(),
            // Numbers and texts always encode, here and below.
            payment
                .map(|payment| postcard::to_stdvec(&payment.terms).unwrap_or_default())
                .into(),
            payment
                .and_then(|payment| payment.breakdown.as_deref())
                .map(|breakdown| postcard::to_stdvec(breakdown).unwrap_or_default())
                .into(),
            payment
                .and_then(|payment| payment.combined)
                .map_or(Value::Null, |id| Value::id(id.0)),
            risk.map(|risk| risk.verdict.name()).into(),
            risk.map(|risk| risk.score_ppm).into(),
            risk.map(|risk| risk.reasons.join(",")).into(),
            risk.map(|risk| risk.rules_version).into(),
            risk.map(|risk| risk.model_version).into(),
            order.refunded.into(),
            order.fee_returned.into(),
            order.refunds.into(),
            order
                .direct
                .as_deref()
                .map(|direct| postcard::to_stdvec(direct).unwrap_or_default())
                .into(),
            (!order.shares.is_empty())
                .then(|| postcard::to_stdvec(&order.shares).unwrap_or_default())
                .into(),
            moment.sequence.0.into(),
        ],
    );
}

fn put_refund(order: &Order, refund: &Refund, rows: &mut Rows) {
    rows.put(
        &REFUNDS,
        [
            Value::id(refund.order.0),
            order.refunds.into(),
            Value::id(refund.id.0),
            refund.number.as_str().into(),
            refund.amount.amount.into(),
            refund.fee_returned.amount.into(),
            refund.reason.as_str().into(),
            refund.at.0.into(),
            Value::id(refund.transaction.0),
            refund
                .parts
                .as_deref()
                .map(|parts| postcard::to_stdvec(parts).unwrap_or_default())
                .into(),
        ],
    );
}

/// Says of the transaction just posted whose it was and what for.
fn put_movement(payments: &Payments, order: &Order, refund: Option<&Refund>, rows: &mut Rows) {
    let Some(payment) = &order.payment else {
        return;
    };
    let movement = Movement {
        wallet: Some(payment.wallet_no),
        merchant: Some(order.merchant_no),
        order: Some(order.id),
        refund: refund.map(|refund| refund.id),
        ..Movement::default()
    };
    movement.put(payments.ledger().transactions(), rows);
}

/// A top-up is no event of its own: the ledger's posting says it all.
fn put_top_up(event: &ledger::Event, payments: &Payments, rows: &mut Rows) {
    let ledger::Event::Posted {
        book: PAYMENTS_BOOK,
        transaction,
    } = event
    else {
        return;
    };
    if Kind::of_code(transaction.kind) != Some(Kind::TopUp) {
        return;
    }
    let credited = transaction.postings.first().map(|posting| posting.credit);
    let account = credited.and_then(|no| payments.ledger().account_by_no(no));
    let role = account.and_then(|account| Role::of_account(account.id));
    if let Some((Role::Wallet(no), _)) = role {
        put_own_movement(transaction.no.0, no, rows);
    }
}

/// Says of a transaction that it was one wallet's alone.
pub(super) fn put_own_movement(transaction: u64, wallet: WalletNo, rows: &mut Rows) {
    let movement = Movement {
        wallet: Some(wallet),
        ..Movement::default()
    };
    movement.put(transaction, rows);
}
