//! What providers say of their templates, and whose turn it is to ask them.

use puente_outbox::Tx;
use puente_ports::TemplateInfo;
use puente_types::{ConnectionId, TenantId};
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::application::decide::Standing;
use crate::domain::text::Template;

/// How a template stands.
pub(crate) async fn standing(
    tx: &mut Tx,
    tenant: &TenantId,
    connection: &str,
    template: &Template,
) -> Result<Standing, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT status, approved, category, parameters FROM provider_templates
         WHERE tenant = $1 AND connection = $2 AND name = $3 AND language = $4",
        tenant.as_str(),
        connection,
        template.name,
        template.language,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map_or(Standing::Unknown, |row| Standing::Known {
        approved: row.approved,
        status: row.status,
        category: row.category,
        parameters: row.parameters.and_then(|count| usize::try_from(count).ok()),
    }))
}

/// The provider announced a new state. Older news never overwrites newer.
pub(crate) async fn announced(
    tx: &mut Tx,
    tenant: &TenantId,
    news: &puente_proto::messaging::TemplateChanged,
    as_of: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    let reason: String = news.reason.chars().take(300).collect();
    sqlx::query!(
        "INSERT INTO provider_templates AS t (tenant, connection, name, language, status, approved, category, reason, as_of)
         VALUES ($1, $2, $3, $4, $5, $6, '', $7, $8)
         ON CONFLICT (tenant, connection, name, language) DO UPDATE
         SET status = excluded.status, approved = excluded.approved, reason = excluded.reason, as_of = excluded.as_of
         WHERE t.as_of < excluded.as_of",
        tenant.as_str(),
        news.connection,
        news.name,
        news.language,
        news.status,
        news.status.eq_ignore_ascii_case("approved"),
        reason,
        as_of,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes the turn to read a connection's templates, if they were read before `older_than` and nobody is at it.
pub(crate) async fn claim(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: &ConnectionId,
    older_than: OffsetDateTime,
    now: OffsetDateTime,
    until: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let claimed = sqlx::query!(
        "INSERT INTO template_listings AS l (connection, tenant, claimed_until) VALUES ($1, $2, $5)
         ON CONFLICT (connection) DO UPDATE SET tenant = excluded.tenant, claimed_until = excluded.claimed_until
         WHERE (l.listed_at < $3 OR l.tenant <> excluded.tenant) AND l.claimed_until < $4",
        id.as_str(),
        tenant.as_str(),
        older_than,
        now,
        until,
    )
    .execute(connection)
    .await?;
    Ok(claimed.rows_affected() > 0)
}

/// Writes the account's list as it was at `as_of`. What is no longer in it may not be used.
pub(crate) async fn listed(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: &ConnectionId,
    templates: &[TemplateInfo],
    as_of: OffsetDateTime,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    let names: Vec<&str> = templates.iter().map(|t| t.name.as_str()).collect();
    let languages: Vec<&str> = templates.iter().map(|t| t.language.as_str()).collect();
    let statuses: Vec<&str> = templates.iter().map(|t| t.status.as_str()).collect();
    let approved: Vec<bool> = templates.iter().map(|t| t.approved).collect();
    let categories: Vec<String> = templates.iter().map(|t| t.category.to_uppercase()).collect();
    let counts: Vec<i32> = templates
        .iter()
        .map(|t| i32::try_from(t.parameters).unwrap_or(i32::MAX))
        .collect();
    // What was announced while the list was being read keeps its state, and still learns its parameters.
    sqlx::query!(
        "INSERT INTO provider_templates AS t (tenant, connection, name, language, status, approved, category, parameters, as_of)
         SELECT DISTINCT ON (e.name, e.language) $1, $2, e.name, e.language, e.status, e.approved, e.category, e.parameters, $9
         FROM unnest($3::text[], $4::text[], $5::text[], $6::bool[], $7::text[], $8::int[])
             AS e (name, language, status, approved, category, parameters)
         ORDER BY e.name, e.language
         ON CONFLICT (tenant, connection, name, language) DO UPDATE
         SET status = CASE WHEN t.as_of < excluded.as_of THEN excluded.status ELSE t.status END,
             approved = CASE WHEN t.as_of < excluded.as_of THEN excluded.approved ELSE t.approved END,
             category = excluded.category, parameters = excluded.parameters,
             as_of = greatest(t.as_of, excluded.as_of)",
        tenant.as_str(),
        id.as_str(),
        &names as &[&str],
        &languages as &[&str],
        &statuses as &[&str],
        &approved,
        &categories,
        &counts,
        as_of,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "UPDATE provider_templates SET approved = false, status = 'NOT_LISTED', as_of = $3
         WHERE tenant = $1 AND connection = $2 AND as_of < $3",
        tenant.as_str(),
        id.as_str(),
        as_of,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "UPDATE template_listings SET listed_at = $2, claimed_until = $2 WHERE connection = $1",
        id.as_str(),
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}
