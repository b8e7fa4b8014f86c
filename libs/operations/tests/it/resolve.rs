//! A person decides about a call in doubt.

use puente_proto::operations::{GetEffectRequest, Resolution, ResolveEffectRequest};
use sqlx::types::Uuid;
use tonic::{Code, Status};

use crate::support::{Asking, SERVICE, Stage, ask, code, connect, readers, serve};

async fn park(stage: &Stage, tenant: &str, state: &str) -> String {
    let id = Uuid::now_v7();
    sqlx::query(
        "INSERT INTO effects (id, tenant, key, provider, connection, operation, subject_id, payload, state, attempts, called_at)
         VALUES ($1, $2, $1::text, 'sample', 'acme', 'messages.send', 's', '{}', $3, 1, now())",
    )
    .bind(id)
    .bind(tenant)
    .bind(state)
    .execute(&stage.pool)
    .await
    .unwrap();
    id.to_string()
}

async fn resolve(asking: &Asking, id: &str, resolution: Resolution, reason: &str) -> Result<(), Status> {
    let command = ResolveEffectRequest {
        id: id.to_owned(),
        resolution: resolution.into(),
        reason: reason.to_owned(),
    };
    ask!(asking, resolve_effect, command).map(drop)
}

async fn state(asking: &Asking, id: &str) -> (String, String, String) {
    let question = GetEffectRequest { id: id.to_owned() };
    let effect = ask!(asking, get_effect, question).unwrap().effect.unwrap();
    (effect.state, effect.settled_by, effect.error_note)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_in_doubt_is_repeated_confirmed_or_closed_once() {
    let stage = Stage::set().await;
    let acme = stage.of("acme");
    for (resolution, wanted) in [
        (Resolution::Repeat, ("due", "", "")),
        (Resolution::Confirm, ("done", "user-7", "seen at the provider")),
        (Resolution::Close, ("closed", "user-7", "seen at the provider")),
    ] {
        let id = park(&stage, "acme", "unknown").await;
        resolve(&acme, &id, resolution, "seen at the provider")
            .await
            .unwrap();
        let (is, by, note) = state(&acme, &id).await;
        assert_eq!((is.as_str(), by.as_str(), note.as_str()), wanted);
        let again = resolve(&acme, &id, resolution, "seen at the provider").await;
        assert_eq!(code(again), Code::FailedPrecondition, "{resolution:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_in_doubt_or_of_another_tenant_stays_as_it_is() {
    let stage = Stage::set().await;
    let (acme, norte) = (stage.of("acme"), stage.of("norte"));
    let parked = park(&stage, "acme", "unknown").await;
    let calling = park(&stage, "acme", "calling").await;
    let close = Resolution::Close;
    assert_eq!(
        code(resolve(&norte, &parked, close, "not ours").await),
        Code::NotFound
    );
    assert_eq!(
        code(resolve(&acme, &calling, close, "too early").await),
        Code::FailedPrecondition
    );
    let nobody = Uuid::now_v7().to_string();
    assert_eq!(
        code(resolve(&acme, &nobody, close, "nothing").await),
        Code::NotFound
    );
    for (id, resolution, reason) in [
        (parked.as_str(), close, "no"),
        (&parked, Resolution::Unspecified, "a good reason"),
        ("7", close, "a good reason"),
    ] {
        assert_eq!(
            code(resolve(&acme, id, resolution, reason).await),
            Code::InvalidArgument
        );
    }
    assert_eq!(state(&acme, &parked).await.0, "unknown");
    assert_eq!(state(&acme, &calling).await.0, "calling");
    resolve(&stage.operator(), &parked, close, "for the tenant")
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_makes_no_calls_has_none_to_decide_about() {
    let stage = Stage::set().await;
    let (url, _serving) = serve(puente_operations::Operations::new(SERVICE, readers(&stage.db))).await;
    let mut acme = stage.of("acme");
    acme.client = puente_proto::operations::operations_client::OperationsClient::new(connect(&url).await);
    let id = park(&stage, "acme", "unknown").await;
    assert_eq!(
        code(resolve(&acme, &id, Resolution::Repeat, "again please").await),
        Code::NotFound
    );
}
