//! The effects `envelopes.*`: the only place that changes something at a provider.
//!
//! What a call needs is read when it is made: the request as it stands, the contract from the store of documents, today's
//! access to the account. The token that a call goes out with was refused? Then it is renewed once, and the call repeated.

mod doubt;
mod outcome;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use puente_blob::Blobs;
use puente_effects::{Effect, EffectExecutor, Outcome};
use puente_outbox::{ApplyError, Outbox, Tx};
use puente_ports::{
    CallCtx, CreatedEnvelope, Decision, EnvelopeDocument, EnvelopeSigner, NewEnvelope, ProviderError,
    ProviderErrorKind, Recovery,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::domain::signer::Role;
use crate::domain::state::Step;
use crate::infrastructure::access::{Access, over, renewed};
use crate::infrastructure::desk::{CREATE, CallBack, Desk, RESEND, Send, VOID};
use crate::infrastructure::files;
use crate::infrastructure::store::row::{self, Row};
use crate::infrastructure::texts::Texts;

/// The request is no longer to be sent: nothing was called.
const NOT_WANTED: &str = "no_longer_wanted";

/// What a call that sends an envelope found or made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Made {
    pub(crate) envelope_id: String,
}

/// Calls providers, and takes in what became of it.
pub(crate) struct Caller {
    pub(crate) desk: Arc<Desk>,
    pub(crate) outbox: Outbox,
    pub(crate) blobs: Blobs,
    pub(crate) access: Arc<dyn Access>,
    pub(crate) texts: Texts,
    /// How long after a call that was cut off had begun its envelope is looked for before another one is sent.
    pub(crate) doubt: Duration,
    /// Where providers reach our webhooks; empty when they cannot.
    pub(crate) callback_url: String,
}

#[async_trait]
impl EffectExecutor for Caller {
    fn recovery(&self, effect: &Effect) -> Recovery {
        match effect.operation.as_str() {
            CREATE => self
                .desk
                .chooser
                .adapter(&effect.provider)
                .map_or(Recovery::Unsure, |adapter| adapter.recovery()),
            // What has ended is left as it is; and one e-mail too many does no harm, while one too few stops a signature.
            _ => Recovery::Repeatable,
        }
    }

    async fn call(&self, effect: &Effect, ctx: CallCtx<'_>) -> Result<Value, ProviderError> {
        let called = self.dispatch(effect, ctx).await;
        if let Err(error) = &called
            && effect.operation == CREATE
            && matches!(error.decision(), Decision::Retry { .. } | Decision::Settle)
        {
            // The call is made again, and meanwhile people see why nothing moves.
            self.show(effect, error).await;
        }
        called
    }

    async fn find(&self, effect: &Effect, ctx: CallCtx<'_>) -> Result<Option<Value>, ProviderError> {
        if effect.operation != CREATE {
            return Ok(None);
        }
        let found = self.look_up(effect, ctx).await?;
        found.map(|found| made(&found)).transpose()
    }

    async fn settled(&self, tx: &mut Tx, effect: &Effect, outcome: &Outcome) -> Result<(), ApplyError> {
        outcome::settled(self, tx, effect, outcome).await
    }
}

impl Caller {
    async fn dispatch(&self, effect: &Effect, ctx: CallCtx<'_>) -> Result<Value, ProviderError> {
        let row = self.request(effect).await?;
        match effect.operation.as_str() {
            CREATE => self.create(effect, ctx, &row).await,
            VOID => self.void(effect, ctx, &row).await,
            RESEND => self.resend(effect, ctx, &row).await,
            _ => Err(ProviderError::malformed("unknown operation")),
        }
    }

