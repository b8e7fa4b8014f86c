//! Connect's messages to our events. Pure.
//!
//! A message tells one thing (`event`), and carries the whole envelope as it stood when the message was made, if the
//! subscription asked for it. Both count: what tells of the further state wins, for messages overtake each other.

pub(super) mod answers;
pub(super) mod definition;
pub(super) mod grants;
pub(super) mod refusals;

use puente_ports::{InboundEvent, InboundPayload, ProviderError};
use puente_proto::signing::{EnvelopeChanged, EnvelopeStatus, SignerReport, SignerStatus};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::wire;
use crate::kit::{MAX_ID, content_key, cut, is_traceparent, key};

/// The custom field with our reference.
pub(super) const REFERENCE: &str = "puente_request_id";
/// The custom field with the trace context of who sent the envelope.
pub(super) const TRACE: &str = "puente_traceparent";

/// Signers that are reported on at most; DocuSign's own limit lies near it, and a contract has three.
const MAX_SIGNERS: usize = 100;
/// Longest reason of a person that is passed on, in characters.
const MAX_REASON: usize = 500;

/// What a message tells.
pub(super) fn translate(body: &[u8]) -> Result<Vec<InboundEvent>, ProviderError> {
    let message: wire::Message = serde_json::from_slice(body).map_err(|error| {
        ProviderError::malformed(format!(
            "no Connect message: line {}, column {}",
            error.line(),
            error.column()
        ))
    })?;
    let word = message.event.trim().to_ascii_lowercase();
    let data = &message.data;
    if data.envelope_id.is_empty() {
        return Ok(vec![ignored(body, data, &word, "the message names no envelope")]);
    }
    let Some(told) = Told::read(&word) else {
        return Ok(vec![ignored(
            body,
            data,
            &word,
            "nothing of Puente depends on it",
        )]);
    };
    let summary = data.summary.as_ref();
    let at = moment(&message.generated);
    let (mut status, mut signers) = (EnvelopeStatus::Unspecified, Vec::new());
    if let Some(envelope) = summary {
        status = envelope_status(&envelope.status);
        signers = reports(&envelope.recipients);
    }
    match told {
        Told::Envelope(own) => status = further(own, status),
        Told::Signer(own) => note(&mut signers, &data.recipient_id, own, at),
    }
    let field = |name: &str| {
        let fields = summary.map(|envelope| envelope.custom_fields.text.as_slice());
        let mut fields = fields.unwrap_or_default().iter();
        fields
            .find(|field| field.name.as_str() == name)
            .map(|field| field.value.as_str())
    };
    let envelope = EnvelopeChanged {
        envelope_id: cut(&data.envelope_id, MAX_ID),
        reference: field(REFERENCE).map(|text| cut(text, MAX_ID)).unwrap_or_default(),
        kind: cut(&word, 64),
        status: status.into(),
        reason: summary.map(reason).unwrap_or_default(),
        changed_at: summary
            .and_then(|envelope| since(envelope, status))
            .or(at)
            .map(puente_proto::timestamp),
        signers,
        ..EnvelopeChanged::default()
    };
    Ok(vec![InboundEvent {
        dedupe_key: dedupe_key(&word, &message),
        account: account(data),
        payload: InboundPayload::Envelope(Box::new(envelope)),
        traceparent: field(TRACE)
            .filter(|text| is_traceparent(text))
            .map(str::to_owned),
    }])
}

/// Which kind of thing a message tells.
enum Told {
    Envelope(EnvelopeStatus),
    Signer(SignerStatus),
}

impl Told {
    fn read(word: &str) -> Option<Self> {
        let (of, what) = word.split_once('-')?;
        match of {
            "envelope" => {
                let status = envelope_status(what);
                (status != EnvelopeStatus::Unspecified).then_some(Self::Envelope(status))
            }
            "recipient" => {
                let status = signer_status(what);
                (status != SignerStatus::Unspecified).then_some(Self::Signer(status))
            }
            _ => None,
        }
    }
}

/// DocuSign gives messages no id of their own; the same message has the same of these, however often it is sent.
fn dedupe_key(word: &str, message: &wire::Message) -> String {
    let data = &message.data;
    let parts = [word, &data.envelope_id, &data.recipient_id, &message.generated];
    key('e', &[&hex::encode(Sha256::digest(parts.join("|").as_bytes()))])
}

fn account(data: &wire::Data) -> Option<String> {
    Some(cut(&data.account_id, MAX_ID)).filter(|account| !account.is_empty())
}

fn ignored(body: &[u8], data: &wire::Data, word: &str, reason: &'static str) -> InboundEvent {
    InboundEvent {
        dedupe_key: content_key(body, 0),
        account: account(data),
        payload: InboundPayload::Ignored {
            kind: cut(if word.is_empty() { "unnamed" } else { word }, 64),
            reason,
        },
        traceparent: None,
    }
}

/// DocuSign's word for an envelope's state. `signed` lasts for a moment before `completed`.
pub(super) fn envelope_status(word: &str) -> EnvelopeStatus {
    match word.to_ascii_lowercase().as_str() {
        "created" => EnvelopeStatus::Created,
        "sent" => EnvelopeStatus::Sent,
        "delivered" | "signed" => EnvelopeStatus::Delivered,
        "completed" => EnvelopeStatus::Completed,
        "declined" => EnvelopeStatus::Declined,
        "voided" | "deleted" => EnvelopeStatus::Voided,
        _ => EnvelopeStatus::Unspecified,
    }
}

