//! Between our words and the protobuf events, both directions; pure.

use std::collections::BTreeMap;

use puente_outbox::NewEvent;
use puente_ports::EnvelopeReport;
use puente_proto::notifications::{DeliveryState, MessageRequested, MessageStateChanged, Recipient};
use puente_proto::signature::{
    EnvelopeSent, SignatureStateChanged, SignatureTroubled, SignerNoticeChanged, SignerStateChanged,
};
use puente_proto::signing::{EnvelopeChanged, EnvelopeStatus, SignerReport as SignerTold, SignerStatus};
use puente_proto::{instant, timestamp};
use time::OffsetDateTime;

use crate::domain::event::{Happened, Recorded};
use crate::domain::notice::NoticeState;
use crate::domain::problem::Tag;
use crate::domain::report::{Envelope, Report, SignerReport};
use crate::domain::signer::{Role, SignerState};
use crate::infrastructure::store::row::Row;

/// The text for those who had signed when somebody refused.
const REJECTED: &str = "signature_rejected_signer";

/// The event of something that happened to a request.
pub(crate) fn event(row: &Row, recorded: &Recorded) -> NewEvent {
    let (request_id, order_id, number) = (row.id.to_string(), row.order.to_string(), row.number.clone());
    let made = match &recorded.what {
        Happened::Moved {
            before,
            after,
            reason,
            role,
            manual,
            by,
            document,
            at,
        } => NewEvent::new(
            &row.tenant,
            row.id,
            &SignatureStateChanged {
                request_id,
                order_id,
                number,
                before: before.map(|state| state.as_str().to_owned()).unwrap_or_default(),
                after: after.as_str().to_owned(),
                reason: reason.clone(),
                role: role.map(|role| role.as_str().to_owned()).unwrap_or_default(),
                manual: *manual,
                by: by.clone(),
                document_id: document.map(|id| id.to_string()).unwrap_or_default(),
                changed_at: Some(timestamp(*at)),
            },
        ),
        Happened::Signer {
            role,
            before,
            after,
            at,
        } => NewEvent::new(
            &row.tenant,
            row.id,
            &SignerStateChanged {
                request_id,
                order_id,
                number,
                role: role.as_str().to_owned(),
                before: before.as_str().to_owned(),
                after: after.as_str().to_owned(),
                changed_at: Some(timestamp(*at)),
            },
        ),
        Happened::Notice {
            role,
            state,
            code,
            by,
            at,
        } => NewEvent::new(
            &row.tenant,
            row.id,
            &SignerNoticeChanged {
                request_id,
                order_id,
                number,
                role: role.as_str().to_owned(),
                state: state.as_str().to_owned(),
                code: code.clone(),
                by: by.clone(),
                changed_at: Some(timestamp(*at)),
            },
        ),
        Happened::Sent { envelope_id, at } => NewEvent::new(
            &row.tenant,
            row.id,
            &EnvelopeSent {
                request_id,
                order_id,
                number,
                provider: row.provider.clone(),
                connection: row.connection.clone(),
                envelope_id: envelope_id.clone(),
                sent_at: Some(timestamp(*at)),
            },
        ),
        Happened::Troubled { problem, since } => NewEvent::new(
            &row.tenant,
            row.id,
            &SignatureTroubled {
                request_id,
                order_id,
                number,
                code: problem.as_ref().map(|(code, _)| code.clone()).unwrap_or_default(),
                tag: problem
                    .as_ref()
                    .map(|(_, tag)| tag.as_str().to_owned())
                    .unwrap_or_default(),
                since: Some(timestamp(*since)),
            },
        ),
    };
    made.version(recorded.version)
        .in_trace_of(row.traceparent.as_deref())
}

