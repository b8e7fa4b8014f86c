//! What became of a call, taken into the request in the transaction that settles it.

use std::time::Duration;

use puente_effects::{Effect, Outcome};
use puente_outbox::{ApplyError, Tx};
use puente_ports::{ErrorTag, ProviderError, ProviderErrorKind};
use uuid::Uuid;

use crate::domain::state::Step;
use crate::infrastructure::desk::{CREATE, VOID, pause};
use crate::infrastructure::executor::{Caller, Made, NOT_WANTED, request_id};
use crate::infrastructure::reports;
use crate::infrastructure::store::pending::{self, At};
use crate::infrastructure::store::row;

/// A provider that was away for the whole budget of a call is called again so much later, and then less and less often.
const FIRST_PAUSE: Duration = Duration::from_mins(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(30);
/// Calls that begin anew after a failed one: about a day. Then a person sets the request going again.
const MOST_ROUNDS: i32 = 50;

pub(super) async fn settled(
    caller: &Caller,
    tx: &mut Tx,
    effect: &Effect,
    outcome: &Outcome,
) -> Result<(), ApplyError> {
    let Ok(id) = request_id(effect) else { return Ok(()) };
    match (effect.operation.as_str(), outcome) {
        (CREATE, Outcome::Done(result)) => {
            let made: Made = serde_json::from_value(result.clone())
                .map_err(|_| ApplyError::Dead("the result of a sending is none".to_owned()))?;
            created(caller, tx, effect, id, &made.envelope_id).await
        }
        (CREATE, Outcome::Failed(error)) => failed(caller, tx, effect, id, error).await,
        (CREATE, Outcome::Unknown { reason }) => {
            let kind = ProviderErrorKind::OutcomeUnknown;
            let error = ProviderError::new(kind, "outcome_unknown", reason.as_str());
            stopped(caller, tx, effect, id, &error).await
        }
        (operation, Outcome::Failed(error)) => {
            tracing::warn!(
                signature.id = %id,
                operation,
                error = %error,
                "the provider did not do what request {id} asked for"
            );
            if operation == VOID {
                call_back_later(caller, tx, effect, id, error).await?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

async fn created(
    caller: &Caller,
    tx: &mut Tx,
    effect: &Effect,
    id: Uuid,
    envelope_id: &str,
) -> Result<(), ApplyError> {
    let at = At {
        tenant: &effect.tenant,
        connection: effect.connection.as_str(),
        envelope_id,
    };
    pending::lock(tx, at).await?;
    let Some(mut row) = row::lock(tx, &effect.tenant, id).await? else {
        return Ok(());
    };
    let now = caller.desk.clock.now();
    caller.desk.named(tx, &mut row, envelope_id, now).await?;
    reports::drain(&caller.desk, tx, &mut row).await?;
    row::save(tx, &mut row, &effect.id.to_string(), now).await?;
    Ok(())
}

/// It was not sent. What passes by itself is tried again, less and less often; anything else waits for a person.
async fn failed(
    caller: &Caller,
    tx: &mut Tx,
    effect: &Effect,
    id: Uuid,
    error: &ProviderError,
) -> Result<(), ApplyError> {
    if error.code() == NOT_WANTED {
        return Ok(());
    }
    let Some(mut row) = row::lock(tx, &effect.tenant, id).await? else {
        return Ok(());
    };
    if row.signature.step != Step::Sending {
        return Ok(());
    }
    let now = caller.desk.clock.now();
    caller.desk.trouble(&mut row, error);
    if error.tag() == ErrorTag::Temporary && row.tries < MOST_ROUNDS {
        row.tries += 1;
        let later = now + pause(row.tries, FIRST_PAUSE, LONGEST_PAUSE);
        caller.desk.send(tx, &mut row, true, Some(later)).await?;
    }
    row::save(tx, &mut row, &effect.id.to_string(), now).await?;
    Ok(())
}

async fn stopped(
    caller: &Caller,
    tx: &mut Tx,
    effect: &Effect,
    id: Uuid,
    error: &ProviderError,
) -> Result<(), ApplyError> {
    let Some(mut row) = row::lock(tx, &effect.tenant, id).await? else {
        return Ok(());
    };
    if row.signature.step == Step::Sending {
        caller.desk.trouble(&mut row, error);
        row::save(tx, &mut row, &effect.id.to_string(), caller.desk.clock.now()).await?;
    }
    Ok(())
}

/// An envelope that is no longer wanted must not stay with its signers because its provider was away.
async fn call_back_later(
    caller: &Caller,
    tx: &mut Tx,
    effect: &Effect,
    id: Uuid,
    error: &ProviderError,
) -> Result<(), ApplyError> {
    if error.tag() != ErrorTag::Temporary {
        return Ok(());
    }
    let Some(mut row) = row::lock(tx, &effect.tenant, id).await? else {
        return Ok(());
    };
    if row.tries >= MOST_ROUNDS {
        return Ok(());
    }
    let now = caller.desk.clock.now();
    row.tries += 1;
    let later = now + pause(row.tries, FIRST_PAUSE, LONGEST_PAUSE);
    let reason = row.signature.reason.clone();
    caller.desk.call_back(tx, &row, &reason, Some(later)).await?;
    row::save(tx, &mut row, &effect.id.to_string(), now).await?;
    Ok(())
}
