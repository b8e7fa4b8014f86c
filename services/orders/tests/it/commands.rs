//! What people do to orders by gRPC: once per key, along the table, at the version they saw, in the trace they came by.

use puente_proto::orders::get_order_request::Key;
use puente_proto::orders::{
    AssignOrderRequest, GetJournalRequest, JournalEntry, MoveOrderRequest, OrderSummary,
};
use puente_telemetry::{LogFormat, TelemetryConfig, init};
use tonic::{Code, Status};

use crate::asking::{Asking, seed, served};
use crate::support::{LAURA, Stage};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

impl Asking {
    pub(crate) async fn moves(&self, wish: MoveOrderRequest) -> Result<OrderSummary, Status> {
        let answer = self.commands.clone().move_order(self.signed(wish)).await?;
        Ok(answer.into_inner().order.unwrap())
    }

    pub(crate) async fn assigns(&self, wish: AssignOrderRequest) -> Result<OrderSummary, Status> {
        let answer = self.commands.clone().assign_order(self.signed(wish)).await?;
        Ok(answer.into_inner().order.unwrap())
    }

    pub(crate) async fn journal(&self, order_id: &str) -> Vec<JournalEntry> {
        let question = GetJournalRequest {
            order_id: order_id.into(),
        };
        let answer = self
            .queries
            .clone()
            .get_journal(self.signed(question))
            .await
            .unwrap();
        answer.into_inner().entries
    }
}

pub(crate) fn wish(order_id: &str, transition: &str, key: &str) -> MoveOrderRequest {
    MoveOrderRequest {
        order_id: order_id.into(),
        transition: transition.into(),
        idempotency_key: key.into(),
        ..MoveOrderRequest::default()
    }
}

pub(crate) fn assignment(order_id: &str, agent: &str, key: &str) -> AssignOrderRequest {
    AssignOrderRequest {
        order_id: order_id.into(),
        agent: Some(agent.into()),
        idempotency_key: key.into(),
        ..AssignOrderRequest::default()
    }
}

