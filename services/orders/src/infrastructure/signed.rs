//! News of documents that people sign, applied to their order in the transaction of the inbox mark.

use puente_bus::Envelope;
use puente_outbox::{ApplyError, Tx};
use puente_proto::signature::SignatureStateChanged;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::application::apply_signature::{Meaning, News, apply_signature};
use crate::domain::signing::{Progress, Role};
use crate::domain::skill::SkillSet;
use crate::infrastructure::store::{Cause, signature};
use crate::infrastructure::wire;

/// Applies one event.
pub(crate) async fn apply(
    tx: &mut Tx,
    event: &Envelope,
    set: &SkillSet,
    now: OffsetDateTime,
) -> Result<(), ApplyError> {
    let told: SignatureStateChanged = event.decode()?;
    let (request, news) = read(event, &told).map_err(|reason| ApplyError::Dead(reason.to_owned()))?;
    let found = signature::lock(tx, &event.tenant, request).await?;
    // Requests are committed before anybody hears of them: this one is not ours.
    let Some((order, standing)) = found.filter(|(order, _)| order.to_string() == told.order_id) else {
        return Err(ApplyError::Dead(
            "no request to sign of this id and this order".to_owned(),
        ));
    };
    let locked = signature::order(tx, &event.tenant, order).await?;
    let (mut order, trace) = locked.ok_or_else(|| ApplyError::Dead("the order is gone".to_owned()))?;
    let since = order.version();
    let meaning = apply_signature(&mut order, standing, &news)
        .map_err(|refused| ApplyError::Dead(refused.to_string()))?;
    let cause = Cause {
        event: event.id,
        by: &wire::word(&told.by),
        trace: trace.as_deref(),
    };
    let outcome = match &meaning {
        Meaning::Old => return Ok(()),
        Meaning::Progress => "",
        Meaning::Superseded => "superseded",
        Meaning::Noted(_) => "noted",
        Meaning::Moved(_) => "applied",
    };
    match meaning {
        Meaning::Moved(moved) => {
            let tenant = &event.tenant;
            signature::moved(tx, tenant, (&order, since), &moved, set, now, cause).await?;
            let order = order.snapshot();
            tracing::info!(order.id = %order.id, "order {} is {}", order.number, order.state);
        }
        Meaning::Noted(words) => {
            signature::noted(tx, &event.tenant, &order, &words, now, cause).await?;
        }
        Meaning::Old | Meaning::Progress | Meaning::Superseded => {}
    }
    Ok(signature::progressed(tx, request, &news, outcome, now).await?)
}

fn read(event: &Envelope, told: &SignatureStateChanged) -> Result<(Uuid, News), &'static str> {
    let request = Uuid::try_parse(&told.request_id).map_err(|_| "the request's id is none")?;
    let version = event.aggregate_version.filter(|version| *version >= 1);
    Ok((
        request,
        News {
            version: version.ok_or("the event has no version")?,
            progress: Progress::named(&told.after).ok_or("the state is not known")?,
            role: Role::named(&told.role),
            words: told.reason.clone(),
            document: wire::word(&told.document_id),
        },
    ))
}
