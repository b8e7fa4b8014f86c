//! __Name__'s JSON, named as __Name__ names it.

use serde::Serialize;

use crate::kit::{Text, lenient_structs};

lenient_structs! {
    /// A webhook.
    Event { event: Text, id: Text, account: Text, from: Text, name: Text, text: Text, status: Text, timestamp: Text }
    Accepted { id: Text }
    Refusal { code: Option<Text>, message: Text }
}

#[derive(Debug, Serialize)]
pub(super) struct Send<'a> {
    pub(super) to: &'a str,
    pub(super) text: &'a str,
    pub(super) reference: &'a str,
}
