//! Asking a provider about a request's envelope, outside of effects: with today's access to the account, and once more with
//! another token when that one was refused.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use puente_http::Http;
use puente_ports::{CallCtx, ProviderError, SignatureProvider};

use crate::infrastructure::access::{Access, over, renewed};
use crate::infrastructure::choose::Chooser;
use crate::infrastructure::store::row::Row;

/// A question's way to its provider.
#[derive(Clone)]
pub(crate) struct Calls {
    pub(crate) chooser: Chooser,
    pub(crate) access: Arc<dyn Access>,
    pub(crate) http: Http,
    /// A call's longest time, by the provider's slug.
    pub(crate) timeout: Arc<dyn Fn(&str) -> Duration + Send + Sync>,
}

/// What an adapter gives: a call that is under way.
type Call<'a, T> = Pin<Box<dyn Future<Output = Result<T, ProviderError>> + Send + 'a>>;

impl Calls {
    /// Asks about the envelope of a request, which is named to `question`.
    pub(crate) async fn ask<T: Sync>(
        &self,
        row: &Row,
        question: impl for<'a> Fn(&'a dyn SignatureProvider, CallCtx<'a>, &'a str) -> Call<'a, T>,
    ) -> Result<T, ProviderError> {
        let envelope_id = row
            .signature
            .envelope_id
            .as_deref()
            .ok_or_else(|| ProviderError::malformed("the request has no envelope"))?;
        let adapter = self.chooser.adapter(&row.provider)?;
        let base = self
            .chooser
            .known(&row.tenant, &row.connection)
            .ok_or_else(|| ProviderError::configuration("connection_missing", "no such connection"))?;
        let traceparent = puente_telemetry::current_traceparent();
        let ctx = CallCtx {
            connection: &base,
            http: &self.http,
            idempotency_key: "",
            deadline: (self.timeout)(&base.provider),
            traceparent: traceparent.as_deref(),
        };
        let ready = self.access.ready(&base).await?;
        let first = question(adapter, over(ctx, &ready), envelope_id).await;
        match renewed(&*self.access, &base, &ready, &first).await? {
            None => first,
            Some(ready) => question(adapter, over(ctx, &ready), envelope_id).await,
        }
    }
}
