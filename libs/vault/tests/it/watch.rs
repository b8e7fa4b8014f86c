//! What services see of changes, and what they keep when the broker is gone or comes back empty.

use std::time::{Duration, Instant};

use puente_testkit::TestNats;
use puente_vault::{Connections, MasterKey, MasterKeys, ProblemKind, SealError, publish};
use tokio_util::sync::CancellationToken;

use crate::support::*;

#[tokio::test]
async fn what_is_applied_is_seen_within_a_second_and_what_is_removed_goes() {
    let (broker, db, masters) = (TestNats::start().await, database().await, masters());
    let client = broker.client().await;
    let service = Follower::start(&pool(&db), &masters, &client).await;
    publish::apply(&client, &masters, vec![connection("acme-chat", "1", "first")])
        .await
        .unwrap();
    service.until_token("acme-chat", "first").await;

    // A machine that does something else may hold up one change or another, but not each of them.
    let mut took = Vec::new();
    for secret in ["second", "third", "fourth", "fifth", "sixth"] {
        let began = Instant::now();
        publish::apply(&client, &masters, vec![connection("acme-chat", "1", secret)])
            .await
            .unwrap();
        service.until_token("acme-chat", secret).await;
        took.push(began.elapsed());
    }
    assert!(took.iter().min() < Some(&Duration::from_secs(1)), "took {took:?}");
    assert_eq!(service.connections.by_account("chat", "1-b").len(), 1);

    assert!(publish::remove(&client, &id("acme-chat")).await.unwrap());
    service
        .until("removed", |c| c.get(&id("acme-chat")).is_none())
        .await;
    assert!(service.connections.of_provider("chat").is_empty());
    service.stop().await;
    let restarted = Connections::open(pool(&db), masters).await.unwrap();
    assert!(restarted.all().is_empty());
}

#[tokio::test]
async fn a_service_restarts_without_the_broker_from_its_copies() {
    let (mut broker, db, masters) = (TestNats::start().await, database().await, masters());
    let client = broker.client().await;
    let service = Follower::start(&pool(&db), &masters, &client).await;
    publish::apply(&client, &masters, vec![connection("acme-chat", "1", SECRET)])
        .await
        .unwrap();
    service.until_token("acme-chat", SECRET).await;
    service.stop().await;
    let client = client_that_waits(&broker).await;
    broker.kill9().await;

    let connections = Connections::open(pool(&db), masters.clone()).await.unwrap();
    assert_eq!(token(&connections, "acme-chat").as_deref(), Some(SECRET));
    let service = Follower::of(connections, &client);
    assert_eq!(token(&service.connections, "acme-chat").as_deref(), Some(SECRET));
    service.stop().await;
}

#[tokio::test]
async fn a_broker_that_lost_its_disk_takes_no_connection_away_and_is_followed_again() {
    let (mut broker, db, masters) = (TestNats::start().await, database().await, masters());
    let client = broker.client().await;
    let service = Follower::start(&pool(&db), &masters, &client).await;
    for secret in ["1", "2", "3"] {
        publish::apply(&client, &masters, vec![connection("acme-chat", "1", secret)])
            .await
            .unwrap();
        service.until_token("acme-chat", secret).await;
    }
    broker.kill9().await;
    broker.start_again_empty().await;
    assert!(
        publish::list(&broker.client().await).await.unwrap().is_empty(),
        "the disk is empty"
    );
    assert_eq!(token(&service.connections, "acme-chat").as_deref(), Some("3"));

    // The new bucket counts from one again; its values count nevertheless.
    let other = broker.client().await;
    publish::apply(&other, &masters, vec![connection("beta-chat", "2", "new")])
        .await
        .unwrap();
    service.until_token("beta-chat", "new").await;
    assert_eq!(token(&service.connections, "acme-chat").as_deref(), Some("3"));
    publish::apply(&other, &masters, vec![connection("acme-chat", "1", "4")])
        .await
        .unwrap();
    service.until_token("acme-chat", "4").await;

    // What the new bucket never knew can still be removed.
    broker.kill9().await;
    broker.start_again_empty().await;
    let other = broker.client().await;
    assert!(!publish::remove(&other, &id("acme-chat")).await.unwrap());
    service
        .until("removed", |c| c.get(&id("acme-chat")).is_none())
        .await;
    assert_eq!(token(&service.connections, "beta-chat").as_deref(), Some("new"));
    let restarted = Connections::open(pool(&db), masters).await.unwrap();
    assert_eq!(restarted.all().len(), 1);
}

