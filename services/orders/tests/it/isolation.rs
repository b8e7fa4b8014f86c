//! Tenants never meet: not by number, not by phone, not through the role that answers callers.

use puente_proto::Event as _;
use puente_proto::notifications::MessageRequested;

use crate::support::{LAURA, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_person_is_another_client_with_other_numbers_at_another_tenant() {
    let stage = Stage::set().await;
    let here = stage.with_order("acme", LAURA).await;
    let there = stage.with_order("other", LAURA).await;
    assert_eq!(here, there, "each tenant counts for itself");
    assert_eq!(
        stage.count("SELECT count(DISTINCT client_id) FROM orders").await,
        2
    );
    for event in stage
        .told()
        .await
        .iter()
        .filter(|event| event.name == MessageRequested::TYPE.name)
    {
        let recipient = event.read::<MessageRequested>().recipient.unwrap();
        assert_eq!(recipient.connection, format!("{}-chat", event.tenant));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_that_answers_callers_sees_its_tenant_only_and_nothing_without_one() {
    let stage = Stage::set().await;
    stage.with_order("acme", LAURA).await;
    stage.with_order("other", LAURA).await;
    sqlx::query(
        "INSERT INTO people (tenant, id, kind, name, sort_key, email, active, changed_at, changed_by)
         SELECT tenant, 'ana', 'agent', 'Ana', 'ana', 'ana@ejemplo.co', true, now(), 'user-7'
         FROM unnest(ARRAY['acme', 'other']) AS t (tenant)",
    )
    .execute(&stage.pool)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO signature_requests (request_id, tenant, order_id, attempt, requested_by, requested_at, changed_at)
         SELECT gen_random_uuid(), tenant, id, 1, 'user-7', now(), now() FROM orders",
    )
    .execute(&stage.pool)
    .await
    .unwrap();
    for statement in [
        "INSERT INTO captures (capture_id, tenant, conversation_id, turns, opened_at)
         SELECT gen_random_uuid(), tenant, id, 1, now() FROM conversations",
        "INSERT INTO asset_numbers (tenant, last) VALUES ('acme', 1), ('other', 1)",
        "INSERT INTO assets (id, tenant, number, version, serial, serial_key, origin, confidence, decided_by, read, written,
                             registered_at, changed_at)
         SELECT gen_random_uuid(), tenant, 1, 1, 'SN-1', 'SN1', 'read', 957, '', '{}', '{}', now(), now()
         FROM asset_numbers",
        "INSERT INTO asset_history (asset_id, version, tenant, event_id, fact, at)
         SELECT id, 1, tenant, gen_random_uuid(), 'registered', now() FROM assets",
        "INSERT INTO asset_commands (tenant, key, digest, asset_id, answer, at)
         SELECT tenant, 'k', '', id, '', now() FROM assets",
        "INSERT INTO client_nits (tenant, nit_body, client_id) SELECT tenant, '900373115', id FROM clients",
        "INSERT INTO client_lookups (tenant, nit_body, touched_at) SELECT tenant, '900373115', now() FROM clients",
    ] {
        sqlx::query(statement).execute(&stage.pool).await.unwrap();
    }
    let api = stage.db.api_pool("orders");
    let seen = async |tenant: Option<&str>, table: &str| -> i64 {
        let mut tx = api.begin().await.unwrap();
        if let Some(tenant) = tenant {
            sqlx::query("SELECT set_config('puente.tenant', $1, true)")
                .bind(tenant)
                .execute(&mut *tx)
                .await
                .unwrap();
        }
        let sql = format!("SELECT count(*) FROM {table}");
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_one(&mut *tx)
            .await
            .unwrap()
    };
    for table in [
        "clients",
        "conversations",
        "orders",
        "order_numbers",
        "people",
        "signature_requests",
        "captures",
        "asset_numbers",
        "assets",
        "asset_history",
        "asset_commands",
        "client_nits",
        "client_lookups",
    ] {
        assert_eq!(seen(Some("acme"), table).await, 1, "{table}");
        assert_eq!(seen(None, table).await, 0, "{table}");
        assert_eq!(seen(Some("nobody"), table).await, 0, "{table}");
    }
    assert_eq!(seen(Some("acme"), "conversation_messages").await, 5);
    assert_eq!(seen(None, "order_journal").await, 0);
}
