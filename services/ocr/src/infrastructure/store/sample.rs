//! Photographs whose serial is known: the labelled set, and how well engines read it.

use puente_types::TenantId;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A photograph with its truth.
pub(crate) struct Sample {
    pub(crate) capture_id: Uuid,
    pub(crate) attempt: i32,
    pub(crate) document_id: Option<Uuid>,
    pub(crate) container: String,
    pub(crate) key: String,
    pub(crate) sha256: String,
    pub(crate) media_type: String,
    pub(crate) bytes: i64,
    pub(crate) serial: String,
    pub(crate) origin: String,
    pub(crate) read: String,
    pub(crate) confidence: i32,
    pub(crate) engine: String,
    pub(crate) label: String,
    pub(crate) flaws: Vec<String>,
    pub(crate) read_at: OffsetDateTime,
}

/// Beyond which samples come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) read_at: OffsetDateTime,
    pub(crate) capture: Uuid,
    pub(crate) attempt: i32,
}

/// The `limit` oldest samples beyond a place; only those that were read wrongly, or not, if `mistaken`.
pub(crate) async fn list(
    connection: &mut PgConnection,
    tenant: &TenantId,
    after: Option<Place>,
    mistaken: bool,
    limit: i64,
) -> Result<Vec<Sample>, sqlx::Error> {
    sqlx::query_as!(
        Sample,
        r#"SELECT a.capture_id, a.attempt, a.document_id, a.container AS "container!", a.key AS "key!",
                  a.sha256 AS "sha256!", a.media_type AS "media_type!", a.bytes AS "bytes!", c.serial, c.origin,
                  a.serial AS read, a.confidence, a.engine, a.label, a.flaws, a.read_at AS "read_at!"
           FROM attempts a JOIN plate_captures c ON c.id = a.capture_id AND c.tenant = a.tenant
           WHERE a.tenant = $1 AND a.read_at IS NOT NULL AND a.key IS NOT NULL
             AND c.origin IN ('read', 'confirmed', 'corrected', 'manual')
             AND ($2::timestamptz IS NULL OR (a.read_at, a.capture_id, a.attempt) > ($2, $3, $4))
             AND (NOT $5::boolean OR a.serial_key <> c.serial_key)
           ORDER BY a.read_at, a.capture_id, a.attempt LIMIT $6"#,
        tenant.as_str(),
        after.map(|place| place.read_at),
        after.map(|place| place.capture),
        after.map(|place| place.attempt),
        mistaken,
        limit,
    )
    .fetch_all(connection)
    .await
}

/// A row of the report.
pub(crate) struct Rate {
    pub(crate) grp: String,
    pub(crate) name: String,
    pub(crate) judged: i64,
    pub(crate) exact: i64,
}

/// Exact matches of what was read against what people said, since a moment: all, then by engine, flaw and day.
pub(crate) async fn accuracy(
    connection: &mut PgConnection,
    tenant: &TenantId,
    since: OffsetDateTime,
) -> Result<Vec<Rate>, sqlx::Error> {
    sqlx::query_as!(
        Rate,
        r#"WITH judged AS (
               SELECT a.engine, a.flaws, to_char(a.read_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day,
                      a.serial_key = c.serial_key AS exact
               FROM attempts a JOIN plate_captures c ON c.id = a.capture_id AND c.tenant = a.tenant
               WHERE a.tenant = $1 AND a.read_at >= $2 AND a.key IS NOT NULL AND a.state IN ('read', 'nothing')
                 AND c.origin IN ('confirmed', 'corrected', 'manual')),
           rates AS (
               SELECT 1 AS place, 'all' AS grp, 'all' AS name, exact FROM judged
               UNION ALL SELECT 2, 'engine', engine, exact FROM judged
               UNION ALL SELECT 3, 'flaw', flaw, exact
                   FROM judged CROSS JOIN LATERAL unnest(CASE WHEN flaws = '{}' THEN '{none}' ELSE flaws END) AS flaw
               UNION ALL SELECT 4, 'day', day, exact FROM judged)
           SELECT grp AS "grp!", name AS "name!", count(*) AS "judged!", count(*) FILTER (WHERE exact) AS "exact!"
           FROM rates GROUP BY place, grp, name ORDER BY place, name"#,
        tenant.as_str(),
        since,
    )
    .fetch_all(connection)
    .await
}
