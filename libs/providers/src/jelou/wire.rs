//! Jelou's JSON, named as Jelou names it. Much of it is only partly documented, so every field may be missing.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::kit::{Num, Text, lenient_structs};

lenient_structs! {
    /// A webhook of any family; which one shows by the fields that are there.
    Body {
        // External support panel.
        field: Text,
        object: Text,
        event_type: Text,
        contact: Person,
        bot: Person,
        value: Option<Part>,
        // Custom channel and delivery events.
        event: Text,
        message: Option<Part>,
        error: EventError,
        // Legacy message events.
        bubble: Option<Part>,
        names: Text,
        received: Text,
        status: Text,
        owner: Text,
        // Several families.
        timestamp: Text,
        #[serde(rename = "messageId")]
        message_id: Text,
        #[serde(rename = "userId")]
        user_id: Text,
        #[serde(rename = "botId")]
        bot_id: Text,
    }
    Person { id: Text, name: Text }
    EventError { code: Text, message: Text }
    /// What was said, in the union of the families' forms; support messages nest theirs in `content`.
    Part {
        id: Text,
        #[serde(rename = "messageId")]
        message_id: Text,
        #[serde(rename = "type")]
        kind: Text,
        /// Raw, and read as a `Part` once by `map`: a type that held itself would follow a hostile body down the stack.
        content: Option<Box<RawValue>>,
        text: Text,
        body: Text,
        caption: Text,
        title: Text,
        payload: Text,
        url: Text,
        #[serde(rename = "mediaUrl")]
        media_url: Text,
        #[serde(rename = "mediaType")]
        media_type: Text,
        mime_type: Text,
        filename: Text,
        lat: Option<Num>,
        lng: Option<Num>,
        latitude: Option<Num>,
        longitude: Option<Num>,
        name: Text,
        address: Text,
    }
    /// The answer to a session message; the id stands at the top or under `data`.
    Accepted {
        #[serde(rename = "messageId")]
        message_id: Text,
        data: AcceptedData,
    }
    AcceptedData {
        #[serde(rename = "messageId")]
        message_id: Text,
    }
    /// One element of the answer to a template.
    AcceptedTemplate { id: Text, destination: Text }
    Refusal { message: serde_json::Value, error: Option<RefusalError> }
    RefusalError {
        code: Text,
        description: Text,
        #[serde(rename = "developerMessages")]
        developer_messages: Translated,
    }
    Translated { en: Text }
    ListedTemplate {
        #[serde(rename = "elementName")]
        element_name: Text,
        language: Text,
        status: Text,
        category: Text,
        template: Text,
        body: Text,
        text: Text,
    }
}

/// A list of templates in an envelope; it may also come bare.
#[derive(Deserialize)]
pub(super) struct TemplateList {
    #[serde(alias = "results", alias = "templates")]
    pub(super) data: Vec<ListedTemplate>,
}

/// A message inside the session.
#[derive(Debug, Serialize)]
pub(super) struct SendText<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(rename = "userId")]
    pub(super) user_id: &'a str,
    pub(super) text: &'a str,
}

/// A template.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SendTemplate<'a> {
    pub(super) element_name: &'a str,
    pub(super) destinations: [&'a str; 1],
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) language: &'a str,
    pub(super) parameters: Vec<String>,
}
