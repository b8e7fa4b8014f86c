//! Setting up logs, traces and metrics for the process, once.
//!
//! The subscriber and the providers of OpenTelemetry are process-wide by nature. A process may still boot
//! several services, or a whole fleet more than once (tests do): the first [`init`] decides, later ones get a
//! handle to what is there. For the same reason [`Telemetry::shutdown`] sends out everything that waits but
//! leaves the providers running.
//!
//! Two readers hang on one meter provider: Prometheus (pull, always) and OTLP (push, when an endpoint is set).
//! Each layer of the subscriber has a filter of its own: what is logged never decides what is traced, and the
//! exporter's own stack is never traced, or each export would cause the next one.

use std::sync::OnceLock;
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use serde::{Deserialize, Serialize};
use tracing_subscriber::filter::{EnvFilter, LevelFilter, Targets};
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

use crate::json_log::JsonLog;
use crate::metric;

/// What is not traced: the stack the exporter itself runs on.
const UNTRACED: [&str; 9] = [
    "h2",
    "hyper",
    "hyper_util",
    "tonic",
    "tower",
    "reqwest",
    "opentelemetry",
    "opentelemetry_sdk",
    "opentelemetry_otlp",
];
/// The target of spans that are traced and in no log line: for hot paths, since the log's layer writes the fields of a span
/// down as soon as it is made, whether a line follows or not.
pub const TRACED_ONLY: &str = "puente_traced_only";
/// Longer than an export needs, shorter than a supervisor's patience at the end of a process.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(3);
/// The last flush at shutdown must not hold the process for longer than this.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(6);

static INSTALLED: OnceLock<Installed> = OnceLock::new();

struct Installed {
    traces: SdkTracerProvider,
    metrics: SdkMeterProvider,
    registry: prometheus::Registry,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line, for machines.
    #[default]
    Json,
    /// Several lines an event, for a person who debugs.
    Pretty,
    /// One line an event, for a person who watches.
    Compact,
}

