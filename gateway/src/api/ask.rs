//! What a handler is given and what it gives back.
//!
//! A handler is an `async fn(Ask<P, Q, B>) -> Result<Reply<R>, Problem>`: the id in its path, its query, its body and
//! its reply are types, and each of these types reads itself and describes itself. So what the documentation says of
//! a route is what its code does.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::Query as UrlQuery;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use ledger::core::{ACCOUNT_NAME_BYTES_MAX, AccountName};
use ledger::{Sequence, Unique};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use utoipa::openapi::content::Content;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr, Required};
use utoipa::{IntoParams, ToSchema};

use super::refused::sentence;
use super::stream::Payload;
use crate::app::{App, Done, LedgerDone};
use crate::auth::Caller;
use crate::pay::{
    BillId, BillerId, BookId, CombinedId, CouponId, DecisionId, DraftId, EndpointId, HoldName,
    KeyId, MandateId, MerchantId, MessageId, OrderId, PrintedCodeId, QuoteId, RedPacketId,
    RefundId, TransactionName, TransferId, WalletId,
};
use crate::problem::{Code, Problem, json_body};
use crate::qr::decode::IMAGE_BYTES_MAX;

/// The largest JSON body; the longest real one has a few kilobytes.
const JSON_BYTES_MAX: usize = 64 << 10;
/// One with thousands of things in it.
const LARGE_JSON_BYTES_MAX: usize = 8 << 20;

/// A request, read and understood.
#[derive(Debug)]
pub(crate) struct Ask<P = (), Q = (), B = ()> {
    pub app: Arc<App>,
    pub caller: Option<Caller>,
    /// The id in the path.
    pub id: P,
    pub query: Q,
    pub body: B,
    pub headers: HeaderMap,
    /// The idempotency key, bound to this request.
    pub once: Option<Unique>,
}

/// A request as it arrived, authenticated but not yet understood.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub app: Arc<App>,
    pub caller: Option<Caller>,
    pub id: Option<String>,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub once: Option<Unique>,
}

impl<P: PathId, Q: Query, B: Body> Ask<P, Q, B> {
    pub(super) fn read(arrived: Arrived) -> Result<Self, Problem> {
        Ok(Self {
            id: P::read(arrived.id.as_deref())?,
            query: Q::read(&arrived.uri)?,
            body: B::read(&arrived.headers, arrived.body)?,
            app: arrived.app,
            caller: arrived.caller,
            headers: arrived.headers,
            once: arrived.once,
        })
    }
}

impl<P, Q, B> Ask<P, Q, B> {
    /// Who asks. Only a route for everybody has nobody here.
    pub(crate) fn caller(&self) -> Result<Caller, Problem> {
        self.caller.ok_or_else(|| {
            Problem::new(
                Code::Unauthenticated,
                "This resource needs a signed request.",
            )
        })
    }
}

/// An answer, before it is written.
#[derive(Debug)]
pub(crate) struct Reply<R> {
    pub body: R,
    /// The row of the journal that holds what was done, or that was read.
    pub sequence: Option<Sequence>,
    /// Whether this is the first answer again.
    pub again: bool,
    /// Whether what was asked for is still to come: 202 instead of the route's status.
    pub waits: bool,
}

impl<R> Reply<R> {
    /// An answer that stands for itself.
    pub(crate) fn new(body: R) -> Self {
        Self {
            body,
            sequence: None,
            again: false,
            waits: false,
        }
    }

    /// The answer to a command.
    pub(crate) fn done(done: &Done, body: R) -> Self {
        Self {
            body,
            sequence: Some(done.sequence),
            again: done.again,
            waits: false,
        }
    }

    /// The answer to a command to a book.
    pub(crate) fn ledger(done: &LedgerDone, body: R) -> Self {
        Self {
            body,
            sequence: Some(done.sequence),
            again: done.again,
            waits: false,
        }
    }

    /// An answer that shows the state as of a row.
    pub(crate) fn as_of(sequence: Sequence, body: R) -> Self {
        Self {
            sequence: Some(sequence),
            ..Self::new(body)
        }
    }
}

/// What the answer of a handler looks like.
pub(crate) type Replied<T> = Result<Reply<Json<T>>, Problem>;

/// The id in a route's path.
pub(crate) trait PathId: Sized + Send {
    fn read(text: Option<&str>) -> Result<Self, Problem>;
    /// `None` when the path has none.
    fn describe(schemas: &mut Schemas) -> Option<Parameter>;
}

/// Schemas by name, collected for the documentation.
pub(crate) type Schemas = Vec<(String, RefOr<Schema>)>;

/// A reference to a named schema, which is collected with all it refers to.
pub(super) fn named<T: ToSchema>(schemas: &mut Schemas) -> RefOr<Schema> {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
    Ref::from_schema_name(T::name()).into()
}

impl PathId for () {
    fn read(_: Option<&str>) -> Result<Self, Problem> {
        Ok(())
    }

    fn describe(_: &mut Schemas) -> Option<Parameter> {
        None
    }
}

