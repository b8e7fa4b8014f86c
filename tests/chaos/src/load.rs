//! People who order by WhatsApp for as long as the run lasts, through the simulators' signed webhooks.
//!
//! Each conversation has a phone of its own and goes as a person would: the next message is written when the bot has
//! answered the last one, or its answer is parked. The provider's side is as rough as real ones are: deliveries are
//! repeated until 2xx, some once more after it, and some old ones come again after newer ones. The number of people
//! bounds the rate.
//!
//! Half of the orders go on: an agent quotes them and sends the contract, and the signers sign by themselves.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use puente_e2e::{CONVERSATION, Person};
use puente_providers::sim::{Hub, Inbound, Webhook};
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::desk::Desk;
use crate::dice::Dice;
use crate::ledger::{Acknowledged, Contract, Ledger};

/// The simulators that people write through.
pub const PROVIDERS: [&str; 2] = ["whatsapp_cloud", "jelou"];
/// The tenant whose orders are signed.
pub(crate) const SIGNING_TENANT: &str = "algesta";
/// So many of a hundred orders are.
const SIGNED: u64 = 50;
/// The vendor's pause before it delivers again.
const AGAIN: Duration = Duration::from_millis(100);
/// The vendor's patience with one delivery; longer than the commit deadline of ingress.
const PATIENCE: Duration = Duration::from_secs(8);
/// How long a person waits for an answer before turning away. What never came is found by the judge.
const ANSWER: Duration = Duration::from_secs(90);
/// How often answers are looked for.
const LOOK: Duration = Duration::from_millis(100);
/// A person types this long at most.
const TYPING_MS: u64 = 200;

/// References of the answers that reached each phone, or are parked.
type Answers = Arc<HashMap<String, HashSet<String>>>;

/// The load, running.
pub struct Load {
    stop: CancellationToken,
    people: JoinSet<()>,
}

#[derive(Clone)]
struct Street {
    hub: Hub,
    http: reqwest::Client,
    ingress: String,
    ledger: Arc<Ledger>,
    answers: watch::Receiver<Answers>,
    pool: PgPool,
    desk: Desk,
    stop: CancellationToken,
    next_phone: Arc<AtomicUsize>,
}

impl Load {
    /// Lets so many people write at the same time.
    pub fn start(
        hub: &Hub,
        pool: PgPool,
        ingress: &str,
        desk: &Desk,
        ledger: &Arc<Ledger>,
        people: usize,
        seed: u64,
    ) -> Self {
        let stop = CancellationToken::new();
        let (told, answers) = watch::channel(Answers::default());
        let street = Street {
            hub: hub.clone(),
            http: reqwest::Client::builder()
                .no_proxy()
                .timeout(PATIENCE)
                .build()
                .unwrap(),
            ingress: ingress.to_owned(),
            ledger: ledger.clone(),
            answers,
            pool: pool.clone(),
            desk: desk.clone(),
            stop: stop.clone(),
            next_phone: Arc::default(),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(watch_answers(hub.clone(), pool, told, stop.clone()));
        for n in 0..people {
            let dice = Dice::of(seed, 1 + n as u64);
            tasks.spawn(street.clone().live(dice));
        }
        Self { stop, people: tasks }
    }

    /// Lets everybody finish the message that they are at.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.people.join_next().await {
            ended.unwrap();
        }
    }
}

impl Street {
    async fn live(self, mut dice: Dice) {
        while !self.stop.is_cancelled() {
            let n = self.next_phone.fetch_add(1, Ordering::Relaxed);
            let person = match n % 3 {
                0 => Person::on_cloud(n),
                1 => Person::on_jelou(n),
                _ => Person::of_norte(n),
            };
            self.converse(&person, &mut dice).await;
        }
    }

