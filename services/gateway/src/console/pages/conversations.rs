//! `/conversaciones`: what was said, and did it arrive? Texts are not kept; who, when and how far are.

use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use puente_proto::notifications::{GetContactRequest, GetContactResponse, ListMessagesRequest, Message};
use puente_proto::orders::{Conversation, GetConversationRequest, ListConversationsRequest, ReceivedMessage};
use time::OffsetDateTime;

use crate::application::questions::missing;
use crate::console::layout::Page;
use crate::console::parts::{ago, away, fact, icon, masked, none, pager, pill, provider, trace};
use crate::console::problem::{Answer, Problem};
use crate::console::states;
use crate::console::view::{View, form, value};
use crate::console::when;
use crate::console::words as w;
use crate::domain::Right;
use crate::state::App;

/// Conversations on one page.
const PAGE: u32 = 50;
/// Messages of one conversation that are shown.
const MOST_SHOWN: u32 = 100;

/// `GET /conversaciones`
pub(crate) async fn list(view: View, State(app): State<App>) -> Response {
    let answer = list_page(&view, &app).await;
    view.answer(answer)
}

async fn list_page(view: &View, app: &App) -> Answer {
    view.see(Right::ReadConversations)?;
    let wanted = ListConversationsRequest {
        page_size: PAGE,
        cursor: value(&form(&view.query), "cursor").to_owned(),
        ..ListConversationsRequest::default()
    };
    let found = view.ask(app).list_conversations(wanted).await;
    let body = html! {
        h1 { (view.say(w::TALKS_TITLE)) }
        p class="lede" { (view.say(w::TALKS_LEDE)) }
        div class="panel block" {
            @match &found {
                Err(status) => div class="pad" { (away(view, missing("orders", status))) },
                Ok(found) if found.conversations.is_empty() => (none(view, w::TALKS_NONE, false)),
                Ok(found) => { (table(view, &found.conversations)) (pager(view, found.conversations.len(), &found.next_cursor)) },
            }
        }
    };
    Ok(Page::at("/conversaciones", view.say(w::TALKS_TITLE), body))
}

fn name_of(view: &View, talk: &Conversation) -> String {
    if talk.client_name.is_empty() {
        view.say(w::UNREGISTERED).to_owned()
    } else if view.may(Right::ReadClients) {
        talk.client_name.clone()
    } else {
        crate::console::parts::hide(&talk.contact_id)
    }
}

/// Conversations, one a line; also for the results of a search.
pub(crate) fn table(view: &View, talks: &[Conversation]) -> Markup {
    let head = |word, class| html! { th role="columnheader" scope="col" class=(class) { (view.say(word)) } };
    html! {
        table class="stack" role="table" aria-label=(view.say(w::TALKS_TABLE)) {
            thead role="rowgroup" { tr role="row" { (head(w::COL_CLIENT, "")) (head(w::COL_CONTACT, "")) (head(w::PROVIDER, "")) (head(w::COL_LAST, "")) (head(w::COL_WAITING, "num")) } }
            tbody role="rowgroup" {
                @for talk in talks {
                    tr role="row" data-row {
                        td role="cell" class="o1" { a href={ "/conversaciones/" (talk.conversation_id) } { (name_of(view, talk)) } }
                        td role="cell" class="o2 end" { (masked(&talk.contact_id)) }
                        td role="cell" class="o3 muted" { (provider(&talk.provider)) }
                        td role="cell" class="o4 end nowrap" { (ago(view, talk.last_at.as_ref())) }
                        td role="cell" class="num drop" { (talk.waiting) }
                    }
                }
            }
        }
    }
}

/// `GET /conversaciones/{id}`
pub(crate) async fn show(view: View, State(app): State<App>, Path(id): Path<String>) -> Response {
    let answer = one_page(&view, &app, &id).await;
    view.answer(answer)
}

async fn one_page(view: &View, app: &App, id: &str) -> Answer {
    let (title, parts) = parts(view, app, id).await?;
    let body = html! { @for part in &parts { (part) } };
    let page = Page::at("/conversaciones", title, body).live(format!("talk:{id}"));
    Ok(page.below(view.say(w::CONVERSATIONS), "/conversaciones"))
}

/// One thing that was said, by either side.
enum Said<'a> {
    ByClient(&'a ReceivedMessage),
    ByUs(&'a Message),
}

/// Head and messages.
pub(crate) async fn parts(view: &View, app: &App, id: &str) -> Result<(String, Vec<Markup>), Problem> {
    view.see(Right::ReadConversations)?;
    let ask = view.ask(app);
    let wanted = GetConversationRequest {
        conversation_id: id.to_owned(),
    };
    let found = ask.get_conversation(wanted).await;
    let found = found.map_err(|status| Problem::of("orders", &status))?;
    let talk = found.conversation.ok_or(Problem::NotFound)?;
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
        crate::console::parts::hide(&talk.contact_id)
    } else {
        name_of(view, &talk)
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
                        (bubble(view, *at, one))
                    }
                }
            }
        }
    };
    Ok((title, vec![part]))
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

fn bubble(view: &View, at: OffsetDateTime, one: &Said<'_>) -> Markup {
    match one {
        Said::ByClient(one) => {
            let worked = when::local(one.worked_at.as_ref()).map(|worked| {
                let ms = (worked - at).whole_milliseconds().max(0).to_string();
                view.fill(w::WORKED, &[("ms", &ms)])
            });
            html! {
                li class="in" data-key=(one.event_id) {
                    p { (view.say(w::FROM_CLIENT)) " " mark { (view.say(w::FROM_CLIENT_HIDDEN)) } }
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
