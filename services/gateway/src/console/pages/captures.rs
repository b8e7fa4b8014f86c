//! `/revision-ocr`: which plates wait for a person?

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use puente_proto::ocr::{Capture, ListCapturesRequest};

use crate::application::overview::count_captures;
use crate::application::plates::percent;
use crate::application::questions::missing;
use crate::console::layout::Page;
use crate::console::parts::{ago, away, icon, none, pager, pill, views};
use crate::console::pending::badge;
use crate::console::problem::Answer;
use crate::console::view::{View, form, value};
use crate::console::words as w;
use crate::console::{states, when};
use crate::domain::Right;
use crate::state::App;

/// Captures on one page.
const PAGE: u32 = 50;

/// Those that wait for a person.
pub(super) const WAITING: [&str; 2] = ["PorConfirmar", "Ilegible"];

/// The saved views: their word in the URL, their name, the states that they show.
const VIEWS: [(&str, w::Word, &[&str]); 5] = [
    ("", w::VIEW_TO_REVIEW, &WAITING),
    ("curso", w::VIEW_OPEN, &["Leyendo", "OtraFoto"]),
    ("leidas", w::VIEW_READ, &["Leido"]),
    ("mano", w::VIEW_BY_HAND, &["EscritoAMano", "Generado"]),
    ("todas", w::ALL_SIGNATURES, &[]),
];

/// `GET /revision-ocr`
pub(crate) async fn list(view: View, State(app): State<App>) -> Response {
    let answer = page(&view, &app).await;
    view.answer(answer)
}

async fn page(view: &View, app: &App) -> Answer {
    view.see(Right::ReadCaptures)?;
    let (title, parts) = parts(view, app).await;
    let done = value(&form(&view.query), "hecho") == "1";
    let body = html! {
        @if done { p class="note good" role="status" { (icon("check")) span { (view.say(w::DONE_NOTE)) } } }
        // The last part is in the navigation already.
        @for part in parts.iter().take(2) { (part) }
    };
    let page = Page::at("/revision-ocr", title, body);
    // A list that one reads page by page does not move under the reader.
    Ok(if view.query.is_empty() || done {
        page.live("captures")
    } else {
        page
    })
}

/// Verdict, list, and the number in the navigation.
pub(crate) async fn parts(view: &View, app: &App) -> (String, Vec<Markup>) {
    let pairs = form(&view.query);
    let now = value(&pairs, "estado");
    let states = VIEWS
        .iter()
        .find(|(word, _, _)| *word == now)
        .map_or(&WAITING[..], |(_, _, states)| states);
    let wanted = ListCapturesRequest {
        page_size: PAGE,
        cursor: value(&pairs, "cursor").to_owned(),
        states: states.iter().map(|state| (*state).to_owned()).collect(),
        // A queue is worked from its front; what is over is looked at from its end.
        oldest_first: matches!(now, "" | "curso"),
        ..ListCapturesRequest::default()
    };
    let ask = view.ask(app);
    let (counted, found) = futures::join!(count_captures(ask), ask.list_captures(wanted));
    let number = |n| when::count(view.language, n);
    let (title, lede, waiting) = match &counted {
        Err(_) => (view.say(w::REVIEWS).to_owned(), String::new(), None),
        Ok(all) => {
            app.console.pending.learnt(view, all.waiting);
            let title = match all.waiting {
                0 => view.say(w::REVIEWS_TITLE_NONE).to_owned(),
                1 => view.say(w::REVIEWS_TITLE_ONE).to_owned(),
                n => view.fill(w::REVIEWS_TITLE_MANY, &[("n", &number(n))]),
            };
            let of = |state: &str| number(all.by_state.get(state).copied().unwrap_or(0));
            let places = [
                ("reading", of("Leyendo")),
                ("photo", of("OtraFoto")),
                ("read", of("Leido")),
            ];
            let places = places.each_ref().map(|(name, value)| (*name, value.as_str()));
            let lede = view.fill(w::REVIEWS_LEDE, &places);
            (title, lede, Some(all.waiting))
        }
    };
    let head = html! {
        section id="verdict" {
            div class="title" {
                h1 { (title) }
                @if view.may(Right::ChangeCaptures) { a class="button primary end" href="/activos/leer" { (view.say(w::READ_PLATE)) } }
            }
            @if !lede.is_empty() { p class="lede" { (lede) " " a href="/revision-ocr/exactitud" { (view.say(w::SEE_ACCURACY)) } } }
        }
    };
    let tabs: Vec<_> = VIEWS.iter().map(|(word, name, _)| (*word, *name)).collect();
    let body = html! {
        div id="captures" class="panel block" {
            (views(view, "estado", view.say(w::REVIEWS), now, &tabs))
            @match &found {
                Err(status) => div class="pad" { (away(view, missing("ocr", status))) },
                Ok(found) if found.captures.is_empty() => (none(view, w::REVIEWS_NONE, !now.is_empty())),
                Ok(found) => {
                    (table(view, &found.captures))
                    (pager(view, found.captures.len(), &found.next_cursor))
                },
            }
        }
    };
    (title, vec![head, body, badge(view, waiting)])
}

/// The serial as far as it is known.
pub(super) fn serial(view: &View, one: &Capture) -> Markup {
    html! {
        @if one.serial.is_empty() { span class="muted" { (view.say(w::NO_SERIAL)) } }
        @else { span class="serial" { (one.serial) } }
    }
}

/// A list of captures.
pub(super) fn table(view: &View, all: &[Capture]) -> Markup {
    let head = |word, class| html! { th role="columnheader" scope="col" class=(class) { (view.say(word)) } };
    html! {
        table class="stack" role="table" aria-label=(view.say(w::REVIEWS_TABLE)) {
            thead role="rowgroup" {
                tr role="row" {
                    (head(w::COL_SERIAL, "")) (head(w::STATE, "")) (head(w::COL_CONFIDENCE, "num")) (head(w::COL_ATTEMPT, "num")) (head(w::COL_SINCE, ""))
                }
            }
            tbody role="rowgroup" {
                @for one in all {
                    @let n = one.attempt.to_string();
                    @let most = one.attempts_allowed.to_string();
                    tr role="row" data-key=(one.capture_id) data-row {
                        td role="cell" class="o1" { a href={ "/revision-ocr/" (one.capture_id) } { (serial(view, one)) } }
                        td role="cell" class="o2 end" { (pill(view, states::capture(&one.state))) }
                        td role="cell" class="num o3" data-label=(view.say(w::COL_CONFIDENCE)) { @if one.confidence_permille > 0 { (percent(one.confidence_permille)) } @else { "—" } }
                        td role="cell" class="num o4 end" data-label=(view.say(w::COL_ATTEMPT)) { (view.fill(w::ATTEMPT_OF, &[("n", &n), ("all", &most)])) }
                        td role="cell" class="o5 faint nowrap" { (ago(view, one.opened_at.as_ref())) }
                    }
                }
            }
        }
    }
}
