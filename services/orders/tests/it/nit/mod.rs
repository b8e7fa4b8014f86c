//! The client of an order, known by its tax id: among our own, in the ERP, or later.

mod erp;
mod lookup;

use puente_proto::Event as _;
use puente_proto::orders::{ClientRegistered, OrderClientChecked, OrderOpened};
use puente_service::{Overrides, Runtime};
use puente_testkit::wait_for;

use crate::asking::{Asking, KEY};
use crate::nit::erp::{Erp, Mood};
use crate::support::{LAURA, PATIENCE, PEDRO, Stage};
use puente_proto::orders::GetJournalRequest;
use puente_proto::orders::get_order_request::Key;

const REQUEST: &str = "necesito reparar la nevera que no enfría";
const PLACE: &str = "Calle 10 # 5-20, Medellín";
const ACME: &str = "900373115";

/// Tenants whose skill asks for the tax id; at the others everything is as ever.
fn settings(url: &str) -> (tempfile::TempDir, Overrides) {
    // Longer than an answer takes on a busy machine.
    settings_with(url, 30_000)
}

fn settings_with(url: &str, directory_ms: u32) -> (tempfile::TempDir, Overrides) {
    let folder = tempfile::tempdir().unwrap();
    for tenant in ["acme", "other"] {
        std::fs::create_dir(folder.path().join(tenant)).unwrap();
        let text = include_str!("../../skills/checks/order_creation.toml");
        std::fs::write(folder.path().join(tenant).join("order_creation.toml"), text).unwrap();
    }
    let overrides = Overrides::default()
        .set("skills_dir", folder.path().to_str().unwrap())
        .set("directory_url", url)
        .set("directory_ms", directory_ms)
        .set("rpc_key", KEY);
    (folder, overrides)
}

async fn checking(erp: &Erp) -> (Stage, tempfile::TempDir) {
    let url = erp.serve().await;
    let (folder, overrides) = settings(&url);
    (Stage::with(overrides).await, folder)
}

async fn says(stage: &Stage, phone: &str, first: i64, said: &[&str]) {
    for (at, text) in said.iter().enumerate() {
        stage
            .say("acme", phone, first + i64::try_from(at).unwrap(), text)
            .await;
    }
}