fn signer_status(word: &str) -> SignerStatus {
    match word.to_ascii_lowercase().as_str() {
        "created" => SignerStatus::Waiting,
        "sent" => SignerStatus::Sent,
        "delivered" => SignerStatus::Delivered,
        "signed" | "completed" => SignerStatus::Signed,
        "declined" => SignerStatus::Declined,
        "autoresponded" | "authenticationfailed" => SignerStatus::Failed,
        _ => SignerStatus::Unspecified,
    }
}

/// The further of two states. An end is an end: what the message itself tells wins over a snapshot.
fn further(own: EnvelopeStatus, snapshot: EnvelopeStatus) -> EnvelopeStatus {
    let ended = matches!(
        own,
        EnvelopeStatus::Completed | EnvelopeStatus::Declined | EnvelopeStatus::Voided
    );
    if ended || i32::from(own) >= i32::from(snapshot) {
        own
    } else {
        snapshot
    }
}

/// Every signer of a snapshot whose state we know.
pub(super) fn reports(recipients: &wire::Recipients) -> Vec<SignerReport> {
    let report = |signer: &wire::Signer| {
        let status = signer_status(&signer.status);
        let (at, reason) = match status {
            SignerStatus::Unspecified => return None,
            SignerStatus::Waiting => ("", ""),
            SignerStatus::Sent => (signer.sent.as_str(), ""),
            SignerStatus::Delivered => (signer.delivered.as_str(), ""),
            SignerStatus::Signed => (signer.signed.as_str(), ""),
            SignerStatus::Declined => (signer.declined.as_str(), signer.declined_reason.as_str()),
            SignerStatus::Failed => (signer.sent.as_str(), signer.bounced_reason.as_str()),
        };
        Some(SignerReport {
            recipient_id: cut(&signer.recipient_id, MAX_ID),
            status: status.into(),
            reason: cut(reason, MAX_REASON),
            changed_at: moment(at).map(puente_proto::timestamp),
        })
    };
    recipients
        .signers
        .iter()
        .take(MAX_SIGNERS)
        .filter_map(report)
        .collect()
}

/// Adds what the message itself tells of a signer, unless the snapshot knows more.
fn note(signers: &mut Vec<SignerReport>, id: &str, own: SignerStatus, at: Option<OffsetDateTime>) {
    let id = cut(id, MAX_ID);
    if id.is_empty() {
        return;
    }
    let changed_at = at.map(puente_proto::timestamp);
    match signers.iter_mut().find(|signer| signer.recipient_id == id) {
        Some(known) if known.status >= i32::from(own) => {}
        Some(known) => {
            known.status = own.into();
            known.changed_at = changed_at;
        }
        None => signers.push(SignerReport {
            recipient_id: id,
            status: own.into(),
            reason: String::new(),
            changed_at,
        }),
    }
}

/// Why an envelope was called back or refused.
pub(super) fn reason(envelope: &wire::Envelope) -> String {
    let refused = || {
        let mut signers = envelope.recipients.signers.iter();
        signers
            .find(|signer| signer_status(&signer.status) == SignerStatus::Declined)
            .map(|signer| signer.declined_reason.as_str())
    };
    let voided = Some(envelope.voided_reason.as_str()).filter(|text| !text.is_empty());
    cut(voided.or_else(refused).unwrap_or_default(), MAX_REASON)
}

/// When an envelope came into a state.
pub(super) fn since(envelope: &wire::Envelope, status: EnvelopeStatus) -> Option<OffsetDateTime> {
    let own = match status {
        EnvelopeStatus::Sent => &envelope.sent,
        EnvelopeStatus::Delivered => &envelope.delivered,
        EnvelopeStatus::Completed => &envelope.completed,
        EnvelopeStatus::Declined => &envelope.declined,
        EnvelopeStatus::Voided => &envelope.voided,
        EnvelopeStatus::Created | EnvelopeStatus::Unspecified => &envelope.changed,
    };
    moment(own).or_else(|| moment(&envelope.changed))
}

/// DocuSign's times have seven digits of a second, and always end in `Z`.
fn moment(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text.trim(), &Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_never_tells_less_than_its_own_event() {
        use EnvelopeStatus::{Completed, Declined, Delivered, Sent, Unspecified, Voided};
        assert_eq!(
            further(Sent, Completed),
            Completed,
            "made late, from a later snapshot"
        );
        assert_eq!(further(Completed, Sent), Completed);
        assert_eq!(further(Delivered, Unspecified), Delivered);
        assert_eq!(further(Declined, Voided), Declined, "two ends: the event's own");
    }

    #[test]
    fn seven_digits_of_a_second_are_read() {
        let at = moment("2026-03-02T18:29:29.7360000Z").unwrap();
        assert_eq!((at.unix_timestamp(), at.millisecond()), (1_772_476_169, 736));
        assert_eq!(moment("yesterday"), None);
    }
}