/// Asks for the message to somebody who had signed; `None` when nobody knows their number.
pub(crate) fn rejected(row: &Row, role: Role) -> Option<NewEvent> {
    let party = row.wanted.party(role);
    let channel = &row.wanted.channel;
    let recipient = if role == Role::Client {
        let known = [&party.phone, &channel.phone]
            .into_iter()
            .find(|phone| !phone.is_empty());
        Recipient {
            provider: channel.provider.clone(),
            connection: channel.connection.clone(),
            contact_id: channel.contact_id.clone(),
            phone: known.cloned().unwrap_or_default(),
        }
    } else {
        // The client's conversation is not theirs: notifications knows where they write to, if they do.
        Recipient {
            phone: party.phone,
            ..Recipient::default()
        }
    };
    if recipient.contact_id.is_empty() && recipient.phone.is_empty() {
        return None;
    }
    let variables = [
        ("name", party.name),
        ("number", row.number.clone()),
        ("reason", row.signature.reason.clone()),
    ];
    let message = MessageRequested {
        recipient: Some(recipient),
        template: REJECTED.to_owned(),
        variables: variables
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect::<BTreeMap<_, _>>()
            .into_iter()
            .collect(),
        about: row.order.to_string(),
        critical: false,
    };
    let asked = NewEvent::new(&row.tenant, row.id, &message);
    Some(asked.in_trace_of(row.traceparent.as_deref()))
}

/// How far a message has come, for whoever was to be told by it; `None` for what says nothing of that.
pub(crate) fn noticed(changed: &MessageStateChanged) -> Option<NoticeState> {
    match changed.after() {
        DeliveryState::Unspecified | DeliveryState::Queued => None,
        DeliveryState::Sent => Some(NoticeState::Sent),
        DeliveryState::Delivered | DeliveryState::Read => Some(NoticeState::Delivered),
        DeliveryState::Failed => Some(NoticeState::Failed),
    }
}

/// What a webhook told, in our words. `heard` stands in where no time was told.
pub(crate) fn told(changed: &EnvelopeChanged, heard: OffsetDateTime) -> Report {
    report(
        changed.status(),
        &changed.signers,
        &changed.reason,
        changed.changed_at.as_ref().and_then(instant).unwrap_or(heard),
    )
}

/// What the provider answered when it was asked.
pub(crate) fn answered(answer: &EnvelopeReport, heard: OffsetDateTime) -> Report {
    report(
        answer.status,
        &answer.signers,
        &answer.reason,
        answer.changed_at.unwrap_or(heard),
    )
}

fn report(status: EnvelopeStatus, signers: &[SignerTold], reason: &str, at: OffsetDateTime) -> Report {
    Report {
        envelope: match status {
            EnvelopeStatus::Completed => Envelope::Completed,
            EnvelopeStatus::Declined => Envelope::Declined,
            EnvelopeStatus::Voided => Envelope::Voided,
            EnvelopeStatus::Unspecified
            | EnvelopeStatus::Created
            | EnvelopeStatus::Sent
            | EnvelopeStatus::Delivered => Envelope::Open,
        },
        signers: signers.iter().filter_map(signer).collect(),
        reason: reason.to_owned(),
        at,
    }
}

fn signer(told: &SignerTold) -> Option<SignerReport> {
    let state = match told.status() {
        SignerStatus::Unspecified => return None,
        SignerStatus::Waiting => SignerState::Waiting,
        SignerStatus::Sent => SignerState::Sent,
        SignerStatus::Delivered => SignerState::Delivered,
        SignerStatus::Signed => SignerState::Signed,
        SignerStatus::Declined => SignerState::Declined,
        SignerStatus::Failed => SignerState::Failed,
    };
    Some(SignerReport {
        recipient_id: told.recipient_id.clone(),
        state,
        reason: told.reason.clone(),
        at: told.changed_at.as_ref().and_then(instant),
    })
}

/// The tag of a provider's error.
pub(crate) const fn tag(tag: puente_ports::ErrorTag) -> Tag {
    match tag {
        puente_ports::ErrorTag::Temporary => Tag::Temporary,
        puente_ports::ErrorTag::Permanent => Tag::Permanent,
        puente_ports::ErrorTag::Configuration => Tag::Configuration,
    }
}
