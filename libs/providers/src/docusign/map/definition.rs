//! Our envelopes to DocuSign's requests. Pure.

use bytes::Bytes;
use puente_ports::{EnvelopeSigner, NewEnvelope, ProviderError, ProviderErrorKind};

use super::{REFERENCE, TRACE};
use crate::docusign::{multipart, wire};
use crate::kit::{cut, flat, is_traceparent};

/// DocuSign refuses longer subjects.
const MAX_SUBJECT: usize = 100;
/// DocuSign's limit of the sentence below the subject.
const MAX_BLURB: usize = 10_000;
/// DocuSign's limit of a name.
const MAX_NAME: usize = 100;
/// DocuSign's limit of the reason of a void.
pub(in super::super) const MAX_VOID_REASON: usize = 200;
/// All documents of an envelope together: what DocuSign recommends for one.
const MAX_DOCUMENTS: usize = 25 * 1024 * 1024;
/// A signer has an entry each; more is no contract of ours.
const MAX_SIGNERS: usize = 20;

/// What we subscribe to: every step of the envelope and of each signer.
const EVENTS: &[&str] = &[
    "envelope-sent",
    "envelope-delivered",
    "envelope-completed",
    "envelope-declined",
    "envelope-voided",
    "recipient-sent",
    "recipient-delivered",
    "recipient-completed",
    "recipient-declined",
    "recipient-authenticationfailed",
    "recipient-autoresponded",
];

/// The request of a new envelope: content type and body.
pub(in super::super) fn definition(
    envelope: &NewEnvelope,
    traceparent: Option<&str>,
) -> Result<(String, Bytes), ProviderError> {
    let refuse = |why: &str| Err(ProviderError::malformed(why));
    if envelope.reference.is_empty() || envelope.reference.len() > MAX_NAME {
        return refuse("an envelope has a reference of 1 to 100 characters");
    }
    if envelope.documents.is_empty() || envelope.signers.is_empty() || envelope.signers.len() > MAX_SIGNERS {
        return refuse("an envelope has documents and 1 to 20 signers");
    }
    let size: usize = envelope.documents.iter().map(|document| document.pdf.len()).sum();
    if size > MAX_DOCUMENTS {
        let kind = ProviderErrorKind::Malformed;
        return Err(ProviderError::new(
            kind,
            "documents_too_large",
            "an envelope takes 25 MB of documents",
        ));
    }
    if envelope
        .documents
        .iter()
        .any(|document| !document.pdf.starts_with(b"%PDF-"))
    {
        return refuse("a document of the envelope is no PDF");
    }
    let fields = [
        (REFERENCE, Some(envelope.reference.as_str())),
        (TRACE, traceparent.filter(|text| is_traceparent(text))),
    ];
    let definition = wire::Definition {
        email_subject: cut(&flat(&envelope.subject), MAX_SUBJECT),
        email_blurb: cut(&envelope.message, MAX_BLURB),
        status: "sent",
        transaction_id: &envelope.reference,
        documents: envelope
            .documents
            .iter()
            .enumerate()
            .map(|(at, document)| wire::NewDocument {
                document_id: (at + 1).to_string(),
                name: cut(&flat(&document.name), MAX_NAME),
                file_extension: "pdf",
            })
            .collect(),
        recipients: wire::NewRecipients {
            signers: envelope.signers.iter().map(signer).collect(),
        },
        custom_fields: wire::NewCustomFields {
            text_custom_fields: fields
                .into_iter()
                .filter_map(|(name, value)| {
                    let show = "false";
                    value.map(|value| wire::NewCustomField { name, value, show })
                })
                .collect(),
        },
        event_notification: wire::EventNotification {
            url: &envelope.callback_url,
            require_acknowledgment: "true",
            logging_enabled: "true",
            include_hmac: "true",
            delivery_mode: "SIM",
            events: EVENTS,
            event_data: wire::EventData {
                version: "restv2.1",
                format: "json",
                include_data: &["recipients", "custom_fields"],
            },
        },
    };
    let json =
        serde_json::to_vec(&definition).map_err(|error| ProviderError::malformed(error.to_string()))?;
    Ok(multipart::body(&json, &envelope.documents))
}

fn signer(signer: &EnvelopeSigner) -> wire::NewSigner<'_> {
    wire::NewSigner {
        recipient_id: &signer.recipient_id,
        routing_order: signer.order.to_string(),
        name: cut(&flat(&signer.name), MAX_NAME),
        email: &signer.email,
        tabs: wire::Tabs {
            sign_here_tabs: [wire::SignHere {
                anchor_string: &signer.anchor,
                anchor_units: "pixels",
                anchor_x_offset: "0",
                anchor_y_offset: "0",
            }],
        },
    }
}
