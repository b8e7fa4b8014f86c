//! How far the look through each container has come, and what it found.

use puente_blob::{Container, Object};
use sqlx::PgPool;
use time::OffsetDateTime;

/// A page that this replica looks at now.
#[derive(Debug)]
pub(super) struct Place {
    /// Where it begins.
    pub(super) from: Option<String>,
    /// Its round.
    pub(super) round_at: OffsetDateTime,
}

/// What a page led to.
#[derive(Debug)]
pub(super) struct Looked<'a> {
    pub(super) container: Container,
    pub(super) place: &'a Place,
    /// Those of its files that nobody knows.
    pub(super) unrecorded: &'a [Object],
    /// Where the next one begins.
    pub(super) next: Option<&'a str>,
    /// When that is looked at.
    pub(super) due_at: OffsetDateTime,
    pub(super) now: OffsetDateTime,
}

/// Makes sure that every container has its row.
pub(super) async fn prepare(pool: &PgPool, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    let containers = Container::ALL.map(|container| container.as_str().to_owned());
    sqlx::query!(
        "INSERT INTO file_sweeps (container, round_at, due_at) SELECT container, $2, $2 FROM unnest($1::text[]) AS container
         ON CONFLICT (container) DO NOTHING",
        &containers[..],
        now,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Every container is looked through from its beginning, now.
pub(super) async fn begin_anew(pool: &PgPool, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    prepare(pool, now).await?;
    sqlx::query!(
        "UPDATE file_sweeps SET next_page = NULL, round_at = $1, due_at = $1, finished_at = NULL",
        now
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Takes the container's next page, if its time has come, and puts it off until `until` for all others.
pub(super) async fn take(
    pool: &PgPool,
    container: Container,
    now: OffsetDateTime,
    until: OffsetDateTime,
) -> Result<Option<Place>, sqlx::Error> {
    sqlx::query_as!(
        Place,
        r#"UPDATE file_sweeps SET due_at = $3, round_at = CASE WHEN next_page IS NULL THEN $2 ELSE round_at END
           WHERE container = $1 AND due_at <= $2
           RETURNING next_page AS "from", round_at"#,
        container.as_str(),
        now,
        until,
    )
    .fetch_optional(pool)
    .await
}

/// Writes what was found on a page, and where the next one begins; at the end of a round also forgets what it did not
/// see, but for what was discarded: that is looked at apart. `false` when somebody else went on with the container meanwhile: then nothing is written.
pub(super) async fn note(pool: &PgPool, looked: &Looked<'_>) -> Result<bool, sqlx::Error> {
    let (container, place) = (looked.container.as_str(), looked.place);
    let mut tx = pool.begin().await?;
    let mine = sqlx::query!(
        "UPDATE file_sweeps
         SET next_page = $4, due_at = $5, finished_at = CASE WHEN $4::text IS NULL THEN $6 ELSE finished_at END
         WHERE container = $1 AND round_at = $2 AND next_page IS NOT DISTINCT FROM $3",
        container,
        place.round_at,
        place.from,
        looked.next,
        looked.due_at,
        looked.now,
    )
    .execute(&mut *tx)
    .await?;
    if mine.rows_affected() == 0 {
        return Ok(false);
    }
    for object in looked.unrecorded {
        let tenant = object.key().and_then(|key| key.tenant());
        sqlx::query!(
            "INSERT INTO unrecorded_files (container, name, tenant, bytes, stored_at, found_at, seen_in)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (container, name) DO UPDATE SET seen_in = excluded.seen_in",
            container,
            object.name,
            tenant.as_ref().map(|tenant| tenant.as_str()),
            i64::try_from(object.bytes).unwrap_or(i64::MAX),
            object.stored_at,
            looked.now,
            place.round_at,
        )
        .execute(&mut *tx)
        .await?;
    }
    if looked.next.is_none() {
        sqlx::query!(
            "DELETE FROM unrecorded_files WHERE container = $1 AND seen_in < $2 AND discarded_by IS NULL",
            container,
            place.round_at,
        )
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// A page that cannot be listed: the container is looked through from its beginning at another time.
pub(super) async fn restart(
    pool: &PgPool,
    container: Container,
    place: &Place,
    due_at: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE file_sweeps SET next_page = NULL, due_at = $3 WHERE container = $1 AND round_at = $2",
        container.as_str(),
        place.round_at,
        due_at,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Files that somebody discarded and that are not deleted yet, at most `most`.
pub(super) async fn discarded(pool: &PgPool, most: i64) -> Result<Vec<(String, String)>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT container, name FROM unrecorded_files WHERE discarded_by IS NOT NULL ORDER BY container, name LIMIT $1",
        most
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.container, row.name)).collect())
}

/// It is no longer an unrecorded file: it was deleted, or recorded after all.
pub(super) async fn forget(pool: &PgPool, container: &str, name: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM unrecorded_files WHERE container = $1 AND name = $2",
        container,
        name
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// How many there are in each container.
pub(super) async fn count(pool: &PgPool) -> Result<Vec<(String, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT s.container, count(f.name) AS "files!" FROM file_sweeps s
           LEFT JOIN unrecorded_files f ON f.container = s.container GROUP BY s.container"#
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.container, row.files)).collect())
}
