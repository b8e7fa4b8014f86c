//! Our messages to Jelou's requests, and its answers to results. Pure.

use puente_ports::{Manifest, OutboundResponse, ProviderError, ProviderErrorKind, Sent, TemplateInfo};

use super::super::wire;
use crate::kit::{MAX_ID, MAX_TEXT, classify, cut, flat, placeholders, read};

/// A message inside the 24 h session.
pub(in super::super) fn text<'a>(to: &'a str, text: &'a str) -> Result<wire::SendText<'a>, ProviderError> {
    if text.is_empty() || text.chars().count() > MAX_TEXT {
        return Err(ProviderError::malformed("a text has 1 to 4096 characters"));
    }
    Ok(wire::SendText {
        kind: "text",
        user_id: recipient(to)?,
        text,
    })
}

/// A template to one person: with one destination per call, a repeat never reaches someone else again.
pub(in super::super) fn template<'a>(
    to: &'a str,
    name: &'a str,
    language: &'a str,
    parameters: &[String],
) -> Result<wire::SendTemplate<'a>, ProviderError> {
    Ok(wire::SendTemplate {
        element_name: name,
        destinations: [recipient(to)?],
        kind: "text",
        language,
        parameters: parameters.iter().map(|text| flat(text)).collect(),
    })
}

fn recipient(to: &str) -> Result<&str, ProviderError> {
    let to = to.trim_start_matches('+');
    if to.is_empty() {
        Err(ProviderError::malformed("the message has no recipient"))
    } else {
        Ok(to)
    }
}

/// The result of a session message.
pub(in super::super) fn sent(
    manifest: &Manifest,
    response: &OutboundResponse,
) -> Result<Sent, ProviderError> {
    if !response.status.is_success() {
        return Err(refusal(manifest, response));
    }
    let accepted: wire::Accepted = read(response, true)?;
    let id = if accepted.message_id.is_empty() {
        accepted.data.message_id
    } else {
        accepted.message_id
    };
    taken(&id, None)
}

/// The result of a template to one person. Templates cost money: where the server failed, nobody is charged twice on
/// the guess that it did nothing.
pub(in super::super) fn template_sent(
    manifest: &Manifest,
    response: &OutboundResponse,
) -> Result<Sent, ProviderError> {
    if !response.status.is_success() {
        let error = refusal(manifest, response);
        return Err(match error.kind() {
            ProviderErrorKind::Unavailable { .. } => {
                ProviderError::new(ProviderErrorKind::OutcomeUnknown, error.code(), error.detail())
            }
            _ => error,
        });
    }
    let accepted: Vec<wire::AcceptedTemplate> = read(response, true)?;
    let one = accepted.first();
    let contact = one
        .map(|one| cut(&one.destination, MAX_ID))
        .filter(|id| !id.is_empty());
    taken(one.map(|one| one.id.as_str()).unwrap_or_default(), contact)
}

fn taken(id: &str, contact_id: Option<String>) -> Result<Sent, ProviderError> {
    if id.is_empty() {
        let detail = "the answer names no message";
        return Err(ProviderError::new(
            ProviderErrorKind::OutcomeUnknown,
            "reply_unreadable",
            detail,
        ));
    }
    Ok(Sent {
        provider_message_id: cut(id, MAX_ID),
        contact_id,
    })
}

/// The bot's templates.
pub(in super::super) fn templates(
    manifest: &Manifest,
    response: &OutboundResponse,
) -> Result<Vec<TemplateInfo>, ProviderError> {
    if !response.status.is_success() {
        return Err(refusal(manifest, response));
    }
    let bare = response.body.trim_ascii_start().first() == Some(&b'[');
    let list = if bare {
        read(response, false)?
    } else {
        read::<wire::TemplateList>(response, false)?.data
    };
    let info = |template: wire::ListedTemplate| {
        let body = [&template.template, &template.body, &template.text]
            .into_iter()
            .find(|text| !text.is_empty());
        TemplateInfo {
            approved: template.status.as_str() == "APPROVED",
            parameters: body.map_or(0, |body| placeholders(body)),
            name: cut(&template.element_name, MAX_ID),
            language: cut(&template.language, 64),
            status: cut(&template.status, 64),
            category: cut(&template.category, 64),
        }
    };
    Ok(list.into_iter().map(info).collect())
}

/// What a refusal means. The HTTP status counts, not the `status` inside the body, which is always 0.
fn refusal(manifest: &Manifest, response: &OutboundResponse) -> ProviderError {
    let refusal: wire::Refusal = serde_json::from_slice(&response.body).unwrap_or_default();
    let Some(error) = refusal.error else {
        let detail = match &refusal.message {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Array(texts) => texts
                .iter()
                .filter_map(|text| text.as_str())
                .collect::<Vec<_>>()
                .join("; "),
            _ => "the answer holds no error of Jelou's form".to_owned(),
        };
        return classify(manifest, response, None, &detail);
    };
    let detail = if error.developer_messages.en.is_empty() {
        &error.description
    } else {
        &error.developer_messages.en
    };
    classify(
        manifest,
        response,
        Some(error.code.as_str()).filter(|code| !code.is_empty()),
        detail,
    )
}
