//! `/directorio`: who signs and works, and whose papers expire soon?

use std::collections::HashMap;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use puente_proto::documents::Document;
use puente_proto::orders::{ListPeopleRequest, Person};

use super::documents::{SOON_DAYS, validity};
use super::signature::mail;
use crate::application::documents::{Wanted, list as documents};
use crate::application::questions::missing;
use crate::console::layout::Page;
use crate::console::parts::{away, none, pager, pill, views};
use crate::console::problem::Answer;
use crate::console::states;
use crate::console::view::{View, form, value};
use crate::console::when;
use crate::console::words as w;
use crate::domain::Right;
use crate::domain::documents::About;
use crate::state::App;

/// People on one page.
const PAGE: u32 = 50;
/// Documents that end soon and are looked at.
const MOST: u32 = 100;

/// The saved views: their word in the URL, their name, the kind that they show.
const VIEWS: [(&str, w::Word, &str); 3] = [
    ("", w::ALL, ""),
    ("proveedores", w::PEOPLE_PROVIDERS, "service_provider"),
    ("agentes", w::PEOPLE_AGENTS, "agent"),
];

/// `GET /directorio`
pub(crate) async fn list(view: View, State(app): State<App>) -> Response {
    let answer = page(&view, &app).await;
    view.answer(answer)
}

/// What ends soon, by whose it is; the one that ends first, first.
async fn expiring(view: &View, app: &App) -> HashMap<String, Vec<Document>> {
    let wanted = Wanted {
        about_kind: About::ServiceProvider.word().to_owned(),
        expires_until: when::day_after(view.now, SOON_DAYS),
        ..Wanted::default()
    };
    let mut all = HashMap::<String, Vec<Document>>::new();
    if let Ok(found) = documents(view.ask(app), &view.principal, &wanted, "", MOST).await {
        for (_, document) in found
            .items
            .into_iter()
            .filter(|(_, one)| one.replaced_at.is_none())
        {
            all.entry(document.about_id.clone()).or_default().push(document);
        }
    }
    for documents in all.values_mut() {
        documents.sort_by(|one, other| one.expires_on.cmp(&other.expires_on));
    }
    all
}

async fn page(view: &View, app: &App) -> Answer {
    view.see(Right::ReadDirectory)?;
    let pairs = form(&view.query);
    let now = value(&pairs, "tipo");
    let kind = VIEWS
        .iter()
        .find(|(word, _, _)| *word == now)
        .map_or("", |(_, _, kind)| *kind);
    let wanted = ListPeopleRequest {
        page_size: PAGE,
        cursor: value(&pairs, "cursor").to_owned(),
        kind: kind.to_owned(),
    };
    let ask = view.ask(app);
    let (found, soon) = futures::join!(ask.list_people(wanted), expiring(view, app));
    let count: usize = soon.values().map(Vec::len).sum();
    let title = match count {
        0 => view.say(w::DIRECTORY_TITLE).to_owned(),
        1 => view.say(w::DIRECTORY_TITLE_ONE).to_owned(),
        n => view.fill(
            w::DIRECTORY_TITLE_MANY,
            &[("n", &when::count(view.language, n as u64))],
        ),
    };
    let tabs: Vec<_> = VIEWS.iter().map(|(word, name, _)| (*word, *name)).collect();
    let body = html! {
        div class="title" {
            h1 { (title) }
            @if view.may(Right::ChangeDirectory) { a class="button primary end" href="/directorio/nuevo" { (view.say(w::PERSON_ADD)) } }
        }
        p class="lede" { (view.say(w::DIRECTORY_LEDE)) }
        div class="panel block" {
            (views(view, "tipo", view.say(w::DIRECTORY), now, &tabs))
            @match &found {
                Err(status) => div class="pad" { (away(view, missing("orders", status))) },
                Ok(found) if found.people.is_empty() => (none(view, w::DIRECTORY_NONE, !now.is_empty())),
                Ok(found) => {
                    (table(view, &found.people, &soon))
                    (pager(view, found.people.len(), &found.next_cursor))
                },
            }
        }
    };
    Ok(Page::at("/directorio", title, body))
}

/// What somebody is.
pub(super) fn kind(person: &Person) -> w::Word {
    states::party(&person.kind)
}

fn table(view: &View, people: &[Person], soon: &HashMap<String, Vec<Document>>) -> Markup {
    let head = |word| html! { th role="columnheader" scope="col" { (view.say(word)) } };
    html! {
        table class="stack" role="table" aria-label=(view.say(w::DIRECTORY_TABLE)) {
            thead role="rowgroup" {
                tr role="row" { (head(w::COL_NAME)) (head(w::PERSON_KIND)) (head(w::PERSON_EMAIL)) (head(w::STATE)) (head(w::EXPIRING)) }
            }
            tbody role="rowgroup" {
                @for person in people {
                    tr role="row" data-row {
                        td role="cell" class="o1" { a href={ "/directorio/" (person.person_id) } { (person.name) } br; small { (person.person_id) } }
                        td role="cell" class="o3" { (view.say(kind(person))) }
                        td role="cell" class="o5 wide" { (mail(&person.email)) }
                        td role="cell" class="o2 end" { (pill(view, states::active(person.active))) }
                        td role="cell" class="o4 wide" {
                            @for document in soon.get(&person.person_id).into_iter().flatten().take(3) {
                                p { (view.say(states::document(&document.kind))) " " (validity(view, document)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
