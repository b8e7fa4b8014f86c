//! Tenant against tenant: rows, events, credentials.

use std::collections::{BTreeMap, BTreeSet};

use puente_bus::topology;
use puente_e2e::{ALGESTA_NUMBER, InProcess, NORTE_NUMBER, PATIENCE, Person, Stage, schemas};
use puente_testkit::wait_for;
use serde_json::json;

use crate::gateway::Door;
use crate::strangers;

/// The schemas of all services: whoever adds a service has it here.
fn services() -> Vec<&'static str> {
    schemas().iter().map(|schema| schema.service).collect()
}

/// Schema and name of every table that holds rows of tenants, in whatever schema of the database.
async fn tenant_tables(stage: &Stage) -> Vec<(String, String)> {
    sqlx::query_as(
        "SELECT n.nspname::text, t.relname::text FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace
         WHERE t.relkind IN ('r', 'p') AND NOT t.relispartition
           AND n.nspname NOT IN ('pg_catalog', 'information_schema')
           AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attname = 'tenant' AND NOT a.attisdropped)
         ORDER BY 1, 2",
    )
    .fetch_all(&stage.db.admin())
    .await
    .unwrap()
}

/// Rows of a tenant as whoever administers the database sees them.
async fn rows_of(stage: &Stage, tenant: &str, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table} WHERE tenant = $1");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(tenant)
        .fetch_one(&stage.db.admin())
        .await
        .unwrap()
}

