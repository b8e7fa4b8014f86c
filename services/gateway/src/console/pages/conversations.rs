//! `/conversaciones`: who writes, and who waits for an answer?

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use puente_proto::orders::{Conversation, ListConversationsRequest};

use crate::application::questions::missing;
use crate::console::layout::Page;
use crate::console::parts::{ago, away, masked, none, pager, provider};
use crate::console::problem::Answer;
use crate::console::view::{View, form, value};
use crate::console::words as w;
use crate::domain::Right;
use crate::state::App;

/// Conversations on one page.
const PAGE: u32 = 50;

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

/// The client's name, for who may read it.
pub(super) fn name_of(view: &View, talk: &Conversation) -> String {
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
