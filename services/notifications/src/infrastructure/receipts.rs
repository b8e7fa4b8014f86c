//! Receipts: what a provider reports on messages that we sent.
//!
//! A receipt finds its message by the provider's id, else by our reference. It may be there before the answer of the
//! call: then it waits in `pending_receipts`, or, where it carries our reference, it settles the call itself. It never
//! reaches a message of another tenant or connection, whatever ids it carries.

use puente_bus::Envelope;
use puente_effects::settle_by_key;
use puente_outbox::{ApplyError, Tx};
use puente_ports::{Provider, ProviderError, ProviderErrorKind, Registry, Sent};
use puente_proto::instant;
use puente_proto::messaging::ReceiptChanged;
use puente_types::{MessageId, TenantId};
use tracing::Instrument as _;

use crate::application::price::Price;
use crate::domain::state::State;
use crate::infrastructure::desk::Desk;
use crate::infrastructure::store::identity;
use crate::infrastructure::store::message::{self, Report, Row};
use crate::infrastructure::store::receipt::{self, Pending};
use crate::infrastructure::wire;

/// Applies a receipt, or keeps it for later.
pub(crate) async fn apply(
    desk: &Desk,
    registry: Registry,
    tx: &mut Tx,
    event: &Envelope,
    changed: &ReceiptChanged,
) -> Result<(), ApplyError> {
    let Some(state) = wire::told(changed.state) else {
        return Ok(());
    };
    let at = changed
        .changed_at
        .as_ref()
        .and_then(instant)
        .unwrap_or(event.occurred_at);
    let pending = Pending {
        state: state.as_str().to_owned(),
        error_code: changed.error_code.clone(),
        billable: changed.billable,
        price_category: changed.price_category.clone(),
        changed_at: at,
        event_id: event.id.uuid(),
        traceparent: event.traceparent.clone(),
    };
    let found = find(tx, &event.tenant, changed).await?;
    let Some(id) = found else {
        if !changed.provider_message_id.is_empty() {
            let id = &changed.provider_message_id;
            receipt::keep(
                tx,
                &event.tenant,
                &changed.connection,
                id,
                &pending,
                desk.clock.now(),
            )
            .await?;
        }
        return Ok(());
    };
    let Some(mut row) = message::lock(tx, &event.tenant, id).await? else {
        return Ok(());
    };
    // The receipt came in a trace of its own; what it does belongs to the journey that sent the message.
    let span = tracing::info_span!(
        "receipt.apply",
        otel.kind = "internal",
        message.id = %id,
        tenant.id = %event.tenant,
        provider = row.provider,
        outcome = state.as_str(),
    );
    puente_telemetry::set_parent(&span, row.traceparent.as_deref());
    puente_telemetry::link(&span, event.traceparent.as_deref());
    let prices = &desk.policy.prices;
    async {
        identity::name(tx, &mut row, &changed.provider_message_id, None).await?;
        drain(tx, &mut row, registry, prices).await?;
        hear(tx, &mut row, state, &pending, registry, prices).await
    }
    .instrument(span)
    .await?;
    Ok(())
}

/// The message that a receipt is about. Settles its call where the receipt proves what the call's answer did not tell.
async fn find(
    tx: &mut Tx,
    tenant: &TenantId,
    changed: &ReceiptChanged,
) -> Result<Option<MessageId>, sqlx::Error> {
    let connection = changed.connection.as_str();
    let provider_id = changed.provider_message_id.as_str();
    // A provider's opaque field may carry more than the reference behind a bar.
    let reference = changed.reference.split('|').next().unwrap_or_default();
    let mut by_reference = None;
    if !reference.is_empty()
        && let Some((id, settled)) = identity::by_reference(tx, tenant, connection, reference).await?
    {
        by_reference = Some(id);
        if !settled && !provider_id.is_empty() {
            let sent = Sent {
                provider_message_id: provider_id.to_owned(),
                contact_id: None,
            };
            let result = serde_json::to_value(sent).unwrap_or_default();
            if settle_by_key(tx, reference, result).await? {
                tracing::info!(message.id = %id, "a receipt settled the call of message {id}");
            }
        }
    }
    if provider_id.is_empty() {
        return Ok(by_reference);
    }
    identity::lock_provider_id(tx, tenant, connection, provider_id).await?;
    Ok(identity::by_provider_id(tx, tenant, connection, provider_id)
        .await?
        .or(by_reference))
}

/// Takes in what was reported under a message's provider id before anybody knew whose it was. The caller holds that
/// id's lock.
pub(crate) async fn drain(
    tx: &mut Tx,
    row: &mut Row,
    registry: Registry,
    prices: &[Price],
) -> Result<(), sqlx::Error> {
    let Some(provider_message_id) = row.provider_message_id.clone() else {
        return Ok(());
    };
    let waiting = receipt::take(tx, &row.tenant, &row.connection, &provider_message_id).await?;
    for pending in waiting {
        puente_telemetry::link(&tracing::Span::current(), pending.traceparent.as_deref());
        match pending.state.parse() {
            Ok(state) => hear(tx, row, state, &pending, registry, prices).await?,
            Err(error) => tracing::warn!(message.id = %row.id, error = %error, "a kept receipt is left out"),
        }
    }
    Ok(())
}

async fn hear(
    tx: &mut Tx,
    row: &mut Row,
    state: State,
    pending: &Pending,
    registry: Registry,
    prices: &[Price],
) -> Result<(), sqlx::Error> {
    let report = Report {
        state,
        at: pending.changed_at,
        source: "receipt",
        error: (state == State::Failed).then(|| {
            let tag = tag(registry(&row.provider), &pending.error_code);
            (pending.error_code.clone(), tag)
        }),
        billable: pending.billable,
        price_category: Some(pending.price_category.clone()),
        cause: pending.event_id.to_string(),
    };
    message::hear(tx, row, &report, prices).await
}

/// What a person has to do about a failure that came by receipt: the provider's own table of codes says so.
fn tag(provider: Option<&'static dyn Provider>, code: &str) -> &'static str {
    let rules = provider
        .map(|provider| provider.manifest().errors.as_slice())
        .unwrap_or_default();
    let rule = rules
        .iter()
        .find(|rule| rule.codes.iter().any(|known| known == code));
    let kind = rule
        .and_then(|rule| rule.error_kind())
        .unwrap_or(ProviderErrorKind::Rejected);
    ProviderError::new(kind, code, "").tag().as_str()
}
