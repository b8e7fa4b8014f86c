//! `/cartas-muertas`: what failed for good, and is it safe to try again? Grouped by cause.

use axum::extract::State;
use axum::response::Response;
use futures::future::join_all;
use maud::{Markup, html};
use puente_proto::operations::{DeadLetter, ListDeadLettersRequest};

use super::dead_letters_acts as acts;
use crate::application::questions::missing;
use crate::console::layout::Page;
use crate::console::parts::{ago, away, event_name, inked, none, pager_of, pill, views};
use crate::console::problem::Answer;
use crate::console::view::{View, encode, form, value};
use crate::console::words as w;
use crate::console::{states, when};
use crate::domain::Right;
use crate::state::App;

/// Letters of one service on one page.
const PAGE: u32 = 50;

/// `GET /cartas-muertas`
pub(crate) async fn list(view: View, State(app): State<App>) -> Response {
    let answer = list_page(&view, &app).await;
    view.answer(answer)
}

async fn list_page(view: &View, app: &App) -> Answer {
    view.see(Right::ReadDeadLetters)?;
    let (title, parts) = parts(view, app).await;
    let body = html! { (acts::outcome(view)) @for part in &parts { (part) } };
    let page = Page::at("/cartas-muertas", title, body);
    Ok(if view.query.is_empty() {
        page.live("dead")
    } else {
        page
    })
}

/// Letters of one service that have one cause.
struct Group<'a> {
    service: &'a str,
    letters: Vec<&'a DeadLetter>,
}

/// Verdict and groups.
pub(crate) async fn parts(view: &View, app: &App) -> (String, Vec<Markup>) {
    let pairs = form(&view.query);
    let now = value(&pairs, "vista");
    let wanted = ListDeadLettersRequest {
        resolved: !wanted_open(now),
        page_size: PAGE,
        cursor: value(&pairs, "cursor").to_owned(),
        ..ListDeadLettersRequest::default()
    };
    let only = value(&pairs, "de").to_owned();
    let ask = view.ask(app);
    let asked = ask
        .all()
        .into_iter()
        .filter(|peer| only.is_empty() || peer.name == only)
        .map(|peer| {
            let wanted = wanted.clone();
            async move { (peer.name, ask.list_dead_letters(peer, wanted).await) }
        });
    let mut silent = Vec::new();
    let mut waiting = 0;
    let mut found = Vec::new();
    for (name, answer) in join_all(asked).await {
        match answer {
            Ok(page) => {
                waiting += page.waiting;
                found.push((name, page));
            }
            Err(status) => silent.push(missing(name, &status)),
        }
    }
    let title = match waiting {
        0 => view.say(w::DEAD_TITLE_NONE).to_owned(),
        1 => view.say(w::DEAD_TITLE_ONE).to_owned(),
        n => view.fill(w::DEAD_TITLE_MANY, &[("n", &when::count(view.language, n))]),
    };
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (service, page) in &found {
        for letter in &page.letters {
            let same = |group: &&mut Group<'_>| {
                group.service == *service
                    && group
                        .letters
                        .first()
                        .is_some_and(|first| first.reason == letter.reason)
            };
            match groups.iter_mut().find(same) {
                Some(group) => group.letters.push(letter),
                None => groups.push(Group {
                    service,
                    letters: vec![letter],
                }),
            }
        }
    }
    let picks = wanted_open(now) && view.may(Right::SettleDeadLetters);
    let head = html! {
        section id="verdict" {
            h1 { (title) }
            p class="lede" { (view.say(w::DEAD_LEDE)) }
            @for one in silent { div class="gap" { (away(view, one)) } }
        }
    };
    let body = html! {
        div id="letters" class="block" {
            div class="panel" {
                (views(view, "vista", view.say(w::DEAD_LETTERS), now, &[("", w::VIEW_WAITING), ("resueltas", w::VIEW_RESOLVED)]))
                @if groups.is_empty() { (none(view, w::DEAD_CALM, !now.is_empty())) }
            }
            @for group in &groups { (group_of(view, group, picks)) }
            @if picks && !groups.is_empty() { (acts::acts(view)) }
            @for (service, page) in &found {
                @if !page.next_cursor.is_empty() || !only.is_empty() { (pager_of(view, service, page.letters.len(), &page.next_cursor)) }
            }
        }
    };
    (title, vec![head, body])
}

/// Only what waits can be settled.
fn wanted_open(now: &str) -> bool {
    now != "resueltas"
}

fn group_of(view: &View, group: &Group<'_>, picks: bool) -> Markup {
    let count = when::count(view.language, group.letters.len() as u64);
    let cause = group.letters.first().map_or("", |letter| letter.reason.as_str());
    html! {
        section class="panel gap" data-key={ (group.service) "-" (cause) } {
            div class="pad title bad" { (inked("mail")) h2 lang="en" { (cause) } span class="muted" { (group.service) " · " (view.fill(w::DEAD_GROUP, &[("n", &count)])) } }
            table class="stack" role="table" aria-label=(view.fill(w::DEAD_TABLE, &[("service", group.service)])) {
                thead role="rowgroup" {
                    tr role="row" {
                        @if picks { th role="columnheader" scope="col" { (view.say(w::COL_PICK)) } }
                        th role="columnheader" scope="col" { (view.say(w::COL_EVENT)) }
                        th role="columnheader" scope="col" { (view.say(w::STATE)) }
                        th role="columnheader" scope="col" { (view.say(w::COL_DEAD_AT)) }
                        th role="columnheader" scope="col" class="num" { (view.say(w::COL_ATTEMPTS)) }
                    }
                }
                tbody role="rowgroup" {
                    @for letter in &group.letters {
                        tr role="row" data-key=(letter.event_id) data-row {
                            @if picks { td role="cell" class="o1" { (acts::tick(view, group.service, &letter.consumer, &letter.event_id)) } }
                            td role="cell" class="o1" { a href=(link(group.service, letter)) { (event_name(&letter.r#type)) } }
                            td role="cell" class="o2 end" { (pill(view, states::letter(&letter.resolution))) }
                            td role="cell" class="o3" { (ago(view, letter.dead_at.as_ref())) }
                            td role="cell" class="num o4 end" data-label=(view.say(w::COL_ATTEMPTS)) { (letter.attempts) }
                        }
                    }
                }
            }
        }
    }
}

fn link(service: &str, letter: &DeadLetter) -> String {
    address(service, &letter.consumer, &letter.event_id)
}

/// Where one letter is looked at.
pub(super) fn address(service: &str, consumer: &str, event: &str) -> String {
    format!("/cartas-muertas/{service}/{}/{}", encode(consumer), encode(event))
}
