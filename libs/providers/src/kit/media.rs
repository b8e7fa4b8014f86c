//! Fetching a file that came with a message.
//!
//! Where the file lies is said by a message or an answer, so by somebody outside: the host must be one that the adapter
//! knows, at every step of a redirect, and no credential goes to another. The client underneath refuses addresses of this
//! machine and its neighbours, and follows nothing by itself.

use bytes::Bytes;
use http::header::LOCATION;
use http::{HeaderMap, Method};
use puente_ports::{
    CallCtx, MEDIA_GONE, MEDIA_TOO_LARGE, Manifest, OutboundRequest, OutboundResponse, ProviderError,
    ProviderErrorKind,
};

use crate::kit::{Place, asked, classify};

/// A file store leads to its nearest copy; more steps than these go in circles.
const MOST_STEPS: usize = 3;

/// The provider no longer has the file.
pub(crate) fn gone() -> ProviderError {
    let detail = "the provider no longer has the file";
    ProviderError::new(ProviderErrorKind::Rejected, MEDIA_GONE, detail)
}

/// The file is larger than is wanted.
pub(crate) fn too_large() -> ProviderError {
    let detail = "the file is larger than allowed";
    ProviderError::new(ProviderErrorKind::Rejected, MEDIA_TOO_LARGE, detail)
}

/// Fetches the file at `url`, which and whose redirects must be `known` places. `headers` go to all of them.
pub(crate) async fn media(
    manifest: &Manifest,
    ctx: CallCtx<'_>,
    url: &str,
    headers: &HeaderMap,
    known: &(dyn Fn(&Place) -> bool + Sync),
    max_bytes: usize,
) -> Result<Bytes, ProviderError> {
    let mut url = url.to_owned();
    for _ in 0..=MOST_STEPS {
        let place = Place::parse(&url).filter(|place| known(place)).ok_or_else(|| {
            let detail = "the file lies at a host that is not the provider's, nor among the connection's";
            ProviderError::configuration("media_host_refused", detail)
        })?;
        let answer = get(ctx, url, headers.clone()).await?;
        if !answer.status.is_redirection() {
            return bytes(manifest, &answer, max_bytes);
        }
        let to = answer.headers.get(LOCATION).and_then(|to| to.to_str().ok());
        url = to
            .and_then(|to| place.follow(to))
            .ok_or_else(|| ProviderError::malformed("a redirect leads nowhere"))?;
    }
    Err(ProviderError::malformed("the file's redirects have no end"))
}

async fn get(ctx: CallCtx<'_>, url: String, headers: HeaderMap) -> Result<OutboundResponse, ProviderError> {
    let request = OutboundRequest {
        operation: "media.fetch",
        method: Method::GET,
        url,
        headers,
        body: Bytes::new(),
    };
    let sent = ctx.http.send(ctx.connection, request, ctx.deadline).await;
    sent.map_err(|error| match error.code() {
        "response_too_large" => too_large(),
        _ => asked(error),
    })
}

fn bytes(manifest: &Manifest, answer: &OutboundResponse, max_bytes: usize) -> Result<Bytes, ProviderError> {
    match answer.status.as_u16() {
        200..=299 if answer.body.len() > max_bytes => Err(too_large()),
        200..=299 => Ok(answer.body.clone()),
        404 | 410 => Err(gone()),
        _ => Err(asked(classify(
            manifest,
            answer,
            None,
            "the file cannot be fetched",
        ))),
    }
}
