//! New envelopes: reading the request in both of its forms, and refusing what DocuSign refuses.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;

use super::envelope::{Document, Envelope, Notification, Signer};
use super::pdf;
use crate::sim::{Account, Hub};

/// DocuSign's code and message.
pub(super) type Refused = (&'static str, String);

/// An envelope of a request, not sent yet.
pub(super) fn read(
    hub: &Hub,
    account: &Account,
    content_type: &str,
    body: &Bytes,
) -> Result<Envelope, Refused> {
    let (definition, files) = match content_type.split_once("boundary=") {
        Some((kind, boundary)) if kind.starts_with("multipart/form-data") => {
            let parts = parts(body, boundary.trim_matches('"'));
            let (json, files) = parts
                .split_first()
                .ok_or_else(|| bad("the request has no parts"))?;
            (json.content.clone(), files.to_vec())
        }
        _ => (body.clone(), Vec::new()),
    };
    let definition: Value =
        serde_json::from_slice(&definition).map_err(|_| bad("the envelope is no JSON"))?;
    if text(&definition, "/status") != "sent" {
        return Err(bad("only envelopes that are sent at once are simulated"));
    }
    let subject = text(&definition, "/emailSubject");
    if subject.is_empty() || subject.chars().count() > 100 {
        return Err(bad("emailSubject has 1 to 100 characters"));
    }
    let envelope = Envelope {
        id: hub.id().to_string(),
        account: account.account.clone(),
        transaction_id: text(&definition, "/transactionId").to_owned(),
        subject: subject.to_owned(),
        documents: documents(&definition, &files)?,
        signers: signers(hub, &definition)?,
        custom_fields: list(&definition, "/customFields/textCustomFields")
            .map(|field| (text(field, "/name").to_owned(), text(field, "/value").to_owned()))
            .collect(),
        notification: notification(&definition),
        ..Envelope::default()
    };
    if account.setting("check_anchors", "") == "true" {
        anchors(&envelope)?;
    }
    Ok(envelope)
}

fn documents(definition: &Value, files: &[Part]) -> Result<Vec<Document>, Refused> {
    let mut found = Vec::new();
    for listed in list(definition, "/documents") {
        let id = text(listed, "/documentId");
        let inline = || {
            STANDARD
                .decode(text(listed, "/documentBase64"))
                .ok()
                .map(Bytes::from)
        };
        let file = files.iter().find(|part| part.document == id);
        let pdf = file
            .map(|part| part.content.clone())
            .or_else(inline)
            .unwrap_or_default();
        let name = text(listed, "/name").to_owned();
        if !pdf::is_readable(&pdf) {
            return Err((
                "UNABLE_TO_CONVERT_DOCUMENT",
                format!("The document element did not contain a readable PDF. Document {id}."),
            ));
        }
        found.push(Document {
            id: id.to_owned(),
            name,
            pdf,
        });
    }
    if found.is_empty() {
        Err(bad("the envelope has no documents"))
    } else {
        Ok(found)
    }
}

fn signers(hub: &Hub, definition: &Value) -> Result<Vec<Signer>, Refused> {
    let mut found = Vec::new();
    for one in list(definition, "/recipients/signers") {
        let email = text(one, "/email");
        let proper = email
            .split_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
        if !proper || email.contains(char::is_whitespace) {
            let message = format!("The email address for the recipient is invalid. {email}");
            return Err(("INVALID_EMAIL_ADDRESS_FOR_RECIPIENT", message));
        }
        found.push(Signer {
            id: text(one, "/recipientId").to_owned(),
            guid: hub.id().to_string(),
            order: text(one, "/routingOrder").parse().unwrap_or(1),
            name: text(one, "/name").to_owned(),
            email: email.to_owned(),
            anchors: list(one, "/tabs/signHereTabs")
                .map(|tab| text(tab, "/anchorString").to_owned())
                .collect(),
            status: "created",
            ..Signer::default()
        });
    }
    if found.is_empty() {
        Err(bad("the envelope has no signers"))
    } else {
        Ok(found)
    }
}

fn notification(definition: &Value) -> Option<Notification> {
    let asked = definition.pointer("/eventNotification")?;
    Some(Notification {
        url: text(asked, "/url").to_owned(),
        events: list(asked, "/events")
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        summary: list(asked, "/eventData/includeData").next().is_some(),
        acknowledged: text(asked, "/requireAcknowledgment") == "true",
    })
}

/// Every anchor must stand in a document.
fn anchors(envelope: &Envelope) -> Result<(), Refused> {
    let whole: String = envelope
        .documents
        .iter()
        .map(|document| pdf::text(&document.pdf))
        .collect();
    let missing = |signer: &&Signer| {
        signer
            .anchors
            .iter()
            .any(|anchor| !whole.contains(&pdf::dense(anchor)))
    };
    match envelope.signers.iter().find(missing) {
        Some(signer) => Err((
            "ANCHOR_TAB_STRING_NOT_FOUND",
            format!("Anchor of recipient {} not found.", signer.id),
        )),
        None => Ok(()),
    }
}

/// A part of a multipart body.
#[derive(Clone)]
struct Part {
    document: String,
    content: Bytes,
}

/// The parts between boundaries.
fn parts(body: &Bytes, boundary: &str) -> Vec<Part> {
    let mark = format!("--{boundary}");
    let mut at = Vec::new();
    let mut from = 0;
    while let Some(found) = body.get(from..).and_then(|rest| position(rest, mark.as_bytes())) {
        at.push(from + found);
        from += found + mark.len();
    }
    let between = at.iter().zip(at.iter().skip(1));
    between
        .filter_map(|(start, end)| {
            let part = body.slice((start + mark.len() + 2).min(*end)..end.saturating_sub(2));
            let head = position(&part, b"\r\n\r\n")?;
            let names = String::from_utf8_lossy(part.get(..head)?).to_lowercase();
            let document = names.split("documentid=").nth(1).unwrap_or_default();
            let document = document.chars().filter(char::is_ascii_digit).collect();
            Some(Part {
                document,
                content: part.slice(head + 4..),
            })
        })
        .collect()
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value
        .pointer(path)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn bad(why: &str) -> Refused {
    (
        "INVALID_REQUEST_BODY",
        format!("The request body is missing or improperly formatted: {why}."),
    )
}