    async fn create(&self, effect: &Effect, ctx: CallCtx<'_>, row: &Row) -> Result<Value, ProviderError> {
        if let Some(envelope_id) = row.signature.envelope_id.clone() {
            return value(&Made { envelope_id });
        }
        let given: Send = read(&effect.payload)?;
        // An envelope may be there already: it is looked for before another one is made.
        if given.again || effect.attempts > 1 {
            if let Some(found) = self.look_up(effect, ctx).await? {
                return made(&found);
            }
            self.over(row)?;
        }
        if row.signature.step != Step::Sending {
            let detail = "the request went another way meanwhile";
            return Err(ProviderError::new(
                ProviderErrorKind::Rejected,
                NOT_WANTED,
                detail,
            ));
        }
        let pdf = files::contract(&self.blobs, row).await?;
        let adapter = self.desk.chooser.adapter(&effect.provider)?;
        let envelope = self.envelope(row, pdf);
        let ready = self.access.ready(ctx.connection).await?;
        self.posting(row).await?;
        let first = adapter.create(over(ctx, &ready), &envelope).await;
        let created = match renewed(&*self.access, ctx.connection, &ready, &first).await {
            Ok(None) => first,
            Ok(Some(ready)) => adapter.create(over(ctx, &ready), &envelope).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &created
            && error.decision() != Decision::Settle
        {
            self.not_posted(row).await;
        }
        made(&created?)
    }

    async fn void(&self, effect: &Effect, ctx: CallCtx<'_>, row: &Row) -> Result<Value, ProviderError> {
        let given: CallBack = read(&effect.payload)?;
        let own = row.signature.envelope_id.as_deref();
        let Some(envelope_id) = given.other.as_deref().or(own) else {
            return Ok(Value::Null);
        };
        let reason = match (given.reason.as_str(), &given.other) {
            ("", None) => self.texts.by_hand(),
            ("", Some(_)) => self.texts.twice(),
            (reason, _) => reason,
        };
        let adapter = self.desk.chooser.adapter(&effect.provider)?;
        let ready = self.access.ready(ctx.connection).await?;
        let first = adapter.void(over(ctx, &ready), envelope_id, reason).await;
        match renewed(&*self.access, ctx.connection, &ready, &first).await? {
            None => first?,
            Some(ready) => adapter.void(over(ctx, &ready), envelope_id, reason).await?,
        }
        Ok(Value::Null)
    }

    async fn resend(&self, effect: &Effect, ctx: CallCtx<'_>, row: &Row) -> Result<Value, ProviderError> {
        let waits = row.signature.step == Step::Waiting;
        let Some(envelope_id) = row.signature.envelope_id.as_deref().filter(|_| waits) else {
            return Ok(Value::Null);
        };
        let adapter = self.desk.chooser.adapter(&effect.provider)?;
        let ready = self.access.ready(ctx.connection).await?;
        let first = adapter.resend(over(ctx, &ready), envelope_id).await;
        match renewed(&*self.access, ctx.connection, &ready, &first).await? {
            None => first?,
            Some(ready) => adapter.resend(over(ctx, &ready), envelope_id).await?,
        }
        Ok(Value::Null)
    }

    async fn look_up(
        &self,
        effect: &Effect,
        ctx: CallCtx<'_>,
    ) -> Result<Option<CreatedEnvelope>, ProviderError> {
        let adapter = self.desk.chooser.adapter(&effect.provider)?;
        let ready = self.access.ready(ctx.connection).await?;
        let reference = effect.subject_id.as_str();
        let first = adapter.find(over(ctx, &ready), reference).await;
        match renewed(&*self.access, ctx.connection, &ready, &first).await? {
            None => first,
            Some(ready) => adapter.find(over(ctx, &ready), reference).await,
        }
    }

    fn envelope(&self, row: &Row, pdf: bytes::Bytes) -> NewEnvelope {
        let order = [1, 2, 3];
        let signers = Role::ALL.into_iter().zip(order).map(|(role, order)| {
            let party = row.wanted.party(role);
            EnvelopeSigner {
                recipient_id: role.recipient_id().to_owned(),
                order,
                name: party.name,
                email: party.email,
                anchor: files::anchor(role).to_owned(),
            }
        });
        let callback = self.callback_url.trim_end_matches('/');
        NewEnvelope {
            reference: row.id.to_string(),
            subject: self.texts.subject(&row.number),
            message: self.texts.message().to_owned(),
            documents: vec![EnvelopeDocument {
                name: files::Part::Contract.file_name(row),
                pdf,
            }],
            signers: signers.collect(),
            callback_url: if callback.is_empty() {
                String::new()
            } else {
                format!("{callback}/webhooks/{}/{}", row.provider, row.connection)
            },
        }
    }

    /// The request of an effect as it stands now.
    async fn request(&self, effect: &Effect) -> Result<Row, ProviderError> {
        let id = request_id(effect)?;
        let read = async {
            let mut database = self.outbox.pool().acquire().await?;
            row::read(&mut database, &effect.tenant, id).await
        };
        match read.await {
            Ok(Some(row)) => Ok(row),
            Ok(None) => Err(ProviderError::new(
                ProviderErrorKind::Rejected,
                "request_gone",
                "the request is no longer kept",
            )),
            Err(_) => Err(doubt::no_database()),
        }
    }

    /// Shows why a call is made again. What cannot be written now is written with the next failure.
    async fn show(&self, effect: &Effect, error: &ProviderError) {
        let written = async {
            let Ok(id) = request_id(effect) else { return Ok(()) };
            let mut tx = self
                .outbox
                .begin()
                .await
                .map_err(puente_outbox::OutboxError::from)?;
            if let Some(mut row) = row::lock(&mut tx, &effect.tenant, id).await?
                && row.signature.step == Step::Sending
            {
                self.desk.trouble(&mut row, error);
                let cause = effect.id.to_string();
                row::save(&mut tx, &mut row, &cause, self.desk.clock.now()).await?;
                tx.commit().await?;
            }
            Ok::<_, puente_outbox::OutboxError>(())
        };
        if let Err(error) = written.await {
            tracing::debug!(error = %error, "a problem is shown later");
        }
    }
}

/// The request of an effect.
pub(crate) fn request_id(effect: &Effect) -> Result<Uuid, ProviderError> {
    effect
        .subject_id
        .parse()
        .map_err(|_| ProviderError::malformed("the effect names no request"))
}

pub(crate) fn read<T: serde::de::DeserializeOwned>(payload: &Value) -> Result<T, ProviderError> {
    serde_json::from_value(payload.clone()).map_err(|_| ProviderError::malformed("the effect cannot be read"))
}

fn made(envelope: &CreatedEnvelope) -> Result<Value, ProviderError> {
    value(&Made {
        envelope_id: envelope.envelope_id.clone(),
    })
}

fn value<T: Serialize>(result: &T) -> Result<Value, ProviderError> {
    serde_json::to_value(result).map_err(|_| ProviderError::malformed("the result cannot be written"))
}