#[tokio::test]
async fn a_bucket_made_anew_under_a_living_connection_is_noticed() {
    let (broker, db, masters) = (TestNats::start().await, database().await, masters());
    let client = broker.client().await;
    let service = Follower::start(&pool(&db), &masters, &client).await;
    publish::apply(&client, &masters, vec![connection("acme-chat", "1", "old")])
        .await
        .unwrap();
    service.until_token("acme-chat", "old").await;
    async_nats::jetstream::new(client.clone())
        .delete_key_value(puente_vault::BUCKET)
        .await
        .unwrap();
    publish::apply(&client, &masters, vec![connection("acme-chat", "1", "new")])
        .await
        .unwrap();
    service.until_token("acme-chat", "new").await;
}

#[tokio::test]
async fn what_was_missed_while_stopped_is_caught_up() {
    let (broker, db, masters) = (TestNats::start().await, database().await, masters());
    let client = broker.client().await;
    let both = vec![
        connection("acme-chat", "1", "old"),
        connection("beta-chat", "2", "old"),
    ];
    publish::apply(&client, &masters, both).await.unwrap();
    let service = Follower::start(&pool(&db), &masters, &client).await;
    service.until("both are there", |c| c.all().len() == 2).await;
    service.stop().await;
    publish::apply(&client, &masters, vec![connection("acme-chat", "1", "new")])
        .await
        .unwrap();
    publish::remove(&client, &id("beta-chat")).await.unwrap();

    let service = Follower::start(&pool(&db), &masters, &client).await;
    assert_eq!(service.connections.all().len(), 2, "the copies are from before");
    service.until_token("acme-chat", "new").await;
    service.until("removed", |c| c.all().len() == 1).await;
}

#[tokio::test]
async fn what_cannot_be_opened_is_kept_aside_and_the_former_connection_goes_on() {
    let (broker, db, masters) = (TestNats::start().await, database().await, masters());
    let client = broker.client().await;
    let service = Follower::start(&pool(&db), &masters, &client).await;
    publish::apply(&client, &masters, vec![connection("acme-chat", "1", "good")])
        .await
        .unwrap();
    service.until_token("acme-chat", "good").await;

    let foreign = MasterKeys::from(MasterKey::generate().unwrap());
    publish::apply(&client, &foreign, vec![connection("acme-chat", "1", "foreign")])
        .await
        .unwrap();
    let unknown = ProblemKind::Sealed(SealError::UnknownMaster(foreign.sealing().id().to_owned()));
    service
        .until("told", |c| c.problems().iter().any(|p| p.kind == unknown))
        .await;
    assert_eq!(token(&service.connections, "acme-chat").as_deref(), Some("good"));
    let restarted = Connections::open(pool(&db), masters.clone()).await.unwrap();
    assert_eq!(token(&restarted, "acme-chat").as_deref(), Some("good"));

    publish::apply(&client, &masters, vec![connection("acme-chat", "1", "better")])
        .await
        .unwrap();
    service.until_token("acme-chat", "better").await;
    assert!(service.connections.problems().is_empty());
}

#[tokio::test]
async fn foreign_keys_values_and_providers_are_told_and_do_no_harm() {
    let (broker, db, masters) = (TestNats::start().await, database().await, masters());
    let client = broker.client().await;
    let known = Connections::open_known(pool(&db), masters.clone(), |slug| slug == "chat")
        .await
        .unwrap();
    let service = Follower::of(known, &client);
    let mut fax = connection("acme-fax", "9", SECRET);
    fax.provider = "fax".to_owned();
    publish::apply(&client, &masters, vec![fax]).await.unwrap();
    let context = async_nats::jetstream::new(client.clone());
    let bucket = context.get_key_value(puente_vault::BUCKET).await.unwrap();
    bucket.put("Not.An.Id", "{}".into()).await.unwrap();
    bucket.put("acme-odd", "not json".into()).await.unwrap();
    publish::apply(&client, &masters, vec![connection("acme-chat", "1", "good")])
        .await
        .unwrap();
    service.until_token("acme-chat", "good").await;

    let problems = service.connections.problems();
    let told: Vec<_> = problems
        .iter()
        .map(|p| (p.connection.as_str(), &p.kind))
        .collect();
    let expected = [
        ("Not.An.Id", &ProblemKind::Value),
        ("acme-fax", &ProblemKind::Provider),
        ("acme-odd", &ProblemKind::Value),
    ];
    assert_eq!(told, expected);
    assert_eq!(service.connections.all().len(), 1);
    bucket.delete("acme-odd").await.unwrap();
    service.until("forgotten", |c| c.problems().len() == 2).await;
}

