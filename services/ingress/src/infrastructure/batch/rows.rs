//! A batch as the columns of its rows, borrowed from it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use uuid::Uuid;

use super::conversation;
use crate::application::Received;

/// Everything that a batch writes.
#[derive(Default)]
pub(super) struct Rows<'a> {
    pub(super) deliveries: Deliveries<'a>,
    pub(super) events: Events<'a>,
}

#[derive(Default)]
pub(super) struct Deliveries<'a> {
    pub(super) ids: Vec<Uuid>,
    pub(super) sequences: Vec<i64>,
    pub(super) providers: Vec<&'a str>,
    pub(super) connections: Vec<Option<&'a str>>,
    pub(super) tenants: Vec<Option<&'a str>>,
    pub(super) paths: Vec<Cow<'a, str>>,
    pub(super) queries: Vec<Cow<'a, str>>,
    pub(super) headers: Vec<&'a str>,
    pub(super) bodies: Vec<&'a [u8]>,
    pub(super) sizes: Vec<i32>,
    pub(super) verifications: Vec<&'a str>,
    pub(super) outcomes: Vec<&'a str>,
    pub(super) reasons: Vec<Option<Cow<'a, str>>>,
    pub(super) counts: Vec<i32>,
    pub(super) traces: Vec<Option<&'a str>>,
}

/// In the order of receipt.
#[derive(Default)]
pub(super) struct Events<'a> {
    pub(super) keys: Vec<Uuid>,
    pub(super) ids: Vec<Uuid>,
    pub(super) deliveries: Vec<Uuid>,
    pub(super) providers: Vec<&'a str>,
    pub(super) tenants: Vec<&'a str>,
    pub(super) types: Vec<&'a str>,
    pub(super) aggregates: Vec<Cow<'a, str>>,
    pub(super) traces: Vec<Option<&'a str>>,
    pub(super) payloads: Vec<&'a [u8]>,
    pub(super) conversations: Vec<Option<Uuid>>,
}

/// The duplicate keys of all events, in the order of the keys.
#[derive(Default)]
pub(super) struct Keys<'a> {
    pub(super) keys: Vec<Uuid>,
    pub(super) events: Vec<Uuid>,
    pub(super) deliveries: Vec<Uuid>,
    pub(super) providers: Vec<&'a str>,
}

/// How many messages each conversation gets, and which of them each event is, if all are new.
#[derive(Default)]
pub(super) struct Counts {
    /// In their own order.
    pub(super) conversations: Vec<Uuid>,
    pub(super) more: Vec<i64>,
    /// For each event: the place of its conversation in that order, from one.
    pub(super) places: Vec<Option<i32>>,
    /// For each event: how many of the same conversation come after it.
    pub(super) behind: Vec<i64>,
}

impl<'a> Rows<'a> {
    pub(super) fn of(batch: &'a [Received]) -> Self {
        let mut rows = Self::default();
        let (d, e) = (&mut rows.deliveries, &mut rows.events);
        for Received {
            stored,
            events: found,
        } in batch
        {
            d.ids.push(stored.id.uuid());
            d.sequences.push(stored.receipt_sequence);
            d.providers.push(stored.provider);
            d.connections.push(stored.connection.as_deref());
            d.tenants.push(stored.tenant.as_deref());
            d.paths.push(without_nul(&stored.request.path));
            d.queries.push(without_nul(&stored.request.query));
            d.headers.push(&stored.headers);
            d.sizes
                .push(i32::try_from(stored.request.body.len()).unwrap_or(i32::MAX));
            d.bodies.push(&stored.request.body);
            d.verifications
                .push(if stored.verified { "verified" } else { "refused" });
            d.outcomes.push(stored.outcome.as_str());
            d.reasons.push(stored.reason.as_deref().map(without_nul));
            d.counts.push(i32::try_from(found.len()).unwrap_or(i32::MAX));
            d.traces.push(stored.traceparent.as_deref());
            for (key, event) in found {
                e.keys.push(*key);
                e.ids.push(event.id.uuid());
                e.deliveries.push(stored.id.uuid());
                e.providers.push(stored.provider);
                e.tenants.push(event.tenant.as_str());
                e.types.push(event.event.name);
                e.conversations.push(conversation(event));
                e.aggregates.push(without_nul(&event.aggregate_id));
                e.traces.push(event.traceparent.as_deref());
                e.payloads.push(event.payload.as_ref());
            }
        }
        rows
    }

    /// The duplicate keys. `None`: one is there twice, so that not everything is new.
    pub(super) fn keys(&self) -> Option<Keys<'a>> {
        let e = &self.events;
        let mut rows: Vec<_> = e
            .keys
            .iter()
            .zip(&e.ids)
            .zip(&e.deliveries)
            .zip(&e.providers)
            .collect();
        rows.sort_unstable_by_key(|(((key, _), _), _)| **key);
        let mut keys = Keys::default();
        for (((key, event), delivery), provider) in rows {
            if keys.keys.last() == Some(key) {
                return None;
            }
            keys.keys.push(*key);
            keys.events.push(*event);
            keys.deliveries.push(*delivery);
            keys.providers.push(*provider);
        }
        Some(keys)
    }

    /// The counts of the conversations.
    pub(super) fn counts(&self) -> Counts {
        let all = &self.events.conversations;
        let mut more: BTreeMap<Uuid, (i32, i64)> = BTreeMap::new();
        for conversation in all.iter().flatten() {
            more.entry(*conversation).or_default().1 += 1;
        }
        let mut counts = Counts::default();
        for ((conversation, (place, left)), number) in more.iter_mut().zip(1..) {
            *place = number;
            counts.conversations.push(*conversation);
            counts.more.push(*left);
        }
        for conversation in all {
            let known = conversation.and_then(|conversation| more.get_mut(&conversation));
            counts.places.push(known.as_ref().map(|(place, _)| *place));
            counts.behind.push(known.map_or(0, |(_, left)| {
                *left -= 1;
                *left
            }));
        }
        counts
    }
}

/// PostgreSQL's texts hold no NUL.
fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        text.replace('\0', "").into()
    } else {
        text.into()
    }
}
