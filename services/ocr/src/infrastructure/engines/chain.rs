//! Asking the engines of a tenant, one after the other, until one answers.
//!
//! What an engine read in a picture is kept for a while: the same picture is not sent, or paid for, twice. An engine that
//! gives no answer leaves its reason; whether any reason passes by itself decides if it is worth asking again later.

use std::sync::Arc;
use std::time::Duration;

use puente_ports::{ErrorTag, ProviderError, Registry};
use puente_types::Clock;
use sqlx::PgPool;
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::infrastructure::engines::embedded::Embedded;
use crate::infrastructure::engines::remote::{Remote, Ways};
use crate::infrastructure::engines::{EMBEDDED, Engine, Photo};
use crate::infrastructure::reading::{Reading, Trouble};
use crate::infrastructure::settings::Settings;
use crate::infrastructure::store::cache::{self, Key};
use crate::infrastructure::store::journal::{self, Call};

/// The engines.
pub(crate) struct Chain {
    pub(crate) settings: Arc<Settings>,
    pub(crate) pool: PgPool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) embedded: Embedded,
    pub(crate) ways: Arc<Ways>,
    pub(crate) registry: Registry,
    /// How long readings are known.
    pub(crate) cached: Duration,
}

/// What came of asking.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) answer: Option<Answer>,
    /// Engines asked before, and why they gave no answer.
    pub(crate) troubles: Vec<Trouble>,
    /// Whether one of them may answer later.
    pub(crate) passing: bool,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) engine: String,
    pub(crate) reading: Reading,
    pub(crate) took: Duration,
}

impl Chain {
    /// Asks.
    pub(crate) async fn ask(&self, photo: &Photo) -> Asked {
        let mut asked = Asked {
            answer: None,
            troubles: Vec::new(),
            passing: false,
        };
        for name in &photo.settings.engines {
            let began = Instant::now();
            match self.one(name, photo).await {
                Ok(reading) => {
                    asked.answer = Some(Answer {
                        engine: name.clone(),
                        reading,
                        took: began.elapsed(),
                    });
                    return asked;
                }
                Err(error) => {
                    tracing::info!(
                        engine = name,
                        error.class = error.class().as_str(),
                        error.code = error.code(),
                        "engine {name} gave no answer"
                    );
                    asked.passing |= error.tag() == ErrorTag::Temporary;
                    asked.troubles.push(Trouble {
                        engine: name.clone(),
                        code: error.code().to_owned(),
                        tag: error.tag().as_str().to_owned(),
                    });
                }
            }
        }
        asked
    }

    async fn one(&self, name: &str, photo: &Photo) -> Result<Reading, ProviderError> {
        let key = Key {
            tenant: &photo.tenant,
            sha256: &photo.sha256,
            engine: name,
            settings: &photo.settings.fingerprint,
        };
        let now = self.clock.now();
        if let Some(known) = self.known(key, now - self.cached).await {
            return Ok(known);
        }
        let time = self.settings.time(name);
        let reading = if name == EMBEDDED {
            let read = self.embedded.read(photo, time).await;
            self.noted(photo, now, read.as_ref().err()).await;
            read?
        } else {
            let provider = (self.registry)(name)
                .ok_or_else(|| ProviderError::configuration("engine_unknown", "there is no such engine"))?;
            let ways = Arc::clone(&self.ways);
            Remote { provider, ways }.read(photo, time).await?
        };
        let kept = async {
            let mut database = self.pool.acquire().await?;
            cache::keep(&mut database, key, &reading, self.clock.now()).await
        };
        if let Err(error) = kept.await {
            tracing::debug!(error = %error, "a reading is not known again");
        }
        Ok(reading)
    }

    async fn known(&self, key: Key<'_>, since: OffsetDateTime) -> Option<Reading> {
        let found = async {
            let mut database = self.pool.acquire().await?;
            cache::find(&mut database, key, since).await
        };
        found.await.unwrap_or_else(|error| {
            tracing::debug!(error = %error, "it is not known what was read before");
            None
        })
    }

    async fn noted(&self, photo: &Photo, began: OffsetDateTime, error: Option<&ProviderError>) {
        let call = Call {
            tenant: &photo.tenant,
            provider: EMBEDDED,
            connection: EMBEDDED,
            capture: photo.capture,
            began,
            ended: self.clock.now(),
            error,
        };
        if let Err(error) = journal::note(&self.pool, &call).await {
            tracing::debug!(error = %error, "a call of an engine is not listed");
        }
    }
}

/// Which engines providers offer.
pub(crate) fn offered(registry: Registry) -> impl Fn(&str) -> bool {
    move |name| registry(name).is_some_and(|provider| provider.ocr().is_some())
}
