//! Looking at one part of a replay: what its deliveries make today, and what they made then. Changes nothing.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use puente_outbox::{Committed, NewEvent, stored};
use puente_types::DeliveryId;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::part::{self, Part, Stored, Wanted};
use crate::application::{self, Again, Fate, Then, match_events};
use crate::domain::moment::{SKEW, floor, moment};
use crate::domain::{Counts, Difference, MAX_DIFFERENCES};
use crate::infrastructure::directory::Directory;

/// Events get their ids right after their delivery got its own, in the same breath of one thread.
const SOON: Duration = Duration::seconds(2);
/// Where an event is missing that the delivery says it made, it is looked for within so long: a thread may have stood
/// still in between.
const LATE: Duration = Duration::minutes(10);
/// Events of the same aggregates that are compared; beyond it a happening counts as new.
const MOST_ALIKE: i64 = 5_000;
/// Deliveries translated before intake gets its turn.
const IN_A_ROW: usize = 25;

/// A happening that was not known.
#[derive(Debug)]
pub(crate) struct Fresh {
    pub(crate) key: Uuid,
    pub(crate) delivery: DeliveryId,
    pub(crate) provider: String,
    pub(crate) event: NewEvent,
}

/// What a replay of one part would do. Counted as if each delivery was done after the one before, so that it does not
/// matter where parts end.
#[derive(Default)]
pub(crate) struct Looked {
    pub(crate) counts: Counts,
    /// Events of then, in the order of the outbox.
    pub(crate) known: Vec<Committed>,
    pub(crate) fresh: Vec<Fresh>,
    pub(crate) differences: Vec<Difference>,
    /// Everything up to here was looked at.
    pub(crate) cursor: Uuid,
}

/// Looks at the deliveries after `after`, within `length` of time. Keys in `assumed` count as known: a plan names those
/// that it has counted as new already.
pub(crate) async fn look(
    directory: &Directory,
    connection: &mut PgConnection,
    wanted: &Wanted,
    after: Uuid,
    length: Duration,
    most: usize,
    assumed: &HashSet<Uuid>,
) -> Result<Looked, sqlx::Error> {
    let Part { deliveries, cursor } = part::read(connection, wanted, after, length, most).await?;
    let mut looked = Looked {
        cursor,
        ..Looked::default()
    };
    let mut translated = Vec::with_capacity(deliveries.len());
    for (n, delivery) in deliveries.into_iter().enumerate() {
        if n % IN_A_ROW == IN_A_ROW - 1 {
            tokio::task::yield_now().await;
        }
        looked.counts.deliveries += 1;
        match translate(directory, wanted, delivery) {
            Some(one) => translated.push(one),
            None => looked.counts.skipped += 1,
        }
    }
    let mut then = remembered(connection, wanted, &translated).await?;
    find_alike(connection, wanted, &translated, &mut then).await?;
    let mut done = HashSet::new();
    for Translated { provider, again, .. } in translated {
        let (fates, gone) = match_events(&again, &then);
        for ((key, event), fate) in again.events.into_iter().zip(fates) {
            match fate {
                Fate::Known(id, fields) => {
                    looked.known(again.delivery, id, fields, &then, done.insert(id));
                }
                // Told by an earlier delivery of this replay.
                Fate::Fresh if assumed.contains(&key) || !done.insert(key) => looked.counts.same += 1,
                Fate::Fresh => {
                    looked.counts.fresh += 1;
                    looked.differ(again.delivery, None, event.event.name, Vec::new());
                    looked.fresh.push(Fresh {
                        key,
                        delivery: again.delivery.into(),
                        provider: provider.clone(),
                        event,
                    });
                }
                Fate::Untold => {}
            }
        }
        // They happened, so they are published as they were.
        for id in gone {
            looked.gone(again.delivery, id, &then, done.insert(id));
        }
    }
    looked.known.sort_by_key(|row| row.seq);
    Ok(looked)
}

