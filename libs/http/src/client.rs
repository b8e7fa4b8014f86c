//! The client itself: one call, from the URL's check to the audit.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use puente_ports::{
    Connection, Outbound, OutboundRequest, OutboundResponse, ProviderError, ProviderErrorKind, RateHint,
};
use puente_telemetry::{current_traceparent, metric, trace_id};
use puente_types::{Clock, ConnectionId, SystemClock};
use reqwest::Url;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument as _;

use crate::audit::{AuditSink, CallRecord, NoSink};
use crate::breaker::{Breaker, Breakers, PROBE_UNDER_WAY, Permit, Standing};
use crate::config::{HttpConfig, HttpError};
use crate::hints::Hints;
use crate::net::{Resolver, check_url};
use crate::quota::Reads;
use crate::record::{Exchange, ExchangeRecorder, visible};
use crate::{fault, redact};

/// What a service or a test hangs onto the client.
#[derive(Clone)]
pub struct Hooks {
    /// Gets a record of every call.
    pub audit: Arc<dyn AuditSink>,
    /// Gets whole exchanges; tests only.
    pub recorder: Option<Arc<dyn ExchangeRecorder>>,
    /// The wall clock, for records and dates in headers.
    pub clock: Arc<dyn Clock>,
}

impl Default for Hooks {
    fn default() -> Self {
        Self {
            audit: Arc::new(NoSink),
            recorder: None,
            clock: Arc::new(SystemClock),
        }
    }
}

/// The way out to providers. Clones share everything; a process needs one.
#[derive(Clone)]
pub struct Http(Arc<Inner>);

struct Inner {
    client: reqwest::Client,
    config: HttpConfig,
    hooks: Hooks,
    breakers: Breakers,
    reads: Reads,
    hints: Hints,
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http")
            .field("config", &self.0.config)
            .finish_non_exhaustive()
    }
}

impl Http {
    /// A client without hooks.
    ///
    /// # Errors
    /// When the machine has no certificates to trust, or no TLS can be set up.
    pub fn new(config: HttpConfig) -> Result<Self, HttpError> {
        Self::with_hooks(config, Hooks::default())
    }

    /// A client that goes by the clock of its service.
    ///
    /// # Errors
    /// As [`Http::new`].
    pub fn timed_by(config: HttpConfig, clock: Arc<dyn Clock>) -> Result<Self, HttpError> {
        let hooks = Hooks {
            clock,
            ..Hooks::default()
        };
        Self::with_hooks(config, hooks)
    }

    /// A client with hooks.
    ///
    /// # Errors
    /// As [`Http::new`].
    pub fn with_hooks(config: HttpConfig, hooks: Hooks) -> Result<Self, HttpError> {
        // Whoever installed a provider before has chosen; then this changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = match builder(&config).build() {
            // A laptop or test container without CA certificates can still call simulators.
            Err(error) if config.allow_plain_http => {
                tracing::warn!("no CA certificates found: only plain HTTP can be used");
                builder(&config).tls_certs_only([]).build().map_err(|_| error)?
            }
            built => built?,
        };
        let breakers = Breakers::new(config.breaker);
        let reads = Reads::new(&config);
        Ok(Self(Arc::new(Inner {
            client,
            config,
            hooks,
            breakers,
            reads,
            hints: Hints::default(),
        })))
    }

    /// The breaker of a provider and connection.
    #[must_use]
    pub fn breaker(&self, provider: &str, connection: &ConnectionId) -> Arc<Breaker> {
        self.0.breakers.get(provider, connection)
    }

    /// Every breaker of this process as it stands, for health pages.
    #[must_use]
    pub fn breakers(&self) -> Vec<Standing> {
        self.0.breakers.standings()
    }

    /// What the provider last said about the connection's limits.
    #[must_use]
    pub fn rate_hint(&self, connection: &ConnectionId) -> Option<RateHint> {
        self.0.hints.last(connection)
    }
}

/// What a server declares untouched (HTTP/2 `REFUSED_STREAM`, or streams beyond a graceful `GOAWAY`) the library sends
/// again by itself. Nothing else is ever repeated here.
fn builder(config: &HttpConfig) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("puente/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(config.connect_timeout)
        .pool_idle_timeout(config.pool_idle_timeout)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .dns_resolver(Resolver {
            allow_private: config.allow_private,
        })
}

#[async_trait]
impl Outbound for Http {
    async fn send(
        &self,
        connection: &Connection,
        request: OutboundRequest,
        deadline: Duration,
    ) -> Result<OutboundResponse, ProviderError> {
        let span = tracing::info_span!(
            "provider.call",
            otel.kind = "client",
            provider = connection.provider,
            connection.id = %connection.id,
            tenant.id = %connection.tenant,
            operation = request.operation,
            http.method = %request.method,
            url.host = tracing::field::Empty,
            url.path = tracing::field::Empty,
            status = tracing::field::Empty,
            error.class = tracing::field::Empty,
            error.code = tracing::field::Empty,
            otel.status_code = tracing::field::Empty,
        );
        self.0
            .audited(connection, request, deadline, &span)
            .instrument(span.clone())
            .await
    }
}

