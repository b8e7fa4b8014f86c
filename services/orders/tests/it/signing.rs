//! Sending documents to signature: when, with whom, and once.

use puente_proto::Event as _;
use puente_proto::orders::{
    AssignOrderRequest, MoveOrderRequest, Quotation, SendToSignatureRequest, SendToSignatureResponse,
    SignatureRequested, SigningParty,
};
use tonic::{Code, Status};

use crate::asking::{Asking, person};
use crate::commands::{assignment, wish, with_order};
use crate::support::Stage;

impl Asking {
    pub(crate) async fn signs(
        &self,
        wish: SendToSignatureRequest,
    ) -> Result<SendToSignatureResponse, Status> {
        let answer = self.commands.clone().send_to_signature(self.signed(wish)).await?;
        Ok(answer.into_inner())
    }

    /// An agent and a service provider who can sign, and the order with them.
    pub(crate) async fn staff(&self, order: &str) {
        self.puts(person("ana", "agent", "Ana Ruiz")).await.unwrap();
        self.puts(person("frio-sas", "service_provider", "Frío S.A.S."))
            .await
            .unwrap();
        let both = AssignOrderRequest {
            service_provider: Some("frio-sas".into()),
            ..assignment(order, "ana", "staff")
        };
        self.assigns(both).await.unwrap();
    }

    /// A price that the client agreed to.
    pub(crate) async fn agree(&self, order: &str) {
        self.moves(wish(order, "start_quotation", "agree-1"))
            .await
            .unwrap();
        let quote = MoveOrderRequest {
            quotation: Some(agreed()),
            ..wish(order, "send_quotation", "agree-2")
        };
        self.moves(quote).await.unwrap();
        self.moves(wish(order, "approve_quotation", "agree-3"))
            .await
            .unwrap();
    }
}

fn agreed() -> Quotation {
    Quotation {
        amount_minor: 35_000_000,
        currency: "COP".into(),
        ..Quotation::default()
    }
}

pub(crate) fn send(order: &str, key: &str) -> SendToSignatureRequest {
    SendToSignatureRequest {
        order_id: order.into(),
        idempotency_key: key.into(),
        ..SendToSignatureRequest::default()
    }
}

fn party(role: &str, name: &str, email: &str) -> SigningParty {
    SigningParty {
        role: role.into(),
        name: name.into(),
        email: email.into(),
        ..SigningParty::default()
    }
}

