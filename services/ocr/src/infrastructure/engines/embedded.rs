//! Our own engine: reads without any network, on threads of its own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use puente_plates::{Models, Reader};
use puente_ports::{ProviderError, ProviderErrorKind};

use crate::infrastructure::engines::pool::Pool;
use crate::infrastructure::engines::{Engine, Photo, plates};
use crate::infrastructure::reading::Reading;

/// The engine, or why there is none.
pub(crate) struct Embedded {
    reader: Result<Arc<Reader>, String>,
    pool: Pool,
}

impl Embedded {
    /// With the models of a folder. Without them it answers nothing, and says why.
    pub(crate) async fn open(folder: &str, pool: Pool) -> Self {
        let reader = reader(folder, &pool).await;
        if let Err(reason) = &reader {
            tracing::warn!(reason, "the embedded engine cannot be used: {reason}");
        }
        Self { reader, pool }
    }

    /// Why it answers nothing, if so.
    pub(crate) fn problem(&self) -> Option<&str> {
        self.reader.as_ref().err().map(String::as_str)
    }
}

async fn reader(folder: &str, pool: &Pool) -> Result<Arc<Reader>, String> {
    if folder.is_empty() {
        return Err("no folder with models is configured (`models`)".to_owned());
    }
    let folder = folder.to_owned();
    let loaded = pool.run(move || Models::load(Path::new(&folder))).await;
    let models = loaded.map_err(|error| error.detail().to_owned())?;
    let models = models.map_err(|error| error.to_string())?;
    Ok(Arc::new(Reader::new(Arc::new(models))))
}

#[async_trait]
impl Engine for Embedded {
    async fn read(&self, photo: &Photo, time: Duration) -> Result<Reading, ProviderError> {
        let reader = self.reader.as_ref();
        let reader = Arc::clone(
            reader.map_err(|reason| ProviderError::configuration("models_missing", reason.as_str()))?,
        );
        let (picture, settings) = (Arc::clone(&photo.picture), Arc::clone(&photo.settings));
        let work = move || reader.read(&picture, &settings.patterns);
        let read = self.pool.timed(time, work).await?;
        let plate = read.map_err(|error| {
            ProviderError::new(ProviderErrorKind::Rejected, "engine_failed", error.to_string())
        })?;
        Ok(plates::kept(&plate))
    }
}
