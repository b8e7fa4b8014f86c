//! What clients wrote: kept by whoever received it, in the events of ingress.

use std::collections::HashMap;

use maud::{Markup, html};
use prost::Message as _;
use puente_proto::messaging::{Location, MessageKind, MessageReceived};
use puente_proto::operations::list_events_request::Key;
use puente_proto::operations::{EventIds, ListEventsRequest};
use puente_proto::orders::ReceivedMessage;

use crate::console::problem::Problem;
use crate::console::view::View;
use crate::console::words::{self as w, Word};
use crate::state::App;

/// Messages by the id of their event.
pub(super) struct Words(HashMap<String, MessageReceived>);

/// What these messages said, read anew for one answer.
pub(super) async fn of(view: &View, app: &App, messages: &[ReceivedMessage]) -> Result<Words, Problem> {
    let ask = view.ask(app);
    let peer = ask.named("ingress").ok_or(Problem::Away("ingress"))?;
    if messages.is_empty() {
        return Ok(Words(HashMap::new()));
    }
    let ids = messages.iter().map(|message| message.event_id.clone()).collect();
    let wanted = ListEventsRequest {
        key: Some(Key::Ids(EventIds { ids })),
        limit: 0,
        ..ListEventsRequest::default()
    };
    let found = ask.list_events(peer, wanted).await;
    let found = found.map_err(|status| Problem::of("ingress", &status))?;
    let readable = found.events.into_iter().filter_map(|event| {
        let message = MessageReceived::decode(event.payload.as_ref()).ok()?;
        Some((event.id, message))
    });
    Ok(Words(readable.collect()))
}

impl Words {
    /// One message as people read it.
    pub(super) fn shown(&self, view: &View, event_id: &str) -> Markup {
        let Some(message) = self.0.get(event_id) else {
            return html! { p class="muted" { (view.say(w::TALK_GONE)) } };
        };
        let place = message.location.as_ref().map(place);
        html! {
            @if let Some(kind) = kind(message.kind()) { p class="muted" { (view.say(kind)) } }
            @if !message.text.is_empty() { p class="said" { (message.text) } }
            @if let Some(place) = place { p class="said" { (place) } }
        }
    }
}

/// What it is when it is not text alone.
fn kind(kind: MessageKind) -> Option<Word> {
    Some(match kind {
        MessageKind::Text => return None,
        MessageKind::Image => w::SAID_IMAGE,
        MessageKind::Video => w::SAID_VIDEO,
        MessageKind::Audio | MessageKind::Voice => w::SAID_VOICE,
        MessageKind::Document => w::SAID_DOCUMENT,
        MessageKind::Sticker => w::SAID_STICKER,
        MessageKind::Location => w::SAID_PLACE,
        MessageKind::Contact => w::SAID_CONTACT,
        MessageKind::Choice => w::SAID_CHOICE,
        MessageKind::Reaction => w::SAID_REACTION,
        MessageKind::Unspecified => w::SAID_OTHER,
    })
}

fn place(place: &Location) -> String {
    let named = [place.name.as_str(), place.address.as_str()];
    let named: Vec<&str> = named.into_iter().filter(|text| !text.is_empty()).collect();
    if named.is_empty() {
        format!("{:.5}, {:.5}", place.latitude, place.longitude)
    } else {
        named.join(", ")
    }
}
