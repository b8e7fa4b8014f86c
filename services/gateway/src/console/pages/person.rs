//! `/directorio/{id}`: one agent or service provider, with their papers. Contact data is masked; a field that is left
//! empty keeps what it holds.

use axum::extract::{Form, Path, Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use puente_proto::orders::{GetPersonRequest, Person, PutPersonRequest};

use super::directory::kind;
use super::documents::{self, bring_form};
use super::signature::mail;
use crate::application::documents::{Wanted, list};
use crate::application::reflect::masked;
use crate::audit::Entry;
use crate::console::change::{self, Fields};
use crate::console::layout::Page;
use crate::console::parts::{csrf, date, fact, icon, pill};
use crate::console::problem::{Answer, Problem};
use crate::console::states;
use crate::console::view::{View, encode, form, value};
use crate::console::words as w;
use crate::domain::Right;
use crate::domain::documents::About;
use crate::state::App;

/// Documents on the page.
const MOST: u32 = 50;
/// Characters of a text of a person at most.
const LONGEST: usize = 200;

/// `GET /directorio/{id}`
pub(crate) async fn show(view: View, State(app): State<App>, Path(id): Path<String>) -> Response {
    let answer = page(&view, &app, &id).await;
    view.answer(answer)
}

async fn find(view: &View, app: &App, id: &str) -> Result<Person, Problem> {
    view.see(Right::ReadDirectory)?;
    let wanted = GetPersonRequest {
        person_id: id.to_owned(),
    };
    let found = view.ask(app).get_person(wanted).await;
    let found = found.map_err(|status| Problem::of("orders", &status))?;
    found.person.ok_or(Problem::NotFound)
}

async fn page(view: &View, app: &App, id: &str) -> Answer {
    let person = find(view, app, id).await?;
    let pairs = form(&view.query);
    let provider = person.kind == About::ServiceProvider.word();
    let place = format!("/directorio/{}", encode(&person.person_id));
    let papers = if provider {
        Some(papers(view, app, &person, &place).await)
    } else {
        None
    };
    let body = html! {
        @if value(&pairs, "hecho") == "1" { p class="note good" role="status" { (icon("check")) span { (view.say(w::DONE_NOTE)) } } }
        @if value(&pairs, "falta") == "archivo" { p class="note bad" role="alert" { (icon("alert")) span { (view.say(w::FILE_NEEDED)) } } }
        div class="title" { h1 { (person.name) } (pill(view, states::active(person.active))) }
        p class="lede" { (view.say(kind(&person))) " · " code { (person.person_id) } }
        dl class="panel facts block" {
            (fact(view.say(w::PERSON_EMAIL), mail(&person.email)))
            (fact(view.say(w::PERSON_PHONE), hidden("phone", &person.phone)))
            (fact(view.say(w::PERSON_TAX), hidden("tax_id", &person.tax_id)))
            (fact(view.say(w::PERSON_ADDRESS), hidden("address", &person.address)))
            (fact(view.say(w::COL_CHANGED), date(view, person.changed_at.as_ref())))
        }
        @if let Some(papers) = papers { (papers) }
        @if view.may(Right::ChangeDirectory) {
            details class="panel pad block bring" {
                summary { (view.say(w::PERSON_EDIT)) }
                (edit(view, Some(&person), &place))
            }
        }
    };
    Ok(Page::at("/directorio", person.name.clone(), body).below(view.say(w::DIRECTORY), "/directorio"))
}

fn hidden(field: &str, text: &str) -> Markup {
    html! { @if text.is_empty() { "—" } @else { mark { (masked(field, text)) } } }
}

async fn papers(view: &View, app: &App, person: &Person, place: &str) -> Markup {
    let wanted = Wanted {
        about_kind: About::ServiceProvider.word().to_owned(),
        about_id: person.person_id.clone(),
        ..Wanted::default()
    };
    let found = list(view.ask(app), &view.principal, &wanted, "", MOST).await;
    html! {
        section class="block" aria-labelledby="h-papers" {
            header { h2 id="h-papers" { (view.say(w::PERSON_DOCUMENTS)) } }
            div class="panel" { (documents::part(view, found.as_ref(), |_| true)) }
            @if view.may(Right::BringDocuments) { (bring_form(view, About::ServiceProvider, &format!("{place}/documentos"))) }
        }
    }
}

/// The form for somebody; what is known already is kept by an empty field.
fn edit(view: &View, known: Option<&Person>, action: &str) -> Markup {
    let empty = Person {
        active: true,
        ..Person::default()
    };
    let person = known.unwrap_or(&empty);
    let texts = [
        ("email", w::PERSON_EMAIL, &person.email, "email"),
        ("phone", w::PERSON_PHONE, &person.phone, "tel"),
        ("tax_id", w::PERSON_TAX, &person.tax_id, "text"),
        ("address", w::PERSON_ADDRESS, &person.address, "text"),
    ];
    html! {
        form class="form gap" method="post" action=(action) {
            (csrf(view))
            @if known.is_none() {
                div class="field" {
                    label for="p-id" { (view.say(w::PERSON_ID)) }
                    small id="p-id-hint" { (view.say(w::PERSON_ID_HINT)) }
                    input id="p-id" name="id" required maxlength="64" pattern="[a-z0-9._\\-]+" autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby="p-id-hint";
                }
            }
            div class="fields" {
                div class="field" {
                    label for="p-kind" { (view.say(w::PERSON_KIND)) }
                    select id="p-kind" name="kind" {
                        @for kind in ["service_provider", "agent"] { option value=(kind) selected[person.kind == kind] { (view.say(states::party(kind))) } }
                    }
                }
                div class="field" { label for="p-name" { (view.say(w::PERSON_NAME)) } input id="p-name" name="name" required maxlength="200" value=(person.name) autocomplete="off"; }
                @for (name, word, now, kind) in texts {
                    div class="field" {
                        label for={ "p-" (name) } { (view.say(word)) }
                        input id={ "p-" (name) } name=(name) type=(kind) maxlength="200" autocomplete="off" aria-describedby=[known.map(|_| format!("p-{name}-hint"))];
                        @if known.is_some() {
                            @let now = if now.is_empty() { view.say(w::PERSON_NOTHING_YET).to_owned() } else { masked(name, now) };
                            small id={ "p-" (name) "-hint" } { (view.fill(w::PERSON_KEEP_HINT, &[("now", &now)])) }
                        }
                    }
                }
            }
            label class="check" { input type="checkbox" name="active" value="1" checked[person.active]; span { (view.say(w::PERSON_ACTIVE)) } }
            p class="acts" { button class="primary" type="submit" { (view.say(w::PERSON_SAVE)) } }
        }
    }
}

/// `GET /directorio/nuevo`
pub(crate) async fn new(view: View) -> Response {
    let answer = view.see(Right::ChangeDirectory).map(|()| {
        let title = view.say(w::PERSON_NEW);
        let body =
            html! { h1 { (title) } div class="panel pad block" { (edit(&view, None, "/directorio")) } };
        Page::at("/directorio", title, body).below(view.say(w::DIRECTORY), "/directorio")
    });
    view.answer(answer)
}

/// `POST /directorio`
pub(crate) async fn add(view: View, State(app): State<App>, Form(fields): Fields) -> Response {
    let id: String = value(&fields, "id").trim().chars().take(64).collect();
    if id.is_empty() {
        return Redirect::to("/directorio/nuevo").into_response();
    }
    // Whoever is known already is changed on their own page, where it is seen what is changed.
    let taken = match find(&view, &app, &id).await {
        Ok(_) => Problem::Refused(view.fill(w::PERSON_TAKEN, &[("id", &id)])),
        Err(Problem::NotFound) => return keep(&view, &app, &id, &fields).await,
        Err(problem) => problem,
    };
    view.back_to("/directorio/nuevo").answer(Err(taken))
}

/// `POST /directorio/{id}`
pub(crate) async fn change(
    view: View,
    State(app): State<App>,
    Path(id): Path<String>,
    Form(fields): Fields,
) -> Response {
    keep(&view, &app, &id, &fields).await
}

async fn keep(view: &View, app: &App, id: &str, fields: &[(String, String)]) -> Response {
    let sent = |name: &str| {
        value(fields, name)
            .trim()
            .chars()
            .take(LONGEST)
            .collect::<String>()
    };
    let active = value(fields, "active") == "1";
    let entry = Entry {
        action: "person.kept",
        object: id,
        after: Some(serde_json::json!({ "kind": sent("kind"), "active": active })),
        ..Entry::default()
    };
    let doing = async {
        let known = match find(view, app, id).await {
            Err(Problem::NotFound) => Person::default(),
            known => known?,
        };
        let or = |name: &str, now: &str| {
            Some(sent(name))
                .filter(|text| !text.is_empty())
                .unwrap_or_else(|| now.to_owned())
        };
        let person = Person {
            person_id: id.to_owned(),
            kind: or("kind", &known.kind),
            name: or("name", &known.name),
            email: or("email", &known.email),
            phone: or("phone", &known.phone),
            tax_id: or("tax_id", &known.tax_id),
            address: or("address", &known.address),
            active,
            changed_at: None,
        };
        let command = PutPersonRequest { person: Some(person) };
        let kept = view.ask(app).put_person(command).await;
        kept.map(drop).map_err(|status| Problem::of("orders", &status))
    };
    let kept = change::make(view, app, Right::ChangeDirectory, entry, doing).await;
    change::done(view, &format!("/directorio/{}", encode(id)), kept)
}

/// `POST /directorio/{id}/documentos`
pub(crate) async fn bring(
    view: View,
    State(app): State<App>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let page = format!("/directorio/{}", encode(&id));
    documents::brought(&view, &app, request, (About::ServiceProvider, &id), &page).await
}
