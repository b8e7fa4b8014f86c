//! From a request that was let in to its handler.

use std::future::Future;

use puente_telemetry::field;
use tonic::{Request, Response, Status};
use tracing::Instrument as _;

use crate::door::Turn;
use crate::{Caller, Scope};

/// Runs `handler` for the request's caller, inside a span that continues the trace of the call.
///
/// # Errors
/// The handler's answer; INTERNAL when the service was served without its [`Guard`](crate::Guard).
pub async fn answer<T, R, F, Fut>(
    method: &'static str,
    mut request: Request<T>,
    handler: F,
) -> Result<Response<R>, Status>
where
    F: FnOnce(Caller, T) -> Fut,
    Fut: Future<Output = Result<R, Status>>,
{
    let Some(caller) = request.extensions_mut().remove::<Caller>() else {
        tracing::error!(method, "served without its guard; every call is refused");
        return Err(Status::internal("not served"));
    };
    let tenant = match &caller.scope {
        Scope::Tenant(tenant) => tenant.as_str(),
        Scope::Installation => "",
    };
    let span = tracing::info_span!(
        "rpc",
        otel.kind = "server",
        otel.name = method,
        { field::OPERATION } = method,
        { field::TENANT_ID } = %tenant,
    );
    let traceparent = request.metadata().get("traceparent");
    puente_telemetry::set_parent(&span, traceparent.and_then(|value| value.to_str().ok()));
    let _turn = request.extensions_mut().remove::<Turn>();
    let answered = handler(caller, request.into_inner()).instrument(span).await;
    answered.map(Response::new)
}