impl Looked {
    /// An event of then. Each delivery that tells of it counts; it is published once.
    fn known(&mut self, delivery: Uuid, id: Uuid, fields: Vec<String>, then: &Then, first: bool) {
        let Some(row) = then.stored.get(&id) else { return };
        if fields.is_empty() {
            self.counts.same += 1;
        } else {
            self.counts.different += 1;
            self.differ(delivery, Some(id), row.event.event.name, fields);
        }
        if first {
            self.known.push(row.clone());
        }
    }

    /// An event of then that is not made any more.
    fn gone(&mut self, delivery: Uuid, id: Uuid, then: &Then, first: bool) {
        let Some(row) = then.stored.get(&id) else { return };
        self.counts.different += 1;
        self.differ(delivery, Some(id), row.event.event.name, Vec::new());
        if first {
            self.known.push(row.clone());
        }
    }

    fn differ(&mut self, delivery: Uuid, event: Option<Uuid>, kind: &'static str, fields: Vec<String>) {
        if self.differences.len() < MAX_DIFFERENCES {
            self.differences.push(Difference {
                delivery,
                event,
                kind,
                fields,
            });
        }
    }
}

struct Translated {
    provider: String,
    again: Again,
    received_at: OffsetDateTime,
    /// The delivery says that it made events; so many were found in it.
    made: usize,
}

/// The delivery as today's adapters and connections read it; `None` when they cannot.
fn translate(directory: &Directory, wanted: &Wanted, delivery: Stored) -> Option<Translated> {
    let Stored {
        kept,
        provider,
        outcome,
        traceparent,
        events,
    } = delivery;
    if kept.verification != "verified" {
        return None;
    }
    let (id, received_at) = (kept.id.uuid(), kept.received_at);
    let candidates = directory.candidates_of_path(&provider, &kept.request.path).ok()?;
    let webhook = candidates.provider.webhook()?;
    let mut found = application::accept_again(&candidates, webhook, kept)?.events;
    for (_, event) in &mut found {
        // A new happening belongs to the trace of the webhook that told of it.
        event.traceparent = event.traceparent.take().or_else(|| traceparent.clone());
        // As intake writes it: PostgreSQL's texts hold no NUL.
        event.aggregate_id.retain(|c| c != '\0');
    }
    if let Some(tenant) = &wanted.tenant {
        let all = found.len();
        found.retain(|(_, event)| event.tenant.as_str() == tenant);
        if found.is_empty() && all > 0 {
            return None;
        }
    }
    Some(Translated {
        provider,
        again: Again {
            delivery: id,
            duplicate: outcome == "duplicate",
            events: found,
        },
        received_at,
        made: if outcome == "accepted" { events } else { 0 },
    })
}

/// What duplicate keys and outbox remember of these deliveries.
async fn remembered(
    connection: &mut PgConnection,
    wanted: &Wanted,
    translated: &[Translated],
) -> Result<Then, sqlx::Error> {
    let mut then = Then::default();
    let keys: Vec<Uuid> = translated
        .iter()
        .flat_map(|one| one.again.events.iter().map(|(key, _)| *key))
        .collect();
    let known = sqlx::query!(
        "SELECT key, event_id FROM delivery_keys WHERE key = ANY ($1)",
        &keys
    )
    .fetch_all(&mut *connection)
    .await?;
    then.by_key = known.into_iter().map(|row| (row.key, row.event_id)).collect();
    let all: Vec<&Translated> = translated.iter().collect();
    made_of(connection, wanted, &mut then, &all, SOON).await?;
    let short: Vec<&Translated> = all.into_iter().filter(|one| lacks(one, &then)).collect();
    made_of(connection, wanted, &mut then, &short, LATE).await?;

    let missing: Vec<Uuid> = then
        .by_key
        .values()
        .filter(|id| !then.stored.contains_key(*id))
        .copied()
        .collect();
    if let (Some(first), Some(last)) = (missing.iter().min(), missing.iter().max()) {
        let between = moment(*first) - SKEW..moment(*last) + SKEW;
        let rows = stored::by_ids(connection, &missing, between).await?;
        then.keep(wanted, rows);
    }
    Ok(then)
}

