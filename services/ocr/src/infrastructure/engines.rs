//! Engines that read text in photographs: one of our own, and those of providers, behind one trait.

pub(crate) mod chain;
pub(crate) mod embedded;
pub(crate) mod pace;
pub(crate) mod plates;
pub(crate) mod pool;
pub(crate) mod remote;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use puente_plates::Picture;
use puente_ports::ProviderError;
use puente_types::TenantId;
use uuid::Uuid;

use crate::infrastructure::reading::Reading;
use crate::infrastructure::settings::TenantSettings;

/// The name of our own engine.
pub(crate) const EMBEDDED: &str = "embedded";

/// A photograph that is to be read.
#[derive(Clone)]
pub(crate) struct Photo {
    pub(crate) capture: Uuid,
    pub(crate) tenant: TenantId,
    pub(crate) picture: Arc<Picture>,
    /// Of the stored content.
    pub(crate) sha256: String,
    pub(crate) settings: Arc<TenantSettings>,
}

/// Reads photographs.
#[async_trait]
pub(crate) trait Engine: Send + Sync {
    /// Reads one, within `time`.
    ///
    /// # Errors
    /// Why there is no reading; whose class says what is done next.
    async fn read(&self, photo: &Photo, time: Duration) -> Result<Reading, ProviderError>;
}