impl Inner {
    async fn audited(
        &self,
        connection: &Connection,
        request: OutboundRequest,
        deadline: Duration,
        span: &tracing::Span,
    ) -> Result<OutboundResponse, ProviderError> {
        let started = Instant::now();
        let mut record = self.open_record(connection, &request);
        let result = match check_url(&request.url, &self.config) {
            Ok(url) => {
                record.locate(&url);
                let deadline = started + deadline.min(self.config.longest_deadline);
                self.guarded(connection, request, url, deadline).await
            }
            Err(error) => Err(error),
        };
        record.settle(&result, started.elapsed());
        fill_span(span, &record);
        record.publish();
        self.hooks.audit.record(record);
        result
    }

    fn open_record(&self, connection: &Connection, request: &OutboundRequest) -> CallRecord {
        CallRecord {
            at: self.hooks.clock.now(),
            provider: connection.provider.clone(),
            connection: connection.id.clone(),
            tenant: connection.tenant.clone(),
            operation: request.operation,
            method: request.method.to_string(),
            host: String::new(),
            path: String::new(),
            status: None,
            duration: Duration::ZERO,
            error: None,
            error_code: None,
            request_bytes: request.body.len(),
            response_bytes: 0,
            trace_id: current_traceparent()
                .as_deref()
                .and_then(trace_id)
                .map(str::to_owned),
        }
    }

    /// Asks limiter and breaker, calls, and tells the breaker.
    async fn guarded(
        &self,
        connection: &Connection,
        request: OutboundRequest,
        url: Url,
        deadline: Instant,
    ) -> Result<OutboundResponse, ProviderError> {
        let breaker = self.breakers.get(&connection.provider, &connection.id);
        if request.method.is_safe() && breaker.ready().is_ok() {
            self.reads.turn(&connection.id, deadline).await?;
        }
        let Some(permit) = breaker.permit() else {
            return Err(breaker_open(&breaker));
        };
        let exchanged = timeout_at(deadline, self.exchange(connection, request, url))
            .await
            .unwrap_or_else(|_| Err(fault::timeout()));
        let failed = match &exchanged {
            Ok(response) => Some(response.status.is_server_error()),
            Err(error) if fault::is_failure(error) => Some(true),
            Err(error) if error.code() == "response_too_large" => Some(false),
            // Our own mistake: it says nothing about the provider.
            Err(_) => None,
        };
        self.tell(connection, permit, failed);
        exchanged
    }

    fn tell(&self, connection: &Connection, permit: Permit, failed: Option<bool>) {
        let changed = match failed {
            Some(true) => permit.failure(),
            Some(false) => permit.success(),
            None => return,
        };
        let Some(state) = changed else { return };
        metric::breaker_open(&connection.provider, self.breakers.any_open(&connection.provider));
        tracing::warn!(
            provider = connection.provider,
            connection.id = %connection.id,
            tenant.id = %connection.tenant,
            breaker.state = state.as_str(),
            "the breaker of {} is {} now",
            connection.provider,
            state.as_str(),
        );
    }

    /// One request and its whole answer.
    async fn exchange(
        &self,
        connection: &Connection,
        mut request: OutboundRequest,
        url: Url,
    ) -> Result<OutboundResponse, ProviderError> {
        let seen = self
            .hooks
            .recorder
            .as_ref()
            .map(|recorder| (recorder, request.clone(), url.clone()));
        redact::hide(&mut request.headers);
        let mut call = self
            .client
            .request(request.method.clone(), url)
            .headers(request.headers);
        if !(request.body.is_empty() && request.method.is_safe()) {
            call = call.body(request.body);
        }
        let answer = call.send().await.map_err(|error| fault::sending(&error))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        if let Some(hint) = RateHint::read(&headers, self.hooks.clock.now()) {
            self.hints.take(connection, hint);
        }
        let body = match read(answer, self.config.max_response_bytes).await? {
            Some(body) => body,
            None => return Err(fault::too_large(&request.method, status)),
        };
        if let Some((recorder, request, url)) = seen {
            recorder.record(&Exchange {
                provider: connection.provider.clone(),
                method: request.method,
                url: redact::without_secrets(&url),
                request_headers: visible(&request.headers),
                request_body: request.body,
                status,
                response_headers: visible(&headers),
                response_body: body.clone(),
            });
        }
        Ok(OutboundResponse {
            status,
            headers,
            body,
        })
    }
}

/// Reads a body up to `most` bytes; `None` when it is longer.
async fn read(mut answer: reqwest::Response, most: usize) -> Result<Option<Bytes>, ProviderError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| fault::receiving(&error))? {
        if chunk.len() > most.saturating_sub(body.len()) {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body.freeze()))
}

fn breaker_open(breaker: &Breaker) -> ProviderError {
    let retry_after = breaker.ready().err().unwrap_or(PROBE_UNDER_WAY);
    ProviderError::new(
        ProviderErrorKind::Unavailable {
            retry_after: Some(retry_after),
        },
        "breaker_open",
        "the provider failed too often and is not called for now",
    )
}

fn fill_span(span: &tracing::Span, record: &CallRecord) {
    span.record("url.host", record.host.as_str())
        .record("url.path", record.path.as_str());
    if let Some(status) = record.status {
        span.record("status", status);
    }
    if let Some(class) = record.error {
        span.record("error.class", class.as_str())
            .record("otel.status_code", "ERROR");
    }
    if let Some(code) = &record.error_code {
        span.record("error.code", code.as_str());
    }
}
