//! What the desk writes when it has decided: message, timeline, event, and the effect that will call the provider.

use puente_bus::Envelope;
use puente_effects::{NewEffect, Priority, enqueue};
use puente_outbox::{ApplyError, NewEvent, Tx};
use puente_ports::{Content, OutboundMessage};
use puente_types::MessageId;
use time::OffsetDateTime;

use super::{Ask, Desk, SEND};
use crate::application::decide::{Decision, Refusal};
use crate::domain::state::State;
use crate::infrastructure::store::message::{self, NewMessage, Row};
use crate::infrastructure::wire;

impl Desk {
    pub(super) async fn write(
        &self,
        tx: &mut Tx,
        event: &Envelope,
        ask: &Ask,
        decision: Decision,
        at: OffsetDateTime,
    ) -> Result<(), ApplyError> {
        let id = MessageId::new();
        let effect_key = format!("message:{id}");
        let (form, category, outcome) = match decision {
            Decision::Session { body } => ("session", "SERVICE".to_owned(), Ok(Content::Text { body })),
            Decision::Template {
                name,
                language,
                parameters,
                category,
            } => (
                "template",
                category,
                Ok(Content::Template {
                    name,
                    language,
                    parameters,
                }),
            ),
            Decision::Refused(refusal) => ("none", String::new(), Err(refusal)),
        };
        let traceparent = puente_telemetry::current_traceparent().or_else(|| event.traceparent.clone());
        let refused = outcome
            .as_ref()
            .err()
            .map(|r: &Refusal| (r.code(), r.tag(), r.to_string()));
        let new = NewMessage {
            id,
            tenant: &event.tenant,
            cause: event.id.uuid(),
            about: &ask.about,
            template: &ask.key,
            form,
            category: &category,
            to: &ask.to,
            effect_key: &effect_key,
            traceparent: traceparent.clone(),
            at,
            refused,
        };
        if !message::insert(tx, &new).await? {
            return Ok(());
        }
        let about_message = match outcome {
            Ok(content) => {
                self.queue(tx, event, ask, id, &effect_key, content).await?;
                NewEvent::new(
                    &event.tenant,
                    id,
                    &wire::queued(id, &ask.to, &ask.key, &ask.about, form),
                )
            }
            Err(refusal) => {
                tracing::info!(
                    message.id = %id, tenant.id = %event.tenant, provider = ask.to.provider,
                    template = ask.key, code = refusal.code(),
                    "message {id} is refused: {refusal}"
                );
                let row = refused_row(id, event, ask, &refusal);
                NewEvent::new(&event.tenant, id, &wire::moved(&row, None, at))
            }
        };
        tx.append(about_message.version(1).caused_by(event.id).in_trace(traceparent));
        Ok(())
    }

    async fn queue(
        &self,
        tx: &mut Tx,
        event: &Envelope,
        ask: &Ask,
        id: MessageId,
        effect_key: &str,
        content: Content,
    ) -> Result<(), ApplyError> {
        let dead =
            |error: &dyn std::fmt::Display| ApplyError::Dead(format!("message cannot be queued: {error}"));
        let outbound = OutboundMessage {
            to: ask.to.contact_id.clone(),
            content,
            reference: effect_key.to_owned(),
        };
        let effect = NewEffect {
            key: effect_key.to_owned(),
            tenant: event.tenant.clone(),
            provider: ask.to.provider.clone(),
            connection: ask.to.connection.parse().map_err(|error| dead(&error))?,
            operation: SEND,
            subject_id: id.to_string(),
            payload: serde_json::to_value(&outbound).map_err(|error| dead(&error))?,
            priority: if ask.critical {
                Priority::Critical
            } else {
                Priority::Normal
            },
            not_before: None,
        };
        enqueue(&mut *tx, &effect).await?;
        Ok(())
    }
}

/// The row of a message that failed before it was anything else, for its event.
fn refused_row(id: MessageId, event: &Envelope, ask: &Ask, refusal: &Refusal) -> Row {
    Row {
        id,
        tenant: event.tenant.clone(),
        cause: event.id.uuid(),
        about: ask.about.clone(),
        provider: ask.to.provider.clone(),
        connection: ask.to.connection.clone(),
        state: State::Failed,
        version: 1,
        provider_message_id: None,
        error_code: Some(refusal.code().to_owned()),
        error_tag: Some(refusal.tag().to_owned()),
        billable: None,
        price_category: None,
        traceparent: None,
    }
}
