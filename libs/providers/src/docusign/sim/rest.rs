//! The REST interface of envelopes.

use std::collections::BTreeMap;

use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use serde_json::{Value, json};
use time::Duration;

use super::caller::{Caller, poll};
use super::desk::{self, Desk};
use super::envelope::{Envelope, moment};
use super::{intake, pdf, refuse};
use crate::sim::{Hub, reply};

/// How long a `transactionId` finds its envelope.
const REMEMBERED: Duration = Duration::days(7);

type Asked = Query<BTreeMap<String, String>>;

pub(super) async fn create(
    State(hub): State<Hub>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let envelope = match intake::read(&hub, &caller.account, kind, &body) {
        Ok(envelope) => envelope,
        Err((code, message)) => return caller.answer(refuse(400, code, &message)),
    };
    let answer = match desk::take(&hub, &caller.account, envelope) {
        Ok(envelope) => {
            let uri = format!("/envelopes/{}", envelope.id);
            let at = envelope.reached.last().map(|(_, at)| moment(*at));
            reply(
                201,
                &json!({"envelopeId": envelope.id, "uri": uri, "statusDateTime": at, "status": envelope.status}),
            )
        }
        Err(_) => refuse(500, "UNSPECIFIED_ERROR", "The simulator's journal is full."),
    };
    caller.answer(answer)
}

