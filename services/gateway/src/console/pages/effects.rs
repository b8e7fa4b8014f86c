//! `/inciertos`: what do we not know, and what does one risk? Calls to providers, those in doubt first.

use axum::extract::State;
use axum::response::Response;
use futures::future::join_all;
use maud::{Markup, html};
use puente_proto::operations::{Effect, ListEffectsRequest, ListEffectsResponse};

use crate::application::questions::missing;
use crate::console::layout::Page;
use crate::console::parts::{ago, away, none, pager_of, pill, pill_with, provider, views};
use crate::console::problem::Answer;
use crate::console::view::{View, form, value};
use crate::console::words as w;
use crate::console::{states, when};
use crate::domain::Right;
use crate::state::App;

/// Calls of one service on one page.
const PAGE: u32 = 50;

/// The saved views: their word in the URL, their name, and the states that they show.
const VIEWS: [(&str, w::Word, &[&str]); 5] = [
    ("", w::VIEW_UNCERTAIN, &["unknown"]),
    ("espera", w::VIEW_RETRYING, &["due", "calling"]),
    ("fallidas", w::VIEW_FAILED, &["failed"]),
    ("hechas", w::VIEW_DONE, &["done", "closed"]),
    ("todos", w::ALL, &[]),
];

/// `GET /inciertos`
pub(crate) async fn list(view: View, State(app): State<App>) -> Response {
    let answer = list_page(&view, &app).await;
    view.answer(answer)
}

async fn list_page(view: &View, app: &App) -> Answer {
    view.see(Right::ReadEffects)?;
    let (title, parts) = parts(view, app).await;
    let body = html! { @for part in &parts { (part) } };
    let page = Page::at("/inciertos", title, body);
    // A list that one reads page by page does not move under the reader.
    Ok(if view.query.is_empty() {
        page.live("effects")
    } else {
        page
    })
}

/// Verdict and list.
pub(crate) async fn parts(view: &View, app: &App) -> (String, Vec<Markup>) {
    let pairs = form(&view.query);
    let now = value(&pairs, "estado");
    let states: Vec<String> = VIEWS
        .iter()
        .find(|(word, _, _)| *word == now)
        .map(|(_, _, states)| states.iter().map(|state| (*state).to_owned()).collect())
        .unwrap_or_default();
    let wanted = ListEffectsRequest {
        states,
        provider: value(&pairs, "servicio").to_owned(),
        page_size: PAGE,
        ..ListEffectsRequest::default()
    };
    // Read on service by service: a cursor is each service's own. All are asked, for the verdict is about all of them.
    let only = value(&pairs, "de");
    let ask = view.ask(app);
    let asked = ask.all().into_iter().map(|peer| {
        let cursor = if peer.name == only {
            value(&pairs, "cursor")
        } else {
            ""
        };
        let wanted = ListEffectsRequest {
            cursor: cursor.to_owned(),
            ..wanted.clone()
        };
        async move { (peer.name, ask.list_effects(peer, wanted).await) }
    });
    let mut silent = Vec::new();
    let mut unknown = 0;
    let mut lists = Vec::new();
    for (name, answer) in join_all(asked).await {
        match answer {
            Ok(found) => {
                unknown += found.unknown;
                let there = !found.effects.is_empty() || name == only;
                if there && (only.is_empty() || name == only) {
                    lists.push((name, found));
                }
            }
            Err(status) => silent.push(missing(name, &status)),
        }
    }
    let title = match unknown {
        0 => view.say(w::EFFECTS_TITLE_NONE).to_owned(),
        1 => view.say(w::EFFECTS_TITLE_ONE).to_owned(),
        n => view.fill(w::EFFECTS_TITLE_MANY, &[("n", &when::count(view.language, n))]),
    };
    let head = html! {
        section id="verdict" {
            h1 { (title) }
            p class="lede" { (view.say(w::EFFECTS_LEDE)) }
            @for one in silent { div class="gap" { (away(view, one)) } }
        }
    };
    let tabs: Vec<_> = VIEWS.iter().map(|(word, name, _)| (*word, *name)).collect();
    let body = html! {
        div id="effects" class="block" {
            div class="panel" {
                (views(&of_all(view), "estado", view.say(w::UNCERTAIN), now, &tabs))
                @if lists.iter().all(|(_, found)| found.effects.is_empty()) { (none(view, w::EFFECTS_CALM, !now.is_empty())) }
            }
            @for (service, found) in &lists { (list_of(view, service, found)) }
        }
    };
    (title, vec![head, body])
}

/// The list of all services, from its beginning.
fn of_all(view: &View) -> View {
    let link = view.with("de", None);
    let query = link.split_once('?').map(|(_, query)| query.to_owned());
    View {
        query: query.unwrap_or_default(),
        ..view.clone()
    }
}

fn list_of(view: &View, service: &str, found: &ListEffectsResponse) -> Markup {
    html! {
        section class="panel gap" data-key=(service) aria-label=(service) {
            div class="pad title" { h2 { (service) } }
            @if !found.effects.is_empty() { (table(view, service, &found.effects)) }
            (pager_of(view, service, found.effects.len(), &found.next_cursor))
        }
    }
}

/// A call's state.
pub(super) fn shown(view: &View, effect: &Effect) -> Markup {
    let look = states::effect(&effect.state, effect.attempts);
    if look.word == w::EF_RETRY {
        let at = when::local(effect.not_before.as_ref())
            .map(when::short)
            .unwrap_or_default();
        return pill_with(look, &view.fill(look.word, &[("at", &at)]));
    }
    pill(view, look)
}

fn table(view: &View, service: &str, effects: &[Effect]) -> Markup {
    let head = |word, class| html! { th role="columnheader" scope="col" class=(class) { (view.say(word)) } };
    html! {
        table class="stack" role="table" aria-label=(view.fill(w::EFFECTS_TABLE, &[("service", service)])) {
            thead role="rowgroup" {
                tr role="row" {
                    (head(w::PROVIDER, "")) (head(w::STATE, "")) (head(w::COL_OPERATION, "")) (head(w::COL_CALLED, "")) (head(w::COL_ATTEMPTS, "num"))
                }
            }
            tbody role="rowgroup" {
                @for effect in effects {
                    tr role="row" data-key=(effect.id) data-row {
                        td role="cell" class="o1" { a href={ "/inciertos/" (effect.id) } { (provider(&effect.provider)) } }
                        td role="cell" class="o2 end" { (shown(view, effect)) }
                        td role="cell" class="o3 wide" {
                            (effect.operation)
                            @if !effect.error_note.is_empty() { " · " span class="muted" lang="en" { (effect.error_note) } }
                        }
                        td role="cell" class="o4 nowrap" { (ago(view, effect.called_at.as_ref().or(effect.created_at.as_ref()))) }
                        td role="cell" class="num o5 end" data-label=(view.say(w::COL_ATTEMPTS)) { (effect.attempts) }
                    }
                }
            }
        }
    }
}