macro_rules! path_ids {
    ($($id:ident)*) => {$(
        impl PathId for $id {
            fn read(text: Option<&str>) -> Result<Self, Problem> {
                text.unwrap_or_default().parse().map_err(|error: crate::pay::id::IdError| {
                    Problem::new(Code::ParameterInvalid, format!("The id in the path is not valid: {error}."))
                })
            }

            fn describe(schemas: &mut Schemas) -> Option<Parameter> {
                let parameter = ParameterBuilder::new()
                    .name("id")
                    .parameter_in(ParameterIn::Path)
                    .required(Required::True)
                    .schema(Some(named::<Self>(schemas)));
                Some(parameter.build())
            }
        }
    )*};
}

path_ids! {
    MerchantId WalletId KeyId OrderId TransferId RedPacketId BillId PrintedCodeId RefundId CouponId CombinedId MandateId BillerId QuoteId EndpointId MessageId TransactionName BookId HoldName DecisionId DraftId
}

impl PathId for AccountName {
    fn read(text: Option<&str>) -> Result<Self, Problem> {
        let name = Self::new(text.unwrap_or_default());
        name.map_err(|error| Problem::new(Code::ParameterInvalid, sentence(&error.to_string())))
    }

    fn describe(_: &mut Schemas) -> Option<Parameter> {
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(ACCOUNT_NAME_BYTES_MAX))
            .pattern(Some("^[A-Za-z0-9._-]+(:[A-Za-z0-9._-]+)*$"))
            .examples([json!("assets:bank:cny")]);
        let parameter = ParameterBuilder::new()
            .name("id")
            .parameter_in(ParameterIn::Path)
            .description(Some("The account's name."))
            .required(Required::True)
            .schema(Some(Schema::from(text)));
        Some(parameter.build())
    }
}

/// A number in a path.
impl PathId for u16 {
    fn read(text: Option<&str>) -> Result<Self, Problem> {
        text.unwrap_or_default().parse().map_err(|_| {
            let detail = "The number in the path is not one from 0 to 65535.";
            Problem::new(Code::ParameterInvalid, detail)
        })
    }

    fn describe(_: &mut Schemas) -> Option<Parameter> {
        let number = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(0))
            .maximum(Some(Self::MAX));
        let parameter = ParameterBuilder::new()
            .name("id")
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(Schema::from(number)));
        Some(parameter.build())
    }
}

/// The query of a route.
pub(crate) trait Query: Sized + Send {
    fn read(uri: &Uri) -> Result<Self, Problem>;
    fn describe(schemas: &mut Schemas) -> Vec<Parameter>;
}

/// What a query's type must be able to do; parameters that it does not have are refused.
pub(crate) trait Parameters: DeserializeOwned + IntoParams + Send {
    /// Collects the schemas that the parameters refer to.
    fn schemas(schemas: &mut Schemas);
}

impl Query for () {
    fn read(uri: &Uri) -> Result<Self, Problem> {
        match uri.query() {
            None | Some("") => Ok(()),
            Some(_) => Err(Problem::new(
                Code::ParameterInvalid,
                "This resource takes no parameters in the query.",
            )),
        }
    }

    fn describe(_: &mut Schemas) -> Vec<Parameter> {
        Vec::new()
    }
}

impl<T: Parameters> Query for T {
    fn read(uri: &Uri) -> Result<Self, Problem> {
        let UrlQuery(query) =
            UrlQuery::try_from_uri(uri).map_err(|rejection| unreadable(&rejection.body_text()))?;
        Ok(query)
    }

    fn describe(schemas: &mut Schemas) -> Vec<Parameter> {
        T::schemas(schemas);
        T::into_params(|| Some(ParameterIn::Query))
    }
}

/// What the reader of queries says, from the parameter on.
fn unreadable(said: &str) -> Problem {
    let said = said
        .strip_prefix("Failed to deserialize query string: ")
        .unwrap_or(said);
    Problem::new(Code::ParameterInvalid, sentence(said))
}

/// The body of a request.
pub(crate) trait Body: Sized + Send {
    const BYTES_MAX: usize;
    fn read(headers: &HeaderMap, body: Bytes) -> Result<Self, Problem>;
    fn describe(schemas: &mut Schemas) -> Option<RequestBody>;
}

/// No body. Empty JSON is let pass: some clients send it with every POST.
impl Body for () {
    const BYTES_MAX: usize = 2;

    fn read(_: &HeaderMap, body: Bytes) -> Result<Self, Problem> {
        match body.as_ref() {
            b"" | b"{}" => Ok(()),
            _ => Err(Problem::field(
                Code::FieldInvalid,
                "",
                "This resource takes no body.",
            )),
        }
    }

    fn describe(_: &mut Schemas) -> Option<RequestBody> {
        None
    }
}

/// A JSON document, in a request or in an answer.
#[derive(Debug)]
pub(crate) struct Json<T>(pub T);

impl<T: DeserializeOwned + ToSchema + Send> Body for Json<T> {
    const BYTES_MAX: usize = JSON_BYTES_MAX;