async fn opened(stage: &Stage) -> Vec<OrderOpened> {
    let told = stage.told().await;
    let of = |name| told.iter().filter(move |event| event.name == name);
    of(OrderOpened::TYPE.name).map(|event| event.read()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_of_the_erp_becomes_a_client_and_the_order_is_its_own() {
    let erp = Erp::default();
    erp.knows(ACME, "ACME SERVICIOS SAS", 7);
    let (stage, _folder) = checking(&erp).await;
    // Without its check digit: somebody knows it.
    says(&stage, LAURA, 1, &[REQUEST, "es el 900373115", PLACE, "sí"]).await;

    let orders = opened(&stage).await;
    let contact = orders[0].contact.clone().unwrap();
    assert_eq!((orders.len(), orders[0].client_check.as_str()), (1, ""));
    let told = stage.told().await;
    let registered: Vec<ClientRegistered> = told
        .iter()
        .filter(|event| event.name == ClientRegistered::TYPE.name)
        .map(|event| event.read())
        .collect();
    assert_eq!(registered.len(), 1);
    assert_eq!(registered[0].name, "ACME SERVICIOS SAS");
    assert_eq!(
        (registered[0].nit.as_str(), registered[0].phone.as_str()),
        ("900373115-3", "+576013456789")
    );
    assert_eq!(contact.client_id, registered[0].client_id);
    // Whoever typed a tax id is told nothing of whose it is, and sees no order of theirs but this one.
    assert_eq!((contact.name.as_str(), contact.phone.as_str()), ("Perfil", LAURA));
    assert_eq!(erp.asked(), [("acme".to_owned(), ACME.to_owned())]);

    says(&stage, PEDRO, 1, &["OT-000001"]).await;
    assert_eq!(stage.replies().await.last().unwrap(), "tracking_not_found");
    says(&stage, LAURA, 10, &["OT-000001"]).await;
    assert_eq!(stage.replies().await.last().unwrap(), "tracking_found");
    // The next one of the company does not trouble the ERP, and orders for the same client.
    says(&stage, PEDRO, 10, &[REQUEST, "900.373.115-3", PLACE, "sí"]).await;
    let orders = opened(&stage).await;
    assert_eq!(
        orders[1].contact.clone().unwrap().client_id,
        registered[0].client_id
    );
    assert_eq!(erp.asked().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tax_id_that_nobody_knows_leads_to_registration_and_is_kept() {
    let erp = Erp::default();
    let (stage, _folder) = checking(&erp).await;
    let said = [
        REQUEST,
        "900373115-4",
        "900373115",
        "900373115-3",
        "Laura Gómez",
        "laura@correo.co",
        PLACE,
        "sí",
    ];
    says(&stage, LAURA, 1, &said).await;
    assert_eq!(
        stage.replies().await,
        [
            "nit_ask",
            "nit_retry",
            "nit_digit",
            "registration_name",
            "registration_email",
            "registration_location",
            "order_confirm"
        ]
    );
    let orders = opened(&stage).await;
    assert_eq!(
        (
            orders.len(),
            orders[0].description.as_str(),
            orders[0].client_check.as_str()
        ),
        (1, REQUEST, "")
    );
    let kept: (String, String) = sqlx::query_as(
        "SELECT c.nit_body, n.check_state FROM clients c JOIN client_nits n ON n.client_id = c.id",
    )
    .fetch_one(&stage.pool)
    .await
    .unwrap();
    assert_eq!(kept, (ACME.to_owned(), "unknown".to_owned()));
    assert_eq!(erp.asked().len(), 1, "what the ERP said is believed for a while");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_erp_away_the_order_is_opened_and_its_client_checked_when_the_erp_is_back() {
    let erp = Erp::default();
    erp.is(Mood::Away);
    let (stage, _folder) = checking(&erp).await;
    let said = [
        REQUEST,
        "900373115-3",
        "Laura Gómez",
        "laura@correo.co",
        PLACE,
        "sí",
    ];
    says(&stage, LAURA, 1, &said).await;
    let orders = opened(&stage).await;
    assert_eq!(orders[0].client_check, "pending");
    let asking = Asking::of(&stage, "acme").await;
    let key = Some(Key::Number("OT-000001".to_owned()));
    assert_eq!(asking.get(key.clone()).await.unwrap().client_check, "pending");
    // Nobody is checked while it is away; the pauses grow.
    let due = "SELECT count(*) FROM client_lookups WHERE due_at > now() + interval '10 seconds'";
    assert_eq!(stage.count(due).await, 1);

    erp.knows(ACME, "ACME SERVICIOS SAS", 7);
    erp.is(Mood::Answers);
    // Its time comes; and the replica that would have asked is gone.
    stage.rt.shutdown.cancel();
    sqlx::query("UPDATE client_lookups SET due_at = now()")
        .execute(&stage.pool)
        .await
        .unwrap();
    let (second, url) = (Runtime::new("orders"), erp.serve().await);
    let (_folder, overrides) = settings(&url);
    stage.replica_with(&second, overrides).await;
    wait_for("the client to be checked", PATIENCE, async || {
        let state: String = sqlx::query_scalar("SELECT client_check FROM orders")
            .fetch_one(&stage.pool)
            .await
            .unwrap();
        if state == "known" { Ok(()) } else { Err(state) }
    })
    .await;
    let told = stage.told().await;
    let checks: Vec<_> = told
        .iter()
        .filter(|event| event.name == OrderClientChecked::TYPE.name)
        .collect();
    assert_eq!((checks.len(), checks[0].version), (1, Some(2)));
    let check: OrderClientChecked = checks[0].read();
    assert_eq!(
        (check.outcome.as_str(), check.number.as_str()),
        ("known", "OT-000001")
    );
    let first = told
        .iter()
        .find(|event| event.name == OrderOpened::TYPE.name)
        .unwrap();
    assert_eq!(
        checks[0].traceparent, first.traceparent,
        "in the trace of its order"
    );
    let facts: Vec<(String, String)> =
        sqlx::query_as("SELECT fact, reason FROM order_journal ORDER BY version")
            .fetch_all(&stage.pool)
            .await
            .unwrap();
    assert_eq!(facts[1], ("client_checked".to_owned(), "known".to_owned()));
    // Settled is settled: nothing is due any more.
    assert_eq!(
        stage
            .count("SELECT count(*) FROM client_lookups WHERE due_at IS NOT NULL")
            .await,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_never_succeeds_is_given_up_and_shown() {
    let erp = Erp::default();
    erp.is(Mood::Away);
    let (stage, _folder) = checking(&erp).await;
    let said = [
        REQUEST,
        "900373115-3",
        "Laura Gómez",
        "laura@correo.co",
        PLACE,
        "sí",
    ];
    says(&stage, LAURA, 1, &said).await;
    sqlx::query("UPDATE client_nits SET checked_at = now() - interval '5 days'")
        .execute(&stage.pool)
        .await
        .unwrap();
    sqlx::query("UPDATE client_lookups SET due_at = now()")
        .execute(&stage.pool)
        .await
        .unwrap();
    let asking = Asking::of(&stage, "acme").await;
    let order = wait_for("the check to be given up", PATIENCE, async || {
        let order = asking
            .get(Some(Key::Number("OT-000001".to_owned())))
            .await
            .unwrap();
        if order.client_check == "given_up" {
            Ok(order)
        } else {
            Err(order.client_check)
        }
    })
    .await;
    let journal = asking
        .queries
        .clone()
        .get_journal(asking.signed(GetJournalRequest {
            order_id: order.order_id,
        }))
        .await
        .unwrap()
        .into_inner();
    let last = journal.entries.last().unwrap();
    assert_eq!(
        (last.fact.as_str(), last.reason.as_str(), last.version),
        ("client_checked", "given_up", 2)
    );
    assert_eq!(
        stage
            .count("SELECT count(*) FROM client_lookups WHERE due_at IS NOT NULL")
            .await,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erp_that_never_answers_holds_a_conversation_no_longer_than_its_patience() {
    let erp = Erp::default();
    erp.is(Mood::Silent);
    let (_folder, overrides) = settings_with(&erp.serve().await, 2_000);
    let stage = Stage::with(overrides).await;
    let other = "otra persona pregunta algo sin relación";
    says(&stage, LAURA, 1, &[REQUEST]).await;
    let first = crate::support::message("acme", LAURA, 2, "900373115-3");
    let waiting = stage.publish("acme", &first).await;
    // Others are not kept waiting by it.
    says(&stage, PEDRO, 1, &[other]).await;
    stage.worked(waiting).await;
    assert_eq!(stage.replies().await.last().unwrap(), "registration_name");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_at_once_make_one_client_of_a_tax_id() {
    let erp = Erp::default();
    erp.knows(ACME, "ACME SERVICIOS SAS", 7);
    let url = erp.serve().await;
    let (_folder, overrides) = settings(&url);
    let stage = Stage::with(overrides).await;
    let (second, (_other, overrides)) = (Runtime::new("orders"), settings(&url));
    stage.replica_with(&second, overrides).await;
    let people: Vec<String> = (0..12).map(|n| format!("+5730012345{n:02}")).collect();
    let all = people
        .iter()
        .map(|phone| says(&stage, phone, 1, &[REQUEST, "900373115-3", PLACE, "sí"]));
    futures::future::join_all(all).await;
    let orders = opened(&stage).await;
    assert_eq!(orders.len(), people.len());
    assert_eq!(stage.count("SELECT count(*) FROM clients").await, 1);
    assert_eq!(
        stage.count("SELECT count(DISTINCT client_id) FROM orders").await,
        1
    );
    assert_eq!(stage.count("SELECT count(*) FROM client_nits").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_who_register_with_one_tax_id_at_once_are_two_clients_of_whom_one_has_it() {
    let erp = Erp::default();
    let (stage, _folder) = checking(&erp).await;
    let begin = [REQUEST, "900373115-3", "Laura Gómez", "laura@correo.co"];
    says(&stage, LAURA, 1, &begin).await;
    says(&stage, PEDRO, 1, &begin).await;
    futures::join!(
        says(&stage, LAURA, 10, &[PLACE, "sí"]),
        says(&stage, PEDRO, 10, &[PLACE, "sí"])
    );
    assert_eq!(stage.count("SELECT count(*) FROM clients").await, 2);
    assert_eq!(
        stage
            .count("SELECT count(*) FROM clients WHERE nit_body IS NOT NULL")
            .await,
        1
    );
    assert_eq!(
        stage.count("SELECT count(DISTINCT client_id) FROM orders").await,
        1,
        "the tax id says whose they are"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_skill_asks_for_a_tax_id_nothing_changes_and_no_erp_is_asked() {
    let erp = Erp::default();
    let (stage, _folder) = checking(&erp).await;
    stage.with_order("elsewhere", LAURA).await;
    assert_eq!(stage.count("SELECT count(*) FROM client_lookups").await, 0);
    assert!(erp.asked().is_empty());
    assert_eq!(opened(&stage).await[0].client_check, "");
}
