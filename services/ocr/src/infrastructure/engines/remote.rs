//! An engine of a provider, over the tenant's own connection: within its budget, its quota and its time.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use puente_effects::quota::limits;
use puente_http::Http;
use puente_plates::PictureError;
use puente_ports::{
    CallCtx, Connection, OcrEngine, OcrLimits, OcrPicture, OcrProgress, Provider, ProviderError,
    ProviderErrorKind, TextRead,
};
use puente_types::{Clock, TenantId};
use puente_vault::Connections;
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;
use tokio::time::Instant;

use crate::infrastructure::engines::pace::Pace;
use crate::infrastructure::engines::pool::Pool;
use crate::infrastructure::engines::{Engine, Photo, plates};
use crate::infrastructure::reading::Reading;
use crate::infrastructure::store::budget;
use crate::infrastructure::store::journal::{self, Call};

/// A provider is never asked for what is pending more often, whatever it says.
const SHORTEST_POLL: Duration = Duration::from_millis(100);
/// No text on a plate needs more; what is larger only takes longer to send.
const LARGEST_SIDE: u32 = 3_000;

/// What engines of providers share.
pub(crate) struct Ways {
    pub(crate) pool: PgPool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) connections: Connections,
    pub(crate) http: Http,
    pub(crate) pace: Pace,
    pub(crate) threads: Pool,
}

/// One provider.
pub(crate) struct Remote {
    pub(crate) provider: &'static dyn Provider,
    pub(crate) ways: Arc<Ways>,
}

/// A picture as it is sent, and how much larger the one is that corners are told of.
struct Sent {
    picture: OcrPicture,
    scale: f32,
}

#[async_trait]
impl Engine for Remote {
    async fn read(&self, photo: &Photo, time: Duration) -> Result<Reading, ProviderError> {
        let deadline = Instant::now() + time;
        let name = self.slug();
        let engine = self
            .provider
            .ocr()
            .ok_or_else(|| ProviderError::configuration("ocr_missing", "the provider reads no pictures"))?;
        let connection = self.connection(&photo.tenant)?;
        let sent = self.picture(engine.limits_of(&connection), photo).await?;
        self.allowed(photo, &connection, deadline).await?;
        let began = self.ways.clock.now();
        let read = tokio::time::timeout_at(deadline, self.call(engine, &connection, &sent.picture, deadline));
        let read = read.await.unwrap_or_else(|_| Err(too_slow()));
        if let Err(error) = &read {
            self.ways.pace.hear(&connection.id, error);
        }
        let call = Call {
            tenant: &photo.tenant,
            provider: name,
            connection: connection.id.as_str(),
            capture: photo.capture,
            began,
            ended: self.ways.clock.now(),
            error: read.as_ref().err(),
        };
        if let Err(error) = journal::note(&self.ways.pool, &call).await {
            tracing::debug!(error = %error, "a call of an engine is not listed");
        }
        let text = enlarged(read?, sent.scale);
        let (picture, settings) = (Arc::clone(&photo.picture), Arc::clone(&photo.settings));
        let understood = move || plates::understood(name, &picture, text, &settings);
        self.ways.threads.run(understood).await
    }
}

