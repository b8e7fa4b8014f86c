//! Registers the speaker of a conversation. Somebody who is registered already stays who they are.

use crate::domain::client::{Client, Registration};
use crate::domain::conversation::Speaker;
use crate::domain::error::StoreError;
use crate::domain::ports::Turn;

/// The speaker's client, new or found.
///
/// # Errors
/// The store's answer.
pub async fn register_client<T: Turn>(
    turn: &mut T,
    speaker: &Speaker,
    registration: Registration,
) -> Result<Client, StoreError> {
    // Two conversations of one number may register at the same time; the second finds what the first has made.
    if let Some(client) = turn.client_of(speaker).await? {
        return Ok(client);
    }
    turn.register(speaker, registration).await
}
