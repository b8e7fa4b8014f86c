//! Calls to providers.

use axum::Json;
use axum::extract::Path;
use puente_proto::operations::{
    Effect, GetEffectRequest, ListEffectsRequest, Resolution, ResolveEffectRequest,
};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::Answer;
use super::changes::reason;
use super::dead_letters::{of_service, service};
use super::describe::{Api, Shape, doc};
use super::input::{Asking, Body, Query};
use super::lists::{Limit, cursor, words};
use crate::application::failure::Failure;
use crate::application::fanout::{self, Cursor, Part};
use crate::application::reflect::{Show, json as seen};
use crate::domain::Right;
use crate::web::{Access, Problem};

const EFFECT: &str = "puente.operations.v1.Effect";

pub(super) fn routes(api: Api) -> Api {
    let read = Access::Needs(Right::ReadEffects);
    api.get(
        "/api/effects",
        read,
        list,
        doc("listEffects", "Calls to providers, of all services, newest first")
            .query::<Wanted>()
            .object(&[
                ("effects", Shape::OfServices(EFFECT)),
                ("next_cursor", Shape::Text),
                ("unknown", Shape::Count),
                ("unavailable", Shape::Texts),
            ]),
    )
    .get(
        "/api/effects/{service}/{id}",
        read,
        get,
        doc("getEffect", "One of them, its payload masked").message(EFFECT),
    )
    .post(
        "/api/effects/{service}/{id}/resolve",
        Access::Needs(Right::ResolveEffects),
        resolve,
        doc("resolveEffect", "Decides about a call whose outcome nobody knows")
            .body::<Decision>()
            .object(&[("resolved", Shape::Flag)]),
    )
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Calls in one answer; 50 when not said.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Limit,
    /// `next_cursor` of the answer before.
    #[serde(default, deserialize_with = "cursor")]
    #[param(value_type = Option<String>, max_length = 4096)]
    cursor: String,
    /// `due`, `calling`, `unknown`, `done`, `failed`, `closed`, with commas between them.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    states: String,
    /// The provider's slug.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    provider: String,
    /// What they belong to.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    subject_id: String,
}

async fn list(asking: Asking, Query(wanted): Query<Wanted>) -> Answer {
    let ask = asking.ask();
    let services: Vec<&'static str> = ask.all().iter().map(|peer| peer.name).collect();
    let cursor = Cursor::read(&wanted.cursor)?;
    let wanted = &wanted;
    let of_one = |service: &'static str, cursor: String| async move {
        let peer = ask
            .named(service)
            .ok_or_else(|| tonic::Status::unavailable("not connected"))?;
        let question = ListEffectsRequest {
            states: words(&wanted.states),
            provider: wanted.provider.clone(),
            subject_id: wanted.subject_id.clone(),
            page_size: wanted.limit.0,
            cursor,
        };
        let found = ask.list_effects(peer, question).await?;
        Ok(Part {
            items: found.effects,
            next: found.next_cursor,
            count: found.unknown,
        })
    };
    let limit = usize::try_from(wanted.limit.0).unwrap_or(usize::MAX);
    // Services page by the id, which is made a little later than the moment in `created_at`.
    let id = |effect: &Effect| effect.id.clone();
    let page = fanout::page(&services, &cursor, limit, of_one, id).await?;
    let show = Show::to(&asking.principal);
    let effects: Vec<Value> = page
        .items
        .iter()
        .map(|(service, effect)| of_service(service, seen(EFFECT, effect, show)))
        .collect();
    Ok(Json(json!({
        "effects": effects,
        "next_cursor": page.next,
        "unknown": page.count,
        "unavailable": page.unavailable,
    })))
}

async fn get(asking: Asking, Path((of, id)): Path<(String, String)>) -> Answer {
    let peer = service(&asking, &of)?;
    Uuid::try_parse(&id).map_err(|_| Problem::not_found())?;
    let found = asking.ask().get_effect(peer, GetEffectRequest { id }).await;
    let found = found.map_err(|status| Failure::of(peer.name, &status))?;
    let effect = found.effect.ok_or_else(Problem::not_found)?;
    Ok(Json(seen(EFFECT, &effect, Show::to(&asking.principal))))
}

/// What is decided about a call in doubt.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Decision {
    /// What is to be done.
    resolution: Choice,
    /// Why.
    #[serde(deserialize_with = "reason")]
    #[schema(min_length = 3, max_length = 500)]
    reason: String,
}

/// What can be decided.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Choice {
    /// It did not happen: call again.
    Repeat,
    /// It did happen: count it as done.
    Confirm,
    /// It is not wanted any more.
    Close,
}

impl Choice {
    const fn parts(self) -> (Resolution, &'static str) {
        match self {
            Self::Repeat => (Resolution::Repeat, "repeat"),
            Self::Confirm => (Resolution::Confirm, "confirm"),
            Self::Close => (Resolution::Close, "close"),
        }
    }
}

async fn resolve(
    asking: Asking,
    Path((of, id)): Path<(String, String)>,
    Body(decision): Body<Decision>,
) -> Answer {
    let peer = service(&asking, &of)?;
    Uuid::try_parse(&id).map_err(|_| Problem::not_found())?;
    let (resolution, word) = decision.resolution.parts();
    let question = ResolveEffectRequest {
        id: id.clone(),
        resolution: resolution.into(),
        reason: decision.reason.clone(),
    };
    let resolved = async {
        let done = asking.ask().resolve_effect(peer, question).await;
        done.map_err(|status| Failure::of(peer.name, &status).into())
    };
    let after = json!({ "service": peer.name, "resolution": word });
    asking
        .recorded(
            "effect.resolved",
            &id,
            (None, Some(after)),
            Some(&decision.reason),
            resolved,
        )
        .await?;
    Ok(Json(json!({ "resolved": true })))
}
