//! Orders, their facts and their counts.

use puente_types::{OrderId, PhoneEnding, TenantId};
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::super::price::PriceColumns;
use super::{PgQueries, bounds};
use crate::domain::company::Check;
use crate::domain::error::StoreError;
use crate::domain::number::OrderNumber;
use crate::domain::order::{Assignment, Channel};
use crate::domain::queries::OrderQueries;
use crate::domain::state::State;
use crate::domain::view::{JournalView, OrderCounts, OrderFilter, OrderKey, OrderSearch, OrderView};

/// Facts that are shown of one order: more than any order has that people work on.
const MOST_FACTS: i64 = 1_000;

/// What the statement is asked; what is `None` or empty does not restrict.
#[derive(Default)]
struct Wanted<'a> {
    id: Option<Uuid>,
    number: Option<i64>,
    states: Vec<&'static str>,
    client: Option<Uuid>,
    phone: Option<&'a PhoneEnding>,
    assignee: Option<&'a str>,
    below: Option<i64>,
    limit: i64,
}

struct ViewRow {
    id: Uuid,
    number: i64,
    version: i64,
    state: String,
    client_id: Uuid,
    contact_name: String,
    contact_phone: String,
    service: String,
    description: String,
    location: String,
    channel: String,
    agent: Option<String>,
    service_provider: Option<String>,
    conversation_id: Option<Uuid>,
    opened_at: OffsetDateTime,
    changed_at: OffsetDateTime,
    agent_name: String,
    service_provider_name: String,
    quotation_minor: Option<i64>,
    quotation_currency: Option<String>,
    quotation_note: String,
    quotation_until: Option<Date>,
    traceparent: Option<String>,
    client_check: String,
}

