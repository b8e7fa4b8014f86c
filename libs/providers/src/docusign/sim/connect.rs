//! Connect: what is told of an envelope, signed with every key of the account, and repeated until it is answered.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use puente_webhook_auth::{Encoding, sign};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::desk::Desk;
use super::envelope::{Envelope, moment};
use super::{SLUG, number};
use crate::sim::{Account, Hub, Webhook};

/// ASSUMED: first wait of a message that was not answered with 200, and the longest one.
const FIRST_WAIT_MS: u64 = 15_000;
const LONGEST_WAIT: Duration = Duration::from_hours(24);
/// So many attempts last a week.
const ATTEMPTS: u64 = 16;
/// The longest pause before a message that is late on purpose.
const MAX_DELAY_MS: u64 = 600_000;

/// One message, as the envelope stood when it was made.
#[derive(Debug, Clone)]
pub(super) struct Event {
    kind: &'static str,
    account: String,
    envelope: String,
    recipient: Option<String>,
    at: OffsetDateTime,
    summary: Option<Value>,
    url: String,
}

impl Event {
    pub(super) fn of(
        envelope: &Envelope,
        kind: &'static str,
        recipient: Option<&str>,
        at: OffsetDateTime,
    ) -> Self {
        let notification = envelope.notification.as_ref();
        let summary = notification.is_some_and(|asked| asked.summary);
        Self {
            kind,
            account: envelope.account.clone(),
            envelope: envelope.id.clone(),
            recipient: recipient.map(str::to_owned),
            at,
            summary: summary.then(|| envelope.shown(true, true)),
            url: notification.map(|asked| asked.url.clone()).unwrap_or_default(),
        }
    }

    /// The signed webhook; `attempt` counts from 0.
    fn webhook(&self, account: &Account, attempt: u64) -> Webhook {
        let uri = format!(
            "/restapi/v2.1/accounts/{}/envelopes/{}",
            self.account, self.envelope
        );
        let mut data = json!({"accountId": self.account, "userId": account.setting("user_id", "4214323f-0000-4a0e-80f7-37b3ea7d8665"),
            "envelopeId": self.envelope});
        if let Some(fields) = data.as_object_mut() {
            if let Some(recipient) = &self.recipient {
                fields.insert("recipientId".to_owned(), json!(recipient));
            }
            if let Some(summary) = &self.summary {
                fields.insert("envelopeSummary".to_owned(), summary.clone());
            }
        }
        let body = json!({"event": self.kind, "apiVersion": "v2.1", "uri": uri, "retryCount": attempt,
            "configurationId": 10_363_315, "generatedDateTime": moment(self.at), "data": data})
        .to_string();
        let keys = account
            .secrets
            .iter()
            .filter(|(name, _)| name.starts_with("hmac_key"));
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        for (at, (_, key)) in keys.enumerate() {
            let signature = sign(key, "", Encoding::Base64, &[body.as_bytes()]);
            headers.push((format!("x-docusign-signature-{}", at + 1), signature));
        }
        headers.push(("x-authorization-digest".to_owned(), "HMACSHA256".to_owned()));
        Webhook {
            url: self.url.clone(),
            headers,
            body: Bytes::from(body),
        }
    }
}

/// Queues what the envelope's subscription asks for, as the account's plan wants it.
pub(super) fn tell(hub: &Hub, account: &Arc<Account>, envelope: &Envelope, events: Vec<Event>) {
    let Some(asked) = &envelope.notification else {
        return;
    };
    let plan = &account.callbacks;
    let dropped = |event: &Event| plan.drop.iter().any(|name| name == "*" || name == event.kind);
    let wanted = |event: &Event| asked.events.iter().any(|kind| kind == event.kind) && !dropped(event);
    let mut events: Vec<Event> = events.into_iter().filter(wanted).collect();
    let desk = hub.own::<Desk>();
    let mut shelf = desk.shelf();
    if plan.out_of_order {
        let held = shelf.held.entry(envelope.id.clone()).or_default();
        held.append(&mut events);
        if !envelope.has_ended() {
            return;
        }
        events = shelf.held.remove(&envelope.id).unwrap_or_default();
        events.reverse();
    }
    let repeats = plan.duplicate as usize + 1;
    let all = events
        .into_iter()
        .flat_map(|event| std::iter::repeat_n(event, repeats));
    let idle = !shelf.queues.contains_key(&envelope.id);
    shelf.queues.entry(envelope.id.clone()).or_default().extend(all);
    drop(shelf);
    if idle {
        let (hub_too, id, acknowledged) = (hub.clone(), envelope.id.clone(), asked.acknowledged);
        hub.in_background(SLUG, send(hub_too, id, acknowledged));
    }
}

/// Sends an envelope's messages one after the other. One that is not answered is repeated beside them: others overtake it.
async fn send(hub: Hub, envelope: String, acknowledged: bool) -> bool {
    loop {
        let event = {
            let desk = hub.own::<Desk>();
            let mut shelf = desk.shelf();
            match shelf
                .queues
                .get_mut(&envelope)
                .and_then(std::collections::VecDeque::pop_front)
            {
                Some(event) => event,
                None => {
                    shelf.queues.remove(&envelope);
                    return true;
                }
            }
        };
        let Some(account) = hub.account(SLUG, &event.account) else {
            continue;
        };
        let delay = account.callbacks.delay_ms.min(MAX_DELAY_MS);
        if delay > 0 {
            tokio::time::sleep(Duration::from_millis(delay)).await;
        }
        if !attempt(&hub, &account, &event, 0).await && acknowledged {
            hub.in_background(SLUG, repeat(hub.clone(), event));
        }
    }
}

/// Repeats a message until it is answered or given up.
async fn repeat(hub: Hub, event: Event) -> bool {
    let Some(account) = hub.account(SLUG, &event.account) else {
        return false;
    };
    let mut wait = Duration::from_millis(number(&account, "connect_first_wait_ms", FIRST_WAIT_MS));
    for retry in 1..number(&account, "connect_attempts", ATTEMPTS) {
        tokio::time::sleep(wait).await;
        if attempt(&hub, &account, &event, retry).await {
            return true;
        }
        wait = (wait * 2).min(LONGEST_WAIT);
    }
    false
}

/// Only 200 counts, as an older guide of DocuSign says.
async fn attempt(hub: &Hub, account: &Account, event: &Event, count: u64) -> bool {
    hub.post(&event.webhook(account, count)).await == Ok(200)
}