#[tokio::test]
async fn neither_the_copies_nor_the_bucket_hold_a_secret_in_the_clear() {
    let (broker, db) = (TestNats::start().await, database().await);
    let master = MasterKey::generate().unwrap();
    let masters = MasterKeys::from(master.clone());
    let client = broker.client().await;
    let service = Follower::start(&pool(&db), &masters, &client).await;
    publish::apply(&client, &masters, vec![connection("acme-chat", "1", SECRET)])
        .await
        .unwrap();
    service.until_token("acme-chat", SECRET).await;
    let copies = dump(&db).await;
    let bucket = async_nats::jetstream::new(client.clone())
        .get_key_value(puente_vault::BUCKET)
        .await
        .unwrap();
    let value = bucket.get("acme-chat").await.unwrap().unwrap();
    for text in [copies.as_str(), std::str::from_utf8(&value).unwrap()] {
        assert!(text.contains("chat.example"), "the clear part is there");
        assert!(!text.contains(SECRET));
        assert!(!text.contains(master.to_base64().expose()));
    }
    publish::remove(&client, &id("acme-chat")).await.unwrap();
    service.until("removed", |c| c.all().is_empty()).await;
    let copies = dump(&db).await;
    assert!(
        copies.contains("acme-chat") && !copies.contains("chat.example"),
        "only a marker stays"
    );
}

#[tokio::test]
async fn who_answers_callers_sees_the_copies_of_one_tenant_only() {
    let (broker, db, masters) = (TestNats::start().await, database().await, masters());
    let client = broker.client().await;
    let service = Follower::start(&pool(&db), &masters, &client).await;
    let mut foreign = connection("globex-chat", "2", SECRET);
    foreign.tenant = "globex".parse().unwrap();
    publish::apply(
        &client,
        &masters,
        vec![connection("acme-chat", "1", SECRET), foreign],
    )
    .await
    .unwrap();
    service.until("both are there", |c| c.all().len() == 2).await;

    let api = api_pool(&db);
    let mut callers = api.begin().await.unwrap();
    let ids = "SELECT id FROM connection_copies";
    let seen: Vec<String> = sqlx::query_scalar(ids).fetch_all(&mut *callers).await.unwrap();
    assert!(seen.is_empty(), "without a tenant: {seen:?}");
    sqlx::query("SELECT set_config('puente.tenant', 'acme', true)")
        .execute(&mut *callers)
        .await
        .unwrap();
    let seen: Vec<String> = sqlx::query_scalar(ids).fetch_all(&mut *callers).await.unwrap();
    assert_eq!(seen, ["acme-chat"]);
}

#[tokio::test]
async fn a_database_that_fails_holds_changes_up_and_loses_none() {
    let (broker, db, other, masters) = (
        TestNats::start().await,
        database().await,
        database().await,
        masters(),
    );
    let client = broker.client().await;
    let service = Follower::start(&pool(&db), &masters, &client).await;
    let healthy = Follower::start(&pool(&other), &masters, &client).await;
    publish::apply(&client, &masters, vec![connection("acme-chat", "1", "old")])
        .await
        .unwrap();
    service.until_token("acme-chat", "old").await;

    sqlx::query("ALTER TABLE orders.connection_copies RENAME TO away")
        .execute(&db.admin())
        .await
        .unwrap();
    publish::apply(&client, &masters, vec![connection("acme-chat", "1", "new")])
        .await
        .unwrap();
    healthy.until_token("acme-chat", "new").await;
    assert_eq!(
        token(&service.connections, "acme-chat").as_deref(),
        Some("old"),
        "never ahead of the copy"
    );
    sqlx::query("ALTER TABLE orders.away RENAME TO connection_copies")
        .execute(&db.admin())
        .await
        .unwrap();
    service.until_token("acme-chat", "new").await;
}

#[tokio::test]
async fn a_fixed_set_runs_until_shutdown() {
    let broker = TestNats::start().await;
    let set = Connections::fixed(vec![connection("acme-chat", "1", "good")]);
    let shutdown = CancellationToken::new();
    shutdown.cancel();
    set.clone().run(broker.client().await, shutdown).await;
    assert_eq!(token(&set, "acme-chat").as_deref(), Some("good"));
}
