//! What can be asked, what can happen and what can be answered.

use fx::{Currency, Money};
use ledger::core::BookSettings;
use ledger::{
    Account, AccountId, Book, Refusable, Sequence, Timestamp, TransactionId, TrialBalance,
};
use serde::{Deserialize, Serialize};

use super::bill::{Bill, NewBill, PayBill};
use super::biller::{Biller, Category, PayBiller};
use super::book::TenantBook;
use super::charge::NewCharge;
use super::combined::{Combined, PayCombined};
use super::coupon::{Coupon, CouponsOf, Uses};
use super::decision::{Decision, Scored};
use super::desk;
use super::direct::Till;
use super::endpoint::Endpoint;
use super::fee::FeeSchedule;
use super::id::{
    BillId, BillerId, BookId, CombinedId, CouponId, DecisionId, EndpointId, KeyId, MandateId,
    MerchantId, OrderId, PrintedCodeId, QuoteId, RedPacketId, RefundId, ShareId, TransferId,
    WalletId,
};
use super::key::{Key, KeyTerms, Owner, RotateKey, SealedSecret, TermsChange};
use super::mandate::{Mandate, NewDebit, NewMandate, Party};
use super::order::{Order, OrderNumber, Refund};
use super::party::{Merchant, NewMerchant, Wallet};
use super::points::{Scheme, Using};
use super::printed_code::{PayPrinted, PrintedCode};
use super::profit_share::{NewSharing, ReturnShare};
use super::quote::{NewQuote, Quote};
use super::red_packet::{Claim, NewRedPacket, PacketState, RedPacket};
use super::refusal::Refusal;
use super::step_up::{Change, CheckedProof, Device, StepUps};
use super::transfer::{NewTransfer, Reply, Transfer};

/// Ids, secrets and what the fraud scorer said are brought by the caller: the rules make up nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    RegisterAsset(Currency),
    OpenMerchant(NewMerchant),
    OpenWallet {
        id: WalletId,
        holder: String,
        currencies: Vec<Currency>,
    },
    AddKey {
        id: KeyId,
        owner: Owner,
        secret: SealedSecret,
    },
    RevokeKey {
        id: KeyId,
    },
    RotateKey(RotateKey),
    ChangeKeyTerms {
        id: KeyId,
        owner: Option<Owner>,
        change: TermsChange,
    },
    AddEndpoint(Endpoint),
    RemoveEndpoint {
        id: EndpointId,
        merchant: MerchantId,
    },
    TopUp {
        transaction: TransactionId,
        wallet: WalletId,
        amount: Money,
        reference: String,
    },
    CreateOrder(NewOrder),
    Pay(Pay),
    CloseOrder {
        order: Lookup,
        merchant: MerchantId,
    },
    Refund(NewRefund),
    /// What payers and analysts do about attempts that look risky.
    Risk(RiskCommand),
    /// Gives this refusal as the answer of the command's keys. Nothing else happens.
    Refuse(Refusal),
    /// Questions: they change nothing.
    FindAsset(String),
    FindKey(KeyId),
    KeysOf(Owner),
    FindOrder(Lookup),
    FindMerchant(MerchantId),
    FindWallet(WalletId),
    FindStepUps(WalletId),
    FindPending(DecisionId),
    Endpoints(MerchantId),
    TrialBalance,
    /// Opens a book of its own for a tenant.
    OpenBook {
        id: BookId,
        settings: BookSettings,
    },
    /// Questions: they change nothing.
    FindBook(BookId),
    Books,
    /// What a tenant asks of its book.
    Ledger(InBook),
    Transfer(NewTransfer),
    Reply {
        transfer: TransferId,
        wallet: WalletId,
        reply: Reply,
    },
    RedPacket(NewRedPacket),
    Claim {
        packet: RedPacketId,
        wallet: WalletId,
        transaction: TransactionId,
    },
    /// Questions: they change nothing.
    FindTransfer(TransferId),
    FindRedPacket(RedPacketId),
    LockQuote(NewQuote),
    Convert {
        quote: QuoteId,
        wallet: WalletId,
    },
    LimitPosition {
        currency: Currency,
        limit: Option<i64>,
    },
    /// Questions: they change nothing.
    FindQuote(QuoteId),
    Positions,
    OpenBill(NewBill),
    PayBill(PayBill),
    Remind {
        bill: BillId,
        wallet: WalletId,
    },
    CancelBill {
        bill: BillId,
        wallet: WalletId,
    },
    /// A question: it changes nothing.
    FindBill(BillId),
    Charge(Box<NewCharge>),
    /// A till scanned what is no payment code.
    RefuseCode {
        merchant: MerchantId,
        till: Till,
    },
    Reverse {
        order: Lookup,
        merchant: MerchantId,
        transaction: TransactionId,
    },
    SetFees {
        merchant: MerchantId,
        schedule: FeeSchedule,
    },
    /// A question: it changes nothing.
    FindFees(MerchantId),
    /// Nothing was charged under the number that is among the keys of this command, and nothing ever will be.
    Forestall,
    PrintCode(PrintedCode),
    RetireCode {
        id: PrintedCodeId,
        merchant: MerchantId,
    },
    PayPrinted(PayPrinted),
    /// Questions: they change nothing.
    FindCodeDevice(u32),
    FindPrintedCode(PrintedCodeId),
    PrintedCodes {
        merchant: MerchantId,
        after: Option<PrintedCodeId>,
        limit: usize,
    },
    FindAwaiting(WalletId),
    MakeCoupon(Box<Coupon>),
    WithdrawCoupon {
        id: CouponId,
        owner: Option<MerchantId>,
    },
    SetScheme(Scheme),
    PayCombined(PayCombined),
    Share(NewSharing),
    RegisterBiller(Box<Biller>),
    RetireBiller(BillerId),
    PayBiller(Box<PayBiller>),
    /// Questions: they change nothing.
    FindBiller(BillerId),
    Billers {
        category: Option<Category>,
        after: Option<BillerId>,
        limit: usize,
    },
    Propose(NewMandate),
    AcceptMandate {
        id: MandateId,
        wallet: WalletId,
        /// By what the payer has; without it nobody consents.
        proof: Option<Box<CheckedProof>>,
    },
    RevokeMandate {
        id: MandateId,
        by: Party,
    },
    Debit(Box<NewDebit>),
    /// A question: it changes nothing.
    FindMandate(MandateId),
    ReturnShare(ReturnShare),
    /// A question: it changes nothing.
    FindCombined(CombinedId),
    /// Questions: they change nothing.
    FindCoupon(CouponId),
    Coupons {
        of: CouponsOf,
        after: Option<CouponId>,
        limit: usize,
    },
    Schemes,
}

