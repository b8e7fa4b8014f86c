//! The OpenAPI document, made of what the routes say about themselves and of `proto/`: an answer's fields, their types and
//! their comments are those of the messages that are sent, so that they cannot drift apart.

use std::collections::{BTreeMap, BTreeSet};

use axum::handler::Handler;
use serde_json::{Map, Value, json};
use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, ToSchema};

use super::FACE;
use super::schemas::describe_all;
use crate::state::App;
use crate::web::problem::ProblemDetails;
use crate::web::routes::Kind;
use crate::web::{Access, Routes};

/// What a route says about itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Doc {
    id: &'static str,
    summary: &'static str,
    query: Vec<Value>,
    body: Option<Value>,
    body_kind: BodyKind,
    /// The body as JSON, where it may be sent as a form with a file or so.
    or_json: Option<Value>,
    answer: Value,
    answered: Option<u16>,
    also: Option<u16>,
    /// The type of what it answers, where that is no JSON.
    file: Option<&'static str>,
    statuses: Vec<u16>,
    schemas: BTreeMap<String, Value>,
    messages: BTreeSet<String>,
}

/// How a body is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum BodyKind {
    #[default]
    Json,
    /// JSON, or nothing.
    Optional,
    /// A form with a file.
    Form,
}

/// A route of this name that does this.
pub(crate) fn doc(id: &'static str, summary: &'static str) -> Doc {
    Doc {
        id,
        summary,
        ..Doc::default()
    }
}

impl Doc {
    /// Its query.
    pub(crate) fn query<T: IntoParams>(mut self) -> Self {
        let given = T::into_params(|| Some(ParameterIn::Query));
        self.query = given
            .into_iter()
            .filter_map(|one| serde_json::to_value(one).ok())
            .collect();
        self
    }

    /// Its body.
    pub(crate) fn body<T: ToSchema>(mut self) -> Self {
        self.body = Some(self.schema::<T>());
        self
    }

    /// Its body, which may be left out.
    pub(crate) fn may_body<T: ToSchema>(mut self) -> Self {
        self.body_kind = BodyKind::Optional;
        self.body::<T>()
    }

    /// Its body: a form with the field `file` and these texts, of which those that are told so are needed.
    pub(crate) fn form(self, texts: &[(&str, &str, bool)]) -> Self {
        let about = "PDF, JPEG, PNG or WebP by its content, at most 25 MiB.";
        self.with_file(("file", about), texts)
    }

    /// Its body: a form with the field `photo` and these texts; or, as JSON, where the photograph is.
    pub(crate) fn photo<T: ToSchema>(mut self, texts: &[(&str, &str, bool)]) -> Self {
        self.or_json = Some(self.schema::<T>());
        let about = "JPEG, PNG or WebP by its content, at most 25 MiB.";
        self.with_file(("photo", about), texts)
    }

    fn with_file(mut self, (field, about): (&str, &str), texts: &[(&str, &str, bool)]) -> Self {
        let file = json!({ "type": "string", "format": "binary", "description": about });
        let mut properties = Map::from_iter([(field.to_owned(), file)]);
        let mut required = vec![field];
        for (name, about, needed) in texts {
            let schema = json!({ "type": "string", "description": about });
            properties.insert((*name).to_owned(), schema);
            if *needed {
                required.push(name);
            }
        }
        self.body = Some(json!({ "type": "object", "properties": properties, "required": required }));
        self.body_kind = BodyKind::Form;
        self
    }

    /// The status of its answer, where that is not 200.
    pub(crate) fn answered(mut self, status: u16) -> Self {
        self.answered = Some(status);
        self
    }

    /// Another status with the same answer.
    pub(crate) fn also(mut self, status: u16) -> Self {
        self.also = Some(status);
        self
    }

    /// It answers with a type of the gateway.
    pub(crate) fn answer<T: ToSchema>(mut self) -> Self {
        self.answer = self.schema::<T>();
        self
    }

    /// It answers with a message of `proto/`.
    pub(crate) fn message(mut self, name: &'static str) -> Self {
        self.answer = self.reference(name);
        self
    }

    /// It answers with an object of these fields.
    pub(crate) fn object(mut self, fields: &[(&str, Shape)]) -> Self {
        let properties: Map<String, Value> = fields
            .iter()
            .map(|(name, shape)| ((*name).to_owned(), self.shape(shape)))
            .collect();
        let required: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
        self.answer = json!({ "type": "object", "properties": properties, "required": required });
        self
    }

