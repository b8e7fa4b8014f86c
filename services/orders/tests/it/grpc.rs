//! Questions of other services: answered from the caller's tenant, or not at all.

use puente_proto::orders::order_queries_client::OrderQueriesClient;
use puente_proto::orders::{GetOrderRequest, ListOrdersRequest, ListOrdersResponse, get_order_request::Key};
use puente_service::Overrides;
use tonic::{Code, Request};

use crate::asking::{Asking, KEY, OTHER_KEY, caller, calls, channel, seed, served};
use crate::support::{LAURA, PATIENCE, Stage};

fn numbers(page: &ListOrdersResponse) -> Vec<&str> {
    page.orders.iter().map(|order| order.number.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_from_a_conversation_is_listed_and_found_by_its_id_and_its_number() {
    let stage = served().await;
    let number = stage.with_order("acme", LAURA).await;
    let acme = Asking::of(&stage, "acme").await;

    let page = acme.list(0, "").await.unwrap();
    assert_eq!(numbers(&page), [number.to_string()]);
    assert_eq!(page.next_cursor, "");
    let order = page.orders[0].clone();
    assert_eq!(
        (order.state.as_str(), order.client_name.as_str(), order.version),
        ("Nueva", "Laura Gómez", 1)
    );
    assert!(order.description.contains("nevera"), "{}", order.description);
    assert!(order.opened_at.is_some() && order.opened_at == order.updated_at);

    let id = order.order_id.clone();
    assert_eq!(acme.get(Some(Key::OrderId(id))).await.unwrap(), order);
    assert_eq!(
        acme.get(Some(Key::Number(number.to_string()))).await.unwrap(),
        order
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenant_sees_none_of_them_not_even_by_a_guessed_id_or_number() {
    let stage = served().await;
    seed(&stage, "acme", 1, 3).await;
    seed(&stage, "norte", 1, 1).await;
    let (acme, norte) = (
        Asking::of(&stage, "acme").await,
        Asking::of(&stage, "norte").await,
    );

    let theirs = acme.list(0, "").await.unwrap().orders;
    assert_eq!(theirs.len(), 3);
    for order in &theirs {
        let guessed = norte
            .get(Some(Key::OrderId(order.order_id.clone())))
            .await
            .unwrap_err();
        assert_eq!(guessed.code(), Code::NotFound);
    }
    let guessed = norte
        .get(Some(Key::Number("OT-000003".into())))
        .await
        .unwrap_err();
    assert_eq!(guessed.code(), Code::NotFound);
    let same_number = norte.get(Some(Key::Number("OT-000001".into()))).await.unwrap();
    assert_eq!(same_number.description, "de norte");
    let nobody = Asking::of(&stage, "nobody").await;
    assert_eq!(nobody.list(0, "").await.unwrap().orders, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_that_ask_at_the_same_time_never_get_each_others_answers() {
    let stage = served().await;
    seed(&stage, "acme", 1, 5).await;
    seed(&stage, "norte", 1, 5).await;
    let mut asked = tokio::task::JoinSet::new();
    for at in 0..60 {
        let tenant_name = if at % 2 == 0 { "acme" } else { "norte" };
        let asking = Asking::of(&stage, tenant_name).await;
        asked.spawn(async move {
            let page = asking.list(0, "").await.unwrap();
            assert_eq!(page.orders.len(), 5);
            for order in page.orders {
                assert_eq!(order.description, format!("de {tenant_name}"));
            }
        });
    }
    while let Some(done) = asked.join_next().await {
        done.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_good_token_nothing_is_answered() {
    let stage = served().await;
    seed(&stage, "acme", 1, 1).await;
    let mut client = OrderQueriesClient::new(channel(&stage).await);
    let question = ListOrdersRequest::default;
    let by_other_key = calls(OTHER_KEY, "orders").request(&caller("acme"), question());
    let for_another = calls(KEY, "notifications").request(&caller("acme"), question());
    for request in [
        Request::new(question()),
        by_other_key.unwrap(),
        for_another.unwrap(),
    ] {
        let refused = client.list_orders(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated);
        assert_eq!(refused.message(), "a valid caller token is needed");
    }
    let refused = client.get_order(GetOrderRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_newest_first_also_while_orders_are_opened() {
    let stage = served().await;
    seed(&stage, "acme", 1, 120).await;
    let acme = Asking::of(&stage, "acme").await;

    let first = acme.list(50, "").await.unwrap();
    seed(&stage, "acme", 121, 130).await;
    let second = acme.list(50, &first.next_cursor).await.unwrap();
    let third = acme.list(50, &second.next_cursor).await.unwrap();
    assert_eq!(third.next_cursor, "", "nothing older is left");
    let seen: Vec<&str> = [&first, &second, &third].into_iter().flat_map(numbers).collect();
    let wanted: Vec<String> = (1..=120).rev().map(|n| format!("OT-{n:06}")).collect();
    assert_eq!(seen, wanted);

    assert_eq!(acme.list(0, "").await.unwrap().orders.len(), 50, "the usual size");
    assert_eq!(
        acme.list(u32::MAX, "").await.unwrap().orders.len(),
        100,
        "the largest"
    );
    let exact = acme.list(20, &second.next_cursor).await.unwrap();
    assert_eq!(
        (exact.orders.len(), exact.next_cursor.as_str()),
        (20, ""),
        "the last page is full"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_makes_no_sense_is_refused() {
    let stage = served().await;
    let acme = Asking::of(&stage, "acme").await;
    for key in [
        None,
        Some(Key::OrderId("1' OR '1'='1".into())),
        Some(Key::Number("cuarenta".into())),
    ] {
        let refused = acme.get(key.clone()).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{key:?}");
    }
    for cursor in ["x", "AQ", "AgAAAAAAAAAB", "AQAAAAAAAAAA", "AQ//////////"] {
        let refused = acme.list(0, cursor).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{cursor}");
    }
    let too_long = acme.list(0, &"A".repeat(5000)).await.unwrap_err();
    assert_eq!(too_long.code(), Code::OutOfRange);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_forgets_the_tenant_still_shows_nobody_elses_orders() {
    let stage = served().await;
    seed(&stage, "acme", 1, 3).await;
    seed(&stage, "norte", 1, 2).await;
    let api = stage.db.api_pool("orders");
    let all = async |tenant_name: Option<&str>| -> Vec<String> {
        let mut tx = api.begin().await.unwrap();
        if let Some(name) = tenant_name {
            sqlx::query("SELECT set_config('puente.tenant', $1, true)")
                .bind(name)
                .execute(&mut *tx)
                .await
                .unwrap();
        }
        sqlx::query_scalar("SELECT description FROM orders")
            .fetch_all(&mut *tx)
            .await
            .unwrap()
    };
    assert_eq!(all(Some("norte")).await, ["de norte", "de norte"]);
    assert!(all(None).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_the_answer_says_so_and_nothing_of_the_database() {
    let url = "postgres://nobody@127.0.0.1:1/none";
    let overrides = Overrides::default()
        .set("rpc_key", KEY)
        .set("database.api_url", url)
        .set("database.acquire_timeout_ms", 2000_u32);
    let stage = Stage::with(overrides).await;
    let acme = Asking::of(&stage, "acme").await;
    let refused = acme.list(0, "").await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert_eq!(refused.message(), "orders cannot be read now");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_nothing_listens() {
    let stage = Stage::set().await;
    assert_eq!(stage.grpc, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_connection_does_not_keep_the_service_from_stopping() {
    let stage = served().await;
    let acme = Asking::of(&stage, "acme").await;
    acme.list(0, "").await.unwrap();
    stage.rt.drain(PATIENCE).await.unwrap();
    let gone = acme.list(0, "").await.unwrap_err();
    assert_eq!(gone.code(), Code::Unavailable);
}
