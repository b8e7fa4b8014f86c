//! Committing new happenings as intake commits them: duplicate keys, then the count of their conversations, then events.

use std::collections::{BTreeMap, HashMap, HashSet};

use puente_outbox::{NewEvent, Tx};
use uuid::Uuid;

use super::look::Fresh;
use crate::infrastructure::batch::conversation;

/// Adds those that nobody told of meanwhile to the transaction, and says how many that were. Locks are taken in intake's
/// order: keys in their own, and after them conversations in theirs, so that whoever shares some waits instead of
/// deadlocking.
pub(super) async fn append(tx: &mut Tx, fresh: Vec<Fresh>) -> Result<u64, sqlx::Error> {
    if fresh.is_empty() {
        return Ok(0);
    }
    let keys: Vec<Uuid> = fresh.iter().map(|one| one.key).collect();
    let ids: Vec<Uuid> = fresh.iter().map(|one| one.event.id.uuid()).collect();
    let deliveries: Vec<Uuid> = fresh.iter().map(|one| one.delivery.uuid()).collect();
    let providers: Vec<String> = fresh.iter().map(|one| one.provider.clone()).collect();
    let inserted: HashSet<Uuid> = sqlx::query_scalar!(
        "INSERT INTO delivery_keys (key, event_id, delivery_id, provider)
         SELECT k.key, k.event_id, k.delivery_id, k.provider
         FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]) AS k (key, event_id, delivery_id, provider)
         ORDER BY k.key
         ON CONFLICT (key) DO NOTHING RETURNING event_id",
        &keys,
        &ids,
        &deliveries,
        &providers
    )
    .fetch_all(&mut **tx)
    .await?
    .into_iter()
    .collect();
    let mut events: Vec<NewEvent> = fresh.into_iter().map(|one| one.event).collect();
    events.retain(|event| inserted.contains(&event.id.uuid()));
    count_on(tx, &mut events).await?;
    let count = events.len() as u64;
    for event in events {
        tx.append(event);
    }
    Ok(count)
}

/// Gives messages their place in their conversation, without a gap.
async fn count_on(tx: &mut Tx, events: &mut [NewEvent]) -> Result<(), sqlx::Error> {
    let mut more: BTreeMap<Uuid, i64> = BTreeMap::new();
    for conversation in events.iter().filter_map(conversation) {
        *more.entry(conversation).or_default() += 1;
    }
    if more.is_empty() {
        return Ok(());
    }
    let (conversations, counts): (Vec<Uuid>, Vec<i64>) = more.iter().map(|(id, n)| (*id, *n)).unzip();
    let counted = sqlx::query!(
        "INSERT INTO conversation_counts AS c (conversation, last)
         SELECT e.conversation, e.more FROM unnest($1::uuid[], $2::bigint[]) AS e (conversation, more)
         ORDER BY e.conversation
         ON CONFLICT (conversation) DO UPDATE SET last = c.last + excluded.last
         RETURNING c.conversation, c.last",
        &conversations,
        &counts
    )
    .fetch_all(&mut **tx)
    .await?;
    // The place of the last message before these.
    let mut last: HashMap<Uuid, i64> = counted
        .into_iter()
        .map(|row| {
            (
                row.conversation,
                row.last - more.get(&row.conversation).copied().unwrap_or(0),
            )
        })
        .collect();
    for event in events {
        if let Some(place) = conversation(event).and_then(|conversation| last.get_mut(&conversation)) {
            *place += 1;
            event.aggregate_version = Some(*place);
        }
    }
    Ok(())
}
