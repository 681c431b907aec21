//! The catalogue of error codes: one line of it adds a code everywhere, the documentation included.
//!
//! Codes never change their meaning. The title says what the code means for any request, the advice what to do next.

use axum::http::StatusCode;

macro_rules! catalogue {
    ($($variant:ident $code:literal $status:ident $title:literal $advice:literal)*) => {
        /// Why a request was refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $(#[doc = $title] $variant,)* }

        impl Code {
            /// Every code, in the order of the catalogue.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The code as callers see it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)* }
            }

            /// What the code means.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// What to do about it.
            pub const fn advice(self) -> &'static str {
                match self { $(Self::$variant => $advice,)* }
            }
        }
    };
}

impl Code {
    /// The code of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }

    /// After how many seconds a retry makes sense, for refusals that pass by themselves.
    pub const fn retry_after_s(self) -> Option<u32> {
        match self.status() {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Some(1),
            _ => None,
        }
    }
}

catalogue! {
    // The request itself.
    MalformedJson "malformed_json" BAD_REQUEST "The body is not valid JSON" "Send one JSON document, encoded in UTF-8."
    FieldInvalid "field_invalid" UNPROCESSABLE_ENTITY "A field is missing or has a value that is not allowed" "Correct the fields listed in errors."
    ParameterInvalid "parameter_invalid" BAD_REQUEST "A parameter in the path or query is not allowed" "Correct the parameter named in the detail."
    CursorInvalid "cursor_invalid" BAD_REQUEST "The cursor is not one that this list gave out" "Use next_cursor from an answer unchanged, or start again without a cursor."
    BodyTooLarge "body_too_large" PAYLOAD_TOO_LARGE "The body is larger than this resource accepts" "Send less at once."
    MediaTypeUnsupported "media_type_unsupported" UNSUPPORTED_MEDIA_TYPE "The Content-Type is not one that this resource reads" "Set Content-Type as the documentation of the resource shows."
    NotFound "not_found" NOT_FOUND "There is nothing at this address" "Check the path against the documentation."
    MethodNotAllowed "method_not_allowed" METHOD_NOT_ALLOWED "This resource does not have this method" "Use one of the methods in the Allow header."
    RequestTimeout "request_timeout" REQUEST_TIMEOUT "The request did not arrive in time" "Send it again with the same Idempotency-Key."

    // Who is asking.
    Unauthenticated "unauthenticated" UNAUTHORIZED "This resource needs a signed request" "Sign the request with your key."
    SignatureMissing "signature_missing" UNAUTHORIZED "The request is not signed" "Send Signature-Input and Signature."
    SignatureMalformed "signature_malformed" UNAUTHORIZED "The signature's headers cannot be read" "Compare the headers with the worked example in the documentation."
    SignatureAlgorithmUnsupported "signature_algorithm_unsupported" UNAUTHORIZED "The signature's algorithm is not accepted" "Sign with hmac-sha256, or leave alg out."
    SignatureComponentUnexpected "signature_component_unexpected" UNAUTHORIZED "The signature covers something that is not signed here" "Cover only @method, @path, @query, content-digest and idempotency-key."
    SignatureComponentMissing "signature_component_missing" UNAUTHORIZED "The signature leaves out something that must be signed" "Cover @method, @path, @query, content-digest with a body, and idempotency-key if sent."
    SignatureStale "signature_stale" UNAUTHORIZED "The signature is too old" "Sign each try anew, and check that your clock is right."
    SignatureInFuture "signature_in_future" UNAUTHORIZED "The signature was made in the future" "Check that your clock is right."
    KeyUnknown "key_unknown" UNAUTHORIZED "No key has this id" "Check keyid, and that the key is for this server."
    KeyRevoked "key_revoked" UNAUTHORIZED "The key was revoked or has expired" "Use the key that replaced it, or make a new one."
    SignatureMismatch "signature_mismatch" UNAUTHORIZED "The signature does not fit the request" "Compare your signature base, byte for byte, with the worked example; check the secret, and that nothing changed the request on its way."
    ContentDigestMalformed "content_digest_malformed" UNAUTHORIZED "Content-Digest has no sha-256 digest" "Send Content-Digest: sha-256=:BASE64: over the body as it is sent."
    ContentDigestMismatch "content_digest_mismatch" UNAUTHORIZED "The body does not fit its digest" "Compute Content-Digest over exactly the bytes that are sent."
    SignatureReplayed "signature_replayed" UNAUTHORIZED "This signature was used before" "Sign each try anew with a new nonce; the Idempotency-Key stays the same."
    ReplayWindowFull "replay_window_full" SERVICE_UNAVAILABLE "The server cannot take more signed requests right now" "Try again after Retry-After."
    AddressNotAllowed "address_not_allowed" FORBIDDEN "The key may not be used from this address" "Call from an address on the key's list, or change the list."
    TestModeOnly "test_mode_only" FORBIDDEN "This is done in test mode only" "Use a gateway in test mode."
    ForbiddenRole "forbidden_role" FORBIDDEN "The key's role does not allow this" "Use a key with a role that may."

    // Safe retries and load.
    IdempotencyKeyMissing "idempotency_key_missing" BAD_REQUEST "This request needs an Idempotency-Key" "Send a new unique key, such as a UUIDv7, and the same one again when you retry."
    IdempotencyKeyMalformed "idempotency_key_malformed" BAD_REQUEST "The Idempotency-Key is not one that can be used" "Use 1 to 128 visible ASCII characters; a UUIDv7 is best."
    IdempotencyKeyInFuture "idempotency_key_in_future" BAD_REQUEST "The time inside the Idempotency-Key is in the future" "Check your clock, or use a key without a time in it."
    IdempotencyKeyReused "idempotency_key_reused" CONFLICT "The Idempotency-Key was used for another request" "Use a new key for a new request; send a retry unchanged."
    Busy "busy" SERVICE_UNAVAILABLE "The server has more to do than it can queue" "Try again after Retry-After with the same Idempotency-Key."
    RateLimited "rate_limited" TOO_MANY_REQUESTS "The key sends more requests than it may" "Slow down, and try again after Retry-After."
    OutcomeUnknown "outcome_unknown" SERVICE_UNAVAILABLE "Whether the request took effect is not known yet" "Send the same request with the same Idempotency-Key: the answer will be the true one."
    NotReady "not_ready" SERVICE_UNAVAILABLE "The server is starting or recovering" "Try again after Retry-After."
    Timeout "timeout" GATEWAY_TIMEOUT "The answer did not come in time" "Send the same request with the same Idempotency-Key."
    Internal "internal" INTERNAL_SERVER_ERROR "The server failed" "Try again with the same Idempotency-Key; if it persists, report the request_id."

    // Money.
    UnknownCurrency "unknown_currency" UNPROCESSABLE_ENTITY "The currency is not known" "Use an ISO 4217 code, such as CNY, or a registered asset."
    CurrencyNotHeld "currency_not_held" UNPROCESSABLE_ENTITY "The merchant or wallet has no account in this currency" "Use one of its currencies."
    CurrencyWithoutMinorUnit "currency_without_minor_unit" UNPROCESSABLE_ENTITY "The currency has no minor unit, so nothing can be paid in it" "Use a currency in which payments are made."
    CurrencyMismatch "currency_mismatch" UNPROCESSABLE_ENTITY "The currencies do not fit each other" "Use the currency of the order or account."
    AmountInvalid "amount_invalid" UNPROCESSABLE_ENTITY "The amount is not a whole number of minor units above zero" "Send amounts as integers in minor units: 12.50 CNY is 1250."
    AmountOutOfRange "amount_out_of_range" UNPROCESSABLE_ENTITY "The amount is larger than can be handled" "Use a smaller amount."
    AssetExists "asset_exists" CONFLICT "An asset of this code is registered with other decimal places" "Choose another code; amounts already recorded keep their meaning."
    AssetsTooMany "assets_too_many" UNPROCESSABLE_ENTITY "No more assets can be registered" "Use one that is registered."

    // Pictures and codes.
    ImageInvalid "image_invalid" UNPROCESSABLE_ENTITY "The body is not a picture that can be read" "Send a PNG or JPEG."
    ImageTooLarge "image_too_large" PAYLOAD_TOO_LARGE "The picture is too large" "Send a smaller picture."
    ImageWithoutCode "image_without_code" UNPROCESSABLE_ENTITY "No QR code was found in the picture" "Take the picture again: closer, sharper, brighter."
    CodeUnknown "code_unknown" NOT_FOUND "The code is not one of ours" "Scan a code that this server made."

    // Books of one's own.
    BookNotFound "book_not_found" NOT_FOUND "There is no such book" "Check the book's id."
    BooksTooMany "books_too_many" UNPROCESSABLE_ENTITY "No more books can be opened" "Turn to support."
    AccountExists "account_exists" CONFLICT "There is an account of this name with other terms" "Use another name, or change the account that is there."
    AssetNotRegistered "asset_not_registered" UNPROCESSABLE_ENTITY "The account's asset is not registered" "Register the asset first."
    LimitsInvalid "limits_invalid" UNPROCESSABLE_ENTITY "The minimum balance is above the maximum" "Swap them, or leave one out."
    VelocityInvalid "velocity_invalid" UNPROCESSABLE_ENTITY "A velocity limit bounds nothing, or there are too many" "Give each a count_max or an amount_max of zero or more; 18 at most."
    SettingsInvalid "settings_invalid" UNPROCESSABLE_ENTITY "The book's name is too long, or no clock has such an offset" "Use at most 120 bytes and -720 to 840 minutes."
    PeriodInvalid "period_invalid" UNPROCESSABLE_ENTITY "Only a past period that is still open can be closed" "Use a moment after the last one and not in the future."
    TransactionsMissing "transactions_missing" UNPROCESSABLE_ENTITY "There is no transaction in the request" "Send at least one."
    PostingsMissing "postings_missing" UNPROCESSABLE_ENTITY "A transaction has no posting" "Give each at least one."
    PostingsTooMany "postings_too_many" UNPROCESSABLE_ENTITY "There are more postings than can happen at once" "Use at most 256 in a transaction and 8,190 in all that happens as one."
    MetadataTooLarge "metadata_too_large" UNPROCESSABLE_ENTITY "The metadata have too many pairs, or too long ones" "Use at most 16 pairs, keys of 40 bytes and values of 200."
    EffectiveInFuture "effective_in_future" UNPROCESSABLE_ENTITY "The effective date lies in the future" "Use a date that has come, or make a hold."
    PeriodClosed "period_closed" UNPROCESSABLE_ENTITY "The effective date lies in a period that is closed" "Use a date in the open period."
    AmountNotPositive "amount_not_positive" UNPROCESSABLE_ENTITY "An amount must be above zero" "Swap debit and credit instead of using a negative amount."
    SameAccount "same_account" UNPROCESSABLE_ENTITY "A posting's two accounts must differ" "Leave the posting out."
    AssetsDiffer "assets_differ" UNPROCESSABLE_ENTITY "A posting's two accounts hold different assets" "Post each asset by itself, through an account of yours in each."
    HoldExists "hold_exists" CONFLICT "A hold of this id is there already" "Use a new id for a new hold."
    HoldNotFound "hold_not_found" NOT_FOUND "There is no such hold, or it is not yours" "Check the hold's id."
    HoldCaptured "hold_captured" CONFLICT "The hold is used up" "Nothing is left to do; look the hold up to see its captures."
    HoldReleased "hold_released" CONFLICT "The hold was released" "Make a new hold."
    HoldExpired "hold_expired" CONFLICT "The hold has expired" "Make a new hold."
    AmountsMismatch "amounts_mismatch" UNPROCESSABLE_ENTITY "There must be one amount for each posting" "Name as many amounts as there are postings, in their order."
    AmountExceedsRest "amount_exceeds_rest" UNPROCESSABLE_ENTITY "An amount is above what remains of its posting" "Use at most what remains."
    NothingToMove "nothing_to_move" UNPROCESSABLE_ENTITY "Nothing is there to be moved" "Wait until there is, or name amounts above zero."
    BalanceNotZero "balance_not_zero" CONFLICT "Only an account at zero can be closed" "Move what is on it elsewhere first."
    HoldsOpen "holds_open" CONFLICT "Only an account without open holds can be closed" "Capture or release its holds first."
    VelocityCountExceeded "velocity_count_exceeded" UNPROCESSABLE_ENTITY "The account may not move this often within the period" "Wait until the period is over."
    VelocityAmountExceeded "velocity_amount_exceeded" UNPROCESSABLE_ENTITY "The account may not move this much within the period" "Use a smaller amount, or wait until the period is over."

    // Orders and payments.
    OrderNotFound "order_not_found" NOT_FOUND "There is no such order, or it is not yours" "Check the order's id or number."
    OrderNumberUsed "order_number_used" CONFLICT "The merchant has used this order number for another order" "Give each order a number of its own."
    OrderClosed "order_closed" CONFLICT "The order is closed" "Make a new order."
    OrderExpired "order_expired" CONFLICT "The order has expired" "Make a new order."
    OrderAlreadyPaid "order_already_paid" CONFLICT "The order is already paid" "Nothing is left to do; query the order to see its payment."
    OrderNotPaid "order_not_paid" CONFLICT "The order is not paid" "Wait until the order is paid."
    OrdersOpenTooMany "orders_open_too_many" TOO_MANY_REQUESTS "The merchant has as many open orders as it may have" "Close some, or give orders a shorter time to be paid."
    ExpiryInvalid "expiry_invalid" UNPROCESSABLE_ENTITY "The order's time to be paid is not possible" "Use 1 second to 30 days."
    OrderAwaitingPayer "order_awaiting_payer" CONFLICT "The order waits for its payer to confirm" "Wait: it is then paid, closed or expired."
    OrderReversed "order_reversed" CONFLICT "The charge was taken back" "Charge again under another number."
    OrderRefunded "order_refunded" CONFLICT "The order was refunded, in part or whole" "Refund what is left instead."
    NotACharge "not_a_charge" CONFLICT "Only a charge of a payment code can be taken back" "Close the order, or refund it."
    ReversalTooLate "reversal_too_late" UNPROCESSABLE_ENTITY "The charge is more than 24 hours old" "Refund it instead."
    PaymentCodeInvalid "payment_code_invalid" UNPROCESSABLE_ENTITY "This is no payment code that counts now" "Scan the code again."
    PaymentCodeOld "payment_code_old" UNPROCESSABLE_ENTITY "The payment code is some minutes old" "Ask the payer to show a new one."
    PaymentCodeUsed "payment_code_used" CONFLICT "The payment code, or a newer one of the same device, was used" "Ask the payer to show a new one, which appears with the next minute."
    TillBlocked "till_blocked" TOO_MANY_REQUESTS "Too many codes were scanned that were none" "Wait ten minutes, and look at what is scanned."
    PrintedCodeNotFound "printed_code_not_found" NOT_FOUND "There is no such printed code, or it is not yours" "Check the code's id."
    PrintedCodeRetired "printed_code_retired" CONFLICT "The printed code is not used any more" "Ask the shop for another one."
    PrintedCodesTooMany "printed_codes_too_many" UNPROCESSABLE_ENTITY "The merchant has as many printed codes as it may have" "Use those that there are."
    PrepayInvalid "prepay_invalid" UNPROCESSABLE_ENTITY "This is no prepay id" "Hand the wallet the id as it was answered, unchanged."
    PrepayExpired "prepay_expired" CONFLICT "The prepay id has run out" "Fetch a new one for the order."
    StepUpMissing "step_up_missing" CONFLICT "The payer has nothing to confirm with" "Set a PIN, or add a device, first."
    CombinationInvalid "combination_invalid" UNPROCESSABLE_ENTITY "These orders cannot be paid together" "Change them as the detail says, or pay each by itself."
    CombinedNotFound "combined_not_found" NOT_FOUND "There is no such combined order, or it is not yours" "Check its id."
    SharingInvalid "sharing_invalid" UNPROCESSABLE_ENTITY "The order's proceeds cannot be shared like this" "Change it as the detail says."
    SharesTooLarge "shares_too_large" UNPROCESSABLE_ENTITY "More would be passed on than 30 percent of what is not refunded" "Share at most what the detail says."
    SharingTooLate "sharing_too_late" UNPROCESSABLE_ENTITY "The order was paid more than 180 days ago" "Pay the others in another way."
    SharingNumberUsed "sharing_number_used" CONFLICT "The merchant has used this number for another sharing" "Give each sharing a number of its own."
    ShareNotFound "share_not_found" NOT_FOUND "There is no such share, or it is not yours" "Check the order's and the share's id."
    ShareReturnTooLarge "share_return_too_large" UNPROCESSABLE_ENTITY "More would come back than is left of the share" "Give back at most what is left."
    MandateNotFound "mandate_not_found" NOT_FOUND "There is no such mandate, or it is not yours" "Check the mandate's id."
    MandateNotAccepted "mandate_not_accepted" CONFLICT "Nobody has accepted the mandate yet" "Wait until the payer has."
    MandateEnded "mandate_ended" CONFLICT "The mandate was revoked or has expired" "Propose a new one."
    MandateExceeded "mandate_exceeded" UNPROCESSABLE_ENTITY "The debit is beyond what the payer allowed" "Debit less or later, as the detail says, or ask the payer to pay an order."
    MandateNumberUsed "mandate_number_used" CONFLICT "The merchant has used this number for another mandate" "Give each mandate a number of its own."
    MandatesTooMany "mandates_too_many" UNPROCESSABLE_ENTITY "There are as many open mandates as there may be" "Revoke some that are not used."
    BillerNotFound "biller_not_found" NOT_FOUND "There is no such biller" "Check the biller's id."
    BillerRetired "biller_retired" CONFLICT "The biller takes no payments any more" "Look for another one in the list."
    BillersTooMany "billers_too_many" UNPROCESSABLE_ENTITY "There are as many billers as there may be" "Use those that there are."
    ReferenceInvalid "reference_invalid" UNPROCESSABLE_ENTITY "The reference is not one of the biller's" "Compare it with the bill, digit by digit."
    BillerAmount "biller_amount_invalid" UNPROCESSABLE_ENTITY "The biller does not take this amount" "Pay an amount as the detail says."
    CouponNotFound "coupon_not_found" NOT_FOUND "There is no such coupon, or it is not yours" "Check the coupon's id."
    CouponNotForOrder "coupon_not_for_order" UNPROCESSABLE_ENTITY "The coupon is for other merchants or another currency" "Pay without it, or use another one."
    CouponNotValid "coupon_not_valid" CONFLICT "The coupon cannot be used at this moment" "Look it up to see from when until when it holds, and whether it was withdrawn."
    CouponMinimum "coupon_minimum" UNPROCESSABLE_ENTITY "The order is too small for the coupon" "Pay without it, or order more."
    CouponUsedUp "coupon_used_up" CONFLICT "The coupon was used as often as it may be" "Pay without it."
    CouponLimitReached "coupon_limit_reached" CONFLICT "You have used the coupon as often as one person may" "Pay without it."
    CouponsDoNotStack "coupons_do_not_stack" UNPROCESSABLE_ENTITY "These coupons cannot be used together" "Use one of them, or at most four that all stack, each once."
    CouponsTooMany "coupons_too_many" UNPROCESSABLE_ENTITY "There are as many coupons as one may make" "Use those that there are."
    PointsNotTaken "points_not_taken" UNPROCESSABLE_ENTITY "Points pay nothing in this currency" "Pay without them."
    PointsInvalid "points_invalid" UNPROCESSABLE_ENTITY "So many points cannot be spent here" "Spend another number, as the detail says."
    RefundNotFound "refund_not_found" NOT_FOUND "There is no such refund, or it is not yours" "Check the refund's id or number."
    RefundNumberUsed "refund_number_used" CONFLICT "The merchant has used this refund number for another refund" "Give each refund a number of its own."
    RefundExceedsPaid "refund_exceeds_paid" UNPROCESSABLE_ENTITY "The refunds would exceed what was paid" "Refund at most what is left."
    RefundTooLate "refund_too_late" UNPROCESSABLE_ENTITY "The order was paid too long ago to be refunded" "Pay the customer back in another way."
    RefundsTooMany "refunds_too_many" UNPROCESSABLE_ENTITY "The order has as many refunds as it may have" "Pay the customer back in another way."
    MerchantBalanceTooLow "merchant_balance_too_low" UNPROCESSABLE_ENTITY "The merchant's balance does not cover the refund" "Wait for further payments, then refund with a new Idempotency-Key."
    RiskDenied "risk_denied" FORBIDDEN "The payment was refused because of its risk" "Do not retry; the payer may turn to support."
    MerchantFrozen "merchant_frozen" CONFLICT "Nobody can pay the merchant for now" "The merchant turns to support."
    OrderInReview "order_in_review" CONFLICT "A payment of the order is being looked at" "Wait until it is released or denied; the order then is paid, or open again."
    PendingTooMany "pending_too_many" TOO_MANY_REQUESTS "The wallet has as many payments waiting as it may have" "Confirm those that wait, or let them lapse."
    DecisionNotFound "decision_not_found" NOT_FOUND "There is no such decision, or it is not yours" "Check the decision's id."
    DecisionNotPending "decision_not_pending" CONFLICT "The payment does not wait for this" "Look the decision up to see how it stands."
    ProofWrong "proof_wrong" FORBIDDEN "The PIN or the device's signature is not right" "Ask the payer again, with a new Idempotency-Key, while tries are left."
    PinInvalid "pin_invalid" UNPROCESSABLE_ENTITY "The PIN is not one that can be used" "Use six to twelve digits that are not all alike."
    ProofNeeded "proof_needed" FORBIDDEN "What a wallet confirms with is changed only with a proof by what it has" "Send the PIN or a device's signature as proof; if all are lost, an operator can reset them."
    ProofOutdated "proof_outdated" CONFLICT "Another proof of this wallet was counted at the same time" "Send the proof again, with a new Idempotency-Key."
    PinBlocked "pin_blocked" FORBIDDEN "The PIN was wrong too often" "Use a device, or ask an operator to reset what the wallet confirms with."
    ConfirmationsPending "confirmations_pending" CONFLICT "Payments of the wallet wait for a confirmation" "Set the first PIN or device when none waits any more, which takes five minutes at most."
    DevicesTooMany "devices_too_many" UNPROCESSABLE_ENTITY "The wallet has as many devices as it may have" "Remove one first."

    // What people send each other.
    PayeeNotFound "payee_not_found" NOT_FOUND "There is no wallet to send to" "Check the ids of those it is for."
    PayeeIsPayer "payee_is_payer" UNPROCESSABLE_ENTITY "Nobody sends money to themselves alone" "Name another wallet."
    CurrencyNotTaken "currency_not_taken" UNPROCESSABLE_ENTITY "The one it is sent to has no account in this currency" "Send a currency that the other can hold."
    SendingTooMuch "sending_too_much" TOO_MANY_REQUESTS "The wallet has as much under way as it may have" "Wait until some of it is accepted, claimed or back."
    TransferNotFound "transfer_not_found" NOT_FOUND "There is no such transfer, or it is not yours" "Check the transfer's id."
    TransferCompleted "transfer_completed" CONFLICT "The transfer is completed" "Nothing: the money has arrived."
    TransferDeclined "transfer_declined" CONFLICT "The transfer was declined" "Ask the sender to send it again."
    TransferExpired "transfer_expired" CONFLICT "The transfer was not accepted in time" "Ask the sender to send it again."
    RedPacketNotFound "red_packet_not_found" NOT_FOUND "There is no such red packet, or it is not for you" "Check the red packet's id."
    RedPacketClaimed "red_packet_claimed" CONFLICT "You have taken a share of this red packet before" "Nothing: look the red packet up to see which."
    RedPacketEmpty "red_packet_empty" CONFLICT "Every share of the red packet is taken" "Be quicker next time."
    RedPacketExpired "red_packet_expired" CONFLICT "The red packet was open for a day, which is over" "Nothing: what was left is back with its sender."
    SharesInvalid "shares_invalid" UNPROCESSABLE_ENTITY "The red packet cannot be cut into these shares" "Change the amount, the shares or whom it is for, as the detail says."
    BillNotFound "bill_not_found" NOT_FOUND "There is no such bill, or you are not on it" "Check the bill's id."
    BillSettled "bill_settled" CONFLICT "The bill is settled" "Nothing: every share is paid."
    BillCancelled "bill_cancelled" CONFLICT "The bill was cancelled" "Ask its owner for another one."
    BillExpired "bill_expired" CONFLICT "The bill was open for 30 days, which are over" "Ask its owner for another one."
    BillInvalid "bill_invalid" UNPROCESSABLE_ENTITY "The bill cannot be shared like this" "Change it as the detail says."
    BillsTooMany "bills_too_many" UNPROCESSABLE_ENTITY "The wallet has as many bills open as it may have" "Cancel some, or wait until they are settled."
    SharePaid "share_paid" CONFLICT "The share is paid" "Nothing: it need not be paid twice."
    ReminderTooSoon "reminder_too_soon" TOO_MANY_REQUESTS "There was a reminder within the last hour" "Wait until an hour has passed."

    // Exchange.
    QuoteNotFound "quote_not_found" NOT_FOUND "There is no such quote, or it is not yours" "Check the quote's id."
    QuoteUsed "quote_used" CONFLICT "The quote was used before" "Ask for a new quote."
    QuoteExpired "quote_expired" CONFLICT "The quote has expired" "Ask for a new quote, and use it in its time."
    QuotesOpenTooMany "quotes_open_too_many" TOO_MANY_REQUESTS "The wallet has as many open quotes as it may have" "Use one, or wait until some expire."
    PositionReached "position_reached" UNPROCESSABLE_ENTITY "The house's position in the currency is at its limit" "Use a smaller amount, or try again later."
    SameCurrency "same_currency" UNPROCESSABLE_ENTITY "Both sides of an exchange are in the same currency" "Name two currencies."
    AmountTooSmall "amount_too_small" UNPROCESSABLE_ENTITY "The amount is worth less than a minor unit of the other currency" "Exchange a larger amount."
    RateUnknown "rate_unknown" SERVICE_UNAVAILABLE "There is no rate between these currencies" "Ask whoever runs the house to feed one: POST /v1/rates."
    RateStale "rate_stale" SERVICE_UNAVAILABLE "The latest rate between these currencies is too old" "Try again when the feed has gone on."
    RateDisputed "rate_disputed" SERVICE_UNAVAILABLE "A rate has moved further than is believed at once, or sources differ" "Try again when a second source or an operator has confirmed it."
    RateSourceUnknown "rate_source_unknown" NOT_FOUND "There is no source of rates of this name, or it holds nothing back" "Look the rates up to see the sources, and what is held."
    RatesInvalid "rates_invalid" UNPROCESSABLE_ENTITY "The text is not one of rates" "Correct it at the line in the detail; nothing of it was used."

    // Looking for fraud.
    RulesInvalid "rules_invalid" UNPROCESSABLE_ENTITY "The rules cannot run" "Correct the rules at the places listed in errors."
    SamePerson "same_person" FORBIDDEN "Who proposed it cannot approve it" "Ask somebody else to approve it with their key."
    DraftNotFound "draft_not_found" NOT_FOUND "There is no such draft" "Check the draft's id; it may have been approved or discarded."
    DraftsTooMany "drafts_too_many" UNPROCESSABLE_ENTITY "There are as many drafts as there may be" "Approve or discard some first."
    DraftOutdated "draft_outdated" CONFLICT "Other rules run now than when the draft was written" "Draft it again from the rules that run."
    VersionNotFound "version_not_found" NOT_FOUND "The rules have no such version, or it is too old to go back to" "Draft its rules again from the history."
    EntryNotFound "entry_not_found" NOT_FOUND "It is not on the list" "Look the list up."
    EntryEnded "entry_ended" UNPROCESSABLE_ENTITY "The last moment of the entry lies in the past" "Name a later one, or none."
    EntriesTooMany "entries_too_many" UNPROCESSABLE_ENTITY "The lists have as many entries as they may have" "Strike some, or write a rule instead."
    ModelInvalid "model_invalid" UNPROCESSABLE_ENTITY "The model cannot be used" "Train it again with this version: gateway fraud train."
    ModelNotFound "model_not_found" NOT_FOUND "There is no such model" "Check the version against the list of models."
    ModelsTooMany "models_too_many" UNPROCESSABLE_ENTITY "There are as many models as there may be" "Turn to whoever runs the house."

    // Parties and accounts.
    MerchantNotFound "merchant_not_found" NOT_FOUND "There is no such merchant" "Check the merchant's id."
    WalletNotFound "wallet_not_found" NOT_FOUND "There is no such wallet, or it is not yours" "Check the wallet's id."
    KeyNotFound "key_not_found" NOT_FOUND "There is no such key, or it is not yours" "Check the key's id."
    KeysTooMany "keys_too_many" UNPROCESSABLE_ENTITY "There are as many keys as there may be" "Revoke one that is not used any more."
    IdTaken "id_taken" CONFLICT "The id is taken by something else" "Use a new id."
    TermsInvalid "terms_invalid" UNPROCESSABLE_ENTITY "These terms are not possible" "Change them as the detail says."
    EndpointNotFound "endpoint_not_found" NOT_FOUND "There is no such webhook endpoint, or it is not yours" "Check the endpoint's id."
    EndpointsTooMany "endpoints_too_many" UNPROCESSABLE_ENTITY "The merchant has as many webhook endpoints as it may have" "Remove one first."
    DeliveryNotFound "delivery_not_found" NOT_FOUND "There is no such webhook, or it is not yours" "Check the webhook's id."
    WebhookEndpointInvalid "webhook_endpoint_invalid" UNPROCESSABLE_ENTITY "Webhooks cannot be delivered to this address" "Use an https address that is reachable from the internet."
    AccountNotFound "account_not_found" NOT_FOUND "There is no such account" "Check the account's id."
    AccountFrozen "account_frozen" CONFLICT "The account is frozen" "Turn to support."
    AccountClosed "account_closed" CONFLICT "The account is closed" "Use another account."
    AccountsTooMany "accounts_too_many" UNPROCESSABLE_ENTITY "No more accounts can be opened" "Turn to support."
    BelowMinimum "below_minimum" UNPROCESSABLE_ENTITY "The account's balance would fall below its minimum" "Use a smaller amount."
    AboveMaximum "above_maximum" UNPROCESSABLE_ENTITY "The account's balance would rise above its maximum" "Use a smaller amount."
    ReferenceTooLong "reference_too_long" UNPROCESSABLE_ENTITY "The reference is too long" "Shorten it."
    TransactionNotFound "transaction_not_found" NOT_FOUND "There is no such transaction, or it is not yours" "Check the transaction's id."
    InsufficientFunds "insufficient_funds" UNPROCESSABLE_ENTITY "The account does not have enough available" "Top the account up, or use a smaller amount."
    TransactionIdReused "transaction_id_reused" CONFLICT "The transaction id was used for another transaction" "Use a new id for a new transaction; send a retry unchanged."
}
