//! How the town reaches the gateway. The town does not know which way it goes: over HTTP as everyone
//! else does, or in process, one step after another on a clock of its own, to the same hash each time.

pub(crate) mod engine;
pub(crate) mod http;

use std::collections::BTreeMap;
use std::fmt;

use fx::{Currency, Money};

use crate::world::{Person, Shop};

/// The gateway said no, with a code of its catalogue; or something is broken.
#[derive(Debug)]
pub(crate) enum Trouble {
    Refused { code: String },
    Broken(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::Broken(error.into())
    }
}

pub(crate) type Answer<T> = Result<T, Trouble>;

/// An order as the shop's till knows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct OrderId(pub String);

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct NewOrder {
    pub number: String,
    pub amount: Money,
    pub description: &'static str,
    pub life_secs: u64,
}

/// What a payer hears of a payment. A repeated request must get the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub transaction: String,
    pub wallet_balance: i128,
}

/// One try of a payer to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attempt<'a> {
    pub person: usize,
    pub order: &'a OrderId,
    /// The same for a try and its repetition.
    pub key: u128,
    /// Signed with a secret that is not the payer's.
    pub forged: bool,
}

/// What people send each other. They go by their place in the town.
pub(crate) trait Chats: Send + Sync {
    /// Sends money, at once or as an offer; the answer is the transfer's id.
    fn transfer(
        &self,
        from: usize,
        to: usize,
        amount: Money,
        offer: bool,
    ) -> impl Future<Output = Answer<String>> + Send;
    fn reply(
        &self,
        person: usize,
        transfer: &str,
        accept: bool,
    ) -> impl Future<Output = Answer<()>> + Send;
    /// Sends a red packet that chance cuts; the answer is its id.
    fn red_packet(
        &self,
        from: usize,
        to: &[usize],
        amount: Money,
        shares: usize,
    ) -> impl Future<Output = Answer<String>> + Send;
    /// Takes a share; the answer is how much.
    fn claim(&self, person: usize, packet: &str) -> impl Future<Output = Answer<i64>> + Send;
    /// Lets a day go by, if this town can wait so long.
    fn wait_a_day(&self) -> impl Future<Output = bool> + Send;
}

/// What happens at tills that scan the codes of payers.
pub(crate) trait Tills: Send + Sync {
    /// A person's phone shows a code that it has not shown before; none, if it has shown all that this minute has.
    fn show_code(&self, person: usize) -> impl Future<Output = Answer<Option<String>>> + Send;
    /// Makes an order and takes its amount from whoever showed the code.
    fn charge(
        &self,
        shop: usize,
        order: &NewOrder,
        code: &str,
    ) -> impl Future<Output = Answer<OrderId>> + Send;
    /// Takes back what was charged under a number.
    fn take_back(&self, shop: usize, number: &str) -> impl Future<Output = Answer<()>> + Send;
}

/// Everything a town asks of a gateway. Shops and people go by their place in the town.
pub(crate) trait Rail: Tills {
    fn open_shop(&self, place: usize, shop: &Shop) -> impl Future<Output = Answer<()>> + Send;
    fn open_wallet(&self, place: usize, person: &Person)
    -> impl Future<Output = Answer<()>> + Send;
    fn top_up(&self, person: usize, amount: Money) -> impl Future<Output = Answer<()>> + Send;
    fn order(&self, shop: usize, order: NewOrder) -> impl Future<Output = Answer<OrderId>> + Send;
    /// The payer looks at the code on the shop's screen and learns which order it names.
    fn scan(&self, shop: usize, order: &OrderId) -> impl Future<Output = Answer<OrderId>> + Send;
    fn pay(&self, attempt: Attempt<'_>) -> impl Future<Output = Answer<Receipt>> + Send;
    fn close(&self, shop: usize, order: &OrderId) -> impl Future<Output = Answer<()>> + Send;
    fn refund(
        &self,
        shop: usize,
        order: &OrderId,
        number: String,
        amount: Money,
    ) -> impl Future<Output = Answer<()>> + Send;
    /// Lets this much time go by.
    fn wait_secs(&self, secs: u64) -> impl Future<Output = ()> + Send;
    fn state(&self, shop: usize, order: &OrderId) -> impl Future<Output = Answer<String>> + Send;
    fn wallet_balance(
        &self,
        person: usize,
        currency: Currency,
    ) -> impl Future<Output = Answer<i128>> + Send;
    fn shop_balance(
        &self,
        shop: usize,
        currency: Currency,
    ) -> impl Future<Output = Answer<i128>> + Send;
    /// The house's books, by the currency's code.
    fn house(&self) -> impl Future<Output = Answer<BTreeMap<String, HouseLine>>> + Send;
}

/// The house's books in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HouseLine {
    /// The sum of all debits less the sum of all credits.
    pub difference: i128,
    /// What lies at the bank.
    pub bank: i128,
    /// What the house has earned.
    pub fees: i128,
}