/// What [`init`] needs to know.
#[derive(Debug, Clone, Default)]
pub struct TelemetryConfig {
    /// The name under which the process reports (`service.name`).
    pub service_name: String,
    /// How log lines look.
    pub log_format: LogFormat,
    /// What is logged, e.g. `info,puente_orders=debug`. Empty means `info`.
    pub log_filter: String,
    /// Where traces and metrics go by OTLP over gRPC, e.g. `http://collector:4317`. Without one nothing is sent.
    pub otlp_endpoint: Option<String>,
}

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The log filter cannot be read.
    #[error("the log filter {filter:?} is not valid: {reason}")]
    Filter {
        /// The text that was given.
        filter: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The exporter could not be built, mostly a malformed endpoint.
    #[error("the OTLP exporter for {endpoint:?} could not be built: {reason}")]
    Otlp {
        /// The endpoint that was given.
        endpoint: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The Prometheus reader could not be built.
    #[error("the Prometheus reader could not be built: {0}")]
    Prometheus(String),
}

/// A handle to the telemetry of this process.
#[derive(Debug, Clone, Copy)]
#[must_use = "call shutdown() before the process ends, or the last spans are lost"]
pub struct Telemetry(());

/// Installs telemetry for the process, or joins what an earlier call installed.
///
/// With an endpoint it must be called inside a tokio runtime, because the exporter connects on it. When the
/// process already has a foreign subscriber, that one stays, and only metrics work.
///
/// # Errors
/// When the filter or the endpoint is malformed.
pub fn init(config: &TelemetryConfig) -> Result<Telemetry, TelemetryError> {
    if INSTALLED.get().is_some() {
        return Ok(Telemetry(()));
    }
    let resource = Resource::builder()
        .with_service_name(config.service_name.clone())
        .build();
    let endpoint = config
        .otlp_endpoint
        .as_deref()
        .filter(|endpoint| !endpoint.is_empty());
    let registry = prometheus::Registry::new();
    let installed = Installed {
        traces: traces(&resource, endpoint)?,
        metrics: metrics(&resource, endpoint, &registry)?,
        registry,
    };
    let log = log_layer(config)?;
    let tracer = installed.traces.tracer("puente");
    if INSTALLED.set(installed).is_err() {
        return Ok(Telemetry(())); // another thread was faster
    }
    if let Some(installed) = INSTALLED.get() {
        opentelemetry::global::set_meter_provider(installed.metrics.clone());
        metric::rebind();
    }
    let trace = tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        // Spans are found by `tracing`, nobody asks OpenTelemetry's own current context; keeping it, and counting the time
        // that each span is not entered, cost more than the span itself.
        .with_context_activation(false)
        .with_tracked_inactivity(false)
        .with_threads(false);
    let subscriber = tracing_subscriber::registry()
        .with(log)
        .with(trace.with_filter(traced()));
    // Fails only when a foreign subscriber is in place, which is then left alone.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(Telemetry(()))
}

/// Everything of weight, minus [`UNTRACED`]. Targets alone decide, so each span is looked at once, where it was written.
fn traced() -> Targets {
    Targets::new()
        .with_default(LevelFilter::INFO)
        .with_targets(UNTRACED.map(|target| (target, LevelFilter::OFF)))
}

/// All metrics in the text form that Prometheus scrapes; empty before [`init`].
#[must_use]
pub fn render() -> String {
    INSTALLED
        .get()
        .and_then(|installed| {
            prometheus::TextEncoder::new()
                .encode_to_string(&installed.registry.gather())
                .ok()
        })
        .unwrap_or_default()
}

impl Telemetry {
    /// All metrics in the text form that Prometheus scrapes.
    #[must_use]
    pub fn render(&self) -> String {
        render()
    }

    /// Sends out what waits, for at most a few seconds. The last step before the process ends.
    ///
    /// It runs on a blocking thread: the exporters wait for the runtime, and would wait for themselves on a
    /// worker of a single-threaded one.
    pub async fn shutdown(self) {
        let flush = tokio::task::spawn_blocking(|| {
            if let Some(installed) = INSTALLED.get() {
                // Nothing can be done about a collector that is away, and the SDK logs it by itself.
                let _ = installed.traces.force_flush();
                let _ = installed.metrics.force_flush();
            }
        });
        if tokio::time::timeout(FLUSH_TIMEOUT, flush).await.is_err() {
            tracing::warn!("telemetry was not flushed in time; the last spans may be missing");
        }
    }
}

fn traces(resource: &Resource, endpoint: Option<&str>) -> Result<SdkTracerProvider, TelemetryError> {
    // Always on, whatever the caller's flag says: a trace that starts outside must not vanish inside.
    let builder = SdkTracerProvider::builder()
        .with_resource(resource.clone())
        .with_sampler(Sampler::AlwaysOn);
    let Some(endpoint) = endpoint else {
        return Ok(builder.build());
    };
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .with_timeout(EXPORT_TIMEOUT)
        .build()
        .map_err(|error| otlp_error(endpoint, &error))?;
    Ok(builder.with_batch_exporter(exporter).build())
}

fn metrics(
    resource: &Resource,
    endpoint: Option<&str>,
    registry: &prometheus::Registry,
) -> Result<SdkMeterProvider, TelemetryError> {
    let reader = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        .scope_info_enabled(false)
        .build()
        .map_err(|error| TelemetryError::Prometheus(error.to_string()))?;
    let builder = SdkMeterProvider::builder()
        .with_resource(resource.clone())
        .with_reader(reader);
    let Some(endpoint) = endpoint else {
        return Ok(builder.build());
    };
    let exporter = MetricExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .with_timeout(EXPORT_TIMEOUT)
        .build()
        .map_err(|error| otlp_error(endpoint, &error))?;
    Ok(builder.with_periodic_exporter(exporter).build())
}

fn otlp_error(endpoint: &str, error: &dyn std::fmt::Display) -> TelemetryError {
    TelemetryError::Otlp {
        endpoint: endpoint.to_owned(),
        reason: error.to_string(),
    }
}

fn log_layer(config: &TelemetryConfig) -> Result<Box<dyn Layer<Registry> + Send + Sync>, TelemetryError> {
    let wanted = if config.log_filter.is_empty() {
        "info"
    } else {
        config.log_filter.as_str()
    };
    let filter = EnvFilter::try_new(wanted).map_err(|error| TelemetryError::Filter {
        filter: wanted.to_owned(),
        reason: error.to_string(),
    })?;
    let traced_only = format!("{TRACED_ONLY}=off");
    let filter = match traced_only.parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    };
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    Ok(match config.log_format {
        LogFormat::Json => layer
            .fmt_fields(JsonFields::new())
            .event_format(JsonLog {
                service: config.service_name.clone(),
            })
            .with_filter(filter)
            .boxed(),
        LogFormat::Pretty => layer.pretty().with_filter(filter).boxed(),
        LogFormat::Compact => layer.compact().with_filter(filter).boxed(),
    })
}
