//! A conversation: the person writes, the bot answers by the provider, and the person answers that.

use std::time::Duration;

use anyhow::{anyhow, bail, ensure};
use puente_proto::notifications::DeliveryState;

use crate::demo::cast::Person;
use crate::demo::ledger::Queued;
use crate::demo::post::Answer;
use crate::demo::{Demo, Level, PROVIDERS, hop};

/// A busy machine takes seconds for a turn; an answer that takes longer is lost.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often an awaited end is looked for.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// The longest conversation has some ten turns.
const MOST_TURNS: usize = 20;
/// The text that confirms an order.
const CONFIRMATION: &str = "order_opened";
/// The question whose answer opens the order: from here on every hop is shown.
const LAST_QUESTION: &str = "order_confirm";

impl Demo {
    /// A person writes once, and the webhook must be accepted.
    pub(crate) async fn say(&self, person: &Person, text: &str) -> anyhow::Result<Answer> {
        let webhook = self.hub.webhook(person.provider, &person.message(text))?;
        if self.show.at_least(Level::Outside) {
            tokio::time::sleep(self.pace.typing).await;
            self.screen.hop(&hop::person(&person.name, text));
        }
        let answer = self.post.send(&webhook).await?;
        let accepted = answer.word == "accepted";
        if self.show.at_least(Level::Outside) {
            self.screen.hop(&hop::answer(&answer, accepted));
        }
        ensure!(
            accepted,
            "a webhook of {} was answered with {} {}",
            person.provider,
            answer.status,
            answer.word
        );
        Ok(answer)
    }

    /// Waits until the `n`-th message to a person has reached the provider.
    pub(crate) async fn hear(&self, person: &Person, n: usize) -> anyhow::Result<Queued> {
        let what = format!("message {} to {}", n + 1, person.name);
        self.timeline
            .until(PATIENCE, &what, |ledger| {
                let queued = ledger.message_to(&person.contact, n)?;
                ledger
                    .reached(&queued.message_id, DeliveryState::Sent)
                    .then_some(queued)
            })
            .await
    }

    /// Goes on with a conversation until the order is confirmed. The opening has been said; `heard` messages have
    /// been answered.
    pub(crate) async fn until_confirmed(&self, person: &Person, mut heard: usize) -> anyhow::Result<()> {
        for _ in 0..MOST_TURNS {
            let reply = self.hear(person, heard).await?;
            heard += 1;
            if reply.template == CONFIRMATION {
                return Ok(());
            }
            let Some(answer) = person.answer(&reply.template) else {
                bail!(
                    "{} does not know what to answer to `{}`",
                    person.name,
                    reply.template
                );
            };
            if reply.template == LAST_QUESTION && self.show.at_least(Level::Outside) {
                // What is left of earlier messages would only confuse.
                self.until_quiet().await?;
                self.show.set(Level::Every);
            }
            self.say(person, &answer).await?;
        }
        bail!("{} and the bot talk in circles", person.name)
    }

    /// Waits until a person has read everything that was sent to them.
    pub(crate) async fn until_read(&self, person: &Person) -> anyhow::Result<()> {
        let what = format!("{} to have read everything", person.name);
        self.timeline
            .until(PATIENCE, &what, |ledger| {
                ledger.all_read(&person.contact).then_some(())
            })
            .await
    }

    /// Waits until the providers have reported on everything that they sent.
    pub(crate) async fn until_quiet(&self) -> anyhow::Result<()> {
        let quiet = async {
            while PROVIDERS.iter().any(|slug| self.hub.callbacks(slug).pending > 0) {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        let late = |_| anyhow!("the providers' receipts do not come to an end");
        tokio::time::timeout(PATIENCE, quiet).await.map_err(late)
    }

    /// Waits until as many messages of a person as were accepted have become events.
    pub(crate) async fn until_heard(&self, person: &Person, messages: usize) -> anyhow::Result<()> {
        let what = format!("the messages of {}", person.name);
        let heard = |ledger: &crate::demo::ledger::Ledger| {
            (ledger.heard_from(&person.contact) >= messages).then_some(())
        };
        self.timeline.until(PATIENCE, &what, heard).await
    }
}