    /// It answers with bytes.
    pub(crate) fn bytes(self) -> Self {
        self.file("application/octet-stream")
    }

    /// It answers with a file of this type.
    pub(crate) fn file(mut self, kind: &'static str) -> Self {
        self.file = Some(kind);
        self
    }

    /// It may also answer with these statuses.
    pub(crate) fn or(mut self, statuses: &[u16]) -> Self {
        self.statuses = statuses.to_vec();
        self
    }

    fn shape(&mut self, shape: &Shape) -> Value {
        match shape {
            Shape::Any => json!({}),
            Shape::Text => json!({ "type": "string" }),
            Shape::Count => json!({ "type": "integer", "minimum": 0 }),
            Shape::Flag => json!({ "type": "boolean" }),
            Shape::Texts => json!({ "type": "array", "items": { "type": "string" } }),
            Shape::Message(name) => self.reference(name),
            Shape::Messages(name) => json!({ "type": "array", "items": self.reference(name) }),
            Shape::OfServices(name) => json!({
                "type": "array",
                "items": { "allOf": [
                    self.reference(name),
                    { "type": "object", "properties": { "service": { "type": "string" } }, "required": ["service"] },
                ] },
            }),
        }
    }

    fn reference(&mut self, name: &str) -> Value {
        self.messages.insert(name.to_owned());
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }

    fn schema<T: ToSchema>(&mut self) -> Value {
        let mut used = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut used);
        for (name, schema) in used {
            self.schemas.insert(name, written(&schema));
        }
        json!({ "$ref": format!("#/components/schemas/{}", T::name()) })
    }
}

