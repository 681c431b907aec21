//! What a payer can confirm with: a PIN, and keys in their devices.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::{Ask, Json, Replied, Reply};
use super::check::Check;
use super::decision::ProofAsked;
use super::wire::SequenceToken;
use crate::app::secrets::{SecretsError, new_secret};
use crate::app::{App, Done, Proof, new_id, pin_owner};
use crate::auth::Caller;
use crate::pay::step_up::Change;
use crate::pay::{Command, Device, KeyId, Outcome, SealedSecret, StepUps, WalletId};
use crate::payment_code::handle_text;
use crate::problem::{Code, Problem};
use crate::secret::Secret;

const NAME_CHARS_MAX: usize = 64;
const PIN_DIGITS: std::ops::RangeInclusive<usize> = 6..=12;

/// What a wallet can confirm with.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StepUps)]
pub(super) struct StepUpsShown {
    /// Whether a PIN is set.
    pin: bool,
    /// Whether it was wrong so often that it counts no more until it is set anew, which needs a device or an operator.
    pin_blocked: bool,
    devices: Vec<DeviceShown>,
    /// How often all this was changed. To prove the next change a device signs the wallet's id, this number and the
    /// change, each on a line of its own, as in `wal_…`, `3`, `set_pin 271828`.
    changes: u32,
    sequence: SequenceToken,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Device)]
pub(super) struct DeviceShown {
    id: KeyId,
    name: String,
    /// What its payment codes begin with after `74`: eight digits. Absent if there are no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "00000017")]
    handle: Option<String>,
}

impl StepUpsShown {
    fn of(done: &Done, step_ups: &StepUps) -> Self {
        let devices = step_ups.devices.iter().map(|device| DeviceShown {
            id: device.id,
            name: device.name.clone(),
            handle: device.handle.map(handle_text),
        });
        Self {
            pin: step_ups.pin.is_some(),
            pin_blocked: step_ups.pin_is_blocked(),
            devices: devices.collect(),
            changes: step_ups.changes,
            sequence: SequenceToken(done.sequence),
        }
    }
}

/// Only the wallet itself changes what it confirms with.
fn own(caller: &Caller, wallet: WalletId) -> Result<(), Problem> {
    if caller.wallet()? == wallet {
        Ok(())
    } else {
        Err(caller.forbidden())
    }
}

/// Changes what the asking wallet confirms with.
async fn change<B>(
    ask: &Ask<WalletId, (), B>,
    change: Change,
    said: &str,
    proof: Option<ProofAsked>,
) -> Result<Done, Problem> {
    let proof = proof.map(|proof| proof.read("/proof")).transpose()?;
    let proof: Option<&dyn Proof> = proof.as_deref();
    ask.app
        .change_step_ups(ask.id, change, (said, proof), ask.once)
        .await
}

fn sealed(app: &App, secret: &Secret, owner: &str) -> Result<SealedSecret, Problem> {
    let sealed = app.secrets.seal(secret, owner);
    sealed.map_err(|error| Problem::internal(&error))
}

pub(super) async fn find(ask: Ask<WalletId>) -> Replied<StepUpsShown> {
    own(&ask.caller()?, ask.id)?;
    let done = ask.app.ask(Command::FindStepUps(ask.id)).await?;
    let Outcome::StepUps(step_ups) = &done.outcome else {
        return done.unexpected();
    };
    let shown = StepUpsShown::of(&done, step_ups);
    Ok(Reply::as_of(done.sequence, Json(shown)))
}

#[derive(Deserialize, ToSchema)]
#[schema(as = NewPin, example = json!({"pin": "271828", "proof": {"pin": "314159"}}))]
#[serde(deny_unknown_fields)]
pub(super) struct PinAsked {
    /// Six to twelve digits, not all alike.
    #[schema(pattern = "^[0-9]{6,12}$")]
    pin: String,
    /// Needed once the wallet has a PIN or a device. A device signs `set_pin` and the new PIN.
    proof: Option<ProofAsked>,
}

impl std::fmt::Debug for PinAsked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PinAsked(…)")
    }
}

