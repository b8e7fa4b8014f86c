//! One pass over the bucket.

use async_nats::Client;

use super::{Place, Progress, Report, ResealError, Tell, Which, anew};
use crate::MasterKeys;
use crate::publish::{self, PublishError};

pub(super) async fn pass(
    client: &Client,
    masters: &MasterKeys,
    which: Which,
    report: &mut Report,
    tell: Tell<'_>,
) -> Result<(), ResealError> {
    let store = publish::store(client).await?;
    let entries = publish::read(&store).await?;
    let total = entries.len() as u64;
    for (done, (id, (revision, mut entry))) in (1..).zip(entries) {
        let owner = (&entry.tenant, &id);
        if let Some(sealed) = anew(masters, which, owner, &entry.sealed, report).await? {
            entry.sealed = sealed;
            match publish::write(&store, &id, &entry, Some(revision)).await {
                Ok(()) => report.resealed += 1,
                Err(PublishError::Conflict(_)) => report.changed += 1,
                Err(error) => return Err(error.into()),
            }
        }
        tell(Progress {
            place: Place::Bucket,
            done,
            total,
        });
    }
    Ok(())
}
