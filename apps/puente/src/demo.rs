//! The demo: the whole journey on this machine, over real HTTP, with the providers' simulators as vendors and judges.
//!
//! - `cast`: who takes part · `chat`: a conversation, one message after the other · `gate`: what must not get in
//! - `desk` and `signing`: the agent sends a contract, three people sign it
//! - `plate`: the technician's photograph becomes a record sheet
//! - `post`: webhooks over HTTP · `timeline` and `ledger`: every event of the fleet · `hop` and `screen`: what is shown
//! - `verdict`: what was promised against what happened · `story`: the order of it all · `load`: many at once
//!
//! It exits with 1 when anything was lost, doubled, or let through.

mod cast;
mod chat;
mod desk;
mod gate;
mod hop;
mod ledger;
mod load;
mod plate;
mod post;
mod screen;
mod signing;
mod story;
mod timeline;
mod verdict;

use std::collections::HashSet;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, anyhow};
use puente_bus::Envelope;
use puente_proto::messaging::ReceiptChanged;
use puente_proto::notifications::MessageStateChanged;
use puente_providers::sim::Hub;
use puente_service::NatsConfig;

use crate::command::connections::connect;
use crate::exit::{Done, Failed};
use crate::stage::Stage;
use crate::ui::Ui;

use post::Post;
use screen::Screen;
use timeline::Timeline;

/// The providers that take part.
const PROVIDERS: [&str; 2] = ["whatsapp_cloud", "jelou"];
/// Until a service has heard of the connections; they travel by the broker.
const INTRODUCTION: Duration = Duration::from_secs(20);

/// How the demo is played.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// The pause before a person's message, as if it were typed.
    pub(crate) typing: Duration,
    /// Conversations after the story.
    pub(crate) load: u32,
    /// Whether there is a desktop to open the contract on.
    pub(crate) desktop: bool,
}

/// What every part of the demo works with. Clones share it.
#[derive(Clone)]
struct Demo {
    screen: Screen,
    post: Post,
    timeline: Timeline,
    hub: Hub,
    show: Show,
    pace: Pace,
}

/// How much of what happens is shown.
#[derive(Debug, Clone, Default)]
struct Show(Arc<AtomicU8>);

/// A level of [`Show`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    /// Only the bar.
    Nothing = 0,
    /// What people and providers would notice.
    Outside = 1,
    /// Every hop.
    Every = 2,
}

impl Show {
    fn set(&self, level: Level) {
        self.0.store(level as u8, Ordering::Relaxed);
    }

    fn at_least(&self, level: Level) -> bool {
        self.0.load(Ordering::Relaxed) >= level as u8
    }
}

/// Plays everything on a raised stage.
pub(crate) async fn play(stage: &Stage, broker: &NatsConfig, pace: Pace, ui: &Ui) -> Done {
    let simulators = stage
        .simulators
        .as_ref()
        .context("the demo needs the simulators")?;
    let webhooks = stage
        .state
        .endpoints
        .get("webhooks")
        .context("ingress does not listen")?;
    let console = stage
        .state
        .endpoints
        .get("console")
        .context("the gateway does not listen")?;
    let agent_key = stage.agent_key().await?;
    let client = connect(broker).await?;
    let (screen, show) = (Screen::new(*ui), Show::default());
    let hub = simulators.hub.clone();
    let painter = Painter {
        screen: screen.clone(),
        show: show.clone(),
        hub: hub.clone(),
        drawn: Mutex::default(),
    };
    let timeline = Timeline::follow(&client, stage.root(), move |envelope| painter.draw(envelope)).await?;
    let demo = Demo {
        screen,
        post: Post::new()?,
        timeline,
        hub,
        show,
        pace,
    };
    introduce(&demo.post, webhooks, simulators.connections.len()).await?;

    let cast = cast::Cast::of_this_run(simulators)?;
    let office = signing::Office {
        desk: desk::Desk::new(console, agent_key)?,
        simulators: simulators.url(),
        folder: stage.folder(),
    };
    let told = story::tell(&demo, &cast, webhooks, &office).await;
    demo.screen.done();
    let mut told = told?;
    if pace.load > 0 {
        let crowd = cast::crowd(simulators, pace.load)?;
        let loaded = load::play(&demo, &crowd).await;
        demo.screen.done();
        told.extend(crowd);
        demo.screen.print(&loaded?);
    }
    let verdict = verdict::reach(&demo, &told, &cast).await?;
    verdict.print(&demo.screen);
    demo.screen.print(&format!(
        "\n  the signed contract: {}",
        told.signed.file.display()
    ));
    demo.screen
        .print(&format!("  the record sheet: {}", told.sheet.file.display()));
    show_file(&told.signed.file, pace.desktop);
    if verdict.broken().is_empty() {
        Ok(())
    } else {
        Err(Failed::from(anyhow!(
            "not as promised: {}",
            verdict.broken().join(", ")
        )))
    }
}

/// Opens a file where there is a desktop to open it on; elsewhere its path was printed.
fn show_file(file: &std::path::Path, desktop: bool) {
    let opener = if cfg!(target_os = "macos") {
        "open"
    } else if desktop {
        "xdg-open"
    } else {
        return;
    };
    // Best effort: the demo has ended well without it.
    let _ = std::process::Command::new(opener)
        .arg(file)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn();
}

/// Draws events on the screen.
struct Painter {
    screen: Screen,
    show: Show,
    hub: Hub,
    /// Calls to providers that were drawn, by the provider's id of the message.
    drawn: Mutex<HashSet<String>>,
}

impl Painter {
    fn draw(&self, envelope: &Envelope) {
        if !self.show.at_least(Level::Outside) {
            return;
        }
        // The call shows in the simulator's journal, and is drawn before the first event that it led to.
        let message = envelope
            .decode::<MessageStateChanged>()
            .map(|moved| moved.provider_message_id);
        let message = message.or_else(|_| {
            envelope
                .decode::<ReceiptChanged>()
                .map(|receipt| receipt.provider_message_id)
        });
        if let Ok(id) = message {
            self.draw_call(&id);
        }
        if let Some(line) = hop::event(envelope, self.show.at_least(Level::Every)) {
            self.screen.hop(&line);
        }
    }

    fn draw_call(&self, id: &str) {
        if !self
            .drawn
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id.to_owned())
        {
            return;
        }
        for slug in PROVIDERS {
            if let Some(entry) = self
                .hub
                .journal(slug)
                .iter()
                .rev()
                .find(|entry| entry.provider_message_id == id)
            {
                self.screen.hop(&hop::taken(cast::provider_name(slug), entry));
            }
        }
    }
}

/// Waits until ingress knows all connections.
async fn introduce(post: &Post, webhooks: &str, expected: usize) -> anyhow::Result<()> {
    let known = async {
        loop {
            let (_, text) = post.get(webhooks).await?;
            let about: serde_json::Value =
                serde_json::from_str(&text).context("ingress tells nothing of itself")?;
            let list = about.get("integrations").and_then(serde_json::Value::as_array);
            let connections = list
                .into_iter()
                .flatten()
                .filter_map(|one| one.get("connections")?.as_u64());
            if usize::try_from(connections.sum::<u64>()).is_ok_and(|known| known >= expected) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(INTRODUCTION, known)
        .await
        .map_err(|_| anyhow!("ingress did not learn of the connections"))?
}
