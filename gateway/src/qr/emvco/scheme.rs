//! Whose payload it is: the schemes that print EMVCo codes, known by the ids they put into their templates.

use super::merchant::NETWORK_ID;
use super::payload::{Payload, id};
use super::tlv::{self, Field};

/// A scheme by which codes are paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    Jiaozi,
    Pix,
    PromptPay,
    VietQr,
    VnPay,
    AirPay,
    Sgqr,
    Qris,
    DuitNow,
    Upi,
    Khqr,
    LaoQr,
    QrPh,
    HongKongFps,
    Jpqr,
    Argentina,
    /// A payload by EMVCo's rules of a scheme that is not known here.
    Emvco,
}

/// The beginnings of globally unique ids (field 00 of a template), in any case. National payment networks register
/// an application provider's id (A00000…) or use a domain name of theirs turned round.
const NETWORKS: [(&str, Scheme); 19] = [
    (NETWORK_ID, Scheme::Jiaozi),
    ("br.gov.bcb.pix", Scheme::Pix),
    ("A000000677", Scheme::PromptPay),
    ("A000000727", Scheme::VietQr),
    ("A000000775", Scheme::VnPay),
    ("vn.airpay", Scheme::AirPay),
    ("SG.PAYNOW", Scheme::Sgqr),
    ("SG.SGQR", Scheme::Sgqr),
    ("ID.CO.", Scheme::Qris),
    ("MY.GOV.BNM", Scheme::DuitNow),
    ("A000000615", Scheme::DuitNow),
    ("A000000524", Scheme::Upi),
    ("A005266284662577", Scheme::LaoQr),
    ("ph.ppmi", Scheme::QrPh),
    ("com.p2pqrpay", Scheme::QrPh),
    ("hk.com.hkicl", Scheme::HongKongFps),
    ("jp.or.paymentsjapan", Scheme::Jpqr),
    ("com.mercadolibre", Scheme::Argentina),
    ("kh.gov.nbc", Scheme::Khqr),
];

/// Countries where every merchant code is of the national scheme, whatever network's id stands in it.
const COUNTRIES: [(&str, Scheme); 4] = [
    ("AR", Scheme::Argentina),
    ("IN", Scheme::Upi),
    ("KH", Scheme::Khqr),
    ("PH", Scheme::QrPh),
];

impl Scheme {
    /// The scheme of a payload, which may be broken: what can be read of it is enough.
    pub fn of(payload: &Payload<'_>) -> Self {
        let ids: Vec<&str> = payload
            .templates()
            .filter_map(|(_, fields)| tlv::value(&fields, 0))
            .collect();
        let known = NETWORKS
            .iter()
            .find(|(start, _)| ids.iter().any(|id| starts_with(id, start)));
        let country = payload.value(id::COUNTRY);
        let national = || COUNTRIES.iter().find(|(code, _)| country == Some(code));
        known
            .or_else(national)
            .map_or(Self::Emvco, |(_, scheme)| *scheme)
    }

    /// The payee's account at the scheme, where the scheme says which of its fields that is.
    pub fn account(self, payload: &Payload<'_>) -> Option<String> {
        let fields: &[u8] = match self {
            Self::Jiaozi | Self::Pix | Self::VnPay | Self::Upi => &[1],
            Self::PromptPay => &[1, 2, 3, 4],
            Self::VietQr => return viet_qr_account(payload),
            Self::Sgqr | Self::HongKongFps => &[2, 3, 4],
            Self::DuitNow | Self::Qris => &[2, 1],
            Self::Khqr => &[0],
            _ => return None,
        };
        let ours = |account: &Vec<Field<'_>>| {
            let network = tlv::value(account, 0).unwrap_or_default();
            self == Self::Khqr
                || NETWORKS
                    .iter()
                    .any(|(start, scheme)| *scheme == self && starts_with(network, start))
        };
        let account = payload.accounts().find(ours)?;
        fields
            .iter()
            .find_map(|id| tlv::value(&account, *id))
            .map(str::to_owned)
    }

    /// The name by which the scheme is known.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jiaozi => "Jiaozi",
            Self::Pix => "Pix",
            Self::PromptPay => "PromptPay",
            Self::VietQr => "VietQR",
            Self::VnPay => "VNPAY-QR",
            Self::AirPay => "AirPay",
            Self::Sgqr => "SGQR",
            Self::Qris => "QRIS",
            Self::DuitNow => "DuitNow",
            Self::Upi => "UPI",
            Self::Khqr => "KHQR",
            Self::LaoQr => "LAO QR",
            Self::QrPh => "QR Ph",
            Self::HongKongFps => "FPS (Hong Kong)",
            Self::Jpqr => "JPQR",
            Self::Argentina => "Transferencias 3.0",
            Self::Emvco => "EMVCo",
        }
    }
}

/// VietQR nests the bank's number and the account in field 01.
fn viet_qr_account(payload: &Payload<'_>) -> Option<String> {
    let account = payload
        .accounts()
        .find(|account| tlv::value(account, 0) == Some("A000000727"))?;
    let inner = tlv::fields(tlv::value(&account, 1)?, 0).ok()?;
    Some(format!(
        "{} {}",
        tlv::value(&inner, 0)?,
        tlv::value(&inner, 1)?
    ))
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(start))
}
