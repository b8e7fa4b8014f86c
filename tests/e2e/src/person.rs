//! A person who writes on WhatsApp, waits for the bot's answer, and writes again.

use std::collections::BTreeSet;

use puente_providers::sim::Inbound;
use puente_testkit::wait_for;
use reqwest::StatusCode;

use crate::{ALGESTA_NUMBER, JELOU_BOT, NORTE_NUMBER, PATIENCE, Stage};

/// What leads from the first word to an order.
pub const CONVERSATION: &[&str] = &[
    "Hola",
    "Necesito reparar la nevera, no enfría desde ayer",
    "Ana María Gómez",
    "ana.gomez@example.com",
    "Calle 10 # 20-30, Bogotá",
    "sí",
];

/// Somebody with a phone.
#[derive(Debug, Clone)]
pub struct Person {
    /// The provider that carries the messages.
    pub provider: &'static str,
    /// The account that is written to.
    pub account: &'static str,
    /// The phone's digits.
    pub phone: String,
}

impl Person {
    /// A client of the tenant `algesta` on the Cloud API.
    #[must_use]
    pub fn on_cloud(n: usize) -> Self {
        Self {
            provider: "whatsapp_cloud",
            account: ALGESTA_NUMBER,
            phone: format!("57300{n:07}"),
        }
    }

    /// A client of the tenant `algesta` on Jelou.
    #[must_use]
    pub fn on_jelou(n: usize) -> Self {
        Self {
            provider: "jelou",
            account: JELOU_BOT,
            phone: format!("57310{n:07}"),
        }
    }

    /// A client of the tenant `norte`.
    #[must_use]
    pub fn of_norte(n: usize) -> Self {
        Self {
            provider: "whatsapp_cloud",
            account: NORTE_NUMBER,
            phone: format!("57320{n:07}"),
        }
    }

    /// Delivers one message as the provider would: again until it is taken, and then `extra` times more.
    pub async fn say(&self, stage: &Stage, ingress: &str, text: &str, extra: usize) {
        let inbound = Inbound::text(self.account, &self.phone, text);
        self.deliver(stage, ingress, inbound, extra).await;
    }

    /// The same with a photograph, which stays at the provider until it is fetched.
    pub async fn show(&self, stage: &Stage, ingress: &str, jpeg: &[u8], caption: &str, extra: usize) {
        let mut inbound = Inbound::text(self.account, &self.phone, caption);
        inbound.kind = "image".into();
        inbound.payload = stage.hub.put_media(self.provider, jpeg.to_vec(), "image/jpeg");
        self.deliver(stage, ingress, inbound, extra).await;
    }

    async fn deliver(&self, stage: &Stage, ingress: &str, mut inbound: Inbound, extra: usize) {
        inbound.name = "Ana".into();
        let webhook = stage.hub.webhook(self.provider, &inbound).unwrap();
        let path = webhook
            .url
            .split_once("/webhooks/")
            .map(|(_, rest)| format!("/webhooks/{rest}"))
            .unwrap();
        let deliver = || async {
            let request = stage.http.post(format!("{ingress}{path}"));
            let request = webhook
                .headers
                .iter()
                .fold(request, |r, (name, value)| r.header(name, value));
            match request.body(webhook.body.clone()).send().await {
                Ok(answer) if answer.status() == StatusCode::OK => Ok(()),
                Ok(answer) => Err(answer.status().to_string()),
                Err(error) => Err(error.to_string()),
            }
        };
        for _ in 0..=extra {
            wait_for("the webhook to be taken", PATIENCE, deliver).await;
        }
    }

    /// Goes through the whole conversation, each message delivered once and `extra` times more, waiting for the bot's
    /// answer, or for its send to be parked, before writing again. Returns the number of answers.
    pub async fn order(&self, stage: &Stage, ingress: &str, extra: usize) -> usize {
        let before = self.answers(stage).await;
        for (n, text) in CONVERSATION.iter().enumerate() {
            self.say(stage, ingress, text, extra).await;
            self.wait_for_answers(stage, before + n + 1).await;
        }
        CONVERSATION.len()
    }

    /// Waits until so many answers have come in all.
    pub async fn wait_for_answers(&self, stage: &Stage, wanted: usize) {
        wait_for("the bot's answer", PATIENCE, || async {
            let answers = self.answers(stage).await;
            if answers >= wanted {
                Ok(())
            } else {
                Err(format!("{answers} of {wanted}"))
            }
        })
        .await;
    }

    /// What the last answer says.
    #[must_use]
    pub fn told(&self, stage: &Stage) -> String {
        let told = stage.journal_of(self.provider, &self.phone);
        told.last().map(|entry| entry.text.clone()).unwrap_or_default()
    }

    /// The number of the order that the last answer names: `OT-000042`.
    #[must_use]
    pub fn order_number(&self, stage: &Stage) -> String {
        let told = stage.journal_of(self.provider, &self.phone);
        let text = &told.last().expect("an answer").text;
        let rest = text
            .split_once("OT-")
            .map(|(_, rest)| rest)
            .expect("an order number");
        format!(
            "OT-{}",
            rest.chars().take_while(char::is_ascii_digit).collect::<String>()
        )
    }

    /// Answers that reached the phone, or whose fate is in doubt; one that is both counts once.
    pub async fn answers(&self, stage: &Stage) -> usize {
        let parked: Vec<String> = sqlx::query_scalar(
            "SELECT payload ->> 'reference' FROM notifications.effects WHERE state = 'unknown' AND payload ->> 'to' = $1",
        )
        .bind(&self.phone)
        .fetch_all(&stage.db.admin())
        .await
        .unwrap_or_default();
        let told = stage.journal_of(self.provider, &self.phone);
        let told = told
            .into_iter()
            .map(|entry| entry.reference.unwrap_or(entry.provider_message_id));
        told.chain(parked).collect::<BTreeSet<_>>().len()
    }
}