/// The requests that went out, with their aggregate and version.
pub(crate) async fn requested(stage: &Stage) -> Vec<(SignatureRequested, String, Option<i64>)> {
    let told = stage.told().await;
    told.iter()
        .filter(|event| event.name == SignatureRequested::TYPE.name)
        .map(|event| (event.read(), event.aggregate.clone(), event.version))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_command_moves_the_order_and_asks_once_with_all_who_sign() {
    let (stage, acme, id) = with_order().await;
    acme.staff(&id).await;
    acme.agree(&id).await;
    let first = acme.signs(send(&id, "k")).await.unwrap();
    let order = first.order.unwrap();
    assert_eq!((order.state.as_str(), order.version), ("EnFirma", 7));
    assert_eq!(
        order.transitions,
        ["cancel"],
        "the rest is for the signers to say"
    );
    assert_eq!(order.quotation, Some(agreed()));

    let mut asked = requested(&stage).await;
    assert_eq!(asked.len(), 1);
    let (request, aggregate, version) = asked.remove(0);
    assert_eq!((&aggregate, version), (&first.request_id, Some(1)));
    assert_eq!((&request.request_id, &request.order_id), (&first.request_id, &id));
    assert_eq!((request.attempt, request.requested_by.as_str()), (1, "user-7"));
    assert_eq!(request.quotation, Some(agreed()));
    let parties: Vec<_> = request
        .parties
        .iter()
        .map(|p| (p.role.as_str(), p.name.as_str(), p.email.as_str()))
        .collect();
    assert_eq!(
        parties,
        [
            ("client", "Laura Gómez", "laura@correo.co"),
            ("service_provider", "Frío S.A.S.", "frio-sas@ejemplo.co"),
            ("agent", "Ana Ruiz", "ana@ejemplo.co"),
        ]
    );
    assert_eq!(request.parties[0].phone, "+573001234567");

    // The same command again, also after the order moved on: the answer of the first, and nothing new.
    let gone = MoveOrderRequest {
        reason: "desistió".into(),
        ..wish(&id, "cancel", "gone")
    };
    acme.moves(gone).await.unwrap();
    let again = acme.signs(send(&id, "k")).await.unwrap();
    assert_eq!(again.request_id, first.request_id);
    assert_eq!(again.order.unwrap().state, "Cancelada");
    assert_eq!(requested(&stage).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn sent_at_once_by_many_under_one_key_or_several_the_documents_go_once() {
    let (stage, acme, id) = with_order().await;
    acme.staff(&id).await;
    acme.agree(&id).await;
    let mut all = tokio::task::JoinSet::new();
    for n in 0..8 {
        let mut commands = acme.commands.clone();
        let key = if n % 2 == 0 {
            "same".to_owned()
        } else {
            format!("key-{n}")
        };
        let request = acme.signed(send(&id, &key));
        all.spawn(async move { commands.send_to_signature(request).await });
    }
    let mut ids = std::collections::BTreeSet::new();
    for answer in all.join_all().await {
        match answer {
            Ok(answer) => {
                ids.insert(answer.into_inner().request_id);
            }
            Err(refused) => assert!(
                matches!(refused.code(), Code::FailedPrecondition | Code::Aborted),
                "{refused}"
            ),
        }
    }
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(requested(&stage).await.len(), 1);
    assert_eq!(stage.count("SELECT count(*) FROM signature_requests").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_quotation_is_approved_nothing_is_sent_and_the_refusal_names_the_state() {
    let (stage, acme, id) = with_order().await;
    acme.staff(&id).await;
    acme.moves(wish(&id, "start_quotation", "k1")).await.unwrap();
    acme.moves(wish(&id, "send_quotation", "k2")).await.unwrap();
    let refused = acme.signs(send(&id, "k3")).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(
        refused.message().contains("quotation must be approved")
            && refused.message().contains("CotizacionEnviada"),
        "{refused}"
    );
    assert!(requested(&stage).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_missing_of_the_signers_is_listed_and_the_request_may_bring_it() {
    let (stage, acme, id) = with_order().await;
    acme.agree(&id).await;
    let refused = acme.signs(send(&id, "k")).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    for field in [
        "service_provider.name",
        "service_provider.email",
        "agent.name",
        "agent.email",
    ] {
        assert!(refused.message().contains(field), "{field}: {refused}");
    }
    assert!(
        !refused.message().contains("client."),
        "the client is known: {refused}"
    );

    let with = |parties: Vec<SigningParty>| SendToSignatureRequest {
        parties,
        ..send(&id, "k")
    };
    let provider = || party("service_provider", "Frío S.A.S.", "firma@frio.co");
    let itself = party("service_provider", "Laura otra vez", "LAURA@correo.co");
    let both = acme
        .signs(with(vec![itself, party("agent", "Ana Ruiz", "ana@algesta.co")]))
        .await
        .unwrap_err();
    assert_eq!(both.code(), Code::FailedPrecondition);
    assert!(
        both.message().contains("one person would sign for both"),
        "{both}"
    );
    for wrong in [
        vec![party("notary", "Ana", "ana@algesta.co")],
        vec![provider(), provider()],
        vec![party("agent", "Ana Ruiz", "no es un correo")],
    ] {
        let refused = acme.signs(with(wrong)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    }
    let sent = acme
        .signs(with(vec![
            provider(),
            party("agent", "Ana Ruiz", "ana@algesta.co"),
        ]))
        .await
        .unwrap();
    assert_eq!(sent.order.unwrap().state, "EnFirma");
    let (request, ..) = requested(&stage).await.remove(0);
    assert_eq!(request.parties[1].email, "firma@frio.co");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_transition_by_its_name_asks_those_who_are_known() {
    let (stage, acme, id) = with_order().await;
    acme.staff(&id).await;
    acme.agree(&id).await;
    let moved = acme.moves(wish(&id, "send_to_signature", "k")).await.unwrap();
    assert_eq!(moved.state, "EnFirma");
    let asked = requested(&stage).await;
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].0.parties[2].email, "ana@ejemplo.co");
}
