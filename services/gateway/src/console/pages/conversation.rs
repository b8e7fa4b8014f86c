//! `/conversaciones/{id}`: what was said, and did it arrive? What the client wrote is masked until somebody with the right and a
//! reason asks for it; of what we answered the kind of text is kept, and not the text.

use axum::extract::{Form, Path, State};
use axum::response::Response;
use maud::{Markup, html};
use puente_proto::notifications::{GetContactRequest, GetContactResponse, ListMessagesRequest, Message};
use puente_proto::orders::{GetConversationRequest, GetConversationResponse, ReceivedMessage};
use time::OffsetDateTime;

use super::conversation_words::{self as words, Words};
use super::conversations::name_of;
use crate::application::questions::missing;
use crate::audit::Entry;
use crate::console::change::{self, Fields};
use crate::console::layout::Page;
use crate::console::parts::{away, csrf, fact, hide, icon, masked, pill, provider, reason, trace};
use crate::console::problem::{Answer, Problem};
use crate::console::states;
use crate::console::view::{View, encode};
use crate::console::when;
use crate::console::words as w;
use crate::domain::Right;
use crate::state::App;

/// Messages of one conversation that are shown.
const MOST_SHOWN: u32 = 100;

/// `GET /conversaciones/{id}`
pub(crate) async fn show(view: View, State(app): State<App>, Path(id): Path<String>) -> Response {
    let answer = masked_page(&view, &app, &id).await;
    view.answer(answer)
}

async fn masked_page(view: &View, app: &App, id: &str) -> Answer {
    let (title, parts) = parts(view, app, id).await?;
    let body = html! {
        @for part in &parts { (part) }
        @if view.may(Right::RevealPersonal) {
            section class="block panel pad" aria-labelledby="h-words" {
                h2 id="h-words" { (view.say(w::TALK_WORDS)) }
                p class="muted" { (view.say(w::TALK_MASKED)) }
                form class="form gap" method="post" action={ "/conversaciones/" (encode(id)) "/mostrar" } {
                    (csrf(view))
                    (reason(view, "why", true))
                    p class="acts" { button type="submit" { (view.say(w::TALK_SHOW)) } }
                }
            }
        }
    };
    let page = Page::at("/conversaciones", title, body).live(format!("talk:{id}"));
    Ok(page.below(view.say(w::CONVERSATIONS), "/conversaciones"))
}

/// `POST /conversaciones/{id}/mostrar`: what the client wrote, for this one answer.
pub(crate) async fn reveal(
    view: View,
    State(app): State<App>,
    Path(id): Path<String>,
    Form(fields): Fields,
) -> Response {
    let why = change::reason(&fields);
    let entry = Entry {
        action: "conversation.revealed",
        object: &id,
        reason: Some(&why),
        ..Entry::default()
    };
    let back = view.back_to(&format!("/conversaciones/{}", encode(&id)));
    let doing = Box::pin(bare_page(&back, &app, &id));
    change::shown(&back, &app, Right::RevealPersonal, entry, doing).await
}

/// Not live: what comes in while somebody reads is masked, and is seen by going back.
async fn bare_page(view: &View, app: &App, id: &str) -> Answer {
    let talk = find(view, app, id).await?;
    let words = words::of(view, app, &talk.messages).await?;
    let (title, part) = section(view, app, &talk, Some(&words)).await?;
    let body = html! {
        p class="note warn" role="status" { (icon("alert")) span { (view.say(w::TALK_SHOWN)) } }
        (part)
    };
    Ok(Page::at("/conversaciones", title, body).below(view.say(w::CONVERSATIONS), "/conversaciones"))
}

