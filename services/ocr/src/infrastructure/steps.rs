//! The steps of a capture. Each does what is slow first, and writes what came of it in one transaction under the row's lock,
//! if it is still to be done then:
//!
//! 1. an attempt that is being fetched: store the photograph, record it;
//! 2. an attempt that is being read: ask the engines, weigh the answer;
//! 3. else the next turn: count a photograph, or take in words.

mod fetch;
mod read;
mod turn;

use std::sync::Arc;
use std::time::Duration;

use puente_blob::Blobs;
use puente_documents::Documents;
use puente_outbox::Outbox;
use puente_work::{Claimed, Done};

use crate::infrastructure::desk::Desk;
use crate::infrastructure::engines::chain::Chain;
use crate::infrastructure::engines::pool::Pool;
use crate::infrastructure::media::Media;
use crate::infrastructure::store::claim;
use crate::infrastructure::store::{attempt, row, turn as turns};
use crate::infrastructure::work::Trouble;

/// What works the steps.
pub(crate) struct Steps {
    pub(crate) desk: Arc<Desk>,
    pub(crate) outbox: Outbox,
    pub(crate) blobs: Blobs,
    pub(crate) documents: Documents,
    pub(crate) media: Media,
    pub(crate) chain: Arc<Chain>,
    pub(crate) threads: Pool,
    /// How long a photograph is tried to be fetched and read.
    pub(crate) patience: Duration,
}

impl Steps {
    /// Does the next step of a capture that is held: a part, after which there may be another, or nothing.
    pub(crate) async fn next(&self, claimed: &Claimed) -> Result<Done, Trouble> {
        let mut database = self.outbox.pool().acquire().await?;
        let found = row::read(&mut database, &claimed.tenant, claimed.id).await?;
        let under_way = attempt::under_way(&mut database, &claimed.tenant, claimed.id).await?;
        drop(database);
        let Some(row) = found else { return Ok(Done::All) };
        match under_way {
            Some(attempt) if attempt.state == attempt::FETCHING => self.fetch(&row, attempt).await?,
            Some(attempt) => self.read(&row, attempt).await?,
            None => return self.turn(claimed).await,
        }
        Ok(Done::Part)
    }

    /// Works the next turn; without one, lets go of the capture.
    async fn turn(&self, claimed: &Claimed) -> Result<Done, Trouble> {
        let mut tx = self.outbox.begin().await?;
        let Some(mut row) = row::lock(&mut tx, &claimed.tenant, claimed.id).await? else {
            return Ok(Done::All);
        };
        let (tenant, id) = (&claimed.tenant, claimed.id);
        if attempt::under_way(&mut tx, tenant, id).await?.is_some() {
            // A command brought a photograph meanwhile.
            return Ok(Done::Part);
        }
        let Some(next) = turns::next(&mut tx, tenant, id, row.next_turn).await? else {
            claim::rest(&mut tx, claimed).await?;
            tx.commit().await?;
            return Ok(Done::All);
        };
        self.take(&mut tx, &mut row, next).await?;
        tx.commit().await?;
        Ok(Done::Part)
    }
}
