//! `/livez`, `/readyz` and `/metrics`, on a port of their own that is not exposed to callers.
//!
//! Alive: the process does not need to be replaced. Ready: it can take work. The port answers from before the
//! service is built until after it has drained, so that an orchestrator sees the whole life.

use std::net::SocketAddr;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::AdminConfig;
use crate::runtime::Runtime;
use crate::service::{BoxError, StartError};

/// The port, bound.
#[derive(Debug)]
pub struct Admin {
    listener: TcpListener,
    address: SocketAddr,
}

impl Admin {
    /// Binds the port.
    ///
    /// # Errors
    /// When it is taken or not allowed.
    pub async fn bind(config: &AdminConfig) -> Result<Self, StartError> {
        let listen = |source| StartError::Listen {
            address: config.listen.to_string(),
            source,
        };
        let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers about `runtime` until `end` is cancelled, which is not the runtime's own token.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(self, runtime: Runtime, end: CancellationToken) -> Result<(), BoxError> {
        let server = axum::serve(self.listener, router(runtime));
        tokio::select! {
            ended = server => Ok(ended?),
            () = end.cancelled() => Ok(()),
        }
    }
}

/// The three routes, for processes that serve them on a listener of their own.
pub fn router(runtime: Runtime) -> Router {
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(runtime)
}

async fn livez(State(runtime): State<Runtime>) -> Response {
    let failure = runtime.failure();
    let (code, status) = match failure {
        None => (StatusCode::OK, "alive"),
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, "failed"),
    };
    let task = failure.map(|failure| failure.task);
    let body =
        json!({ "status": status, "service": runtime.name(), "replica": runtime.replica, "task": task });
    (code, Json(body)).into_response()
}

async fn readyz(State(runtime): State<Runtime>) -> Response {
    let report = runtime.readiness.report().await;
    let status = if report.is_ready() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(report)).into_response()
}

async fn metrics() -> Response {
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        puente_telemetry::render(),
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use serde_json::Value;
    use tower::ServiceExt;

    use super::*;

    async fn ask(runtime: &Runtime, path: &str) -> (StatusCode, Value) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router(runtime.clone()).oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    #[tokio::test]
    async fn readiness_follows_its_checks() {
        let runtime = Runtime::new("orders");
        let up = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&up);
        runtime.ready_check("database", move || {
            let up = asked.load(Ordering::Relaxed);
            async move {
                if up {
                    Ok(())
                } else {
                    Err("not reachable".to_owned())
                }
            }
        });

        let (status, body) = ask(&runtime, "/readyz").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(
            body["checks"][0],
            json!({ "service": "orders", "name": "database", "ok": false, "reason": "not reachable" })
        );

        up.store(true, Ordering::Relaxed);
        assert_eq!(ask(&runtime, "/readyz").await.0, StatusCode::OK);

        runtime.readiness.drain();
        let (status, body) = ask(&runtime, "/readyz").await;
        assert_eq!(
            (status, &body["status"]),
            (StatusCode::SERVICE_UNAVAILABLE, &json!("draining"))
        );
    }

    #[tokio::test]
    async fn a_stopped_child_takes_its_checks_along() {
        let fleet = Runtime::new("fleet");
        let child = fleet.child("orders");
        child.ready_check("broker", || async { Err("not connected".to_owned()) });
        assert_eq!(ask(&fleet, "/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
        child.shutdown.cancel();
        assert_eq!(ask(&fleet, "/readyz").await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_failed_task_makes_the_process_not_alive() {
        let runtime = Runtime::new("orders");
        assert_eq!(ask(&runtime, "/livez").await.0, StatusCode::OK);
        runtime.spawn("relay", async { Err(std::io::Error::other("gone")) });
        runtime.shutdown.cancelled().await;
        let (status, body) = ask(&runtime, "/livez").await;
        assert_eq!(
            (status, &body["task"]),
            (StatusCode::SERVICE_UNAVAILABLE, &json!("relay"))
        );
    }

    #[tokio::test]
    async fn the_bound_port_answers_until_it_is_ended() {
        let admin = Admin::bind(&AdminConfig {
            listen: ([127, 0, 0, 1], 0).into(),
        })
        .await
        .unwrap();
        assert_ne!(admin.address().port(), 0);
        let end = CancellationToken::new();
        end.cancel();
        admin.serve(Runtime::new("orders"), end).await.unwrap();
    }
}