/// One thing that was said, by either side.
enum Said<'a> {
    ByClient(&'a ReceivedMessage),
    ByUs(&'a Message),
}

/// Head and messages, masked.
pub(crate) async fn parts(view: &View, app: &App, id: &str) -> Result<(String, Vec<Markup>), Problem> {
    let talk = find(view, app, id).await?;
    let (title, part) = section(view, app, &talk, None).await?;
    Ok((title, vec![part]))
}

async fn find(view: &View, app: &App, id: &str) -> Result<GetConversationResponse, Problem> {
    view.see(Right::ReadConversations)?;
    let wanted = GetConversationRequest {
        conversation_id: id.to_owned(),
    };
    let found = view.ask(app).get_conversation(wanted).await;
    found.map_err(|status| Problem::of("orders", &status))
}

async fn section(
    view: &View,
    app: &App,
    found: &GetConversationResponse,
    words: Option<&Words>,
) -> Result<(String, Markup), Problem> {
    let talk = found.conversation.as_ref().ok_or(Problem::NotFound)?;
    let ask = view.ask(app);
    let wanted = ListMessagesRequest {
        connection: talk.connection.clone(),
        contact_id: talk.contact_id.clone(),
        page_size: MOST_SHOWN,
        ..ListMessagesRequest::default()
    };
    let contact = GetContactRequest {
        connection: talk.connection.clone(),
        contact_id: talk.contact_id.clone(),
    };
    let (sent, contact) = futures::join!(ask.list_messages(wanted), ask.get_contact(contact));
    let silent = sent.as_ref().err().map(|status| missing("notifications", status));
    let sent = sent.map(|sent| sent.messages).unwrap_or_default();
    let mut said: Vec<(OffsetDateTime, Said<'_>)> = found
        .messages
        .iter()
        .filter_map(|one| Some((when::local(one.occurred_at.as_ref())?, Said::ByClient(one))))
        .collect();
    said.extend(
        sent.iter()
            .filter_map(|one| Some((when::local(one.queued_at.as_ref())?, Said::ByUs(one)))),
    );
    said.sort_by_key(|(at, _)| *at);
    let name = if talk.client_name.is_empty() {
        hide(&talk.contact_id)
    } else {
        name_of(view, talk)
    };
    let title = view.fill(w::TALK, &[("name", &name)]);
    let part = html! {
        section id="talk" {
            h1 { (title) }
            div class="panel block" {
                dl class="facts" {
                    (fact(view.say(w::COL_CONTACT), masked(&talk.contact_id)))
                    (fact(view.say(w::PROVIDER), html! { (provider(&talk.provider)) }))
                    (fact(view.say(w::CONNECTION), html! { (talk.connection) }))
                    (fact(view.say(w::COL_WAITING), html! { (talk.waiting) }))
                }
                @if let Ok(contact) = &contact { div class="pad" { (window(view, contact)) } }
                @if let Some(silent) = silent { div class="pad" { (away(view, silent)) } }
                @if !talk.client_id.is_empty() && view.may(Right::ReadOrders) {
                    p class="pad" { a class="more" href={ "/pedidos?cliente=" (talk.client_id) } { (view.say(w::ORDERS)) } }
                }
                @if said.is_empty() { p class="none" { (view.say(w::TALK_NONE)) } }
                ol class="talk" {
                    @for (n, (at, one)) in said.iter().enumerate() {
                        @let before = n.checked_sub(1).and_then(|before| said.get(before)).map(|(at, _)| at.date());
                        @if before != Some(at.date()) { li class="day" { (when::day(view.language, *at)) } }
                        (bubble(view, *at, one, words))
                    }
                }
            }
        }
    };
    Ok((title, part))
}

fn window(view: &View, contact: &GetContactResponse) -> Markup {
    let left = when::local(contact.session_until.as_ref()).map(|until| until - view.now);
    html! {
        @if contact.opted_out_at.is_some() {
            p class="note bad" { (icon("skip")) span { (view.say(w::OPTED_OUT)) } }
        } @else if let Some(left) = left.filter(|left| left.is_positive()) {
            p class="note good" { (icon("clock")) span { (view.fill(w::WINDOW_OPEN, &[("time", &when::span(view.language, left))])) } }
        } @else {
            p class="note rest" { (icon("clock")) span { (view.say(w::WINDOW_CLOSED)) } }
        }
    }
}

fn bubble(view: &View, at: OffsetDateTime, one: &Said<'_>, words: Option<&Words>) -> Markup {
    match one {
        Said::ByClient(one) => {
            let worked = when::local(one.worked_at.as_ref()).map(|worked| {
                let ms = (worked - at).whole_milliseconds().max(0).to_string();
                view.fill(w::WORKED, &[("ms", &ms)])
            });
            html! {
                li class="in" data-key=(one.event_id) {
                    @match words {
                        None => p { (view.say(w::FROM_CLIENT)) " " mark { (view.say(w::FROM_CLIENT_HIDDEN)) } },
                        Some(words) => (words.shown(view, &one.event_id)),
                    }
                    p { time datetime=(when::machine(at)) { (when::short(at)) } " · " (worked.unwrap_or_else(|| view.say(w::NOT_WORKED).to_owned())) " " (trace(view, &one.trace_id)) }
                }
            }
        }
        Said::ByUs(one) => {
            let look = states::message(one.state(), one.parked);
            let text = states::text_key(&one.template)
                .map_or_else(|| one.template.clone(), |word| view.say(word).to_owned());
            let tag = match one.error_tag.as_str() {
                "temporary" => Some(w::TAG_TEMPORARY),
                "permanent" => Some(w::TAG_PERMANENT),
                "configuration" => Some(w::TAG_CONFIGURATION),
                _ => None,
            };
            html! {
                li class="out" data-key=(one.message_id) {
                    p { (view.fill(w::TO_CLIENT, &[("text", &text)])) }
                    @if !one.error_note.is_empty() { p { (one.error_note) @if let Some(tag) = tag { " · " (view.say(tag)) } } }
                    p { time datetime=(when::machine(at)) { (when::short(at)) } " " (pill(view, look)) " " (trace(view, &one.trace_id)) }
                }
            }
        }
    }
}