/// Whether fewer events are known than the delivery says it made.
fn lacks(one: &Translated, then: &Then) -> bool {
    let own = then.by_delivery.get(&one.again.delivery).map_or(0, Vec::len);
    let elsewhere = one.again.events.iter().filter(|(key, _)| {
        then.by_key
            .get(key)
            .is_some_and(|id| !then.stored.contains_key(id))
    });
    own + elsewhere.count() < one.made
}

/// Reads the events that were made of these deliveries, by cause and by the time of their ids.
async fn made_of(
    connection: &mut PgConnection,
    wanted: &Wanted,
    then: &mut Then,
    deliveries: &[&Translated],
    within: Duration,
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = deliveries.iter().map(|one| one.again.delivery).collect();
    let (Some(first), Some(last)) = (ids.first(), ids.last()) else {
        return Ok(());
    };
    let between = moment(*first) - SKEW..moment(*last) + SKEW + LATE;
    let causes: Vec<String> = ids.iter().map(Uuid::to_string).collect();
    let rows = stored::caused_by(connection, &causes, &stretches(&ids, within), between).await?;
    then.keep(wanted, rows);
    Ok(())
}

/// The ids that events of these deliveries can have, without overlaps. `ids` rise.
fn stretches(ids: &[Uuid], within: Duration) -> Vec<Range<Uuid>> {
    let mut all: Vec<Range<Uuid>> = Vec::new();
    for id in ids {
        let end = floor(moment(*id) + within);
        match all.last_mut() {
            Some(last) if *id <= last.end => last.end = end,
            _ => all.push(*id..end),
        }
    }
    all
}

/// For events that neither key nor delivery knows: events of the same aggregates, told by earlier deliveries or made by
/// earlier replays.
async fn find_alike(
    connection: &mut PgConnection,
    wanted: &Wanted,
    translated: &[Translated],
    then: &mut Then,
) -> Result<(), sqlx::Error> {
    let mut aggregates = HashSet::new();
    let mut oldest: Option<OffsetDateTime> = None;
    for one in translated {
        let (fates, _) = match_events(&one.again, then);
        for ((_, event), fate) in one.again.events.iter().zip(fates) {
            if matches!(fate, Fate::Fresh | Fate::Untold) {
                aggregates.insert(event.aggregate_id.clone());
                let hours = puente_providers::find(&one.provider)
                    .map_or(0, |provider| i64::from(provider.manifest().redelivery_hours));
                let since = one.received_at - Duration::hours(hours + 1);
                oldest = Some(oldest.map_or(since, |at| at.min(since)));
            }
        }
    }
    let Some(oldest) = oldest else { return Ok(()) };
    let aggregates: Vec<String> = aggregates.into_iter().collect();
    let between = oldest..wanted.until.max(oldest) + FOREVER;
    let rows = stored::of_aggregates(connection, &aggregates, between, MOST_ALIKE).await?;
    for row in rows {
        if wanted
            .tenant
            .as_deref()
            .is_none_or(|tenant| tenant == row.event.tenant.as_str())
        {
            let id = row.event.id.uuid();
            then.by_aggregate
                .entry(row.event.aggregate_id.clone())
                .or_default()
                .push(id);
            then.stored.entry(id).or_insert(row);
        }
    }
    Ok(())
}

/// Replays of any later time may have made the event.
const FOREVER: Duration = Duration::days(3_650);

impl Then {
    fn keep(&mut self, wanted: &Wanted, rows: Vec<Committed>) {
        let mut deliveries: HashMap<&str, Uuid> = HashMap::new();
        for row in &rows {
            if let Some((cause, id)) = row
                .event
                .cause
                .as_deref()
                .and_then(|cause| Some((cause, cause.parse().ok()?)))
            {
                deliveries.insert(cause, id);
            }
        }
        for row in &rows {
            let ours = wanted
                .tenant
                .as_deref()
                .is_none_or(|tenant| tenant == row.event.tenant.as_str());
            let id = row.event.id.uuid();
            if !ours || self.stored.contains_key(&id) {
                continue;
            }
            if let Some(delivery) = row.event.cause.as_deref().and_then(|cause| deliveries.get(cause)) {
                self.by_delivery.entry(*delivery).or_default().push(id);
            }
            self.stored.insert(id, row.clone());
        }
    }
}
