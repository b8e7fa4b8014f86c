//! What signers do, as their service tells it, and what becomes of the order.

use puente_bus::Envelope;
use puente_proto::Event as _;
use puente_proto::orders::get_order_request::Key;
use puente_proto::orders::{MoveOrderRequest, OrderStateChanged, OrderSummary};
use puente_proto::signature::SignatureStateChanged;
use puente_telemetry::{LogFormat, TelemetryConfig, init, trace_id};
use puente_testkit::wait_for;
use puente_types::EventId;

use crate::asking::{Asking, served};
use crate::commands::{wish, with_order};
use crate::signing::send;
use crate::support::{LAURA, PATIENCE, Stage, envelope, message};

/// Where a request stands, as its service tells it.
struct Story<'s> {
    stage: &'s Stage,
    order: String,
    request: String,
}

impl Story<'_> {
    fn event(&self, version: i64, after: &str) -> (SignatureStateChanged, i64) {
        let told = SignatureStateChanged {
            request_id: self.request.clone(),
            order_id: self.order.clone(),
            number: "OT-000001".into(),
            after: after.into(),
            document_id: if after == "Firmado" {
                "doc-1".into()
            } else {
                String::new()
            },
            ..SignatureStateChanged::default()
        };
        (told, version)
    }

    async fn tell(&self, (told, version): (SignatureStateChanged, i64)) -> EventId {
        let id = EventId::new();
        self.tell_as(id, (told, version)).await;
        id
    }

    async fn tell_as(&self, id: EventId, (told, version): (SignatureStateChanged, i64)) {
        let event = Envelope {
            aggregate_version: Some(version),
            ..envelope(id, "acme", &self.request, &told)
        };
        self.stage.send(&event).await;
    }

    /// Waits until the event was handled, one way or the other.
    async fn heard(&self, id: EventId) {
        wait_for("the event to be handled", PATIENCE, async || {
            let seen: i64 = sqlx::query_scalar("SELECT count(*) FROM inbox WHERE event_id = $1")
                .bind(id.uuid())
                .fetch_one(&self.stage.pool)
                .await
                .map_err(|error| error.to_string())?;
            if seen > 0 {
                Ok(())
            } else {
                Err("not yet".to_owned())
            }
        })
        .await;
    }

    async fn says(&self, told: (SignatureStateChanged, i64)) {
        let id = self.tell(told).await;
        self.heard(id).await;
    }
}

/// An order in signature.
async fn in_signature<'s>(stage: &'s Stage, acme: &Asking, id: &str) -> Story<'s> {
    acme.staff(id).await;
    acme.agree(id).await;
    let sent = acme.signs(send(id, "sign-1")).await.unwrap();
    Story {
        stage,
        order: id.to_owned(),
        request: sent.request_id,
    }
}

async fn now(acme: &Asking, id: &str) -> OrderSummary {
    acme.get(Some(Key::OrderId(id.to_owned()))).await.unwrap()
}

async fn last_move(stage: &Stage) -> OrderStateChanged {
    let told = stage.told().await;
    let mut moves = told
        .iter()
        .filter(|event| event.name == OrderStateChanged::TYPE.name);
    moves.next_back().unwrap().read()
}