pub(super) async fn set_pin(mut ask: Ask<WalletId, (), Json<PinAsked>>) -> Replied<StepUpsShown> {
    own(&ask.caller()?, ask.id)?;
    let pin = std::mem::take(&mut ask.body.0.pin);
    let digits = pin.bytes().all(|byte| byte.is_ascii_digit());
    let first = pin.bytes().next();
    let alike = pin.bytes().all(|byte| Some(byte) == first);
    if !digits || alike || !PIN_DIGITS.contains(&pin.len()) {
        let detail = "A PIN is six to twelve digits that are not all alike.";
        return Err(Problem::field(Code::PinInvalid, "/pin", detail));
    }
    let said = format!("set_pin {pin}");
    let sealed = sealed(&ask.app, &Secret::new(pin), &pin_owner(ask.id))?;
    let proof = ask.body.0.proof.take();
    let done = change(&ask, Change::Pin(sealed), &said, proof).await?;
    let Outcome::StepUps(step_ups) = &done.outcome else {
        return done.unexpected();
    };
    let shown = StepUpsShown::of(&done, step_ups);
    Ok(Reply::done(&done, Json(shown)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewDevice, example = json!({"name": "My phone", "proof": {"pin": "314159"}}))]
#[serde(deny_unknown_fields)]
pub(super) struct DeviceAsked {
    #[schema(min_length = 1, max_length = 64)]
    name: String,
    /// Needed once the wallet has a PIN or a device. A device signs `add_device` and the name.
    proof: Option<ProofAsked>,
}

/// A device, with its secret: it is shown now and not again, except to a retry of the same request.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeviceAdded {
    id: KeyId,
    name: String,
    /// Its bytes, as they are, sign `text_to_sign` with HMAC-SHA256. It never leaves the device.
    #[schema(example = "sk_Zk0yR2hWbXJ0S3dQdG5hTzVqTnVCYzQ4eUx4ZkEyVGU")]
    secret: String,
    /// What its payment codes begin with after `74`: eight digits. Absent if there are no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "00000017")]
    handle: Option<String>,
    sequence: SequenceToken,
}

pub(super) async fn add_device(
    mut ask: Ask<WalletId, (), Json<DeviceAsked>>,
) -> Replied<DeviceAdded> {
    own(&ask.caller()?, ask.id)?;
    let mut check = Check::default();
    check.text("/name", &ask.body.0.name, NAME_CHARS_MAX);
    check.done()?;
    let internal = |error: SecretsError| Problem::internal(&error);
    let id = KeyId(new_id());
    let secret = new_secret().map_err(internal)?;
    let device = Device {
        id,
        name: std::mem::take(&mut ask.body.0.name),
        secret: sealed(&ask.app, &secret, &id.to_string())?,
        handle: None,
    };
    let said = format!("add_device {}", device.name);
    let proof = ask.body.0.proof.take();
    let done = change(&ask, Change::AddDevice(device), &said, proof).await?;
    let Outcome::StepUps(step_ups) = &done.outcome else {
        return done.unexpected();
    };
    // The newest is the one that was added; a retry gets the first one, whose secret is inside the answer.
    let Some(device) = step_ups.devices.last() else {
        return done.unexpected();
    };
    let secret = ask.app.secrets.open(&device.secret, &device.id.to_string());
    let added = DeviceAdded {
        id: device.id,
        name: device.name.clone(),
        secret: String::from_utf8_lossy(secret.map_err(internal)?.expose()).into_owned(),
        handle: device.handle.map(handle_text),
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::done(&done, Json(added)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = DeviceNamed, example = json!({"device": "key_0197a3e5c4b17f20a1b2c3d4e5f60718", "proof": {"pin": "314159"}}))]
#[serde(deny_unknown_fields)]
pub(super) struct DeviceNamed {
    device: KeyId,
    /// A device signs `remove_device` and the id.
    proof: Option<ProofAsked>,
}

pub(super) async fn remove_device(
    mut ask: Ask<WalletId, (), Json<DeviceNamed>>,
) -> Replied<StepUpsShown> {
    own(&ask.caller()?, ask.id)?;
    let device = ask.body.0.device;
    let said = format!("remove_device {device}");
    let proof = ask.body.0.proof.take();
    let done = change(&ask, Change::RemoveDevice(device), &said, proof).await?;
    let Outcome::StepUps(step_ups) = &done.outcome else {
        return done.unexpected();
    };
    let shown = StepUpsShown::of(&done, step_ups);
    Ok(Reply::done(&done, Json(shown)))
}

/// An operator, who has made sure who the holder is, takes all away.
pub(super) async fn reset(ask: Ask<WalletId>) -> Replied<StepUpsShown> {
    let done = change(&ask, Change::Reset, "", None).await?;
    let Outcome::StepUps(step_ups) = &done.outcome else {
        return done.unexpected();
    };
    let shown = StepUpsShown::of(&done, step_ups);
    Ok(Reply::done(&done, Json(shown)))
}