async fn read(
    connection: &mut PgConnection,
    tenant: &TenantId,
    wanted: Wanted<'_>,
) -> Result<Vec<OrderView>, StoreError> {
    let (from, to) = bounds(wanted.phone, PhoneEnding::among_numbers);
    // Numbers are given one after the other, so that their order is that of opening.
    let rows = sqlx::query_as!(
        ViewRow,
        r#"SELECT o.id, o.number, o.version, o.state, o.client_id, o.contact_name, o.contact_phone, o.service,
                  o.description, o.location, o.channel, o.agent, o.service_provider, c.id AS "conversation_id?",
                  o.opened_at, o.changed_at, coalesce(a.name, '') AS "agent_name!",
                  coalesce(p.name, '') AS "service_provider_name!", o.quotation_minor, o.quotation_currency,
                  o.quotation_note, o.quotation_until, o.traceparent, o.client_check
           FROM orders o LEFT JOIN conversations c
               ON c.tenant = o.tenant AND c.connection = o.connection AND c.contact_id = o.contact_id
           LEFT JOIN people a ON a.tenant = o.tenant AND a.id = o.agent
           LEFT JOIN people p ON p.tenant = o.tenant AND p.id = o.service_provider
           WHERE o.tenant = $1
             AND ($2::uuid IS NULL OR o.id = $2)
             AND ($3::bigint IS NULL OR o.number = $3)
             AND (cardinality($4::text[]) = 0 OR o.state = ANY ($4))
             AND ($5::uuid IS NULL OR o.client_id = $5)
             AND ($6::text IS NULL OR (o.contact_phone_reversed >= $6 AND o.contact_phone_reversed < $7))
             AND ($8::bigint IS NULL OR o.number < $8)
             AND ($10::text IS NULL OR o.agent = $10 OR o.service_provider = $10)
           ORDER BY o.number DESC LIMIT $9"#,
        tenant.as_str(),
        wanted.id,
        wanted.number,
        &wanted.states as &[&str],
        wanted.client,
        from,
        to,
        wanted.below,
        wanted.limit,
        wanted.assignee
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(OrderView::try_from).collect()
}

impl OrderQueries for PgQueries {
    async fn find(&self, tenant: &TenantId, key: OrderKey) -> Result<Option<OrderView>, StoreError> {
        let (id, number) = match key {
            OrderKey::Id(id) => (Some(id.uuid()), None),
            OrderKey::Number(number) => (None, Some(number.count())),
        };
        let wanted = Wanted {
            id,
            number,
            limit: 1,
            ..Wanted::default()
        };
        let mut tx = self.readers.begin(Some(tenant)).await?;
        let mut found = read(&mut tx, tenant, wanted).await?;
        tx.commit().await?;
        Ok(found.pop())
    }

    async fn newest(
        &self,
        tenant: &TenantId,
        filter: &OrderFilter,
        below: Option<OrderNumber>,
        limit: u32,
    ) -> Result<Vec<OrderView>, StoreError> {
        let (number, phone) = match &filter.search {
            Some(OrderSearch::Number(number)) => (Some(number.count()), None),
            Some(OrderSearch::Phone(phone)) => (None, Some(phone)),
            None => (None, None),
        };
        let wanted = Wanted {
            id: None,
            number,
            states: filter.states.iter().map(|state| state.name()).collect(),
            client: filter.client.map(|client| client.uuid()),
            phone,
            assignee: filter.assignee.as_deref(),
            below: below.map(OrderNumber::count),
            limit: limit.into(),
        };
        let mut tx = self.readers.begin(Some(tenant)).await?;
        let found = read(&mut tx, tenant, wanted).await?;
        tx.commit().await?;
        Ok(found)
    }

    async fn journal(&self, tenant: &TenantId, id: OrderId) -> Result<Vec<JournalView>, StoreError> {
        let mut tx = self.readers.begin(Some(tenant)).await?;
        let rows = sqlx::query!(
            // The event itself tells what led to it; found by the order, which all its events share.
            r#"SELECT j.version, j.event_id, j.fact, coalesce(j.transition, '') AS "transition!",
                      coalesce(j.before, '') AS "before!", j.after, j.reason, coalesce(j.agent, '') AS "agent!",
                      coalesce(j.service_provider, '') AS "service_provider!", j.at, j.changed_by,
                      e.cause AS "cause?", coalesce(e.traceparent, o.traceparent) AS traceparent, j.asked_in,
                      j.document_id, j.quotation_minor, j.quotation_currency, j.quotation_note, j.quotation_until
               FROM order_journal j JOIN orders o ON o.id = j.order_id AND o.tenant = j.tenant
               LEFT JOIN outbox e ON e.id = j.event_id AND e.aggregate_id = $3
               WHERE j.tenant = $1 AND j.order_id = $2
               ORDER BY j.version, j.at LIMIT $4"#,
            tenant.as_str(),
            id.uuid(),
            id.to_string(),
            MOST_FACTS
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        let facts = rows.into_iter().map(|row| {
            let price = PriceColumns {
                minor: row.quotation_minor,
                currency: row.quotation_currency,
                note: row.quotation_note,
                until: row.quotation_until,
            };
            Ok(JournalView {
                quotation: price.read()?,
                asked_in: row.asked_in,
                document_id: row.document_id,
                version: row.version,
                event: row.event_id.into(),
                fact: row.fact,
                transition: row.transition,
                before: row.before,
                after: row.after,
                reason: row.reason,
                agent: row.agent,
                service_provider: row.service_provider,
                at: row.at,
                by: row.changed_by,
                cause: row.cause,
                traceparent: row.traceparent,
            })
        });
        facts.collect()
    }

    async fn count(&self, tenant: &TenantId, assignee: Option<&str>) -> Result<OrderCounts, StoreError> {
        let mut tx = self.readers.begin(Some(tenant)).await?;
        let rows = sqlx::query!(
            r#"SELECT state, count(*) AS "count!" FROM orders
               WHERE tenant = $1 AND ($2::text IS NULL OR agent = $2 OR service_provider = $2)
               GROUP BY state"#,
            tenant.as_str(),
            assignee
        )
        .fetch_all(&mut *tx)
        .await?;
        let opened_today = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM orders
               WHERE tenant = $1 AND opened_at >= date_trunc('day', $2::timestamptz, $3)
                 AND ($4::text IS NULL OR agent = $4 OR service_provider = $4)"#,
            tenant.as_str(),
            self.clock.now(),
            self.zone,
            assignee
        )
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        let mut states = Vec::with_capacity(rows.len());
        for row in rows {
            let state: State = row
                .state
                .parse()
                .map_err(|_| StoreError::Corrupt("state of an order".into()))?;
            states.push((state, row.count.unsigned_abs()));
        }
        states.sort_unstable();
        Ok(OrderCounts {
            states,
            opened_today: opened_today.unsigned_abs(),
        })
    }
}

impl TryFrom<ViewRow> for OrderView {
    type Error = StoreError;
    fn try_from(row: ViewRow) -> Result<Self, StoreError> {
        let corrupt = |what: &str| StoreError::Corrupt(format!("{what} of order {}", row.id));
        let price = PriceColumns {
            minor: row.quotation_minor,
            currency: row.quotation_currency,
            note: row.quotation_note,
            until: row.quotation_until,
        };
        Ok(Self {
            quotation: price.read()?,
            agent_name: row.agent_name,
            service_provider_name: row.service_provider_name,
            traceparent: row.traceparent,
            number: OrderNumber::new(row.number).ok_or_else(|| corrupt("number"))?,
            state: row.state.parse().map_err(|_| corrupt("state"))?,
            channel: Channel::named(&row.channel).ok_or_else(|| corrupt("channel"))?,
            id: row.id.into(),
            service: row.service,
            description: row.description,
            location: row.location,
            client: row.client_id.into(),
            client_name: row.contact_name,
            client_phone: row.contact_phone,
            conversation: row.conversation_id.map(Into::into),
            assignment: Assignment {
                agent: row.agent,
                service_provider: row.service_provider,
            },
            version: row.version,
            opened_at: row.opened_at,
            changed_at: row.changed_at,
            check: Check::named(&row.client_check).ok_or_else(|| corrupt("check"))?,
        })
    }
}
