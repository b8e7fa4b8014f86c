//! The gRPC service: decodes nothing and decides nothing, but gives every call its scope.

use std::sync::Arc;

use puente_http::Http;
use puente_outbox::Redeliver;
use puente_proto::operations::operations_server::{Operations as Service, OperationsServer};
use puente_proto::operations::{
    CloseDeadLetterRequest, CloseDeadLetterResponse, GetDeadLetterRequest, GetDeadLetterResponse,
    GetEffectRequest, GetEffectResponse, ListConnectionHealthRequest, ListConnectionHealthResponse,
    ListDeadLettersRequest, ListDeadLettersResponse, ListEffectsRequest, ListEffectsResponse,
    ListEventsRequest, ListEventsResponse, ResolveEffectRequest, ResolveEffectResponse,
    RetryDeadLetterRequest, RetryDeadLetterResponse,
};
use puente_rpc::{Caller, answer};
use puente_service::Readers;
use puente_types::Clock;
use sqlx::{Postgres, Transaction};
use tonic::{Request, Response, Status};

use crate::failure::failed;
use crate::health::Breaker;
use crate::resolve::ResolveEffect;

/// The largest question: a hundred ids.
const MAX_QUESTION: usize = 16 * 1024;

/// One service's operations.
pub struct Operations {
    pub(crate) service: &'static str,
    pub(crate) readers: Readers,
    pub(crate) indexed: bool,
    pub(crate) consumers: Vec<Arc<dyn Redeliver>>,
    pub(crate) resolver: Option<Arc<dyn ResolveEffect>>,
    pub(crate) breakers: Box<dyn Fn() -> Vec<Breaker> + Send + Sync>,
}

impl Operations {
    /// Those of a service without consumers, effects and breakers, and with the tables that `readers` read.
    #[must_use]
    pub fn new(service: &'static str, readers: Readers) -> Self {
        Self {
            service,
            readers,
            indexed: false,
            consumers: Vec::new(),
            resolver: None,
            breakers: Box::new(Vec::new),
        }
    }

    /// The outbox has indexes of traces and causes (`outbox_trace`, `outbox_cause`), so that events are found by them.
    #[must_use]
    pub fn indexed(mut self) -> Self {
        self.indexed = true;
        self
    }

    /// Dead letters of this consumer can be handled again.
    #[must_use]
    pub fn redelivers(mut self, consumer: Arc<dyn Redeliver>) -> Self {
        self.consumers.push(consumer);
        self
    }

    /// Calls in doubt are decided about here.
    #[must_use]
    pub fn resolves(mut self, resolver: Arc<dyn ResolveEffect>) -> Self {
        self.resolver = Some(resolver);
        self
    }

    /// Where the breakers of this replica can be seen.
    #[must_use]
    pub fn with_breakers(mut self, breakers: impl Fn() -> Vec<Breaker> + Send + Sync + 'static) -> Self {
        self.breakers = Box::new(breakers);
        self
    }

    /// The breakers of this replica are those of its way out.
    #[must_use]
    pub fn with_breakers_of(self, http: Http, clock: Arc<dyn Clock>) -> Self {
        self.with_breakers(move || {
            let now = clock.now();
            http.breakers()
                .into_iter()
                .map(|breaker| Breaker::standing(breaker, now))
                .collect()
        })
    }

    /// What is served behind the service's door.
    #[must_use]
    pub fn server(self) -> OperationsServer<Self> {
        OperationsServer::new(self).max_decoding_message_size(MAX_QUESTION)
    }

    /// A transaction that sees the caller's rows and changes nothing.
    pub(crate) async fn begin(&self, caller: &Caller) -> Result<Transaction<'static, Postgres>, Status> {
        let mut tx = self.readers.begin(caller.scope.tenant()).await.map_err(failed)?;
        // The questions have filters that may be absent: planned with their values, each uses the index it needs.
        sqlx::query!("SET LOCAL plan_cache_mode = force_custom_plan")
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        Ok(tx)
    }
}

impl std::fmt::Debug for Operations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Operations")
            .field("service", &self.service)
            .field("indexed", &self.indexed)
            .finish_non_exhaustive()
    }
}

#[tonic::async_trait]
impl Service for Operations {
    async fn list_events(
        &self,
        request: Request<ListEventsRequest>,
    ) -> Result<Response<ListEventsResponse>, Status> {
        answer("Operations/ListEvents", request, |caller, question| {
            self.events(caller, question)
        })
        .await
    }

    async fn list_dead_letters(
        &self,
        request: Request<ListDeadLettersRequest>,
    ) -> Result<Response<ListDeadLettersResponse>, Status> {
        answer("Operations/ListDeadLetters", request, |caller, question| {
            self.letters(caller, question)
        })
        .await
    }

    async fn get_dead_letter(
        &self,
        request: Request<GetDeadLetterRequest>,
    ) -> Result<Response<GetDeadLetterResponse>, Status> {
        answer("Operations/GetDeadLetter", request, |caller, question| {
            self.letter(caller, question)
        })
        .await
    }

    async fn retry_dead_letter(
        &self,
        request: Request<RetryDeadLetterRequest>,
    ) -> Result<Response<RetryDeadLetterResponse>, Status> {
        answer("Operations/RetryDeadLetter", request, |caller, command| {
            self.retry(caller, command)
        })
        .await
    }

    async fn close_dead_letter(
        &self,
        request: Request<CloseDeadLetterRequest>,
    ) -> Result<Response<CloseDeadLetterResponse>, Status> {
        answer("Operations/CloseDeadLetter", request, |caller, command| {
            self.close(caller, command)
        })
        .await
    }

    async fn list_effects(
        &self,
        request: Request<ListEffectsRequest>,
    ) -> Result<Response<ListEffectsResponse>, Status> {
        answer("Operations/ListEffects", request, |caller, question| {
            self.effects(caller, question)
        })
        .await
    }

    async fn get_effect(
        &self,
        request: Request<GetEffectRequest>,
    ) -> Result<Response<GetEffectResponse>, Status> {
        answer("Operations/GetEffect", request, |caller, question| {
            self.effect(caller, question)
        })
        .await
    }

    async fn resolve_effect(
        &self,
        request: Request<ResolveEffectRequest>,
    ) -> Result<Response<ResolveEffectResponse>, Status> {
        answer("Operations/ResolveEffect", request, |caller, command| {
            self.resolve(caller, command)
        })
        .await
    }

    async fn list_connection_health(
        &self,
        request: Request<ListConnectionHealthRequest>,
    ) -> Result<Response<ListConnectionHealthResponse>, Status> {
        answer("Operations/ListConnectionHealth", request, |caller, question| {
            self.health(caller, question)
        })
        .await
    }
}
