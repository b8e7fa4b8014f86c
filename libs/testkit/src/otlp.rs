//! A receiver of traces inside the test: what a program exports, as values to assert on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1 as wire;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use crate::wait::wait_for;

/// A span as it arrived. Ids are in hex, as in a `traceparent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// `service.name` of the program.
    pub service: String,
    /// Its name.
    pub name: String,
    /// The trace.
    pub trace_id: String,
    /// Itself.
    pub span_id: String,
    /// The span it is a child of.
    pub parent_id: Option<String>,
    /// `server`, `client`, `producer`, `consumer` or `internal`.
    pub kind: &'static str,
    /// Whether its status is an error.
    pub failed: bool,
    /// Attributes, as text.
    pub attributes: BTreeMap<String, String>,
    /// The traces it is linked to.
    pub links: Vec<String>,
    /// The names of its events.
    pub events: Vec<String>,
}

#[derive(Debug, Clone, Default)]
struct Store(Arc<Mutex<Vec<Span>>>);

/// A running receiver. It ends when dropped.
#[derive(Debug)]
pub struct OtlpSink {
    endpoint: String,
    store: Store,
    serving: JoinHandle<()>,
}

impl OtlpSink {
    /// Starts a receiver of OTLP over gRPC on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound port has an address");
        let store = Store::default();
        let server = Server::builder()
            .add_service(TraceServiceServer::new(store.clone()))
            .add_service(MetricsServiceServer::new(store.clone()))
            .serve_with_incoming(TcpIncoming::from(listener));
        let serving = tokio::spawn(async move { server.await.expect("the receiver serves") });
        Self {
            endpoint: format!("http://{address}"),
            store,
            serving,
        }
    }

    /// What to configure as the OTLP endpoint.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// All spans so far.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        self.store
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The spans of one trace so far.
    #[must_use]
    pub fn trace(&self, trace_id: &str) -> Vec<Span> {
        self.spans()
            .into_iter()
            .filter(|span| span.trace_id == trace_id)
            .collect()
    }

    /// Waits for a span that fits.
    ///
    /// # Panics
    /// When none comes in time, with the names of those that came.
    pub async fn wait_for_span(&self, what: &str, timeout: Duration, fits: impl Fn(&Span) -> bool) -> Span {
        wait_for(what, timeout, async || {
            let spans = self.spans();
            let names: Vec<String> = spans.iter().map(|span| span.name.clone()).collect();
            spans.into_iter().find(&fits).ok_or(names)
        })
        .await
    }
}

impl Drop for OtlpSink {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[tonic::async_trait]
impl TraceService for Store {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut store = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for resource in request.into_inner().resource_spans {
            let attributes = texts(resource.resource.unwrap_or_default().attributes);
            let service = attributes.get("service.name").cloned().unwrap_or_default();
            let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            store.extend(spans.map(|span| read(&service, span)));
        }
        Ok(Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Store {
    /// Metrics are taken and forgotten: tests read them from `/metrics`.
    async fn export(
        &self,
        _: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        Ok(Response::new(Default::default()))
    }
}

fn read(service: &str, span: wire::Span) -> Span {
    let kind = match span.kind() {
        wire::span::SpanKind::Server => "server",
        wire::span::SpanKind::Client => "client",
        wire::span::SpanKind::Producer => "producer",
        wire::span::SpanKind::Consumer => "consumer",
        wire::span::SpanKind::Internal | wire::span::SpanKind::Unspecified => "internal",
    };
    let failed = span
        .status
        .as_ref()
        .is_some_and(|status| status.code() == wire::status::StatusCode::Error);
    Span {
        service: service.to_owned(),
        name: span.name,
        trace_id: hex(&span.trace_id),
        span_id: hex(&span.span_id),
        parent_id: (!span.parent_span_id.is_empty()).then(|| hex(&span.parent_span_id)),
        kind,
        failed,
        attributes: texts(span.attributes),
        links: span.links.iter().map(|link| hex(&link.trace_id)).collect(),
        events: span.events.into_iter().map(|event| event.name).collect(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value| match value {
        any_value::Value::StringValue(text) => text,
        any_value::Value::BoolValue(value) => value.to_string(),
        any_value::Value::IntValue(value) => value.to_string(),
        any_value::Value::DoubleValue(value) => value.to_string(),
        other => format!("{other:?}"),
    };
    attributes
        .into_iter()
        .filter_map(|attribute| Some((attribute.key, text(attribute.value?.value?))))
        .collect()
}
