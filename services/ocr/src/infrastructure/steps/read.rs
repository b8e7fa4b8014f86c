//! Reading the photograph of an attempt: decoded on a thread of its own, shown to the engines, and weighed.

use std::sync::Arc;

use puente_blob::{BlobError, BlobKey, Container, Sha256Hash};
use puente_plates::{Picture, PictureError};
use puente_ports::{ErrorTag, ProviderError, ProviderErrorKind};

use super::Steps;
use crate::domain::reading::Outcome;
use crate::infrastructure::documents::MAX_BYTES;
use crate::infrastructure::engines::Photo;
use crate::infrastructure::reading::{Reading, Trouble as Noted};
use crate::infrastructure::store::attempt::{self, Attempt, Settled};
use crate::infrastructure::store::row::{self, Change, Row};
use crate::infrastructure::work::Trouble;

/// Times that an attempt is taken up without coming to its end before it is given up: a picture that costs a process its
/// life must not cost it another one for ever.
const MOST_TRIES: i32 = 20;
/// The name under which a picture that cannot be decoded is listed among the troubles of an attempt.
const DECODE: &str = "picture";

impl Steps {
    /// Reads it. Engines that may answer later are asked again for a while.
    pub(super) async fn read(&self, row: &Row, attempt: Attempt) -> Result<(), Trouble> {
        let nothing = Reading::default();
        let photo = match self.photo(row, &attempt).await? {
            Ok(photo) => photo,
            Err(error) => {
                let trouble = Noted {
                    engine: DECODE.to_owned(),
                    code: error.code().to_owned(),
                    tag: ErrorTag::Permanent.as_str().to_owned(),
                };
                let settled = Settled {
                    state: "unusable",
                    engine: "",
                    reading: &nothing,
                    troubles: &[trouble],
                    took_ms: 0,
                };
                return self.settle(row, &attempt, &settled, Outcome::Unusable).await;
            }
        };
        let asked = self.chain.ask(&photo).await;
        let troubles = &asked.troubles;
        if let Some(answer) = asked.answer {
            let found = answer.reading.likeliest().is_some();
            let settled = Settled {
                state: if found { "read" } else { "nothing" },
                engine: &answer.engine,
                reading: &answer.reading,
                troubles,
                took_ms: u32::try_from(answer.took.as_millis()).unwrap_or(u32::MAX),
            };
            let outcome = answer.reading.outcome(&answer.engine);
            return self.settle(row, &attempt, &settled, outcome).await;
        }
        if asked.passing && !self.out_of_patience(row, &attempt) {
            let kind = ProviderErrorKind::Unavailable { retry_after: None };
            return Err(ProviderError::new(kind, "engines_away", "no engine answers now").into());
        }
        let settled = Settled {
            state: "failed",
            engine: "",
            reading: &nothing,
            troubles,
            took_ms: 0,
        };
        self.settle(row, &attempt, &settled, Outcome::Failed).await
    }

    /// The photograph, decoded; or why it cannot be.
    async fn photo(&self, row: &Row, attempt: &Attempt) -> Result<Result<Photo, ProviderError>, Trouble> {
        let bytes = match self.bytes(attempt).await {
            Ok(bytes) => bytes,
            Err(error) if error.tag() == ErrorTag::Permanent => return Ok(Err(error)),
            Err(error) if self.out_of_patience(row, attempt) => return Ok(Err(error)),
            Err(error) => return Err(error.into()),
        };
        let decoded = self.threads.run(move || Picture::decode(&bytes)).await;
        let picture = match decoded {
            Ok(decoded) => decoded.map_err(|error: PictureError| {
                ProviderError::new(ProviderErrorKind::Rejected, error.code(), error.to_string())
            }),
            Err(error) if error.tag() == ErrorTag::Temporary && !self.out_of_patience(row, attempt) => {
                return Err(error.into());
            }
            Err(error) => Err(error),
        };
        Ok(picture.map(|picture| Photo {
            capture: row.id,
            tenant: row.tenant.clone(),
            picture: Arc::new(picture),
            sha256: attempt
                .photo
                .as_ref()
                .map(|photo| photo.sha256.clone())
                .unwrap_or_default(),
            settings: Arc::clone(self.desk.settings.of(&row.tenant)),
        }))
    }

    async fn bytes(&self, attempt: &Attempt) -> Result<bytes::Bytes, ProviderError> {
        let lost = || ProviderError::malformed("it is not known where the photograph is");
        let photo = attempt.photo.as_ref().ok_or_else(lost)?;
        let key = BlobKey::parse(&photo.key).map_err(|_| lost())?;
        let hash: Sha256Hash = photo.sha256.parse().map_err(|_| lost())?;
        let read = self
            .blobs
            .get(Container::Assets, &key, MAX_BYTES, Some(&hash))
            .await;
        read.map_err(|error: BlobError| error.into())
    }

    /// Whether it was tried for long enough.
    pub(super) fn out_of_patience(&self, row: &Row, attempt: &Attempt) -> bool {
        row.tries >= MOST_TRIES || self.desk.clock.now() - attempt.began_at > self.patience
    }

    /// Writes what came of an attempt, once, and says so.
    pub(super) async fn settle(
        &self,
        row: &Row,
        attempt: &Attempt,
        settled: &Settled<'_>,
        outcome: Outcome,
    ) -> Result<(), Trouble> {
        let mut tx = self.outbox.begin().await?;
        let Some(mut row) = row::lock(&mut tx, &row.tenant, row.id).await? else {
            return Ok(());
        };
        let still = attempt::under_way(&mut tx, &row.tenant, row.id).await?;
        if still.is_none_or(|still| still.attempt != attempt.attempt) {
            return Ok(());
        }
        let now = self.desk.clock.now();
        attempt::settle(&mut tx, &row.tenant, row.id, attempt.attempt, settled, now).await?;
        let say = row.capture.read(attempt.attempt, outcome, now);
        let cause = format!("{}:{}", row.id, attempt.attempt);
        self.desk.say(&mut tx, &row, say, &cause);
        row.tries = 0;
        let change = Change {
            cause: &cause,
            now,
            touched: false,
            wake: true,
        };
        row::save(&mut tx, &mut row, change).await?;
        tx.commit().await?;
        Ok(())
    }
}
