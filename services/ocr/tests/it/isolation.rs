//! One tenant against another, on every call.

use puente_proto::documents::ListDocumentsRequest;
use puente_proto::documents::documents_client::DocumentsClient;
use puente_proto::ocr::{
    AskPhotoRequest, ConfirmSerialRequest, CountCapturesRequest, GenerateSerialRequest, GetAccuracyRequest,
    ListCapturesRequest, ListSamplesRequest, WriteSerialRequest,
};
use puente_rpc::Scope;
use tonic::Code;

use crate::support::{Asking, Eyes, Reply, Stage, new_id, turn_of};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_tenant_is_told_to_another_or_changed_by_it() {
    let stage = Stage::set().await;
    let id = new_id();
    Eyes::will("eye_a", &[Reply::Serial("ABC123456", 0.4)]);
    stage.photo(&id, 1).await;
    let before = stage.state(&id, "PorConfirmar").await;
    let other = Asking::of(&stage, "other").await;
    assert_eq!(other.get(&id).await.unwrap_err().code(), Code::NotFound);
    let listed = other
        .queries
        .clone()
        .list_captures(other.signed(ListCapturesRequest::default()))
        .await;
    assert!(listed.unwrap().into_inner().captures.is_empty());
    let counted = other
        .queries
        .clone()
        .count_captures(other.signed(CountCapturesRequest {}))
        .await;
    assert!(counted.unwrap().into_inner().by_state.is_empty());
    let samples = other
        .queries
        .clone()
        .list_samples(other.signed(ListSamplesRequest::default()))
        .await;
    assert!(samples.unwrap().into_inner().samples.is_empty());
    let report = other
        .queries
        .clone()
        .get_accuracy(other.signed(GetAccuracyRequest { days: 1 }))
        .await;
    assert!(report.unwrap().into_inner().rows.is_empty());
    let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{}", stage.grpc)).unwrap();
    let mut documents = DocumentsClient::new(endpoint.connect().await.unwrap());
    let all = ListDocumentsRequest::default();
    let none = documents.list_documents(other.signed(all.clone())).await.unwrap();
    assert!(none.into_inner().documents.is_empty());
    let own = Asking::of(&stage, "acme").await;
    let one = documents.list_documents(own.signed(all)).await.unwrap();
    assert_eq!(one.into_inner().documents.len(), 1);

    let mut commands = other.commands.clone();
    let key = new_id;
    let (capture_id, version) = (id.clone(), 0);
    let confirm = ConfirmSerialRequest {
        capture_id: capture_id.clone(),
        version,
        idempotency_key: key(),
    };
    let write = WriteSerialRequest {
        capture_id: capture_id.clone(),
        version,
        serial: "XYZ987654".to_owned(),
        idempotency_key: key(),
    };
    let photo = AskPhotoRequest {
        capture_id: capture_id.clone(),
        version,
        flaw: String::new(),
        idempotency_key: key(),
    };
    let generate = GenerateSerialRequest {
        capture_id: capture_id.clone(),
        version,
        idempotency_key: key(),
    };
    let mut recognize = other.wish(&stage, "one").await;
    recognize.capture_id = capture_id;
    let refused = [
        commands.confirm_serial(other.signed(confirm)).await.unwrap_err(),
        commands.write_serial(other.signed(write)).await.unwrap_err(),
        commands.ask_photo(other.signed(photo)).await.unwrap_err(),
        commands
            .generate_serial(other.signed(generate))
            .await
            .unwrap_err(),
        other.recognize(recognize).await.unwrap_err(),
    ];
    for status in refused {
        assert_eq!(status.code(), Code::NotFound);
    }
    // Nor by an event that names it.
    let mut turn = turn_of(&id, 2);
    turn.text = "XYZ987654".to_owned();
    stage.publish("other", &turn).await;
    puente_testkit::wait_for("the dead letter", crate::support::PATIENCE, async || {
        stage
            .count("SELECT count(*) FROM dead_letters WHERE tenant = 'other'")
            .await
            == 1
    })
    .await;
    assert_eq!(stage.seen(&id).await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_that_answers_callers_sees_one_tenant_and_writes_nothing() {
    let stage = Stage::set().await;
    stage.photo(&new_id(), 1).await;
    puente_testkit::wait_for("the capture", crate::support::PATIENCE, async || {
        stage
            .count("SELECT count(*) FROM attempts WHERE read_at IS NOT NULL")
            .await
            == 1
    })
    .await;
    let api = stage.db.api_pool("ocr");
    for (tenant, expected) in [("acme", 1_i64), ("other", 0), ("", 0)] {
        for table in ["plate_captures", "attempts"] {
            let mut tx = api.begin().await.unwrap();
            sqlx::query("SELECT set_config('puente.tenant', $1, true)")
                .bind(tenant)
                .execute(&mut *tx)
                .await
                .unwrap();
            let counted: i64 =
                sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
                    .fetch_one(&mut *tx)
                    .await
                    .unwrap();
            assert_eq!(counted, expected, "{table} {tenant}");
        }
    }
    for denied in [
        "SELECT count(*) FROM turns",
        "SELECT count(*) FROM cached_readings",
        "UPDATE plate_captures SET serial = 'X1X'",
        "DELETE FROM attempts",
    ] {
        assert!(sqlx::query(denied).execute(&api).await.is_err(), "{denied}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_of_the_whole_installation_asks_for_one_tenant() {
    let stage = Stage::set().await;
    let mut ask = Asking::of(&stage, "acme").await;
    ask.asker.caller.scope = Scope::Installation;
    let refused = ask
        .queries
        .clone()
        .count_captures(ask.signed(CountCapturesRequest {}))
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::InvalidArgument);
}