    fn read(headers: &HeaderMap, body: Bytes) -> Result<Self, Problem> {
        if !is_of_type(headers, |media| media == "application/json") {
            return Err(Problem::new(
                Code::MediaTypeUnsupported,
                "This resource reads application/json.",
            ));
        }
        json_body(&body).map(Self)
    }

    fn describe(schemas: &mut Schemas) -> Option<RequestBody> {
        let content = Content::new(Some(named::<T>(schemas)));
        let body = RequestBodyBuilder::new()
            .content("application/json", content)
            .required(Some(Required::True));
        Some(body.build())
    }
}

/// A JSON document that may be large.
#[derive(Debug)]
pub(crate) struct LargeJson<T>(pub T);

impl<T: DeserializeOwned + ToSchema + Send> Body for LargeJson<T> {
    const BYTES_MAX: usize = LARGE_JSON_BYTES_MAX;

    fn read(headers: &HeaderMap, body: Bytes) -> Result<Self, Problem> {
        let Json(read) = Json::read(headers, body)?;
        Ok(Self(read))
    }

    fn describe(schemas: &mut Schemas) -> Option<RequestBody> {
        Json::<T>::describe(schemas)
    }
}

/// A JSON document that may be left out.
impl<T: DeserializeOwned + ToSchema + Send> Body for Option<Json<T>> {
    const BYTES_MAX: usize = JSON_BYTES_MAX;

    fn read(headers: &HeaderMap, body: Bytes) -> Result<Self, Problem> {
        if body.is_empty() {
            return Ok(None);
        }
        Json::read(headers, body).map(Some)
    }

    fn describe(schemas: &mut Schemas) -> Option<RequestBody> {
        let mut body = Json::<T>::describe(schemas)?;
        body.required = Some(Required::False);
        Some(body)
    }
}

/// The bytes of a picture.
#[derive(Debug)]
pub(crate) struct Picture(pub Bytes);

impl Body for Picture {
    const BYTES_MAX: usize = IMAGE_BYTES_MAX;

    fn read(headers: &HeaderMap, body: Bytes) -> Result<Self, Problem> {
        let picture =
            |media: &str| media.starts_with("image/") || media == "application/octet-stream";
        if !is_of_type(headers, picture) {
            return Err(Problem::new(
                Code::MediaTypeUnsupported,
                "This resource reads the bytes of a picture: image/png or image/jpeg.",
            ));
        }
        Ok(Self(body))
    }

    fn describe(_: &mut Schemas) -> Option<RequestBody> {
        let body = RequestBodyBuilder::new()
            .content("image/png", Content::new(None::<RefOr<Schema>>))
            .content("image/jpeg", Content::new(None::<RefOr<Schema>>))
            .required(Some(Required::True));
        Some(body.build())
    }
}

/// Whether the body's media type is wanted. One that is not named is what the resource reads.
fn is_of_type(headers: &HeaderMap, wanted: impl Fn(&str) -> bool) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return true;
    };
    let text = value.to_str().unwrap_or_default();
    let media = text.split(';').next().unwrap_or_default().trim();
    wanted(&media.to_ascii_lowercase())
}

/// The body of an answer.
pub(crate) trait Answer: Send {
    /// The media type and what is written; nothing at all for 204.
    fn write(self) -> Result<Option<(HeaderValue, Payload)>, Problem>;
    /// The media types that it may have, and what is in each.
    fn describe(schemas: &mut Schemas) -> Vec<(&'static str, Content)>;
}

impl<T: Serialize + ToSchema + Send> Answer for Json<T> {
    fn write(self) -> Result<Option<(HeaderValue, Payload)>, Problem> {
        let bytes = serde_json::to_vec(&self.0).map_err(|error| Problem::internal(&error))?;
        let media = HeaderValue::from_static("application/json");
        Ok(Some((media, bytes.into())))
    }

    fn describe(schemas: &mut Schemas) -> Vec<(&'static str, Content)> {
        let content = Content::new(Some(named::<T>(schemas)));
        vec![("application/json", content)]
    }
}

/// Nothing to say but that it is done.
impl Answer for () {
    fn write(self) -> Result<Option<(HeaderValue, Payload)>, Problem> {
        Ok(None)
    }

    fn describe(_: &mut Schemas) -> Vec<(&'static str, Content)> {
        Vec::new()
    }
}

/// A document that is not JSON of ours: an image, a text.
macro_rules! media {
    ($($(#[$doc:meta])* $name:ident $media:literal)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $name(pub Bytes);

        impl Answer for $name {
            fn write(self) -> Result<Option<(HeaderValue, Payload)>, Problem> {
                Ok(Some((HeaderValue::from_static($media), Payload::Whole(self.0))))
            }

            fn describe(_: &mut Schemas) -> Vec<(&'static str, Content)> {
                vec![($media, Content::new(None::<RefOr<Schema>>))]
            }
        }
    )*};
}

media! {
    Svg "image/svg+xml"
    Png "image/png"
    /// Rows for a spreadsheet or for training.
    Csv "text/csv; charset=utf-8"
    /// Prometheus' own text format.
    Exposition "text/plain; version=0.0.4"
    /// The OpenAPI document, written once.
    Document "application/json"
}