/// Rows of a table that what answers callers sees for a tenant, or for none.
async fn seen(pool: &sqlx::PgPool, tenant: Option<&str>, table: &str) -> (i64, i64) {
    let mut tx = pool.begin().await.unwrap();
    if let Some(tenant) = tenant {
        sqlx::query("SELECT set_config('puente.tenant', $1, true)")
            .bind(tenant)
            .execute(&mut *tx)
            .await
            .unwrap();
    }
    let sql = format!("SELECT count(*) FILTER (WHERE tenant = $1), count(*) FROM {table}");
    sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(tenant)
        .fetch_one(&mut *tx)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_table_shows_one_tenants_rows_to_another_nor_without_a_tenant() {
    let door = Door::open().await;
    strangers::authorise(&door).await;
    strangers::live(&door, "algesta", [Person::on_cloud(1), Person::on_cloud(2)]).await;
    strangers::live(&door, "norte", [Person::of_norte(1), Person::of_norte(2)]).await;
    let Door { stage, fleet, .. } = door;
    fleet.stop().await;

    let tables = tenant_tables(&stage).await;
    let held: BTreeSet<&str> = tables.iter().map(|(schema, _)| schema.as_str()).collect();
    assert_eq!(
        held,
        services().into_iter().collect(),
        "schemas with rows of tenants"
    );
    // By schema: rows of the tenants that what answers callers has seen.
    let mut own: BTreeMap<&str, i64> = BTreeMap::new();
    for (schema, table) in &tables {
        let name = format!("{schema}.{table}");
        let forced: (bool, bool) = sqlx::query_as(
            "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = $1::regclass",
        )
        .bind(&name)
        .fetch_one(&stage.db.admin())
        .await
        .unwrap();
        assert_eq!(forced, (true, true), "{name} has no forced row policy");
        // What answers callers may not be granted the table at all; where it is, it sees its own tenant only.
        let granted: bool = sqlx::query_scalar("SELECT has_table_privilege($1, $2, 'SELECT')")
            .bind(format!("{schema}_api"))
            .bind(&name)
            .fetch_one(&stage.db.admin())
            .await
            .unwrap();
        if !granted {
            continue;
        }
        let pool = stage.db.api_pool(schema);
        assert_eq!(
            seen(&pool, None, table).await,
            (0, 0),
            "{name} shows rows to nobody's caller"
        );
        for tenant in ["algesta", "norte"] {
            let there = rows_of(&stage, tenant, &name).await;
            assert_eq!(
                seen(&pool, Some(tenant), table).await,
                (there, there),
                "{name} shows {tenant} its own rows, all of them and no others"
            );
            *own.entry(schema).or_default() += there;
        }
    }
    for service in services() {
        assert!(
            own.get(service).is_some_and(|rows| *rows > 0),
            "no row of a tenant was seen in {service}, so nothing was shown about it: {own:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_partition_lets_row_policies_be_walked_around() {
    let stage = Stage::raise(false).await;
    let partitions: Vec<(String, String, bool)> = sqlx::query_as(
        "SELECT n.nspname::text, c.oid::regclass::text, has_table_privilege(n.nspname || '_api', c.oid, 'SELECT')
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = ANY($1) AND c.relispartition AND c.relkind = 'r'",
    )
    .bind(services())
    .fetch_all(&stage.db.admin())
    .await
    .unwrap();
    for service in services() {
        assert!(
            partitions.iter().any(|(schema, ..)| schema == service),
            "{service} has no partition to look at"
        );
    }
    let open: Vec<_> = partitions.iter().filter(|(.., may)| *may).collect();
    assert!(open.is_empty(), "{open:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_answers_callers_cannot_drop_old_days() {
    let stage = Stage::raise(false).await;
    for service in services() {
        let may = async |role: &str| -> bool {
            sqlx::query_scalar("SELECT has_function_privilege($1, $2, 'EXECUTE')")
                .bind(format!("{service}_{role}"))
                .bind(format!("{service}.maintain_partitions(interval, integer)"))
                .fetch_one(&stage.db.admin())
                .await
                .unwrap()
        };
        assert!(may("worker").await && !may("api").await, "{service}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_role_reads_the_schema_of_another_service() {
    let stage = Stage::raise(false).await;
    for own in services() {
        for role in [format!("{own}_api"), format!("{own}_worker")] {
            for schema in services() {
                let may: bool = sqlx::query_scalar("SELECT has_schema_privilege($1, $2, 'USAGE')")
                    .bind(&role)
                    .bind(schema)
                    .fetch_one(&stage.db.admin())
                    .await
                    .unwrap();
                assert_eq!(may, schema == own, "{role} and the schema of {schema}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_order_number_tells_another_tenants_client_nothing() {
    let stage = Stage::raise(false).await;
    let fleet = InProcess::start(&stage, 1).await;
    let (owner, stranger, neighbour) = (Person::on_cloud(1), Person::of_norte(2), Person::on_cloud(3));
    owner.order(&stage, &fleet.url(0), 0).await;
    stranger.order(&stage, &fleet.url(0), 0).await;
    neighbour.order(&stage, &fleet.url(0), 0).await;
    let number = owner.order_number(&stage);
    for person in [&neighbour, &owner] {
        let before = stage.journal_of(person.provider, &person.phone).len();
        person
            .say(&stage, &fleet.url(0), &format!("estado de mi orden {number}"), 0)
            .await;
        person.wait_for_answers(&stage, before + 1).await;
    }
    let told = |person: &Person| {
        stage
            .journal_of(person.provider, &person.phone)
            .last()
            .unwrap()
            .text
            .clone()
    };
    assert_ne!(
        told(&neighbour),
        told(&owner),
        "only the order's own client is told how it stands"
    );
    assert!(!told(&neighbour).contains("nevera"));
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_tenants_credentials_do_nothing_at_another_tenants_account() {
    let stage = Stage::raise(false).await;
    stage.open_accounts("http://127.0.0.1:9");
    let send = |number: &str, token: &str| {
        let request = stage
            .http
            .post(format!("{}/sim/whatsapp_cloud/v23.0/{number}/messages", stage.sims))
            .bearer_auth(token)
            .json(&json!({"messaging_product":"whatsapp","to":"573001234567","type":"text","text":{"body":"hola"}}));
        async move { request.send().await.unwrap().status().as_u16() }
    };
    for (number, token) in [
        (ALGESTA_NUMBER, "e2e-token-norte"),
        (NORTE_NUMBER, "e2e-token-algesta"),
        (ALGESTA_NUMBER, "guess"),
    ] {
        let status = send(number, token).await;
        assert!((400..500).contains(&status), "{status}");
    }
    let foreign = stage
        .http
        .post(format!(
            "{}/sim/jelou/v1/bots/{}/messages",
            stage.sims,
            puente_e2e::JELOU_BOT
        ))
        .basic_auth("e2e-client", Some("another"))
        .json(&json!({"type":"text","userId":"573001234567","text":"hola"}))
        .send()
        .await
        .unwrap();
    assert_eq!(foreign.status().as_u16(), 401);
    assert!(stage.hub.journal("whatsapp_cloud").is_empty() && stage.hub.journal("jelou").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_consumer_refuses_an_event_whose_subject_and_header_name_different_tenants() {
    let stage = Stage::raise(false).await;
    let fleet = InProcess::start(&stage, 1).await;
    let client = stage.nats.client().await;
    let js = async_nats::jetstream::new(client);
    // The services declare it, and may not have come to that yet.
    wait_for("the stream", PATIENCE, || async {
        js.get_stream(topology::EVENTS).await.is_ok()
    })
    .await;
    for (n, event) in puente_proto::CATALOGUE.iter().enumerate() {
        let mut headers = async_nats::HeaderMap::new();
        for (name, value) in [
            ("ce-id", uuid::Uuid::now_v7().to_string()),
            ("ce-type", event.name.to_owned()),
            ("ce-source", "forger".to_owned()),
            ("ce-subject", format!("x{n}")),
            ("ce-time", "2026-11-25T00:00:00Z".to_owned()),
            ("puente-tenant", "norte".to_owned()),
        ] {
            headers.insert(name, value.as_str());
        }
        let subject = format!(
            "puente.v1.algesta.{}.{}.{}",
            event.domain, event.entity, event.verb
        );
        js.publish_with_headers(subject, headers, "".into())
            .await
            .unwrap()
            .await
            .unwrap();
    }
    let refused = async || -> usize {
        let mut all = 0;
        for service in services() {
            let sql = format!("SELECT count(*) FROM {service}.dead_letters");
            let found: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
                .fetch_one(&stage.db.admin())
                .await
                .unwrap();
            all += usize::try_from(found).unwrap();
        }
        all
    };
    let consumed: usize = topology::CONSUMERS
        .iter()
        .map(|consumer| consumer.events.len())
        .sum();
    wait_for("every consumed event to be refused", PATIENCE, || async {
        let count = refused().await;
        if count == consumed {
            Ok(())
        } else {
            Err(format!("{count} of {consumed}"))
        }
    })
    .await;
    assert_eq!(stage.count("SELECT count(*) FROM orders.orders").await, 0);
    assert!(stage.hub.journal("whatsapp_cloud").is_empty() && stage.hub.journal("asana").is_empty());
    fleet.stop().await;
}
