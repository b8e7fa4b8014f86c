//! The Cloud API's JSON, named as Meta names it. Every field may be missing or of an odd type.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::kit::{Num, Text, lenient, lenient_structs};

/// A webhook's body.
#[derive(Deserialize)]
pub(super) struct Notification<'a> {
    #[serde(default)]
    pub(super) object: Text,
    #[serde(borrow)]
    pub(super) entry: Vec<Entry<'a>>,
}

/// What happened to one WhatsApp Business Account.
#[derive(Deserialize)]
pub(super) struct Entry<'a> {
    #[serde(default)]
    pub(super) id: Text,
    #[serde(default)]
    pub(super) time: Text,
    #[serde(borrow, default)]
    pub(super) changes: Vec<Change<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Change<'a> {
    #[serde(default)]
    pub(super) field: Text,
    #[serde(borrow)]
    pub(super) value: Option<&'a RawValue>,
}

/// The value of the field `messages`; its lists are read item by item.
#[derive(Deserialize)]
pub(super) struct Value<'a> {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) metadata: Metadata,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) contacts: Vec<Contact>,
    #[serde(borrow, default)]
    pub(super) messages: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) statuses: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) errors: Vec<&'a RawValue>,
}

lenient_structs! {
    Metadata { phone_number_id: Text }
    Contact { profile: Profile, wa_id: Text, user_id: Text }
    Profile { name: Text, username: Text }
    Message {
        id: Text,
        from: Text,
        from_user_id: Text,
        group_id: Text,
        timestamp: Text,
        #[serde(rename = "type")]
        kind: Text,
        context: Context,
        text: Body,
        image: Option<Media>,
        video: Option<Media>,
        audio: Option<Media>,
        document: Option<Media>,
        sticker: Option<Media>,
        location: Option<Location>,
        contacts: Vec<Card>,
        button: Button,
        interactive: Interactive,
        reaction: Reaction,
    }
    Context { id: Text }
    Body { body: Text }
    Media { id: Text, caption: Text, filename: Text, mime_type: Text, sha256: Text, url: Text, voice: bool }
    Location { latitude: Num, longitude: Num, name: Text, address: Text }
    Card { name: CardName, phones: Vec<CardPhone> }
    CardName { formatted_name: Text, first_name: Text }
    CardPhone { phone: Text, wa_id: Text }
    Button { payload: Text, text: Text }
    Interactive {
        #[serde(rename = "type")]
        kind: Text,
        button_reply: Reply,
        list_reply: Reply,
        nfm_reply: NfmReply,
    }
    Reply { id: Text, title: Text }
    NfmReply { body: Text, response_json: Text }
    Reaction { message_id: Text, emoji: Text }
    Status {
        id: Text,
        status: Text,
        timestamp: Text,
        biz_opaque_callback_data: Text,
        pricing: Option<Pricing>,
        errors: Vec<Error>,
    }
    Pricing { billable: Option<bool>, category: Text }
    /// An error, of a status or of an HTTP answer.
    Error { code: Option<Text>, title: Text, message: Text, error_data: ErrorData }
    ErrorData { details: Text }
    /// The value of the fields about templates.
    Template {
        event: Text,
        message_template_id: Text,
        message_template_name: Text,
        message_template_language: Text,
        reason: Text,
        previous_quality_score: Text,
        new_quality_score: Text,
        new_category: Text,
    }
    /// The answer to a refused call.
    Refusal { error: Option<Error> }
    /// The answer to a message that was taken.
    Accepted { contacts: Vec<AcceptedContact>, messages: Vec<AcceptedMessage> }
    AcceptedContact { wa_id: Text }
    AcceptedMessage { id: Text }
    ListedTemplate { name: Text, language: Text, status: Text, category: Text, components: Vec<ListedComponent> }
    ListedComponent {
        #[serde(rename = "type")]
        kind: Text,
        text: Text,
    }
    Paging { cursors: Cursors, next: Text }
    Cursors { after: Text }

    /// Where a file lies, for five minutes.
    MediaPlace { url: Text, sha256: Text, file_size: Option<Num> }
}

/// One page of templates; without `data` it is none.
#[derive(Deserialize)]
pub(super) struct TemplatePage {
    pub(super) data: Vec<ListedTemplate>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) paging: Paging,
}

/// A message to send.
#[derive(Debug, Serialize)]
pub(super) struct Send<'a> {
    pub(super) messaging_product: &'static str,
    pub(super) recipient_type: &'static str,
    pub(super) to: &'a str,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<SendText<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) template: Option<SendTemplate<'a>>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) biz_opaque_callback_data: String,
}

#[derive(Debug, Serialize)]
pub(super) struct SendText<'a> {
    pub(super) preview_url: bool,
    pub(super) body: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct SendTemplate<'a> {
    pub(super) name: &'a str,
    pub(super) language: Language<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) components: Vec<Component>,
}

#[derive(Debug, Serialize)]
pub(super) struct Language<'a> {
    pub(super) code: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct Component {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) parameters: Vec<Parameter>,
}

#[derive(Debug, Serialize)]
pub(super) struct Parameter {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) text: String,
}
