//! Whether people could be told: what notifications says of the messages that were asked for here.

use puente_bus::Envelope;
use puente_outbox::{ApplyError, Tx};
use puente_proto::instant;
use puente_proto::notifications::MessageStateChanged;
use uuid::Uuid;

use crate::infrastructure::store::row;
use crate::infrastructure::wire;

/// Applies news of a message; those of other services' messages change nothing.
pub(crate) async fn apply(
    tx: &mut Tx,
    event: &Envelope,
    changed: &MessageStateChanged,
) -> Result<(), ApplyError> {
    let (Some(state), Ok(asked_by)) = (wire::noticed(changed), changed.asked_by.parse::<Uuid>()) else {
        return Ok(());
    };
    let Some(id) = row::of_notice(tx, &event.tenant, asked_by).await? else {
        return Ok(());
    };
    let Some(mut row) = row::lock(tx, &event.tenant, id).await? else {
        return Ok(());
    };
    let at = changed.changed_at.as_ref().and_then(instant);
    let at = at.unwrap_or(event.occurred_at);
    row.signature
        .hear_notice(asked_by, state, &changed.error_code, at);
    row::save(tx, &mut row, &event.id.to_string(), at).await?;
    Ok(())
}
