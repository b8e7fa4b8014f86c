//! Fetching the photograph of an attempt that was counted: stored under its key, recorded, and from then on kept.

use puente_ports::{ErrorTag, ProviderError};

use super::Steps;
use crate::domain::reading::Outcome;
use crate::infrastructure::documents::{self, NewPhoto};
use crate::infrastructure::reading::{Reading, Trouble as Noted};
use crate::infrastructure::store::attempt::{self, Attempt, FETCHING, Settled};
use crate::infrastructure::store::row::{self, Change, Row};
use crate::infrastructure::work::Trouble;

/// The name under which a fetch that failed is listed among the troubles of an attempt.
const FETCH: &str = "media";

impl Steps {
    /// Fetches it. What passes by itself is tried again for a while.
    pub(super) async fn fetch(&self, row: &Row, attempt: Attempt) -> Result<(), Trouble> {
        let number = attempt.attempt;
        let stored = match &attempt.source {
            Some(file) => {
                let key = documents::key(&row.tenant, row.id, number, attempt.began_at);
                self.media.store(&row.tenant, file, &key).await
            }
            None => Err(ProviderError::malformed("it is not known where the file is")),
        };
        let stored = match stored {
            Ok(stored) => stored,
            Err(error) => return self.not_fetched(row, &attempt, error).await,
        };
        let mut tx = self.outbox.begin().await?;
        let Some(mut row) = row::lock(&mut tx, &row.tenant, row.id).await? else {
            return Ok(());
        };
        let still = attempt::under_way(&mut tx, &row.tenant, row.id).await?;
        if still.is_none_or(|still| still.attempt != number || still.state != FETCHING) {
            return Ok(());
        }
        let photo = NewPhoto {
            tenant: &row.tenant,
            capture: row.id,
            attempt: number,
            stored: &stored,
            file_name: "",
            by: "",
        };
        let document = documents::record(&self.documents, &mut tx, &photo).await?;
        attempt::stored(&mut tx, &row.tenant, row.id, number, document, &stored).await?;
        row.tries = 0;
        let change = Change {
            cause: &document.to_string(),
            now: self.desk.clock.now(),
            touched: false,
            wake: true,
        };
        row::save(&mut tx, &mut row, change).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn not_fetched(&self, row: &Row, attempt: &Attempt, error: ProviderError) -> Result<(), Trouble> {
        if error.tag() == ErrorTag::Temporary && !self.out_of_patience(row, attempt) {
            return Err(error.into());
        }
        // No picture at all, or one that is no longer there: another one helps. Anything else does not.
        let (state, outcome) = if error.tag() == ErrorTag::Permanent {
            ("unusable", Outcome::Unusable)
        } else {
            ("failed", Outcome::Failed)
        };
        let trouble = Noted {
            engine: FETCH.to_owned(),
            code: error.code().to_owned(),
            tag: error.tag().as_str().to_owned(),
        };
        let settled = Settled {
            state,
            engine: "",
            reading: &Reading::default(),
            troubles: &[trouble],
            took_ms: 0,
        };
        self.settle(row, attempt, &settled, outcome).await
    }
}