/// What payers and analysts do about attempts that look risky.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RiskCommand {
    /// The payer shows who they are.
    Confirm {
        decision: DecisionId,
        wallet: WalletId,
        proof: Box<CheckedProof>,
    },
    ChangeStepUps {
        wallet: WalletId,
        change: Change,
        proof: Option<Box<CheckedProof>>,
    },
    /// An analyst ends what is pending, for or against.
    Release {
        decision: DecisionId,
        by: KeyId,
        note: String,
    },
    Deny {
        decision: DecisionId,
        by: KeyId,
        note: String,
    },
    /// What analysts do beside that.
    Desk(desk::Command),
}

impl InBook {
    /// A question, or a command that needs no more said.
    pub fn question(book: Book, command: ledger::Command) -> Self {
        Self {
            book,
            command,
            assets: Vec::new(),
            by_operator: false,
        }
    }
}

/// A command to the ledger, about one book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InBook {
    pub book: Book,
    pub command: ledger::Command,
    /// What the caller takes the assets of these accounts to be.
    pub assets: Vec<(AccountId, Currency)>,
    /// Whether a closed account may be opened again.
    pub by_operator: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrder {
    pub id: OrderId,
    pub merchant: MerchantId,
    pub number: OrderNumber,
    pub amount: Money,
    pub description: String,
    /// How long it can be paid.
    pub life_secs: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pay {
    pub order: OrderId,
    pub wallet: WalletId,
    /// With what beside money.
    pub using: Using,
    /// Whether the payer confirms, however harmless it looks.
    pub confirm: bool,
    pub transaction: TransactionId,
    /// Without it the order is checked and nothing is paid: the answer says what is to be assessed.
    pub scored: Option<Box<Scored>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRefund {
    pub id: RefundId,
    pub order: Lookup,
    pub merchant: MerchantId,
    pub number: OrderNumber,
    pub amount: Money,
    pub reason: String,
    pub transaction: TransactionId,
}

/// How an order is named: by our id or by the merchant's number. It is also the name under which the
/// views are asked for an order that has left memory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Lookup {
    Id(OrderId),
    Number(MerchantId, OrderNumber),
}

/// What the views keep of an order: enough to decide about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    pub order: Order,
    /// The row of the journal in which it last changed.
    pub changed: Sequence,
}

