//! `/inciertos`: what do we not know, and what does one risk? Calls to providers, those in doubt first.

use axum::extract::State;
use axum::response::Response;
use futures::future::join_all;
use maud::{Markup, html};
use puente_proto::operations::{Effect, ListEffectsRequest};

use crate::application::questions::missing;
use crate::console::layout::Page;
use crate::console::parts::{ago, away, none, pager, pill, pill_with, provider, views};
use crate::console::problem::Answer;
use crate::console::view::{View, form, value};
use crate::console::words as w;
use crate::console::{states, when};
use crate::domain::Right;
use crate::state::App;

/// Calls on one page.
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
        cursor: value(&pairs, "cursor").to_owned(),
        ..ListEffectsRequest::default()
    };
    let ask = view.ask(app);
    let asked = ask.all().into_iter().map(|peer| {
        let wanted = wanted.clone();
        async move { (peer.name, ask.list_effects(peer, wanted).await) }
    });
    let mut silent = Vec::new();
    let mut unknown = 0;
    let mut next = String::new();
    let mut all = Vec::new();
    for (name, answer) in join_all(asked).await {
        match answer {
            Ok(found) => {
                unknown += found.unknown;
                all.extend(found.effects);
                // Only one service calls providers today, so that there is one list to go on with.
                if !found.next_cursor.is_empty() {
                    next = found.next_cursor;
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
        div id="effects" class="panel block" {
            (views(view, "estado", view.say(w::UNCERTAIN), now, &tabs))
            @if all.is_empty() { (none(view, w::EFFECTS_CALM, !now.is_empty())) }
            @else { (table(view, &all)) (pager(view, all.len(), &next)) }
        }
    };
    (title, vec![head, body])
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

fn table(view: &View, effects: &[Effect]) -> Markup {
    let head = |word, class| html! { th role="columnheader" scope="col" class=(class) { (view.say(word)) } };
    html! {
        table class="stack" role="table" aria-label=(view.say(w::EFFECTS_TABLE)) {
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