/// A field of an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// Anything.
    Any,
    /// A text.
    Text,
    /// A number of things.
    Count,
    /// Yes or no.
    Flag,
    /// Texts.
    Texts,
    /// A message of `proto/`.
    Message(&'static str),
    /// Several of them.
    Messages(&'static str),
    /// Several of them, each with the service that has it.
    OfServices(&'static str),
}

fn written(schema: &RefOr<Schema>) -> Value {
    serde_json::to_value(schema).unwrap_or_default()
}

/// The routes of the interface, with what they say.
pub(crate) struct Api {
    routes: Routes,
    docs: Vec<Doc>,
}

impl Api {
    pub(crate) fn new() -> Self {
        Self {
            routes: Routes::new(FACE),
            docs: Vec::new(),
        }
    }

    pub(crate) fn get<H, T>(mut self, path: &'static str, access: Access, handler: H, doc: Doc) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.docs.push(doc);
        self.routes = self.routes.get(path, access, handler);
        self
    }

    pub(crate) fn post<H, T>(mut self, path: &'static str, access: Access, handler: H, doc: Doc) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.docs.push(doc);
        self.routes = self.routes.post(path, access, handler);
        self
    }

    pub(crate) fn put<H, T>(mut self, path: &'static str, access: Access, handler: H, doc: Doc) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.docs.push(doc);
        self.routes = self.routes.put(path, access, handler);
        self
    }

    pub(crate) fn patch<H, T>(mut self, path: &'static str, access: Access, handler: H, doc: Doc) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.docs.push(doc);
        self.routes = self.routes.patch(path, access, handler);
        self
    }

    pub(crate) fn upload<H, T>(mut self, path: &'static str, access: Access, handler: H, doc: Doc) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.docs.push(doc);
        self.routes = self.routes.upload(path, access, handler);
        self
    }

    pub(crate) fn ask<H, T>(mut self, path: &'static str, access: Access, handler: H, doc: Doc) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.docs.push(doc);
        self.routes = self.routes.ask(path, access, handler);
        self
    }

    /// The routes, and the document about them.
    pub(crate) fn finish(self) -> (Routes, Value) {
        let mut paths = Map::new();
        let mut schemas = BTreeMap::from([(
            "ProblemDetails".to_owned(),
            written(&<ProblemDetails as utoipa::PartialSchema>::schema()),
        )]);
        let mut used = Vec::new();
        <ProblemDetails as ToSchema>::schemas(&mut used);
        schemas.extend(used.into_iter().map(|(name, schema)| (name, written(&schema))));
        let mut messages = BTreeSet::new();
        for (route, doc) in self.routes.table().into_iter().zip(self.docs) {
            let path = paths
                .entry(route.path)
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(methods) = path {
                methods.insert(
                    route.method.to_lowercase(),
                    operation(route.path, route.access, route.kind, &doc),
                );
            }
            schemas.extend(doc.schemas);
            messages.extend(doc.messages);
        }
        describe_all(messages, &mut schemas);
        let document = json!({
            "openapi": "3.1.0",
            "info": {
                "title": "Puente",
                "version": env!("CARGO_PKG_VERSION"),
                "description": "Orders, deliveries, messages and calls to providers. Every error is a problem (RFC 9457) \
                    with a stable type. Lists go on at `next_cursor`, which is empty at the end. Personal data is masked; \
                    showing one thing is a POST to its `reveal`, and leaves a row in the audit trail.",
                "license": { "name": "Proprietary" },
            },
            "paths": paths,
            "components": {
                "schemas": schemas,
                "securitySchemes": {
                    "key": { "type": "http", "scheme": "bearer", "description": "An API key: pk_<prefix>_<secret>." },
                },
            },
        });
        (self.routes, document)
    }
}

fn operation(path: &str, access: Access, kind: Kind, doc: &Doc) -> Value {
    let mut parameters: Vec<Value> = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    parameters.extend(doc.query.iter().cloned());
    if kind == Kind::Write {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": true,
            "description": "The same for a repeated request, which then has no second effect and gets the same answer.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$" },
        }));
    }
    let content = match doc.file {
        Some(kind) => json!({ kind: { "schema": { "type": "string", "format": "binary" } } }),
        None => json!({ "application/json": { "schema": doc.answer } }),
    };
    let mut responses = Map::new();
    let answer = match doc.answered {
        Some(302) => json!({
            "description": doc.summary,
            "headers": { "Location": { "schema": { "type": "string", "format": "uri" }, "required": true } },
        }),
        _ => json!({ "description": doc.summary, "content": content }),
    };
    if let Some(also) = doc.also {
        responses.insert(also.to_string(), answer.clone());
    }
    responses.insert(doc.answered.unwrap_or(200).to_string(), answer);
    let mut statuses = vec![400, 404, 405, 429, 503];
    if access != Access::Anyone {
        statuses.extend([401, 403]);
    }
    if kind != Kind::Read {
        statuses.extend([403, 409, 413, 415, 422]);
    }
    statuses.extend(&doc.statuses);
    for status in statuses {
        responses.insert(status.to_string(), problem(status));
    }
    let mut operation = json!({
        "operationId": doc.id,
        "summary": doc.summary,
        "parameters": parameters,
        "responses": responses,
    });
    if let Value::Object(fields) = &mut operation {
        if let Some(body) = &doc.body {
            let kind = match doc.body_kind {
                BodyKind::Json | BodyKind::Optional => "application/json",
                BodyKind::Form => "multipart/form-data",
            };
            let needed = doc.body_kind != BodyKind::Optional;
            let mut content = Map::from_iter([(kind.to_owned(), json!({ "schema": body }))]);
            if let Some(json) = &doc.or_json {
                content.insert("application/json".to_owned(), json!({ "schema": json }));
            }
            fields.insert(
                "requestBody".to_owned(),
                json!({ "required": needed, "content": content }),
            );
        }
        if access != Access::Anyone {
            fields.insert("security".to_owned(), json!([{ "key": [] }]));
        }
        if let Access::Needs(right) = access {
            fields.insert(
                "description".to_owned(),
                format!("Needs the right {right:?}.").into(),
            );
        }
    }
    operation
}

fn problem(status: u16) -> Value {
    let about = match status {
        400 => "The request is not valid",
        401 => "Nobody is let in without a key",
        403 => "The role does not allow this",
        404 => "There is no such thing",
        405 => "This path does not answer this method",
        409 => "It cannot be done as things are",
        413 => "The body is too long",
        415 => "The body, or the file in it, is of another kind than this path takes",
        422 => "A field of the body is not valid, or the Idempotency-Key belongs to another request",
        429 => "Too many requests; Retry-After says how long to wait",
        _ => "Something that is needed is away; Retry-After says how long to wait",
    };
    json!({
        "description": about,
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/ProblemDetails" } } },
    })
}
