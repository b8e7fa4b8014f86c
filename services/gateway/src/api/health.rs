//! How connections and traffic do.

use axum::Json;
use futures::future::join_all;
use puente_proto::ingress::GetTrafficRequest;
use puente_proto::operations::ListConnectionHealthRequest;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::Answer;
use super::dead_letters::of_service;
use super::describe::{Api, Shape, doc};
use super::input::{Asking, Query};
use crate::application::failure::Failure;
use crate::application::reflect::{Show, json as seen};
use crate::domain::Right;
use crate::web::{Access, Problem};

const HEALTH: &str = "puente.operations.v1.ConnectionHealth";
/// The longest window.
const DAY: u32 = 86_400;

pub(super) fn routes(api: Api) -> Api {
    api.get(
        "/api/health",
        Access::Needs(Right::ReadHealth),
        connections,
        doc(
            "getHealth",
            "How each connection does: what waits, success, duration, breaker, quota",
        )
        .query::<Window>()
        .object(&[
            ("connections", Shape::OfServices(HEALTH)),
            ("unavailable", Shape::Texts),
        ]),
    )
    .get(
        "/api/traffic",
        Access::Needs(Right::ReadTraffic),
        traffic,
        doc(
            "getTraffic",
            "What came in, minute by minute or coarser, by what became of it",
        )
        .query::<Buckets>()
        .message("puente.ingress.v1.GetTrafficResponse"),
    )
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Window {
    /// Seconds back from now, at most a day; an hour when not said.
    #[param(minimum = 1, maximum = 86400)]
    window_seconds: Option<u32>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Buckets {
    /// Seconds back from now, at most a day; an hour when not said.
    #[param(minimum = 1, maximum = 86400)]
    window_seconds: Option<u32>,
    /// Seconds of one bucket: 60, 600 or 3600.
    bucket_seconds: Option<u32>,
}

fn window(asked: Option<u32>) -> Result<u32, Problem> {
    match asked {
        None => Ok(0),
        Some(seconds) if (1..=DAY).contains(&seconds) => Ok(seconds),
        Some(_) => Err(Failure::Invalid("window_seconds: 1 to 86400".to_owned()).into()),
    }
}

async fn connections(asking: Asking, Query(asked): Query<Window>) -> Answer {
    let window_seconds = window(asked.window_seconds)?;
    let ask = asking.ask();
    let asked = ask.all().into_iter().map(|peer| async move {
        let question = ListConnectionHealthRequest { window_seconds };
        (peer.name, ask.list_connection_health(peer, question).await)
    });
    let (mut found, mut unavailable): (Vec<Value>, Vec<_>) = (Vec::new(), Vec::new());
    for (service, answer) in join_all(asked).await {
        match answer {
            Ok(answer) => found.extend(
                answer
                    .connections
                    .iter()
                    .map(|one| of_service(service, seen(HEALTH, one, Show::Masked))),
            ),
            Err(status) => match Failure::of(service, &status) {
                failure if failure.is_away() => unavailable.push(service),
                failure => return Err(failure.into()),
            },
        }
    }
    Ok(Json(json!({ "connections": found, "unavailable": unavailable })))
}

async fn traffic(asking: Asking, Query(asked): Query<Buckets>) -> Answer {
    let bucket_seconds = match asked.bucket_seconds {
        None => 0,
        Some(seconds @ (60 | 600 | 3600)) => seconds,
        Some(_) => return Err(Failure::Invalid("bucket_seconds: 60, 600 or 3600".to_owned()).into()),
    };
    let question = GetTrafficRequest {
        window_seconds: window(asked.window_seconds)?,
        bucket_seconds,
    };
    let found = asking.ask().get_traffic(question).await;
    let found = found.map_err(|status| Failure::of("ingress", &status))?;
    Ok(Json(seen(
        "puente.ingress.v1.GetTrafficResponse",
        &found,
        Show::Masked,
    )))
}
