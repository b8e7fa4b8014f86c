//! The effect `messages.send`: the only place that hands a message to a provider.

use std::sync::Arc;

use async_trait::async_trait;
use puente_effects::{Effect, EffectExecutor, Outcome};
use puente_outbox::{ApplyError, Tx};
use puente_ports::{
    CallCtx, MessageChannel, OutboundMessage, ProviderError, ProviderErrorKind, Recovery, Registry, Sent,
};
use puente_types::MessageId;
use serde_json::Value;
use sqlx::PgPool;

use crate::domain::consent::Consent;
use crate::domain::state::State;
use crate::infrastructure::desk::{CONSENT_TEXTS, Desk, SEND};
use crate::infrastructure::receipts;
use crate::infrastructure::store::contact;
use crate::infrastructure::store::identity;
use crate::infrastructure::store::message::{self, Report};

/// Sends messages and takes in what became of them.
pub(crate) struct Sender {
    pub(crate) desk: Arc<Desk>,
    pub(crate) pool: PgPool,
    pub(crate) registry: Registry,
}

impl Sender {
    fn channel(&self, effect: &Effect) -> Result<&'static dyn MessageChannel, ProviderError> {
        let channel = (self.registry)(&effect.provider).and_then(|provider| provider.message());
        channel.ok_or_else(|| {
            ProviderError::configuration("channel_missing", "the provider carries no messages")
        })
    }

    /// What became of the message while it waited. A receipt may have proved that an attempt which seemed to have
    /// failed went through: then there is nothing left to call. And the contact may have asked for silence.
    async fn meanwhile(&self, effect: &Effect) -> Result<Option<Sent>, ProviderError> {
        let id = message_id(effect)?;
        let rejected =
            |code: &str, detail: &str| ProviderError::new(ProviderErrorKind::Rejected, code, detail);
        let read = async {
            let mut database = self.pool.acquire().await?;
            let Some(standing) = message::standing(&mut database, &effect.tenant, id).await? else {
                return Ok::<_, sqlx::Error>(None);
            };
            let connection = effect.connection.as_str();
            let known =
                contact::find(&mut database, &effect.tenant, connection, &standing.contact_id).await?;
            Ok(Some((standing, known.consent())))
        };
        let Ok(read) = read.await else {
            let kind = ProviderErrorKind::Unavailable { retry_after: None };
            return Err(ProviderError::new(
                kind,
                "database",
                "the database did not answer before the call",
            ));
        };
        let Some((standing, consent)) = read else {
            return Err(rejected("message_gone", "the message is no longer kept"));
        };
        if let Some(provider_message_id) = standing.provider_message_id {
            return Ok(Some(Sent {
                provider_message_id,
                contact_id: None,
            }));
        }
        if standing.state == State::Failed {
            return Err(rejected("already_failed", "a receipt says that it failed"));
        }
        if consent == Consent::OptedOut && !CONSENT_TEXTS.contains(&standing.template.as_str()) {
            return Err(rejected("opted_out", "the contact asked for no more messages"));
        }
        Ok(None)
    }
}

fn message_id(effect: &Effect) -> Result<MessageId, ProviderError> {
    effect
        .subject_id
        .parse()
        .map_err(|_| ProviderError::malformed("the effect names no message"))
}

fn value(sent: &Sent) -> Result<Value, ProviderError> {
    serde_json::to_value(sent).map_err(|_| ProviderError::malformed("the result cannot be written"))
}

#[async_trait]
impl EffectExecutor for Sender {
    fn recovery(&self, effect: &Effect) -> Recovery {
        self.channel(effect)
            .map_or(Recovery::Unsure, |channel| channel.recovery())
    }

    async fn call(&self, effect: &Effect, ctx: CallCtx<'_>) -> Result<Value, ProviderError> {
        if effect.operation != SEND {
            return Err(ProviderError::malformed("unknown operation"));
        }
        let channel = self.channel(effect)?;
        let outbound: OutboundMessage = serde_json::from_value(effect.payload.clone())
            .map_err(|_| ProviderError::malformed("the effect holds no message"))?;
        if let Some(sent) = self.meanwhile(effect).await? {
            return value(&sent);
        }
        value(&channel.send(ctx, &outbound).await?)
    }

    async fn find(&self, effect: &Effect, ctx: CallCtx<'_>) -> Result<Option<Value>, ProviderError> {
        let found = self.channel(effect)?.find(ctx, &effect.key).await?;
        found.as_ref().map(value).transpose()
    }

    async fn settled(&self, tx: &mut Tx, effect: &Effect, outcome: &Outcome) -> Result<(), ApplyError> {
        let Ok(id) = message_id(effect) else { return Ok(()) };
        let now = self.desk.clock.now();
        let prices = &self.desk.policy.prices;
        let mut report = Report {
            state: State::Sent,
            at: now,
            source: "call",
            error: None,
            billable: None,
            price_category: None,
            cause: effect.id.to_string(),
        };
        match outcome {
            Outcome::Done(result) => {
                let sent: Sent = serde_json::from_value(result.clone())
                    .map_err(|_| ApplyError::Dead("the result of a send is none".to_owned()))?;
                let connection = effect.connection.as_str();
                identity::lock_provider_id(tx, &effect.tenant, connection, &sent.provider_message_id).await?;
                let Some(mut row) = message::lock(tx, &effect.tenant, id).await? else {
                    return Ok(());
                };
                identity::name(
                    tx,
                    &mut row,
                    &sent.provider_message_id,
                    sent.contact_id.as_deref(),
                )
                .await?;
                message::hear(tx, &mut row, &report, prices).await?;
                receipts::drain(tx, &mut row, self.registry, prices).await?;
            }
            Outcome::Failed(error) => {
                let Some(mut row) = message::lock(tx, &effect.tenant, id).await? else {
                    return Ok(());
                };
                report.state = State::Failed;
                report.error = Some((error.code().to_owned(), error.tag().as_str()));
                message::hear(tx, &mut row, &report, prices).await?;
                // Perhaps a template was paused meanwhile: the next message should know.
                if *error.kind() == ProviderErrorKind::Configuration {
                    self.desk.listings.ask(effect.connection.clone());
                }
            }
            Outcome::Unknown { reason } => {
                let Some(mut row) = message::lock(tx, &effect.tenant, id).await? else {
                    return Ok(());
                };
                if row.state == State::Queued {
                    message::park(tx, &mut row, effect.id, reason, now).await?;
                }
            }
        }
        Ok(())
    }
}
