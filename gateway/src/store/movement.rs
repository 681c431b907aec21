//! Whose a transaction was, and what for.

use ledger::shell::{Rows, Value};

use super::tables::MOVEMENTS;
use crate::pay::{MerchantNo, OrderId, RedPacketId, RefundId, ShareId, TransferId, WalletNo};

/// What is said of one transaction; nothing of what does not concern it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Movement {
    pub wallet: Option<WalletNo>,
    pub merchant: Option<MerchantNo>,
    pub order: Option<OrderId>,
    pub refund: Option<RefundId>,
    pub other_wallet: Option<WalletNo>,
    pub transfer: Option<TransferId>,
    pub red_packet: Option<RedPacketId>,
    pub other_merchant: Option<MerchantNo>,
    pub share: Option<ShareId>,
}

impl Movement {
    /// Says it of the transaction of this number.
    pub(super) fn put(&self, transaction: u64, rows: &mut Rows) {
        let id = |id: Option<u128>| id.map_or(Value::Null, Value::id);
        rows.put(
            &MOVEMENTS,
            [
                transaction.into(),
                self.wallet.map(|no| no.0).into(),
                self.merchant.map(|no| no.0).into(),
                id(self.order.map(|id| id.0)),
                id(self.refund.map(|id| id.0)),
                self.other_wallet.map(|no| no.0).into(),
                id(self.transfer.map(|id| id.0)),
                id(self.red_packet.map(|id| id.0)),
                self.other_merchant.map(|no| no.0).into(),
                id(self.share.map(|id| id.0)),
            ],
        );
    }
}
