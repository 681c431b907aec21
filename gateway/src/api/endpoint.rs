//! Webhook endpoints: where a merchant hears of what happened.

use reqwest::Url;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::{Ask, Json, Replied, Reply};
use super::check::Check;
use super::wire::SequenceToken;
use crate::app::new_id;
use crate::app::secrets::{SecretsError, random};
use crate::pay::{Command, Endpoint, EndpointId, Outcome};
use crate::problem::{Code, Problem};
use crate::webhook::WebhookSecret;

const URL_CHARS_MAX: usize = 2_048;
const SECRET_BYTES: usize = 32;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookEndpoint)]
pub(super) struct EndpointShown {
    id: EndpointId,
    #[schema(example = "https://shop.example.com/hooks/jiaozi")]
    url: String,
}

impl From<&Endpoint> for EndpointShown {
    fn from(endpoint: &Endpoint) -> Self {
        Self {
            id: endpoint.id,
            url: endpoint.url.clone(),
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewWebhookEndpoint, example = json!({"url": "https://shop.example.com/hooks/jiaozi"}))]
#[serde(deny_unknown_fields)]
pub(super) struct EndpointAsked {
    /// An https address; a test-mode server also delivers to http and to its own machine.
    #[schema(max_length = 2_048, example = "https://shop.example.com/hooks/jiaozi")]
    url: String,
}

/// An endpoint, with its secret: it is shown now and not again, except to a retry of the same request.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EndpointCreated {
    endpoint: EndpointShown,
    /// Verifies the signature of webhooks, by Standard Webhooks.
    #[schema(example = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")]
    secret: String,
    sequence: SequenceToken,
}

/// All endpoints of a merchant; there are few.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Endpoints {
    data: Vec<EndpointShown>,
    sequence: SequenceToken,
}

pub(super) async fn create(ask: Ask<(), (), Json<EndpointAsked>>) -> Replied<EndpointCreated> {
    let merchant = ask.caller()?.merchant()?;
    let Json(asked) = ask.body;
    let mut check = Check::default();
    check.text("/url", &asked.url, URL_CHARS_MAX);
    check.done()?;
    let wrong = |detail: String| Problem::field(Code::WebhookEndpointInvalid, "/url", detail);
    let url = Url::parse(&asked.url)
        .map_err(|error| wrong(format!("The address is not a URL: {error}.")))?;
    ask.app
        .reach
        .check(&url)
        .map_err(|error| wrong(format!("Webhooks cannot go there: {error}.")))?;
    let internal = |error: SecretsError| Problem::internal(&error);
    let id = EndpointId(new_id());
    let secret = random::<SECRET_BYTES>().map_err(internal)?;
    let secret = crate::secret::Secret::new(secret);
    let endpoint = Endpoint {
        id,
        merchant,
        url: url.into(),
        secret: ask
            .app
            .secrets
            .seal(&secret, &id.to_string())
            .map_err(internal)?,
        enabled: true,
    };
    let done = ask
        .app
        .command(Command::AddEndpoint(endpoint), ask.once)
        .await?;
    let Outcome::Endpoints(endpoints) = &done.outcome else {
        return done.unexpected();
    };
    let Some(endpoint) = endpoints.first() else {
        return done.unexpected();
    };
    let secret = ask
        .app
        .secrets
        .open(&endpoint.secret, &endpoint.id.to_string());
    let secret = WebhookSecret::from_bytes(secret.map_err(internal)?.expose())
        .map_err(|error| Problem::internal(&error))?;
    let created = EndpointCreated {
        endpoint: endpoint.into(),
        secret: secret.expose_text(),
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::done(&done, Json(created)))
}

pub(super) async fn list(ask: Ask) -> Replied<Endpoints> {
    let merchant = ask.caller()?.merchant()?;
    let done = ask.app.ask(Command::Endpoints(merchant)).await?;
    let Outcome::Endpoints(endpoints) = &done.outcome else {
        return done.unexpected();
    };
    let listed = Endpoints {
        data: endpoints.iter().map(EndpointShown::from).collect(),
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::as_of(done.sequence, Json(listed)))
}

/// Removing needs no idempotency key: a second time there is nothing left to remove.
pub(super) async fn remove(ask: Ask<EndpointId>) -> Result<Reply<()>, Problem> {
    let merchant = ask.caller()?.merchant()?;
    let (app, id) = (ask.app, ask.id);
    // Whoever delivers is told, even if the caller has gone meanwhile.
    let removal = tokio::spawn(async move {
        let done = app.ask(Command::RemoveEndpoint { id, merchant }).await?;
        app.notifier.removed(id).await;
        Ok::<_, Problem>(done)
    });
    let done = removal.await.map_err(|error| Problem::internal(&error))??;
    Ok(Reply::done(&done, ()))
}
