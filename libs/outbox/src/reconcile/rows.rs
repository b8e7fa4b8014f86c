//! The outbox's side: which rows are compared, and reading them by id.

use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Compared, Source, YOUNG, slice::Slice};
use crate::{Committed, table};

/// Ids read at once.
const PAGE: i64 = 5_000;

/// Up to where rows are compared, at one instant.
#[derive(Debug)]
pub(super) struct Horizon {
    /// The database's clock.
    pub(super) now: OffsetDateTime,
    from: OffsetDateTime,
    upto: OffsetDateTime,
    slots: Vec<i64>,
    cursors: Vec<i64>,
}

impl Horizon {
    /// Takes it now.
    pub(super) async fn take(pool: &PgPool, compared: Compared) -> Result<Self, sqlx::Error> {
        let taken = sqlx::query!(
            r#"SELECT now() AS "now!", coalesce(array_agg(slot), '{}') AS "slots!",
                      coalesce(array_agg(cursor), '{}') AS "cursors!"
               FROM relay_slots"#
        )
        .fetch_one(pool)
        .await?;
        Ok(match compared {
            Compared::Published => Self {
                now: taken.now,
                from: OffsetDateTime::UNIX_EPOCH,
                upto: taken.now - YOUNG,
                slots: taken.slots,
                cursors: taken.cursors,
            },
            Compared::Committed => Self {
                now: taken.now,
                from: OffsetDateTime::UNIX_EPOCH,
                upto: taken.now,
                slots: Vec::new(),
                cursors: Vec::new(),
            },
        })
    }

    /// Leaves what was committed earlier out of the comparison.
    pub(super) fn not_before(&mut self, from: OffsetDateTime) {
        self.from = self.from.max(from);
    }
}

/// The rows of one service below its horizon, within one slice, by ascending id.
pub(super) struct Rows<'a> {
    source: &'a Source,
    horizon: &'a Horizon,
    after: Option<Uuid>,
    upto: Uuid,
    over: bool,
}

impl<'a> Rows<'a> {
    pub(super) fn within(source: &'a Source, horizon: &'a Horizon, slice: &Slice) -> Self {
        Self {
            source,
            horizon,
            after: slice.after(),
            upto: slice.upto(),
            over: false,
        }
    }

    /// The next ids; nothing after the last ones.
    pub(super) async fn next_page(&mut self) -> Result<Option<Vec<Uuid>>, sqlx::Error> {
        if self.over {
            return Ok(None);
        }
        let ids = sqlx::query_scalar!(
            r#"SELECT id FROM outbox
               WHERE ($1::uuid IS NULL OR id > $1) AND id <= $2
                 AND created_at >= $3 AND created_at < $4
                 AND NOT EXISTS (SELECT FROM unnest($5::bigint[], $6::bigint[]) AS open (slot, cursor)
                                 WHERE open.slot = outbox.slot AND outbox.seq > open.cursor)
               ORDER BY id LIMIT $7"#,
            self.after,
            self.upto,
            self.horizon.from,
            self.horizon.upto,
            &self.horizon.slots,
            &self.horizon.cursors,
            PAGE,
        )
        .fetch_all(&self.source.pool)
        .await?;
        self.over = i64::try_from(ids.len()).unwrap_or(PAGE) < PAGE;
        let Some(last) = ids.last() else {
            return Ok(None);
        };
        self.after = Some(*last);
        Ok(Some(ids))
    }

    /// The rows of these ids as events, and how many cannot be read.
    pub(super) async fn whole(&self, ids: &[Uuid]) -> Result<(Vec<Committed>, usize), sqlx::Error> {
        Ok(table::readable(table::read_ids(&self.source.pool, ids).await?))
    }
}