impl Remote {
    fn slug(&self) -> &'static str {
        &self.provider.manifest().slug
    }

    /// The connection of a tenant: its only one, or the one that is marked as the default.
    fn connection(&self, tenant: &TenantId) -> Result<Arc<Connection>, ProviderError> {
        let all = self.ways.connections.all();
        let own: Vec<&Arc<Connection>> = all
            .iter()
            .filter(|connection| connection.tenant == *tenant && connection.provider == self.slug())
            .collect();
        let preferred = |connection: &&&Arc<Connection>| connection.is_default();
        let detail = match own.as_slice() {
            [only] => return Ok(Arc::clone(only)),
            [] => "no connection to this engine is set up",
            several => match several.iter().filter(preferred).collect::<Vec<_>>().as_slice() {
                [one] => return Ok(Arc::clone(one)),
                _ => "several connections to this engine: mark one of them with `default = true`",
            },
        };
        Err(ProviderError::configuration("no_connection", detail))
    }

    /// The picture as the provider takes it.
    async fn picture(&self, limits: OcrLimits, photo: &Photo) -> Result<Sent, ProviderError> {
        let max_side = limits.max_side.min(LARGEST_SIDE);
        let (picture, language) = (Arc::clone(&photo.picture), photo.settings.language.clone());
        let longer = picture.width().max(picture.height());
        let scale = if longer > max_side {
            ratio(longer, max_side)
        } else {
            1.0
        };
        let (width, height) = (shrunk(picture.width(), scale), shrunk(picture.height(), scale));
        if width.min(height) < limits.min_side {
            let detail = "the picture is smaller than the provider takes";
            return Err(ProviderError::new(
                ProviderErrorKind::Rejected,
                "too_small",
                detail,
            ));
        }
        let encoded = self
            .ways
            .threads
            .run(move || picture.jpeg(max_side, limits.max_bytes))
            .await?;
        let bytes = Bytes::from(encoded.map_err(|error: PictureError| {
            ProviderError::new(ProviderErrorKind::Rejected, error.code(), error.to_string())
        })?);
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        Ok(Sent {
            picture: OcrPicture {
                sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
                bytes,
                media_type: "image/jpeg",
                width,
                height,
                language,
            },
            scale,
        })
    }

    /// Waits for the connection's turn, and counts the call among those that are paid for.
    async fn allowed(
        &self,
        photo: &Photo,
        connection: &Connection,
        deadline: Instant,
    ) -> Result<(), ProviderError> {
        let quotas = limits(self.provider.manifest(), connection);
        self.ways.pace.turn(&connection.id, &quotas, deadline).await?;
        let (now, budget) = (self.ways.clock.now(), photo.settings.budget);
        let taken = budget::take(&self.ways.pool, &photo.tenant, &connection.id, budget, now).await;
        match taken {
            Ok(true) => Ok(()),
            Ok(false) => Err(ProviderError::configuration(
                "over_budget",
                "the calls of the day or the month are used up",
            )),
            Err(error) => {
                tracing::debug!(error = %error, "a call cannot be counted");
                let kind = ProviderErrorKind::Unavailable { retry_after: None };
                let detail = "the database did not answer before the call";
                Err(ProviderError::new(kind, "database", detail))
            }
        }
    }

    /// Sends the picture, and asks until it is read.
    async fn call(
        &self,
        engine: &dyn OcrEngine,
        connection: &Connection,
        picture: &OcrPicture,
        deadline: Instant,
    ) -> Result<TextRead, ProviderError> {
        let traceparent = puente_telemetry::current_traceparent();
        let ctx = || CallCtx {
            connection,
            http: &self.ways.http,
            idempotency_key: "",
            deadline: deadline.saturating_duration_since(Instant::now()),
            traceparent: traceparent.as_deref(),
        };
        let mut progress = engine.read(ctx(), picture).await?;
        loop {
            match progress {
                OcrProgress::Done(text) => return Ok(text),
                OcrProgress::Pending { operation, wait } => {
                    let next = Instant::now() + wait.max(SHORTEST_POLL);
                    if next >= deadline {
                        return Err(too_slow());
                    }
                    tokio::time::sleep_until(next).await;
                    progress = engine.poll(ctx(), &operation).await?;
                }
            }
        }
    }
}

fn too_slow() -> ProviderError {
    let kind = ProviderErrorKind::Unavailable { retry_after: None };
    ProviderError::new(kind, "too_slow", "the engine took longer than it may")
}

/// Corners in the pixels of the photograph.
fn enlarged(mut text: TextRead, scale: f32) -> TextRead {
    for line in &mut text.lines {
        line.corners = line.corners.map(|(x, y)| (x * scale, y * scale));
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "sides of pictures are far below 2^23")]
fn ratio(longer: u32, shorter: u32) -> f32 {
    longer as f32 / shorter.max(1) as f32
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sides of pictures are far below 2^23, and positive"
)]
fn shrunk(side: u32, scale: f32) -> u32 {
    ((side as f32 / scale).round() as u32).max(1)
}
