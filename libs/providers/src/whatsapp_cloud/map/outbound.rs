//! Our messages to their requests, and their answers to results. Pure.

use puente_ports::{
    Content, Manifest, OutboundMessage, OutboundResponse, ProviderError, ProviderErrorKind, Sent,
    TemplateInfo,
};

use super::super::wire;
use crate::kit::{
    MAX_ID, MAX_TEXT, asked, classify, cut, flat, gone, hex_digest, join_reference, placeholders, read,
    too_large,
};

/// A send request. Refuses locally what the API would refuse for its form.
pub(in super::super) fn message<'a>(
    message: &'a OutboundMessage,
    traceparent: Option<&str>,
) -> Result<wire::Send<'a>, ProviderError> {
    let to = message.to.trim_start_matches('+');
    if to.is_empty() {
        return Err(ProviderError::malformed("the message has no recipient"));
    }
    let (kind, text, template) = match &message.content {
        Content::Text { body } => {
            if body.is_empty() || body.chars().count() > MAX_TEXT {
                return Err(ProviderError::malformed("a text has 1 to 4096 characters"));
            }
            (
                "text",
                Some(wire::SendText {
                    preview_url: false,
                    body,
                }),
                None,
            )
        }
        Content::Template {
            name,
            language,
            parameters,
        } => {
            let parameter = |text: &String| wire::Parameter {
                kind: "text",
                text: flat(text),
            };
            let body = wire::Component {
                kind: "body",
                parameters: parameters.iter().map(parameter).collect(),
            };
            let components = if parameters.is_empty() {
                Vec::new()
            } else {
                vec![body]
            };
            (
                "template",
                None,
                Some(wire::SendTemplate {
                    name,
                    language: wire::Language { code: language },
                    components,
                }),
            )
        }
    };
    Ok(wire::Send {
        messaging_product: "whatsapp",
        recipient_type: "individual",
        to,
        kind,
        text,
        template,
        biz_opaque_callback_data: join_reference(&message.reference, traceparent),
    })
}

/// The result of a send. 200 means taken, not delivered.
pub(in super::super) fn sent(
    manifest: &Manifest,
    response: &OutboundResponse,
) -> Result<Sent, ProviderError> {
    if !response.status.is_success() {
        return Err(refusal(manifest, response));
    }
    let accepted: wire::Accepted = read(response, true)?;
    let id = accepted
        .messages
        .first()
        .map(|message| cut(&message.id, MAX_ID))
        .filter(|id| !id.is_empty());
    let provider_message_id = id.ok_or_else(|| {
        ProviderError::new(
            ProviderErrorKind::OutcomeUnknown,
            "reply_unreadable",
            "the answer names no message",
        )
    })?;
    let contact_id = accepted
        .contacts
        .first()
        .map(|contact| cut(&contact.wa_id, MAX_ID))
        .filter(|id| !id.is_empty());
    Ok(Sent {
        provider_message_id,
        contact_id,
    })
}

/// One page of templates and the cursor of the next.
pub(in super::super) fn templates(
    manifest: &Manifest,
    response: &OutboundResponse,
) -> Result<(Vec<TemplateInfo>, Option<String>), ProviderError> {
    if !response.status.is_success() {
        return Err(refusal(manifest, response));
    }
    let page: wire::TemplatePage = read(response, false)?;
    let info = |template: wire::ListedTemplate| TemplateInfo {
        approved: template.status.as_str() == "APPROVED",
        parameters: template
            .components
            .iter()
            .find(|component| component.kind.eq_ignore_ascii_case("body"))
            .map_or(0, |body| placeholders(&body.text)),
        name: cut(&template.name, MAX_ID),
        language: cut(&template.language, 64),
        status: cut(&template.status, 64),
        category: cut(&template.category, 64),
    };
    // The last page still has cursors; only `next` tells that another page exists.
    let after =
        Some(page.paging.cursors.after.0).filter(|after| !after.is_empty() && !page.paging.next.is_empty());
    Ok((page.data.into_iter().map(info).collect(), after))
}

/// Where a file lies, and its declared digest. Whatever refuses for the id itself says that the file is gone.
pub(in super::super) fn media_place(
    manifest: &Manifest,
    response: &OutboundResponse,
    max_bytes: usize,
) -> Result<(String, String), ProviderError> {
    if !response.status.is_success() {
        let refused = refusal(manifest, response);
        let about_id = matches!(refused.code(), "100" | "131052" | "http_404");
        return Err(if about_id { gone() } else { asked(refused) });
    }
    let place: wire::MediaPlace = read(response, false)?;
    #[expect(clippy::cast_precision_loss, reason = "file sizes are far below 2^52")]
    if place.file_size.is_some_and(|size| size.0 > max_bytes as f64) {
        return Err(too_large());
    }
    if place.url.is_empty() {
        return Err(ProviderError::malformed("the answer names no URL"));
    }
    Ok((place.url.0, hex_digest(&place.sha256)))
}

/// What a refusal means. The Graph code decides; the status only where no code can be read, since then the answer
/// comes from something in front of the API. The codes 200 to 299 are one family: missing permissions.
fn refusal(manifest: &Manifest, response: &OutboundResponse) -> ProviderError {
    let refusal: wire::Refusal = serde_json::from_slice(&response.body).unwrap_or_default();
    let Some(error) = refusal.error else {
        return classify(manifest, response, None, "the answer holds no Graph error");
    };
    let detail = if error.error_data.details.is_empty() {
        &error.message
    } else {
        &error.error_data.details
    };
    let code = error.code.as_ref().map(|code| code.as_str());
    let permission = code
        .and_then(|code| code.parse::<u16>().ok())
        .is_some_and(|code| (200..300).contains(&code));
    if permission {
        let found = classify(manifest, response, Some("200-299"), detail);
        return ProviderError::new(found.kind().clone(), code.unwrap_or_default(), found.detail());
    }
    classify(manifest, response, code, detail)
}
