//! Models: uploaded, made to decide or to challenge, and how far they have drifted.

use axum::body::Bytes;
use axum::http::HeaderMap;
use fraud::{Model as Trained, Registry};
use serde::{Deserialize, Serialize};
use utoipa::openapi::content::Content;
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{RefOr, Required};
use utoipa::{IntoParams, ToSchema};

use super::super::ask::{Ask, Body, Json, Parameters, Replied, Reply, Schemas};
use super::super::wire::{SequenceToken, Time};
use super::note;
use crate::app::risk::Risk;
use crate::pay::KeyId;
use crate::pay::desk::{Command, Model, Outcome, Part};
use crate::problem::{Code, Problem};

/// The largest model's file: a thousand trees are some megabytes.
const MODEL_BYTES_MAX: usize = 16 << 20;

/// The file that `gateway fraud train` writes, as it is.
#[derive(Debug)]
pub(super) struct ModelFile(String);

impl Body for ModelFile {
    const BYTES_MAX: usize = MODEL_BYTES_MAX;

    fn read(_: &HeaderMap, body: Bytes) -> Result<Self, Problem> {
        String::from_utf8(body.into()).map(Self).map_err(|_| {
            Problem::new(
                Code::ModelInvalid,
                "The body is not text, and a model is JSON.",
            )
        })
    }

    fn describe(_: &mut Schemas) -> Option<RequestBody> {
        let body = RequestBodyBuilder::new()
            .content("application/json", Content::new(None::<RefOr<Schema>>))
            .required(Some(Required::True));
        Some(body.build())
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct UploadAsked {
    /// What is new about it, at most 1000 characters.
    note: Option<String>,
}

impl Parameters for UploadAsked {
    fn schemas(_: &mut Schemas) {}
}

/// A model that was uploaded.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Model)]
pub(super) struct ModelShown {
    version: u32,
    features: u32,
    trees: u32,
    /// Rows it was trained on, and frauds among them.
    rows: u64,
    frauds: u64,
    bytes: u64,
    /// The key of who uploaded it; another key lets it decide.
    by: KeyId,
    at: Time,
    note: String,
}

impl From<&Model> for ModelShown {
    fn from(model: &Model) -> Self {
        Self {
            version: model.version,
            features: model.features,
            trees: model.trees,
            rows: model.rows,
            frauds: model.frauds,
            bytes: model.bytes,
            by: model.by,
            at: Time(model.at),
            note: model.note.clone(),
        }
    }
}

/// The models there are, and which of them speak.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ModelsFound {
    models: Vec<ModelShown>,
    /// The version that decides; 0 is the scorecard that is built in.
    champion: u32,
    /// The version that scores alongside; 0 is none.
    challenger: u32,
    /// How far scores have moved from those of the champion's training, as a population stability index in thousandths:
    /// above 250 it is time to train again. Absent without a champion, and until it has scored a thousand attempts.
    #[serde(skip_serializing_if = "Option::is_none")]
    drift_milli: Option<i64>,
    /// The same of the features that the champion asks about and that moved most, since it began to decide here.
    drifted: Vec<FeatureDrift>,
    /// Attempts since the start that the scorer could not score in time.
    unscored: u64,
}

/// A feature that has moved from what it was in training.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FeatureDrift {
    feature: String,
    /// Population stability index in thousandths.
    drift_milli: i64,
}

/// Features named with their drift; the metrics have them all.
const DRIFTED_SHOWN: usize = 10;

pub(super) async fn find(ask: Ask) -> Replied<ModelsFound> {
    let desk = ask.app.desk().await?;
    let found = ModelsFound {
        models: desk.models.values().map(Into::into).collect(),
        champion: desk.champion,
        challenger: desk.challenger,
        drift_milli: ask.app.risk.drift().map(thousandths),
        drifted: drifted(&ask.app.risk),
        unscored: ask.app.risk.unscored(),
    };
    Ok(Reply::new(Json(found)))
}

pub(super) fn drifted(risk: &Risk) -> Vec<FeatureDrift> {
    let shown = risk.drifted().into_iter().take(DRIFTED_SHOWN);
    shown
        .map(|(feature, index)| FeatureDrift {
            feature: feature.to_string(),
            drift_milli: thousandths(index),
        })
        .collect()
}

#[expect(clippy::cast_possible_truncation, reason = "a cast saturates")]
pub(super) fn thousandths(index: f64) -> i64 {
    (index * 1_000.0).round() as i64
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ModelAdded {
    model: ModelShown,
    sequence: SequenceToken,
}

/// A model is read, and its features looked for, before it is kept.
fn check(text: &str, registry: &Registry) -> Result<Trained, Problem> {
    let invalid = |detail: String| Problem::new(Code::ModelInvalid, detail);
    let model = Trained::from_json(text).map_err(|error| invalid(error.to_string()))?;
    let unknown = model
        .features
        .iter()
        .find(|name| registry.slot(name).is_none());
    match unknown {
        Some(name) => Err(invalid(format!(
            "The model reads the feature {name}, which this version does not have."
        ))),
        None => Ok(model),
    }
}

pub(super) async fn upload(ask: Ask<(), UploadAsked, ModelFile>) -> Replied<ModelAdded> {
    let by = ask.caller()?.key;
    let said = note("note", ask.query.note)?;
    let (app, text) = (ask.app.clone(), ask.body.0);
    let kept = tokio::task::spawn_blocking(move || {
        let model = check(&text, app.risk.registry())?;
        let kept = app.risk.models().keep(&text);
        let digest = kept.map_err(|error| Problem::internal(&error))?;
        Ok((model, digest, text.len()))
    });
    let kept: Result<_, Problem> = kept.await.map_err(|error| Problem::internal(&error))?;
    let (model, digest, bytes) = kept?;
    let small = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let command = Command::AddModel(Model {
        version: 0,
        digest,
        bytes: bytes as u64,
        features: small(model.features.len()),
        trees: small(model.forest.trees()),
        rows: model.trained_on.0 as u64,
        frauds: model.trained_on.1 as u64,
        by,
        at: ledger::Timestamp::ZERO,
        note: said,
    });
    let (done, outcome) = ask.app.at_desk(command, ask.once).await?;
    let Outcome::Model(model) = &outcome else {
        return done.unexpected();
    };
    let added = ModelAdded {
        model: model.into(),
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::done(&done, Json(added)))
}

/// The champion decides; the challenger scores alongside, without a say.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum PartWord {
    Champion,
    Challenger,
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ModelUse, example = json!({"version": 1, "part": "challenger"}))]
#[serde(deny_unknown_fields)]
pub(super) struct UseAsked {
    /// 0 lets the scorecard decide again, or ends the challenge.
    version: u32,
    #[schema(inline)]
    part: PartWord,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ModelUsed {
    champion: u32,
    challenger: u32,
    sequence: SequenceToken,
}

pub(super) async fn assign(ask: Ask<(), (), Json<UseAsked>>) -> Replied<ModelUsed> {
    let by = ask.caller()?.key;
    let Json(asked) = ask.body;
    let command = Command::UseModel {
        version: asked.version,
        part: match asked.part {
            PartWord::Champion => Part::Champion,
            PartWord::Challenger => Part::Challenger,
        },
        by,
    };
    let (done, _) = ask.app.at_desk(command, ask.once).await?;
    let desk = ask.app.desk().await?;
    let used = ModelUsed {
        champion: desk.champion,
        challenger: desk.challenger,
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::done(&done, Json(used)))
}