#[tokio::test(flavor = "multi_thread")]
async fn when_all_have_signed_the_order_has_its_policy_once_however_often_it_is_told() {
    let (stage, acme, id) = with_order().await;
    let story = in_signature(&stage, &acme, &id).await;
    story.says(story.event(1, "EnProceso")).await;
    assert_eq!(now(&acme, &id).await.state, "EnFirma");
    let signed = story.tell(story.event(2, "Firmado")).await;
    story.heard(signed).await;
    story.tell_as(signed, story.event(2, "Firmado")).await;
    story.says(story.event(2, "Firmado")).await;
    story.says(story.event(1, "EnProceso")).await;
    story.says(story.event(3, "Anulado")).await;

    let order = now(&acme, &id).await;
    assert_eq!((order.state.as_str(), order.version), ("PolizaAsignada", 8));
    let moved = last_move(&stage).await;
    assert_eq!(
        (moved.transition.as_str(), moved.after.as_str(), moved.visible),
        ("complete_signature", "PolizaAsignada", true)
    );
    let fact = acme.journal(&id).await.pop().unwrap();
    assert_eq!((fact.document_id.as_str(), fact.by.as_str()), ("doc-1", ""));
    assert_eq!(fact.cause, signed.to_string());
    assert_eq!(stage.count("SELECT count(*) FROM dead_letters").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_kept_with_who_and_why_and_the_documents_may_go_again() {
    let (stage, acme, id) = with_order().await;
    let first = in_signature(&stage, &acme, &id).await;
    let (mut told, version) = first.event(2, "Rechazado");
    (told.role, told.reason) = ("client".into(), "el precio no es el acordado".into());
    first.says((told, version)).await;
    let order = now(&acme, &id).await;
    assert_eq!(order.state, "DocumentosRechazados");
    let moved = last_move(&stage).await;
    assert_eq!(moved.reason, "cliente: el precio no es el acordado");
    assert!(moved.visible);

    let again = acme.signs(send(&id, "sign-2")).await.unwrap();
    assert_ne!(again.request_id, first.request);
    assert_eq!(again.order.unwrap().state, "EnFirma");
    // The first envelope comes to another end at its provider: the order waits for the second.
    first.says(first.event(3, "Firmado")).await;
    assert_eq!(now(&acme, &id).await.state, "EnFirma");
    let second = Story {
        stage: &stage,
        order: id.clone(),
        request: again.request_id,
    };
    second.says(second.event(2, "Firmado")).await;
    assert_eq!(now(&acme, &id).await.state, "PolizaAsignada");
    assert_eq!(
        stage
            .count("SELECT count(*) FROM signature_requests WHERE state IN ('Rechazado', 'Firmado')")
            .await,
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_was_never_ended_and_is_older_than_another_moves_nothing() {
    let (stage, acme, id) = with_order().await;
    let first = in_signature(&stage, &acme, &id).await;
    first.says(first.event(2, "Anulado")).await;
    acme.signs(send(&id, "sign-2")).await.unwrap();
    // As if the end of the first had not been heard.
    sqlx::query("UPDATE signature_requests SET state = 'EnProceso', version = 1 WHERE attempt = 1")
        .execute(&stage.pool)
        .await
        .unwrap();
    first.says(first.event(2, "Firmado")).await;
    assert_eq!(now(&acme, &id).await.state, "EnFirma");
    assert_eq!(
        stage
            .count("SELECT count(*) FROM signature_requests WHERE outcome = 'superseded'")
            .await,
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_taken_back_leaves_the_order_where_it_was_and_the_client_in_peace() {
    let (stage, acme, id) = with_order().await;
    let story = in_signature(&stage, &acme, &id).await;
    let (mut told, version) = story.event(2, "Anulado");
    (told.reason, told.by) = ("el contrato tenía un error".into(), "user-9".into());
    story.says((told, version)).await;
    assert_eq!(now(&acme, &id).await.state, "CotizacionAprobada");
    let moved = last_move(&stage).await;
    assert_eq!(
        (moved.transition.as_str(), moved.visible),
        ("cancel_signature", false)
    );
    let fact = acme.journal(&id).await.pop().unwrap();
    assert_eq!(
        (fact.by.as_str(), fact.reason.as_str()),
        ("user-9", "el contrato tenía un error")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_under_an_order_that_was_given_up_are_noted_and_move_nothing() {
    let (stage, acme, id) = with_order().await;
    let story = in_signature(&stage, &acme, &id).await;
    let gone = MoveOrderRequest {
        reason: "desistió".into(),
        ..wish(&id, "cancel", "gone")
    };
    acme.moves(gone).await.unwrap();
    let signed = story.tell(story.event(2, "Firmado")).await;
    story.heard(signed).await;
    let order = now(&acme, &id).await;
    assert_eq!((order.state.as_str(), order.version), ("Cancelada", 8));
    let note = acme.journal(&id).await.pop().unwrap();
    assert_eq!(
        (note.fact.as_str(), note.reason.as_str(), note.version),
        ("noted", "Firmado", 8)
    );
    assert_eq!(note.event_id, signed.to_string());
    assert_eq!(stage.count("SELECT count(*) FROM dead_letters").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn news_of_a_request_that_is_not_ours_are_dead_letters_with_their_reason() {
    let (stage, acme, id) = with_order().await;
    let story = in_signature(&stage, &acme, &id).await;
    let strangers = [
        Story {
            stage: &stage,
            order: id.clone(),
            request: EventId::new().to_string(),
        },
        Story {
            stage: &stage,
            order: EventId::new().to_string(),
            request: story.request.clone(),
        },
    ];
    for stranger in &strangers {
        stranger.tell(stranger.event(2, "Firmado")).await;
    }
    story.tell(story.event(2, "Perdido")).await;
    wait_for("three dead letters", PATIENCE, async || {
        match stage.count("SELECT count(*) FROM dead_letters").await {
            3 => Ok(()),
            other => Err(other.to_string()),
        }
    })
    .await;
    let reasons: Vec<String> = sqlx::query_scalar("SELECT DISTINCT reason FROM dead_letters ORDER BY 1")
        .fetch_all(&stage.pool)
        .await
        .unwrap();
    assert_eq!(
        reasons,
        [
            "no request to sign of this id and this order",
            "the state is not known"
        ]
    );
    assert_eq!(now(&acme, &id).await.state, "EnFirma");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_has_one_trace_from_the_message_that_opened_it_to_its_close() {
    const OPENED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let telemetry = init(&TelemetryConfig {
        service_name: "orders".into(),
        log_format: LogFormat::Compact,
        log_filter: "warn,puente=info".into(),
        otlp_endpoint: None,
    })
    .unwrap();
    let stage = served().await;
    for (at, text) in Stage::first_order().into_iter().enumerate() {
        let sequence = i64::try_from(at).unwrap() + 1;
        let said = message("acme", LAURA, sequence, text);
        let event = Envelope {
            traceparent: Some(OPENED.to_owned()),
            ..envelope(EventId::new(), "acme", &said.contact_id, &said)
        };
        stage.send(&event).await;
        stage.worked(event.id).await;
    }
    let acme = Asking::of(&stage, "acme").await;
    let id = acme
        .get(Some(Key::Number("OT-000001".into())))
        .await
        .unwrap()
        .order_id;
    let story = in_signature(&stage, &acme, &id).await;
    story.says(story.event(2, "Firmado")).await;
    for (at, transition) in ["schedule", "start_execution", "finish_execution", "close"]
        .into_iter()
        .enumerate()
    {
        acme.moves(wish(&id, transition, &format!("end-{at}")))
            .await
            .unwrap();
    }
    let order = now(&acme, &id).await;
    assert_eq!(
        (order.state.as_str(), order.trace_id.as_str()),
        ("Cerrada", trace_id(OPENED).unwrap())
    );
    let told = stage.told().await;
    let of_order: Vec<_> = told
        .iter()
        .filter(|event| event.aggregate == id || event.aggregate == story.request)
        .collect();
    assert_eq!(of_order.len(), 13, "twelve facts and one request");
    for event in of_order {
        assert_eq!(
            event.traceparent.as_deref().and_then(trace_id),
            trace_id(OPENED),
            "{}",
            event.name
        );
    }
    let closed = told
        .iter()
        .filter(|event| event.name == OrderStateChanged::TYPE.name)
        .filter(|event| event.read::<OrderStateChanged>().after == "Cerrada")
        .count();
    assert_eq!(closed, 1, "one close event");
    telemetry.shutdown().await;
}
