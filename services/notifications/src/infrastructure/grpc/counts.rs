//! Questions about a contact, and about how many messages came through.

use puente_proto::notifications::{
    CountMessagesRequest, CountMessagesResponse, GetContactRequest, GetContactResponse, MessageBucket,
};
use puente_proto::timestamp;
use puente_rpc::Caller;
use puente_service::Readers;
use time::OffsetDateTime;
use tonic::Status;

use super::ask;
use crate::application::buckets::Buckets;
use crate::application::decide::window_ends;
use crate::infrastructure::store::{contact, query};

pub(super) async fn contact(
    readers: &Readers,
    now: OffsetDateTime,
    caller: Caller,
    question: GetContactRequest,
) -> Result<GetContactResponse, Status> {
    let connection = ask::needed(question.connection, "a connection")?;
    let contact_id = ask::needed(question.contact_id, "a contact's id")?;
    let tenant = caller.tenant()?;
    let mut tx = readers.begin(Some(tenant)).await.map_err(ask::failed)?;
    let known = contact::find(&mut tx, tenant, &connection, &contact_id)
        .await
        .map_err(ask::failed)?;
    tx.commit().await.map_err(ask::failed)?;
    let session_until = known
        .last_inbound_at
        .map(window_ends)
        .filter(|until| *until > now);
    Ok(GetContactResponse {
        last_inbound_at: known.last_inbound_at.map(timestamp),
        session_until: session_until.map(timestamp),
        opted_out_at: known.opted_out_since().map(timestamp),
    })
}

pub(super) async fn count(
    readers: &Readers,
    now: OffsetDateTime,
    caller: Caller,
    question: CountMessagesRequest,
) -> Result<CountMessagesResponse, Status> {
    let buckets = Buckets::until(now, question.window_seconds, question.bucket_seconds)
        .ok_or_else(|| Status::invalid_argument("a bucket has 60, 600 or 3600 seconds"))?;
    let tenant = caller.tenant()?;
    let mut tx = readers.begin(Some(tenant)).await.map_err(ask::failed)?;
    let counted = query::count(&mut tx, tenant, &buckets)
        .await
        .map_err(ask::failed)?;
    tx.commit().await.map_err(ask::failed)?;
    let told = buckets.filled(&counted).map(|(start, tally)| MessageBucket {
        start: Some(timestamp(start)),
        queued: tally.queued,
        sent: tally.sent,
        failed: tally.failed,
        parked: tally.parked,
    });
    Ok(CountMessagesResponse {
        buckets: told.collect(),
    })
}