    async fn converse(&self, person: &Person, dice: &mut Dice) {
        let mut last: Option<Webhook> = None;
        for (n, text) in CONVERSATION.iter().enumerate() {
            if self.stop.is_cancelled() {
                return;
            }
            let id = format!("wamid.{}", uuid::Uuid::now_v7().simple());
            let mut inbound = Inbound::text(person.account, &person.phone, text);
            inbound.name = "Ana".into();
            inbound.id = Some(id.clone());
            let webhook = self.hub.webhook(person.provider, &inbound).unwrap();
            if !self.deliver(&webhook).await {
                return;
            }
            self.ledger.acknowledged(Acknowledged {
                provider: person.provider,
                phone: person.phone.clone(),
                id,
            });
            // The vendor did not see our answer, or thinks so.
            for _ in 0..dice.below(3) {
                self.deliver_again(&webhook).await;
            }
            if let Some(old) = last.filter(|_| dice.chance(20)) {
                self.deliver_again(&old).await;
            }
            last = Some(webhook);
            if !self.answered(&person.phone, n + 1).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(dice.below(TYPING_MS))).await;
        }
        if dice.chance(SIGNED) {
            self.sign(&person.phone).await;
        }
    }

    /// Has the contract of this phone's order sent. What is answered must happen, once; what is not, need not.
    async fn sign(&self, phone: &str) {
        let found: Result<Option<(i64,)>, _> =
            sqlx::query_as("SELECT number FROM orders.orders WHERE contact_id = $1 AND tenant = $2")
                .bind(phone)
                .bind(SIGNING_TENANT)
                .fetch_optional(&self.pool)
                .await;
        let Ok(Some((number,))) = found else { return };
        let number = format!("OT-{number:06}");
        let sent = tokio::select! {
            request = self.desk.send_to_signature(&number) => request,
            () = self.stop.cancelled() => return,
        };
        self.ledger.sent_to_signature(Contract {
            number,
            request: sent,
        });
    }

    /// Delivers until 2xx. False when the run ended before: then nobody may count on the message.
    async fn deliver(&self, webhook: &Webhook) -> bool {
        loop {
            match self.post(webhook).await {
                Some(true) => return true,
                Some(false) => self.ledger.refused(),
                None => self.ledger.unanswered(),
            }
            if self.stop.is_cancelled() {
                return false;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn deliver_again(&self, webhook: &Webhook) {
        match self.post(webhook).await {
            Some(true) => self.ledger.repeated(),
            Some(false) => self.ledger.refused(),
            None => self.ledger.unanswered(),
        }
    }

    /// Whether the answer was 2xx; nothing when there was none.
    async fn post(&self, webhook: &Webhook) -> Option<bool> {
        let (_, path) = webhook.url.split_once("/webhooks/").unwrap();
        let request = self.http.post(format!("{}/webhooks/{path}", self.ingress));
        let request = webhook
            .headers
            .iter()
            .fold(request, |request, (name, value)| request.header(name, value));
        let answer = request.body(webhook.body.clone()).send().await.ok()?;
        Some(answer.status().is_success())
    }

    async fn answered(&self, phone: &str, wanted: usize) -> bool {
        let mut answers = self.answers.clone();
        let enough = answers.wait_for(|all| all.get(phone).is_some_and(|told| told.len() >= wanted));
        tokio::select! {
            enough = tokio::time::timeout(ANSWER, enough) => matches!(enough, Ok(Ok(_))),
            () = self.stop.cancelled() => false,
        }
    }
}

async fn watch_answers(hub: Hub, pool: PgPool, told: watch::Sender<Answers>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let mut all: HashMap<String, HashSet<String>> = HashMap::new();
        for provider in PROVIDERS {
            for entry in hub.journal(provider) {
                let reference = entry.reference.unwrap_or(entry.provider_message_id);
                all.entry(entry.recipient).or_default().insert(reference);
            }
        }
        let parked: Result<Vec<(String, String)>, _> = sqlx::query_as(
            "SELECT payload ->> 'to', payload ->> 'reference' FROM notifications.effects WHERE state = 'unknown'",
        )
        .fetch_all(&pool)
        .await;
        for (phone, reference) in parked.unwrap_or_default() {
            all.entry(phone).or_default().insert(reference);
        }
        told.send_replace(Arc::new(all));
        tokio::time::sleep(LOOK).await;
    }
}
