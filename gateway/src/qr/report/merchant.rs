//! The report on a merchant-presented payload.

use super::{Currency, Entry, Kind, Merchant, Report};
use crate::qr::emvco::merchant::{DYNAMIC, STATIC};
use crate::qr::emvco::payload::{self, ACCOUNT_TEMPLATES, Payload, id};
use crate::qr::emvco::scheme::Scheme;
use crate::qr::emvco::tlv::Field;
use crate::qr::emvco::{MerchantPresented, rules};

/// The fields that EMVCo demands of every payload.
const MANDATORY: [u8; 5] = [id::CATEGORY, id::CURRENCY, id::COUNTRY, id::NAME, id::CITY];

pub(super) fn report(text: &str) -> Report {
    let (payload, error) = Payload::salvage(text);
    let error = error.or_else(|| payload.check_crc().err());
    let scheme = Scheme::of(&payload);
    let owned = |id: u8| payload.value(id).map(str::to_owned);
    let mut report = Report::of(Kind::MerchantPresented, scheme.name());
    report.code = MerchantPresented::parse(text)
        .ok()
        .map(|ours| ours.code.to_string());
    report.one_time = match payload.value(id::INITIATION) {
        Some(DYNAMIC) => Some(true),
        Some(STATIC) => Some(false),
        _ => None,
    };
    report.merchant = Merchant {
        name: owned(id::NAME),
        city: owned(id::CITY),
        country: owned(id::COUNTRY),
        category: owned(id::CATEGORY),
        account: scheme.account(&payload),
    };
    report.amount = owned(id::AMOUNT);
    report.currency = payload.value(id::CURRENCY).map(currency);
    report.fields = payload.fields().iter().map(entry).collect();
    match &error {
        Some(error) => report.fail(error.to_string()),
        None => report.remarks = remarks(&payload),
    }
    report
}

fn currency(given: &str) -> Currency {
    let numeric = given.parse().ok().filter(|_| given.len() == 3);
    let known = numeric.and_then(|numeric| fx::Currency::from_numeric(numeric).ok());
    Currency {
        given: given.to_owned(),
        code: known.map(|currency| currency.code().to_owned()),
    }
}

fn entry(field: &Field<'_>) -> Entry {
    let id = |field: &Field<'_>| format!("{:02}", field.id);
    let Some(fields) = payload::inside(field) else {
        return Entry::value(id(field), name(field.id), field.value);
    };
    let inner = |inside: &Field<'_>| {
        Entry::value(id(inside), name_inside(field.id, inside.id), inside.value)
    };
    Entry::fields(
        id(field),
        name(field.id),
        fields.iter().map(inner).collect(),
    )
}

/// Where a readable payload departs from EMVCo's rules.
fn remarks(payload: &Payload<'_>) -> Vec<String> {
    let broken = payload
        .fields()
        .iter()
        .filter_map(|field| rules::of(field.id)?.check(field.value).err());
    let mut remarks: Vec<String> = broken.map(|error| error.to_string()).collect();
    for id in MANDATORY {
        if payload.value(id).is_none() {
            remarks.push(format!(
                "it has no {} ({id:02})",
                name(id).unwrap_or("field")
            ));
        }
    }
    if payload
        .fields()
        .first()
        .is_some_and(|field| field.value != "01")
    {
        remarks.push("its payload format is not 01".to_owned());
    }
    remarks.extend(excess_decimals(payload));
    remarks
}

/// An amount with more decimals than its currency has cannot be paid exactly.
fn excess_decimals(payload: &Payload<'_>) -> Option<String> {
    let amount = payload.value(id::AMOUNT)?;
    let (_, decimals) = amount.split_once('.')?;
    let numeric = payload.value(id::CURRENCY)?.parse().ok()?;
    let currency = fx::Currency::from_numeric(numeric).ok()?;
    let excess = decimals.trim_end_matches('0').len() > usize::from(currency.exponent());
    excess.then(|| {
        format!(
            "the amount {amount} has more decimals than {} has, {}",
            currency.code(),
            currency.exponent()
        )
    })
}

/// What a payload's field means.
fn name(id: u8) -> Option<&'static str> {
    Some(match id {
        id::FORMAT => "payload format",
        id::INITIATION => "point of initiation",
        2..=3 => "Visa account",
        4..=5 => "Mastercard account",
        9..=10 => "Discover account",
        11..=12 => "American Express account",
        13..=14 => "JCB account",
        15..=16 => "UnionPay account",
        6..=8 | 17..=25 => "account reserved by EMVCo",
        _ if ACCOUNT_TEMPLATES.contains(&id) => "merchant account",
        id::CATEGORY => "merchant category",
        id::CURRENCY => "currency",
        id::AMOUNT => "amount",
        55 => "tip or fee indicator",
        56 => "fixed fee",
        57 => "fee in percent",
        id::COUNTRY => "country",
        id::NAME => "merchant name",
        id::CITY => "merchant city",
        id::POSTAL_CODE => "postal code",
        id::ADDITIONAL => "additional data",
        id::CRC => "check sum",
        id::LOCAL => "merchant in another language",
        80..=99 => "data of another party",
        _ => return None,
    })
}

/// What a field inside a template means.
fn name_inside(template: u8, id: u8) -> Option<&'static str> {
    Some(match (template, id) {
        (id::ADDITIONAL, 1) => "bill number",
        (id::ADDITIONAL, 2) => "mobile number",
        (id::ADDITIONAL, 3) => "store",
        (id::ADDITIONAL, 4) => "loyalty number",
        (id::ADDITIONAL, 5) => "reference",
        (id::ADDITIONAL, 6) => "customer",
        (id::ADDITIONAL, 7) => "terminal",
        (id::ADDITIONAL, 8) => "purpose",
        (id::ADDITIONAL, 9) => "asked of the payer",
        (id::ADDITIONAL, 10) => "merchant's tax id",
        (id::ADDITIONAL, 11) => "merchant's channel",
        (id::LOCAL, 0) => "language",
        (id::LOCAL, 1) => "name",
        (id::LOCAL, 2) => "city",
        (_, 0) => "network",
        _ => return None,
    })
}
