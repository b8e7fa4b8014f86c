//! `/firmas`: which signatures wait for a person, and how do the others stand?

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use puente_proto::signature::{CountSignaturesRequest, ListSignaturesRequest, Signature};

use super::signature::waits;
use crate::application::questions::missing;
use crate::console::layout::Page;
use crate::console::parts::{ago, away, none, pager, pill, pill_with, views};
use crate::console::problem::Answer;
use crate::console::states;
use crate::console::view::{View, form, value};
use crate::console::when;
use crate::console::words as w;
use crate::domain::Right;
use crate::state::App;

/// Requests on one page.
const PAGE: u32 = 50;
/// Those that wait for a person and stand above all others; the rest of them has its own view.
const FIRST: u32 = 20;

/// The saved views: their word in the URL, their name, the state that they show.
const VIEWS: [(&str, w::Word, &str); 6] = [
    ("", w::ALL_SIGNATURES, ""),
    ("persona", w::VIEW_NEEDS_PERSON, ""),
    ("proceso", w::VIEW_IN_PROCESS, "EnProceso"),
    ("firmadas", w::VIEW_SIGNED, "Firmado"),
    ("rechazadas", w::VIEW_REJECTED, "Rechazado"),
    ("anuladas", w::VIEW_VOIDED, "Anulado"),
];

/// `GET /firmas`
pub(crate) async fn list(view: View, State(app): State<App>) -> Response {
    let answer = page(&view, &app).await;
    view.answer(answer)
}

async fn page(view: &View, app: &App) -> Answer {
    view.see(Right::ReadSignatures)?;
    let (title, parts) = parts(view, app).await;
    let body = html! { @for part in &parts { (part) } };
    let page = Page::at("/firmas", title, body);
    // A list that one reads page by page does not move under the reader.
    Ok(if view.query.is_empty() {
        page.live("signatures")
    } else {
        page
    })
}

/// Verdict and list.
pub(crate) async fn parts(view: &View, app: &App) -> (String, Vec<Markup>) {
    let pairs = form(&view.query);
    let now = value(&pairs, "estado");
    let cursor = value(&pairs, "cursor");
    let state = VIEWS
        .iter()
        .find(|(word, _, _)| *word == now)
        .map_or("", |(_, _, state)| *state);
    let wanted = ListSignaturesRequest {
        page_size: PAGE,
        cursor: cursor.to_owned(),
        states: Some(state.to_owned())
            .filter(|state| !state.is_empty())
            .into_iter()
            .collect(),
        needs_person: now == "persona",
        ..ListSignaturesRequest::default()
    };
    let urgent = ListSignaturesRequest {
        page_size: FIRST,
        needs_person: true,
        ..ListSignaturesRequest::default()
    };
    let ask = view.ask(app);
    let lead = now.is_empty() && cursor.is_empty();
    let first = async {
        if lead {
            ask.list_signatures(urgent).await
        } else {
            Ok(Default::default())
        }
    };
    let counted = ask.count_signatures(CountSignaturesRequest {});
    let (counted, first, found) = futures::join!(counted, first, ask.list_signatures(wanted));
    let number = |n| when::count(view.language, n);
    let (title, lede) = match &counted {
        Err(_) => (view.say(w::SIGNATURES).to_owned(), String::new()),
        Ok(all) => {
            let title = match all.troubled + all.manual + all.untold {
                0 => view.say(w::SIGNATURES_TITLE_NONE).to_owned(),
                1 => view.say(w::SIGNATURES_TITLE_ONE).to_owned(),
                n => view.fill(w::SIGNATURES_TITLE_MANY, &[("n", &number(n))]),
            };
            let places = [
                ("process", &number(all.in_process)),
                ("signed", &number(all.signed)),
                ("rejected", &number(all.rejected)),
            ];
            let places = places.map(|(name, value)| (name, value.as_str()));
            (title, view.fill(w::SIGNATURES_LEDE, &places))
        }
    };
    let head = html! {
        section id="verdict" {
            h1 { (title) }
            @if !lede.is_empty() { p class="lede" { (lede) } }
        }
    };
    let tabs: Vec<_> = VIEWS.iter().map(|(word, name, _)| (*word, *name)).collect();
    let body = html! {
        div id="signatures" class="panel block" {
            (views(view, "estado", view.say(w::SIGNATURES), now, &tabs))
            @match &found {
                Err(status) => div class="pad" { (away(view, missing("signature", status))) },
                Ok(found) => {
                    @let first = first.map(|first| first.signatures).unwrap_or_default();
                    @let rest = found.signatures.iter().filter(|one| !first.iter().any(|other| other.request_id == one.request_id));
                    @let all: Vec<&Signature> = first.iter().chain(rest).collect();
                    @if all.is_empty() { (none(view, w::SIGNATURES_NONE, !now.is_empty())) }
                    @else { (table(view, &all)) (pager(view, all.len(), &found.next_cursor)) }
                },
            }
        }
    };
    (title, vec![head, body])
}

/// The state of a request, and whether it goes by hand.
pub(super) fn state(view: &View, one: &Signature) -> Markup {
    let look = states::signature(&one.state);
    html! {
        (pill(view, look))
        @if one.manual { " " mark class="nowrap" { (view.say(w::SG_MANUAL)) } }
    }
}

fn table(view: &View, all: &[&Signature]) -> Markup {
    let head = |word| html! { th role="columnheader" scope="col" { (view.say(word)) } };
    html! {
        table class="stack" role="table" aria-label=(view.say(w::SIGNATURES_TABLE)) {
            thead role="rowgroup" {
                tr role="row" { (head(w::COL_ORDER)) (head(w::STATE)) (head(w::COL_SIGNERS)) (head(w::COL_CHANGED)) }
            }
            tbody role="rowgroup" {
                @for one in all {
                    tr role="row" data-key=(one.request_id) data-row {
                        td role="cell" class="o1 nowrap" { a href={ "/firmas/" (one.request_id) } { (one.number) } }
                        td role="cell" class="o2 end" { (state(view, one)) }
                        td role="cell" class="o3 wide" {
                            ul class="keys plain-keys" {
                                @for signer in &one.signers {
                                    @let look = states::signer(&signer.state);
                                    li { (view.say(states::party(&signer.role))) " " (pill_with(look, view.say(look.word))) }
                                }
                            }
                            @for signer in one.signers.iter().filter(|signer| waits(signer)) {
                                p class="bad ink" { (view.fill(w::UNTOLD, &[("who", view.say(states::party(&signer.role)))])) }
                            }
                            @if stuck(one) { p class="bad ink" { (problem(view, one)) } }
                        }
                        td role="cell" class="o4 wide faint nowrap" { (ago(view, one.changed_at.as_ref())) }
                    }
                }
            }
        }
    }
}

/// Whether a person has to do something about what stops it.
pub(super) fn stuck(one: &Signature) -> bool {
    !one.problem_code.is_empty() && one.problem_tag != "temporary"
}

/// What stops it, in the words of whoever knows.
pub(super) fn problem<'a>(view: &View, one: &'a Signature) -> &'a str {
    match (one.problem.as_str(), stuck(one)) {
        ("", true) => view.say(w::SG_TITLE_STUCK),
        ("", false) => view.say(w::SG_TITLE_RETRIES),
        (text, _) => text,
    }
}
