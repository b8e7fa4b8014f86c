//! Orders that are cancelled while their documents are out: the request is called back, also at its provider.
//!
//! The news may overtake the request it is about, so that it is kept; who keeps it and who takes a request in wait for each
//! other, order by order.

use puente_bus::Envelope;
use puente_outbox::{ApplyError, Tx};
use puente_proto::orders::OrderStateChanged;
use puente_types::{OrderId, TenantId};
use tracing::Instrument as _;

use crate::infrastructure::desk::Desk;
use crate::infrastructure::store::cancelled;
use crate::infrastructure::store::row::{self, Row};

/// The longest reason that a provider takes.
const MAX_REASON: usize = 200;
/// What orders call the state with the documents out, and the one of a cancelled order.
const SIGNING: &str = "EnFirma";
const CANCELLED: &str = "Cancelada";

/// Applies a move of an order; all but cancelling one whose documents are out change nothing.
pub(crate) async fn apply(
    desk: &Desk,
    tx: &mut Tx,
    event: &Envelope,
    moved: &OrderStateChanged,
) -> Result<(), ApplyError> {
    if moved.before != SIGNING || moved.after != CANCELLED {
        return Ok(());
    }
    let Ok(order) = moved.order_id.parse::<OrderId>() else {
        return Err(ApplyError::Dead("the order's id is no UUID".to_owned()));
    };
    cancelled::lock(tx, &event.tenant, order).await?;
    let reason: String = moved.reason.chars().take(MAX_REASON).collect();
    cancelled::keep(tx, &event.tenant, order, &reason, desk.clock.now()).await?;
    for id in cancelled::open(tx, &event.tenant, order).await? {
        if let Some(mut row) = row::lock(tx, &event.tenant, id).await? {
            void(desk, tx, &mut row, &reason, event).await?;
        }
    }
    Ok(())
}

/// Calls back a request that was just taken in, if its order was cancelled before. Taken before the request is written.
pub(crate) async fn before(
    tx: &mut Tx,
    tenant: &TenantId,
    order: OrderId,
) -> Result<Option<String>, sqlx::Error> {
    cancelled::lock(tx, tenant, order).await?;
    cancelled::reason(tx, tenant, order).await
}

/// Calls a request back. One that all have signed stays: their signatures are on paper that holds, whatever becomes of the
/// order, and are stored with it.
pub(crate) async fn void(
    desk: &Desk,
    tx: &mut Tx,
    row: &mut Row,
    reason: &str,
    event: &Envelope,
) -> Result<(), ApplyError> {
    let now = desk.clock.now();
    if let Err(refused) = row.signature.void(reason, "", now) {
        tracing::warn!(
            signature.id = %row.id,
            reason = %refused,
            "request {} is not called back with its order", row.id
        );
        return Ok(());
    }
    row.tries = 0;
    let span = tracing::info_span!("order.cancelled", otel.kind = "internal", signature.id = %row.id);
    puente_telemetry::set_parent(&span, row.traceparent.as_deref());
    puente_telemetry::link(&span, event.traceparent.as_deref());
    async {
        desk.call_back(tx, row, reason, None).await?;
        row::save(tx, row, &event.id.to_string(), now).await?;
        Ok(())
    }
    .instrument(span)
    .await
}
