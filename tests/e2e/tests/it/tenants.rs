//! Tenant against tenant: rows, events, credentials.

use puente_e2e::{ALGESTA_NUMBER, InProcess, NORTE_NUMBER, Person, Stage};
use serde_json::json;

/// Schema and name of every table that holds rows of tenants.
async fn tenant_tables(stage: &Stage) -> Vec<(String, String)> {
    sqlx::query_as(
        "SELECT c.table_schema::text, c.table_name::text FROM information_schema.columns c
         JOIN pg_class t ON t.relname = c.table_name AND t.relnamespace = c.table_schema::regnamespace
         WHERE c.column_name = 'tenant' AND c.table_schema IN ('ingress', 'orders', 'notifications', 'signature')
           AND t.relkind IN ('r', 'p') AND NOT t.relispartition
         ORDER BY 1, 2",
    )
    .fetch_all(&stage.db.admin())
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_table_shows_one_tenants_rows_to_another_nor_without_a_tenant() {
    let stage = Stage::raise(false).await;
    let fleet = InProcess::start(&stage, 1).await;
    Person::on_cloud(1).order(&stage, &fleet.url(0), 0).await;
    Person::of_norte(1).order(&stage, &fleet.url(0), 0).await;
    fleet.stop().await;

    let tables = tenant_tables(&stage).await;
    assert!(tables.len() >= 15, "{tables:?}");
    let mut seen_own = 0;
    for (schema, table) in &tables {
        let forced: (bool, bool) = sqlx::query_as(
            "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = $1::regclass",
        )
        .bind(format!("{schema}.{table}"))
        .fetch_one(&stage.db.admin())
        .await
        .unwrap();
        assert_eq!(forced, (true, true), "{schema}.{table} has no forced row policy");
        // What answers callers may not be granted the table at all; where it is, it sees its own tenant only.
        let granted: bool = sqlx::query_scalar("SELECT has_table_privilege($1, $2, 'SELECT')")
            .bind(format!("{schema}_api"))
            .bind(format!("{schema}.{table}"))
            .fetch_one(&stage.db.admin())
            .await
            .unwrap();
        if !granted {
            continue;
        }
        let pool = stage.db.api_pool(schema);
        for (tenant, others) in [
            (Some("algesta"), "norte"),
            (Some("norte"), "algesta"),
            (None, "algesta"),
        ] {
            let mut tx = pool.begin().await.unwrap();
            if let Some(tenant) = tenant {
                sqlx::query("SELECT set_config('puente.tenant', $1, true)")
                    .bind(tenant)
                    .execute(&mut *tx)
                    .await
                    .unwrap();
            }
            let sql = format!("SELECT count(*) FILTER (WHERE tenant = $1), count(*) FROM {table}");
            let (foreign, all): (i64, i64) = sqlx::query_as(sqlx::AssertSqlSafe(sql))
                .bind(others)
                .fetch_one(&mut *tx)
                .await
                .unwrap();
            assert_eq!(
                foreign, 0,
                "{schema}.{table} shows rows of {others} to {tenant:?}"
            );
            if tenant.is_none() {
                assert_eq!(all, 0, "{schema}.{table} shows rows to nobody's caller");
            } else {
                seen_own += all;
            }
        }
    }
    assert!(seen_own > 0, "the matrix must see rows, or it proves nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_partition_lets_row_policies_be_walked_around() {
    let stage = Stage::raise(false).await;
    let open: Vec<String> = sqlx::query_scalar(
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname IN ('ingress', 'orders', 'notifications', 'signature') AND c.relispartition AND c.relkind = 'r'
           AND has_table_privilege(n.nspname || '_api', c.oid, 'SELECT')",
    )
    .fetch_all(&stage.db.admin())
    .await
    .unwrap();
    assert!(open.is_empty(), "{open:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_answers_callers_cannot_drop_old_days() {
    let stage = Stage::raise(false).await;
    for service in ["ingress", "orders", "notifications", "ocr", "signature", "sync"] {
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
    for own in ["ingress", "orders", "notifications", "ocr", "signature", "sync"] {
        for role in [format!("{own}_api"), format!("{own}_worker")] {
            for other in ["ingress", "orders", "notifications", "ocr", "signature", "sync"]
                .into_iter()
                .filter(|other| *other != own)
            {
                let may: bool = sqlx::query_scalar("SELECT has_schema_privilege($1, $2, 'USAGE')")
                    .bind(&role)
                    .bind(other)
                    .fetch_one(&stage.db.admin())
                    .await
                    .unwrap();
                assert!(!may, "{role} reads {other}");
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
    let refused = "SELECT (SELECT count(*) FROM orders.dead_letters) + (SELECT count(*) FROM notifications.dead_letters)
                    + (SELECT count(*) FROM ocr.dead_letters) + (SELECT count(*) FROM signature.dead_letters)
                    + (SELECT count(*) FROM sync.dead_letters)";
    let consumed: usize = puente_bus::topology::CONSUMERS
        .iter()
        .map(|consumer| consumer.events.len())
        .sum();
    puente_testkit::wait_for(
        "every consumed event to be refused",
        puente_e2e::PATIENCE,
        || async {
            let count = stage.count(refused).await;
            if usize::try_from(count).unwrap() == consumed {
                Ok(())
            } else {
                Err(format!("{count} of {consumed}"))
            }
        },
    )
    .await;
    assert_eq!(stage.count("SELECT count(*) FROM orders.orders").await, 0);
    assert!(stage.hub.journal("whatsapp_cloud").is_empty() && stage.hub.journal("asana").is_empty());
    fleet.stop().await;
}