/// A stage with the order OT-000001 of `acme`, and its id.
pub(crate) async fn with_order() -> (Stage, Asking, String) {
    let stage = served().await;
    stage.with_order("acme", LAURA).await;
    let acme = Asking::of(&stage, "acme").await;
    let order = acme.get(Some(Key::Number("OT-000001".into()))).await.unwrap();
    (stage, acme, order.order_id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_journalled_with_who_did_it_and_its_events_carry_key_and_trace() {
    let telemetry = init(&TelemetryConfig {
        service_name: "orders".into(),
        log_format: LogFormat::Compact,
        log_filter: "warn,puente=info".into(),
        otlp_endpoint: None,
    })
    .unwrap();
    let (stage, acme, id) = with_order().await;
    let order = acme
        .assigns(assignment(&id, "agente-7", "k-assign"))
        .await
        .unwrap();
    assert_eq!(
        (order.state.as_str(), order.agent.as_str(), order.version),
        ("Asignada", "agente-7", 3)
    );
    let mut request = acme.signed(MoveOrderRequest {
        reason: "el cliente llamó".into(),
        expected_version: 3,
        ..wish(&id, "cancel", "k-cancel")
    });
    request
        .metadata_mut()
        .insert("traceparent", TRACE.parse().unwrap());
    acme.commands.clone().move_order(request).await.unwrap();

    let journal = acme.journal(&id).await;
    let told: Vec<_> = journal
        .iter()
        .map(|fact| {
            (
                fact.version,
                fact.fact.as_str(),
                fact.transition.as_str(),
                fact.by.as_str(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (1, "opened", "", ""),
            (2, "assigned", "", "user-7"),
            (3, "moved", "assign", "user-7"),
            (4, "moved", "cancel", "user-7"),
        ]
    );
    assert!(!journal[0].cause.is_empty(), "the message that led to it");
    assert_eq!(journal[3].cause, "");
    assert_eq!(journal[3].reason, "el cliente llamó");
    assert_eq!(
        journal[3].request_trace_id,
        puente_telemetry::trace_id(TRACE).unwrap()
    );
    assert_eq!(journal[3].trace_id, order.trace_id, "an order has one trace");
    assert_ne!(journal[3].trace_id, journal[3].request_trace_id);
    assert_eq!(
        (journal[3].before.as_str(), journal[3].after.as_str()),
        ("Asignada", "Cancelada")
    );
    let last = stage.told().await.pop().unwrap();
    assert_eq!((last.cause.as_deref(), last.version), (Some("k-cancel"), Some(4)));
    telemetry.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_command_has_one_effect_also_when_both_come_at_once() {
    let (stage, acme, id) = with_order().await;
    let mut both = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let mut commands = acme.commands.clone();
        let request = acme.signed(wish(&id, "start_quotation", "once"));
        both.spawn(async move { commands.move_order(request).await });
    }
    for answer in both.join_all().await {
        let order = answer.unwrap().into_inner().order.unwrap();
        assert_eq!((order.state.as_str(), order.version), ("EnCotizacion", 2));
    }
    acme.moves(wish(&id, "send_quotation", "next")).await.unwrap();
    // The first command comes again, and does not move the order back or on.
    let again = acme.moves(wish(&id, "start_quotation", "once")).await.unwrap();
    assert_eq!(again.version, 3);
    assert_eq!(acme.journal(&id).await.len(), 3);
    let used = acme
        .moves(wish(&id, "approve_quotation", "once"))
        .await
        .unwrap_err();
    assert_eq!(used.code(), Code::FailedPrecondition);
    assert!(used.message().contains("used for something else"), "{used}");
    let assigning = acme
        .assigns(assignment(&id, "agente-7", "once"))
        .await
        .unwrap_err();
    assert_eq!(assigning.code(), Code::FailedPrecondition);
    assert_eq!(stage.count("SELECT count(*) FROM commands").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_command_says_why_changes_nothing_and_leaves_its_key_free() {
    let (stage, acme, id) = with_order().await;
    let refused = acme.moves(wish(&id, "send_to_signature", "k")).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(
        refused.message().contains("quotation must be approved"),
        "{refused}"
    );
    let stale = acme
        .moves(MoveOrderRequest {
            expected_version: 3,
            ..wish(&id, "start_quotation", "k")
        })
        .await
        .unwrap_err();
    assert_eq!(stale.code(), Code::Aborted);
    assert_eq!(stale.message(), "the order is at version 1, not at version 3");
    for (transition, words) in [
        ("complete_signature", "comes from the signers"),
        ("reject_documents", "comes from the signers"),
        ("cancel_signature", "comes from the signers"),
    ] {
        let refused = acme.moves(wish(&id, transition, "k")).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert!(refused.message().contains(words), "{refused}");
    }
    assert_eq!(stage.count("SELECT count(*) FROM commands").await, 0);
    let moved = acme
        .moves(MoveOrderRequest {
            expected_version: 1,
            ..wish(&id, "start_quotation", "k")
        })
        .await
        .unwrap();
    assert_eq!(moved.version, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_make_no_sense_are_refused_before_anything_is_looked_at() {
    let (_stage, acme, id) = with_order().await;
    let long = "x".repeat(201);
    let wishes = [
        wish("7", "cancel", "k"),
        wish(&id, "vanish", "k"),
        wish(&id, "assign", "k"),
        wish(&id, "start_quotation", ""),
        wish(&id, "start_quotation", &long),
        wish(&id, "start_quotation", "a\0b"),
        wish(&id, "cancel", "no reason"),
        MoveOrderRequest {
            reason: "x".repeat(501),
            ..wish(&id, "cancel", "k")
        },
        MoveOrderRequest {
            expected_version: -1,
            ..wish(&id, "start_quotation", "k")
        },
    ];
    for wish in wishes {
        let refused = acme.moves(wish.clone()).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{wish:?}: {refused}");
    }
    let nobody = AssignOrderRequest {
        agent: None,
        ..assignment(&id, "", "k")
    };
    for wish in [
        nobody,
        assignment(&id, "", "k"),
        assignment(&id, &"a".repeat(129), "k"),
    ] {
        let refused = acme.assigns(wish).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    }
    assert_eq!(acme.journal(&id).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_commands_another_tenants_order_or_is_stopped_by_another_tenants_key() {
    let (stage, acme, id) = with_order().await;
    seed(&stage, "norte", 1, 1).await;
    let norte = Asking::of(&stage, "norte").await;
    let foreign = norte.moves(wish(&id, "start_quotation", "k")).await.unwrap_err();
    assert_eq!(foreign.code(), Code::NotFound);
    let foreign = norte.assigns(assignment(&id, "mine", "k")).await.unwrap_err();
    assert_eq!(foreign.code(), Code::NotFound);
    acme.moves(wish(&id, "start_quotation", "k")).await.unwrap();
    let own = norte.get(Some(Key::Number("OT-000001".into()))).await.unwrap();
    let moved = norte.moves(wish(&own.order_id, "cancel", "k")).await.unwrap_err();
    assert_eq!(
        moved.code(),
        Code::InvalidArgument,
        "the key is free here: {moved}"
    );
    let moved = norte
        .moves(wish(&own.order_id, "start_quotation", "k"))
        .await
        .unwrap();
    assert_eq!(moved.version, 2);
}
