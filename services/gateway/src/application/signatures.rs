//! Signature requests, by what pages and programs know of them.

use puente_proto::signature::get_signature_request::Key;
use puente_proto::signature::{GetSignatureRequest, Signature};
use uuid::Uuid;

use super::failure::Failure;
use super::questions::Ask;

/// The request of this id.
pub(crate) async fn signature(ask: Ask<'_>, id: &str) -> Result<Signature, Failure> {
    Uuid::try_parse(id).map_err(|_| Failure::NotFound)?;
    let found = get(ask, Key::RequestId(id.to_owned())).await?;
    found.ok_or(Failure::NotFound)
}

/// The newest request of an order; `None` when there is none.
pub(crate) async fn newest_of(ask: Ask<'_>, order_id: &str) -> Result<Option<Signature>, Failure> {
    match get(ask, Key::OrderId(order_id.to_owned())).await {
        Err(Failure::NotFound) => Ok(None),
        found => found,
    }
}

async fn get(ask: Ask<'_>, key: Key) -> Result<Option<Signature>, Failure> {
    let found = ask.get_signature(GetSignatureRequest { key: Some(key) }).await;
    let found = found.map_err(|status| Failure::of("signature", &status))?;
    Ok(found.signature)
}