pub(super) async fn list(State(hub): State<Hub>, caller: Caller, Query(asked): Asked) -> Response {
    let values = |name: &str| -> Vec<String> {
        let text = asked.get(name).map(String::as_str).unwrap_or_default();
        text.split(',')
            .filter(|one| !one.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (transactions, ids) = (values("transaction_ids"), values("envelope_ids"));
    if transactions.is_empty() && ids.is_empty() && !asked.contains_key("from_date") {
        let message = "The request contained at least one invalid parameter. from_date, envelope_ids or transaction_ids is needed.";
        return caller.answer(refuse(400, "INVALID_REQUEST_PARAMETER", message));
    }
    let now = hub.now();
    let fits = |envelope: &&Envelope| {
        let young = envelope
            .reached
            .first()
            .is_some_and(|(_, at)| now - *at < REMEMBERED);
        envelope.account == caller.account.account
            && (transactions.is_empty() || (young && transactions.contains(&envelope.transaction_id)))
            && (ids.is_empty() || ids.contains(&envelope.id))
            && asked
                .get("status")
                .is_none_or(|status| status.split(',').any(|one| one == envelope.status))
    };
    let found: Vec<Value> = {
        let desk = hub.own::<Desk>();
        let shelf = desk.shelf();
        shelf
            .envelopes
            .values()
            .filter(fits)
            .take(1000)
            .map(|envelope| envelope.shown(false, false))
            .collect()
    };
    let count = found.len();
    let mut answer = json!({"resultSetSize": count.to_string(), "totalSetSize": count.to_string(), "startPosition": "0",
        "endPosition": count.saturating_sub(1).to_string()});
    if let (false, Some(fields)) = (found.is_empty(), answer.as_object_mut()) {
        fields.insert("envelopes".to_owned(), Value::Array(found));
    }
    caller.answer(reply(200, &answer))
}

pub(super) async fn show(
    State(hub): State<Hub>,
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
    Query(asked): Asked,
) -> Response {
    let include = asked.get("include").map(String::as_str).unwrap_or_default();
    let wants = |what: &str| include.split(',').any(|one| one.trim() == what);
    let answer = asked_for(&hub, &caller, &id, |envelope| {
        reply(200, &envelope.shown(wants("recipients"), wants("custom_fields")))
    });
    caller.answer(answer)
}

pub(super) async fn recipients(
    State(hub): State<Hub>,
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
) -> Response {
    caller.answer(asked_for(&hub, &caller, &id, |envelope| {
        reply(200, &envelope.recipients())
    }))
}

pub(super) async fn documents(
    State(hub): State<Hub>,
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
) -> Response {
    let answer = asked_for(&hub, &caller, &id, |envelope| {
        let entry = |id: &str, name: &str, kind: &str| {
            json!({"documentId": id, "name": name, "type": kind,
            "uri": format!("/envelopes/{}/documents/{id}", envelope.id)})
        };
        let mut all: Vec<Value> = envelope
            .documents
            .iter()
            .map(|document| entry(&document.id, &document.name, "content"))
            .collect();
        all.push(entry("certificate", "Summary", "summary"));
        reply(200, &json!({"envelopeId": envelope.id, "envelopeDocuments": all}))
    });
    caller.answer(answer)
}

pub(super) async fn document(
    State(hub): State<Hub>,
    caller: Caller,
    Path((_, id, which)): Path<(String, String, String)>,
    Query(asked): Asked,
) -> Response {
    let Some(envelope) = hub.own::<Desk>().find(&caller.account.account, &id) else {
        return caller.answer(no_envelope());
    };
    let with_certificate = asked.get("certificate").is_some_and(|value| value == "true");
    let pdf = match which.as_str() {
        "combined" => pdf::combined(&envelope, with_certificate),
        "certificate" => pdf::certificate(&envelope),
        id => envelope
            .documents
            .iter()
            .find(|one| one.id == id)
            .map(|one| one.pdf.to_vec()),
    };
    let Some(pdf) = pdf else {
        return caller.answer(refuse(
            404,
            "DOCUMENT_DOES_NOT_EXIST",
            "The document specified was not found.",
        ));
    };
    let mut response = pdf.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/pdf"));
    if let Ok(value) =
        HeaderValue::from_str(&format!("file; filename=\"{which}.pdf\"; documentid=\"{which}\""))
    {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    caller.answer(response)
}

pub(super) async fn change(
    State(hub): State<Hub>,
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
    Query(asked): Asked,
    body: Bytes,
) -> Response {
    let Some(envelope) = hub.own::<Desk>().find(&caller.account.account, &id) else {
        return caller.answer(no_envelope());
    };
    let done = reply(200, &json!({"envelopeId": id}));
    if asked.get("resend_envelope").is_some_and(|value| value == "true") {
        let answer = if envelope.has_ended() {
            refuse(
                400,
                "ENVELOPE_INVALID_STATUS",
                "Invalid envelope status. Only open envelopes can be sent again.",
            )
        } else {
            desk::resend(&hub, &caller.account, &envelope);
            done
        };
        return caller.answer(answer);
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let answer = match (text("status"), text("voidedReason")) {
        ("voided", "") => refuse(
            400,
            "INVALID_REQUEST_PARAMETER",
            "A reason is needed to void an envelope.",
        ),
        ("voided", reason) if reason.chars().count() <= 200 => {
            match desk::void(&hub, &caller.account, &id, reason) {
                Some(true) => done,
                Some(false) => refuse(
                    400,
                    "ENVELOPE_CANNOT_VOID_INVALID_STATE",
                    "Only envelopes in the 'Sent' or 'Delivered' states may be voided.",
                ),
                None => no_envelope(),
            }
        }
        _ => refuse(
            400,
            "INVALID_REQUEST_BODY",
            "The request body is missing or improperly formatted.",
        ),
    };
    caller.answer(answer)
}

/// A question about an envelope's status, within the limits of polling.
fn asked_for(hub: &Hub, caller: &Caller, id: &str, answer: impl FnOnce(&Envelope) -> Response) -> Response {
    let Some(envelope) = hub.own::<Desk>().find(&caller.account.account, id) else {
        return no_envelope();
    };
    match poll(hub, &caller.account, id) {
        Some(code) => {
            let status = if caller.account.setting("limit_style", "429") == "400" {
                400
            } else {
                429
            };
            refuse(
                status,
                code,
                "The maximum number of times this envelope may be polled has been exceeded.",
            )
        }
        None => answer(&envelope),
    }
}

fn no_envelope() -> Response {
    refuse(
        404,
        "ENVELOPE_DOES_NOT_EXIST",
        "The envelope ID specified does not exist in the system.",
    )
}
