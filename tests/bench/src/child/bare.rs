//! The yardstick: the same HTTP server with the same routes' shape, and a handler that reads the body and answers.

use std::net::SocketAddr;

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Where it listens.
#[derive(Serialize, Deserialize)]
pub(crate) struct Listening {
    pub(crate) address: SocketAddr,
}

pub(crate) async fn run() -> Result<()> {
    let _: serde_json::Value = super::first_line()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    super::say(&Listening {
        address: listener.local_addr()?,
    })?;
    let router = Router::new().route("/webhooks/{provider}", post(answer));
    let end = CancellationToken::new();
    let serve = axum::serve(
        listener,
        router.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .with_graceful_shutdown(end.clone().cancelled_owned());
    tokio::select! {
        result = serve => result?,
        () = super::until_closed() => {}
    }
    Ok(())
}

async fn answer(
    ConnectInfo(_): ConnectInfo<SocketAddr>,
    Path(_): Path<String>,
    _: HeaderMap,
    _: Bytes,
) -> Response {
    let mut response = axum::Json(serde_json::json!({})).into_response();
    response
        .headers_mut()
        .insert("puente-outcome", HeaderValue::from_static("accepted"));
    response
}
