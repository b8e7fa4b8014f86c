//! The composition root: the only file that knows the concrete parts.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use puente_blob::Blobs;
use puente_bus::topology;
use puente_effects::{Effects, Settings};
use puente_http::HttpConfig;
use puente_operations::Operations;
use puente_service::{Base, Outside, RunError, Runtime, Service, StartError, outside};
use puente_vault::Connections;

use crate::config::Config;
use crate::domain::consent::Words;
use crate::infrastructure::desk::{Desk, Policy};
use crate::infrastructure::executor::Sender;
use crate::infrastructure::grpc;
use crate::infrastructure::handler::Handler;
use crate::infrastructure::media::{MAX_FILE, Media};
use crate::infrastructure::patience::Patience;
use crate::infrastructure::reach::Reach;
use crate::infrastructure::resolve::Resolver;
use crate::infrastructure::templates::{Reader, Requests};
use crate::infrastructure::texts::Texts;
use crate::infrastructure::upkeep::Upkeep;

/// A message whose replica died is delivered again one `ack_wait` later; the next replica may die as well. Shorter than
/// the inbox's patience with events that come early.
const REDELIVERIES: u32 = 3;

/// The notifications service.
pub struct Notifications {
    base: Base,
    connections: Connections,
    effects: Effects<Sender>,
    handler: Arc<Handler>,
    reader: Reader,
    media: Media,
    upkeep: Upkeep,
    operations: Operations,
}

impl Service for Notifications {
    const NAME: &'static str = "notifications";
    const DEFAULTS: &'static str = include_str!("../config.default.toml");
    type Config = Config;

    async fn build(config: Config, rt: Runtime) -> Result<Self, StartError> {
        let masters = outside::master_keys(&config.master_key, &config.azure)?;
        let base = Base::open(Self::NAME, config.base(), rt).await?;
        // Files of messages come down by the same client.
        let settings = HttpConfig {
            max_response_bytes: MAX_FILE,
            ..HttpConfig::reaching(config.allow_simulators)
        };
        let outside = Outside::open(&base, masters, puente_providers::find, settings).await?;
        let blobs = match &config.storage.link_key {
            Some(_) => Some(
                Blobs::open(&config.storage, base.rt.clock.clone())
                    .map_err(|error| StartError::other("the store of documents", error))?,
            ),
            None => None,
        };
        Self::with_parts(config, base, Parts { outside, blobs })
    }

    fn grpc_address(&self) -> std::io::Result<Option<SocketAddr>> {
        self.base.grpc_address()
    }

    async fn run(self) -> Result<(), RunError> {
        let (readers, clock) = (self.base.readers.clone(), self.base.rt.clock.clone());
        let mut running = self.base.start();
        let inbox = running.consume(topology::NOTIFICATIONS, self.handler);
        let operations = self.operations.redelivers(inbox).server();
        running.answer(grpc::routes(&readers, &clock, self.media).add_service(operations));
        running.follow(self.connections);
        running.spawn("effects", |stop| self.effects.run(stop));
        running.spawn("templates", |stop| self.reader.run(stop));
        running.spawn("upkeep", |stop| self.upkeep.run(stop));
        running.finish().await;
        Ok(())
    }
}

/// What a test brings of its own.
pub struct Parts {
    /// The tenants' connections, and the way out.
    pub outside: Outside,
    /// Where files of messages are stored; none are without it.
    pub blobs: Option<Blobs>,
}

impl Notifications {
    /// Puts the service together from parts that are there already.
    ///
    /// # Errors
    /// When the texts are refused.
    pub fn with_parts(config: Config, base: Base, parts: Parts) -> Result<Self, StartError> {
        let Parts { outside, blobs } = parts;
        let Outside {
            connections,
            http,
            registry,
        } = outside;
        let (pool, clock) = (base.pool.clone(), base.rt.clock.clone());
        let folder = Some(config.texts_dir.as_str())
            .filter(|folder| !folder.is_empty())
            .map(Path::new);
        let texts = Texts::load(folder).map_err(|error| StartError::other("the texts are refused", error))?;
        for language in config.languages.values().chain([&config.language]) {
            if !texts.has_language(language) {
                let known = "there are texts in es and en only";
                return Err(StartError::other(
                    format!("language `{language}` is not known"),
                    known,
                ));
            }
        }
        let listings = Arc::new(Requests::default());
        let desk = Arc::new(Desk {
            clock: clock.clone(),
            texts,
            policy: Policy {
                language: config.language,
                languages: config.languages,
                trust_unknown_templates: config.trust_unknown_templates,
                confirm_consent: config.confirm_consent,
                words: Words::new(&config.stop_words, &config.start_words),
                prices: config.prices,
            },
            patience: Patience::new(Duration::from_millis(config.patience_ms)),
            redelivery: Patience::new(topology::NOTIFICATIONS.ack_wait * REDELIVERIES),
            listings: listings.clone(),
        });
        let sender = Arc::new(Sender {
            desk: desk.clone(),
            pool: pool.clone(),
            registry,
        });
        let effects = Effects::new(
            base.outbox.clone(),
            connections.clone(),
            http.clone(),
            registry,
            sender,
            Settings::configured(config.calls_per_connection),
        );
        let handler = Arc::new(Handler {
            desk,
            registry,
            reach: Reach {
                connections: connections.clone(),
                registry,
            },
            wake: effects.waker(),
        });
        let breakers = http.clone();
        let media = Media::new(connections.clone(), Arc::new(http.clone()), registry, blobs);
        let reader = Reader {
            pool: pool.clone(),
            clock: clock.clone(),
            connections: connections.clone(),
            http: Arc::new(http),
            registry,
            requests: listings,
            every: Duration::from_mins(u64::from(config.template_refresh_minutes.get())),
        };
        let upkeep = Upkeep {
            pool,
            clock: clock.clone(),
            receipts: Duration::from_hours(u64::from(config.pending_receipt_hours.get())),
            messages: Duration::from_hours(24 * u64::from(config.message_days.get())),
        };
        let resolver = Resolver {
            outbox: base.outbox.clone(),
            clock: clock.clone(),
            wake: effects.waker(),
        };
        let operations = Operations::new(Self::NAME, base.readers.clone())
            .indexed()
            .resolves(Arc::new(resolver))
            .with_breakers_of(breakers, clock);
        Ok(Self {
            base,
            connections,
            effects,
            handler,
            reader,
            media,
            upkeep,
            operations,
        })
    }
}
