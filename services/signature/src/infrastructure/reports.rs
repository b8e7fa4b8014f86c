//! Reports: what a provider tells of envelopes by itself.
//!
//! A report finds its request by our reference, else by the provider's id of the envelope. It may be there before the answer
//! of the call that sent the envelope: with our reference it settles that call, without it waits. It never reaches a request
//! of another tenant or connection, whatever ids it carries.

use std::time::Duration;

use prost::Message as _;
use puente_bus::Envelope;
use puente_effects::{hold_by_key, settle_by_key};
use puente_outbox::{ApplyError, Tx};
use puente_proto::signing::EnvelopeChanged;
use puente_telemetry::metric;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::infrastructure::desk::Desk;
use crate::infrastructure::executor::Made;
use crate::infrastructure::store::pending::{self, At, Pending};
use crate::infrastructure::store::row::{self, Row};
use crate::infrastructure::wire;

/// Whose a report is.
enum Owner {
    /// This request's.
    Request(Uuid),
    /// Nobody's that is known (yet).
    Nobody,
    /// Somebody's whom it must not reach.
    Foreign(&'static str),
}

/// Applies a report, or keeps it for later.
pub(crate) async fn apply(
    desk: &Desk,
    tx: &mut Tx,
    event: &Envelope,
    changed: &EnvelopeChanged,
) -> Result<(), ApplyError> {
    let at = At {
        tenant: &event.tenant,
        connection: &changed.connection,
        envelope_id: &changed.envelope_id,
    };
    if changed.envelope_id.is_empty() {
        ignore("ignored_no_envelope");
        return Ok(());
    }
    if let Ok(request) = changed.reference.parse() {
        hold_by_key(tx, &event.tenant, &Desk::create_key(request)).await?;
    }
    pending::lock(tx, at).await?;
    let id = match owner(tx, at, &changed.reference).await? {
        Owner::Request(id) => id,
        Owner::Foreign(reason) => {
            ignore(reason);
            return Ok(());
        }
        Owner::Nobody => {
            let kept = Pending {
                event_id: event.id.uuid(),
                report: event.payload.to_vec(),
                traceparent: event.traceparent.clone(),
                received_at: desk.clock.now(),
            };
            return Ok(pending::keep(tx, at, &kept).await?);
        }
    };
    let Some(mut row) = row::lock(tx, &event.tenant, id).await? else {
        return Ok(());
    };
    // The report came in a trace of its own; what it does belongs to the journey that asked for the signatures.
    let span = tracing::info_span!(
        "report.apply",
        otel.kind = "internal",
        signature.id = %id,
        tenant.id = %event.tenant,
        provider = row.provider,
        outcome = changed.status().as_str_name(),
    );
    puente_telemetry::set_parent(&span, row.traceparent.as_deref());
    puente_telemetry::link(&span, event.traceparent.as_deref());
    async {
        let now = desk.clock.now();
        let known = row.signature.envelope_id.as_ref();
        if known.is_some_and(|known| *known != changed.envelope_id) {
            let told = wire::told(changed, event.occurred_at);
            desk.second(tx, &mut row, &changed.envelope_id, told.envelope)
                .await?;
            row::save(tx, &mut row, &event.id.to_string(), now).await?;
            return Ok(());
        }
        if row.signature.envelope_id.is_none() {
            name(desk, tx, &mut row, &changed.envelope_id).await?;
        }
        drain(desk, tx, &mut row).await?;
        row.quiet_since = row.quiet_since.max(now);
        row.polls = 0;
        desk.hear(tx, &mut row, &wire::told(changed, event.occurred_at));
        row::save(tx, &mut row, &event.id.to_string(), now).await?;
        Ok(())
    }
    .instrument(span)
    .await
}

/// Takes in what was reported on a request's envelope before anybody knew whose it was. The caller holds the envelope's
/// lock, and saves the request.
pub(crate) async fn drain(desk: &Desk, tx: &mut Tx, row: &mut Row) -> Result<(), ApplyError> {
    let Some(envelope_id) = row.signature.envelope_id.clone() else {
        return Ok(());
    };
    let (tenant, connection) = (row.tenant.clone(), row.connection.clone());
    let at = At {
        tenant: &tenant,
        connection: &connection,
        envelope_id: &envelope_id,
    };
    for kept in pending::take(tx, at).await? {
        puente_telemetry::link(&tracing::Span::current(), kept.traceparent.as_deref());
        match EnvelopeChanged::decode(kept.report.as_slice()) {
            Ok(changed) => desk.hear(tx, row, &wire::told(&changed, kept.received_at)),
            Err(error) => {
                tracing::warn!(event.id = %kept.event_id, error = %error, "a kept report is left out");
            }
        }
    }
    Ok(())
}

/// The report proves that the envelope exists, although the answer to the call that made it is not known (yet).
async fn name(desk: &Desk, tx: &mut Tx, row: &mut Row, envelope_id: &str) -> Result<(), ApplyError> {
    desk.named(tx, row, envelope_id, desk.clock.now()).await?;
    let made = Made {
        envelope_id: envelope_id.to_owned(),
    };
    let result = serde_json::to_value(made).unwrap_or_default();
    if settle_by_key(tx, &Desk::create_key(row.id), result).await? {
        tracing::info!(signature.id = %row.id, "a report settled the call of request {}", row.id);
    }
    Ok(())
}

async fn owner(tx: &mut Tx, at: At<'_>, reference: &str) -> Result<Owner, sqlx::Error> {
    if let Ok(id) = reference.parse::<Uuid>()
        && let Some((tenant, connection)) = pending::place(tx, id).await?
    {
        return Ok(if tenant != at.tenant.as_str() {
            Owner::Foreign("ignored_foreign_tenant")
        } else if connection != at.connection {
            Owner::Foreign("ignored_foreign_connection")
        } else {
            Owner::Request(id)
        });
    }
    Ok(pending::owner(tx, at)
        .await?
        .map_or(Owner::Nobody, Owner::Request))
}

/// Counted, so that somebody notices when it happens often.
fn ignore(reason: &'static str) {
    metric::events_consumed("signature", reason, 1, Duration::ZERO);
    tracing::warn!(reason, "a report on an envelope is left out");
}
