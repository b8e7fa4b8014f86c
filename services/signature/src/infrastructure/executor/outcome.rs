//! What became of a call, taken into the request in the transaction that settles it.

use std::time::Duration;

use puente_effects::{Effect, EffectExecutor as _, Outcome, Resolution};
use puente_outbox::{ApplyError, Tx};
use puente_ports::{ErrorTag, ProviderError, ProviderErrorKind, Recovery};
use puente_work::pause;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::state::Step;
use crate::infrastructure::desk::{CREATE, CallBack, Send, VOID};
use crate::infrastructure::executor::{Caller, Made, NOT_WANTED, read, request_id};
use crate::infrastructure::store::pending::{self, At};
use crate::infrastructure::store::row::{self, Row};
use crate::infrastructure::{reports, store, wire};

/// A provider that was away for the whole budget of a call is called again so much later, and then less and less often.
const FIRST_PAUSE: Duration = Duration::from_mins(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(30);
/// Calls that begin anew after a failed one: about a day. Then a person sets the request going again.
const MOST_ROUNDS: i32 = 50;
/// Who decides about a call in doubt that settles by itself.
const BY: &str = "signature";

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
            in_doubt(caller, tx, effect, id, &error).await
        }
        (VOID, outcome) => called_back(caller, tx, effect, id, outcome).await,
        (_, Outcome::Failed(error)) => {
            warn(effect, id, error);
            Ok(())
        }
        _ => Ok(()),
    }
}

fn warn(effect: &Effect, id: Uuid, error: &ProviderError) {
    tracing::warn!(
        signature.id = %id,
        operation = effect.operation,
        error = %error,
        "the provider did not do what request {id} asked for"
    );
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
    let now = caller.desk.clock.now();
    let again = if row.signature.step == Step::Sending {
        caller.desk.trouble(&mut row, error);
        error.tag() == ErrorTag::Temporary && row.tries < MOST_ROUNDS
    } else {
        // It is no longer wanted. What an earlier call may have made is looked for until it is found and called back.
        let given: Send = read(&effect.payload).unwrap_or_default();
        let may_be_there = given.again || effect.attempts > 1;
        may_be_there && error.tag() != ErrorTag::Permanent
    };
    if again {
        let later = later(&mut row, error.tag(), now);
        caller.desk.send(tx, &mut row, true, Some(later)).await?;
    }
    row::save(tx, &mut row, &effect.id.to_string(), now).await?;
    Ok(())
}

/// Nobody knows whether it was sent, and the look-up did not help yet. It is looked for again, later and later; people see
/// it, and an envelope that is no longer wanted is found as well, and then called back.
async fn in_doubt(
    caller: &Caller,
    tx: &mut Tx,
    effect: &Effect,
    id: Uuid,
    error: &ProviderError,
) -> Result<(), ApplyError> {
    let Some(mut row) = row::lock(tx, &effect.tenant, id).await? else {
        return Ok(());
    };
    let now = caller.desk.clock.now();
    if row.signature.step == Step::Sending {
        caller.desk.trouble(&mut row, error);
    }
    if caller.recovery(effect) != Recovery::Unsure && row.tries < MOST_ROUNDS {
        let later = later(&mut row, error.tag(), now);
        take_up_again(tx, effect, later).await?;
    }
    row::save(tx, &mut row, &effect.id.to_string(), now).await?;
    Ok(())
}

/// An envelope that must not stay with its signers: called back until it is back, however long its provider is away or its
/// account's consent is missing. It ends by itself at the latest when the envelope does, since one that has ended is
/// nothing to call back.
async fn called_back(
    caller: &Caller,
    tx: &mut Tx,
    effect: &Effect,
    id: Uuid,
    outcome: &Outcome,
) -> Result<(), ApplyError> {
    let Some(mut row) = row::lock(tx, &effect.tenant, id).await? else {
        return Ok(());
    };
    let wish: CallBack = read(&effect.payload).map_err(|error| ApplyError::Dead(error.to_string()))?;
    let now = caller.desk.clock.now();
    match outcome {
        Outcome::Done(_) if wish.other.is_some() => row.signature.second_called_back(now),
        Outcome::Done(_) => row.signature.called_back(now),
        Outcome::Failed(error) => {
            warn(effect, id, error);
            if wish.other.is_none() && !row.signature.is_unwanted() {
                return Ok(());
            }
            at_large(&mut row, &wish, error, now);
            if error.tag() != ErrorTag::Permanent {
                let later = later(&mut row, error.tag(), now);
                caller.desk.recall(tx, &row, &wish, Some(later)).await?;
            }
        }
        Outcome::Unknown { reason } => {
            let kind = ProviderErrorKind::OutcomeUnknown;
            let error = ProviderError::new(kind, "outcome_unknown", reason.as_str());
            at_large(&mut row, &wish, &error, now);
            let later = later(&mut row, error.tag(), now);
            take_up_again(tx, effect, later).await?;
        }
    }
    row::save(tx, &mut row, &effect.id.to_string(), now).await?;
    Ok(())
}

fn at_large(row: &mut Row, wish: &CallBack, error: &ProviderError, now: OffsetDateTime) {
    let (code, detail, tag) = (error.code(), error.detail(), wire::tag(error.tag()));
    match &wish.other {
        None => {
            let detail = format!("{code}: {detail}");
            row.signature.not_called_back(&detail, tag, now);
        }
        Some(other) => {
            let detail = format!("{code}: {detail} (envelope {other})");
            row.signature.second_envelope(&detail, tag, now);
        }
    }
}

/// A call in doubt that settles by itself is not parked, but due again.
async fn take_up_again(tx: &mut Tx, effect: &Effect, at: OffsetDateTime) -> Result<(), ApplyError> {
    if puente_effects::resolve(tx, effect.id, &Resolution::Repeat, BY).await? {
        store::effect::put_off(tx, effect, at).await?;
    }
    Ok(())
}

/// When it is tried again, one time more than before. What a person has to mend is not asked for often.
fn later(row: &mut Row, tag: ErrorTag, now: OffsetDateTime) -> OffsetDateTime {
    row.tries = row.tries.saturating_add(1);
    now + match tag {
        ErrorTag::Temporary => pause(row.tries, FIRST_PAUSE, LONGEST_PAUSE),
        ErrorTag::Permanent | ErrorTag::Configuration => LONGEST_PAUSE,
    }
}