/// Names something that may have left memory: an order, what people send each other, or something of the ledger's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ColdKey {
    Order(Lookup),
    Ledger(ledger::core::Key),
    Transfer(TransferId),
    RedPacket(RedPacketId),
    Quote(QuoteId),
    Bill(BillId),
    Combined(CombinedId),
    Mandate(MandateId),
}

/// What the views keep of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ColdRow {
    Order(Box<Row>),
    Ledger(ledger::core::Row),
    Transfer(Box<Transfer>),
    RedPacket(Box<RedPacket>),
    Quote(Box<Quote>),
    Bill(Box<Bill>),
    Combined(Box<Combined>),
    Mandate(Box<Mandate>),
}

/// What happened. An event about an order carries the order as it is afterwards, so that replay needs
/// nothing that has left memory. Variants are only ever added at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    Ledger(ledger::Event),
    MerchantOpened(Merchant),
    WalletOpened(Wallet),
    KeyAdded(Key),
    KeyRevoked(KeyId),
    EndpointAdded(Endpoint),
    EndpointRemoved(EndpointId),
    OrderCreated(Order),
    OrderPaid(Order),
    /// What was decided about an attempt to pay, whatever it was.
    Decided(Box<Decision>),
    OrderClosed(Order),
    OrderExpired(Order),
    OrderRefunded {
        order: Order,
        refund: Refund,
    },
    /// Something became of a decision; this is how it then is.
    DecisionChanged(Box<Decision>),
    /// The money for an order is on hold.
    OrderHeld(Order),
    /// It is on hold no more, and the order can be paid again.
    OrderReopened(Order),
    StepUpsChanged {
        wallet: WalletId,
        step_ups: Box<StepUps>,
    },
    Desk(Box<desk::Event>),
    BookOpened(TenantBook),
    /// A transfer as it now is.
    TransferChanged(Box<Transfer>),
    /// A red packet as it now is; nobody has taken a share of it yet.
    RedPacketChanged(Box<RedPacket>),
    /// Somebody took a share. The packet is in memory, as everything open is.
    RedPacketClaimed {
        packet: RedPacketId,
        claim: Claim,
    },
    /// Nothing more can be taken out of it, and this much went back.
    RedPacketEnded {
        packet: RedPacketId,
        state: PacketState,
        at: Timestamp,
        returned: i64,
    },
    /// What is left in it cannot go back at the moment, so it stays open for longer.
    RedPacketExtended {
        packet: RedPacketId,
        expires_at: Timestamp,
    },
    TransferExtended {
        transfer: TransferId,
        expires_at: Timestamp,
    },
    /// A quote as it now is.
    QuoteChanged(Box<Quote>),
    /// A bill as it now is. That a share is paid is said by the transfer that pays it.
    BillChanged(Box<Bill>),
    /// The one who can pay the order is asked to confirm.
    OrderAwaitsPayer(Order),
    OrderReversed(Order),
    PaymentCodeUsed {
        handle: u32,
        step: u64,
    },
    PaymentCodeGuessed {
        merchant: MerchantId,
        till: String,
        at: Timestamp,
    },
    PrintedCodeChanged(Box<PrintedCode>),
    FeesChanged {
        merchant: MerchantId,
        schedule: FeeSchedule,
    },
    /// A coupon as it now is. How often it was used follows from the payments.
    CouponChanged(Box<Coupon>),
    SchemeChanged(Box<Scheme>),
    /// Orders that are paid together, as that now stands.
    CombinedChanged(Box<Combined>),
    /// The merchant has passed on these parts of the order.
    OrderShared {
        order: Order,
        shares: Vec<ShareId>,
    },
    /// The receiver of a share has given back some of it.
    ShareReturned {
        order: Order,
        share: ShareId,
    },
    /// A mandate as it now is. What is debited by it follows from the orders.
    MandateChanged(Box<Mandate>),
    BillerChanged(Box<Biller>),
    KeyTermsSet {
        id: KeyId,
        terms: Box<KeyTerms>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    Done,
    Merchant {
        merchant: Merchant,
        accounts: Vec<Account>,
    },
    Wallet {
        wallet: Wallet,
        accounts: Vec<Account>,
    },
    Key(Key),
    Endpoints(Vec<Endpoint>),
    /// The wallet's account after the top-up.
    ToppedUp {
        amount: Money,
        balance: i128,
    },
    Order(Order),
    /// The order as paid, and what is left in the wallet and with the merchant in its currency.
    Paid {
        order: Order,
        wallet_balance: i128,
        merchant_balance: i128,
    },
    Refunded {
        order: Order,
        refund: Refund,
        wallet_balance: i128,
        merchant_balance: i128,
    },
    /// The sums over all accounts, and the accounts of the house itself.
    TrialBalance {
        sums: Vec<TrialBalance>,
        house: Vec<Account>,
    },
    Refused(Refusal),
    /// This order could be paid now. Nothing has happened yet, not even to the keys of the command.
    ToAssess(Order),
    Asset(Currency),
    /// The payment waits for its payer or for an analyst.
    Pending {
        order: Order,
        decision: Box<Decision>,
    },
    /// A pending decision, and what its payer can prove.
    Confirmable {
        decision: Box<Decision>,
        step_ups: Box<StepUps>,
    },
    Decision(Box<Decision>),
    StepUps(Box<StepUps>),
    Desk(Box<desk::Outcome>),
    Books(Vec<TenantBook>),
    Ledger(ledger::Outcome),
    /// This could be sent now. Nothing has happened yet, not even to the keys of the command.
    MaySend,
    /// A transfer, the asker's balance if money moved, and what was decided if it waits.
    Transfer {
        transfer: Box<Transfer>,
        balance: Option<i128>,
        decision: Option<Box<Decision>>,
    },
    RedPacket {
        packet: Box<RedPacket>,
        balance: Option<i128>,
        decision: Option<Box<Decision>>,
    },
    /// A share of a red packet, and the taker's balance with it.
    Claimed {
        packet: RedPacketId,
        claim: Claim,
        amount: Money,
        balance: i128,
    },
    /// There may be a quote. Nothing has happened yet, not even to the keys of the command.
    MayQuote,
    Quote(Box<Quote>),
    /// A conversion, and the wallet's balances in what was sold and what was bought.
    Converted {
        quote: Box<Quote>,
        sold: i128,
        bought: i128,
    },
    /// Accounts of the house's positions, of what it earned by them, and of what rounding left.
    Positions(Vec<Account>),
    Bill(Box<Bill>),
    /// A device that makes payment codes, and whose it is.
    CodeDevice {
        wallet: WalletId,
        device: Box<Device>,
    },
    PrintedCode(Box<PrintedCode>),
    PrintedCodes(Vec<PrintedCode>),
    /// What waits for a payer.
    Awaiting(Vec<Decision>),
    Fees(FeeSchedule),
    Coupons(Vec<Uses>),
    Schemes(Vec<Scheme>),
    /// An order whose proceeds were shared, or some of a share came back; and what whoever gave it has left.
    Shared {
        order: Order,
        balance: i128,
    },
    Mandate(Box<Mandate>),
    Billers(Vec<Biller>),
    /// This much could be paid now. Nothing has happened yet, not even to the keys of the command.
    MayPay(Money),
    /// Orders that are paid together, the payer's balance if money moved, and what was decided if it waits.
    Combined {
        combined: Box<Combined>,
        balance: Option<i128>,
        decision: Option<Box<Decision>>,
    },
    KeyOnTerms(Key, KeyTerms),
    Keys(Vec<(Key, KeyTerms)>),
    KeyRotated {
        successor: Key,
        terms: KeyTerms,
        /// Until when the key that it replaces can be used.
        replaced_until: Timestamp,
    },
}

impl Refusable for Outcome {
    fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Refused(_) | Self::ToAssess(_) | Self::MaySend | Self::MayQuote | Self::MayPay(_)
        )
    }
}

impl From<Result<Self, Refusal>> for Outcome {
    fn from(result: Result<Self, Refusal>) -> Self {
        result.unwrap_or_else(Self::Refused)
    }
}
