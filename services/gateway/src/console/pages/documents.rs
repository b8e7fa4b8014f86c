//! Documents on the pages of what they are about; `/documentos/{id}` leads to one; forms that bring one.

use axum::body::to_bytes;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use puente_blob::name::disposition;
use puente_proto::documents::Document;
use uuid::Uuid;

use crate::application::documents::find;
use crate::application::failure::Failure;
use crate::application::fanout::Page;
use crate::application::questions::Missing;
use crate::application::reflect::masked;
use crate::console::change;
use crate::console::parts::{away, csrf, date, pill, pill_with};
use crate::console::problem::Problem;
use crate::console::states;
use crate::console::view::View;
use crate::console::when;
use crate::console::words as w;
use crate::documents::serve::held_file;
use crate::documents::{self as files, Brought, By};
use crate::domain::Right;
use crate::domain::documents::{About, Container, Reach, reach};
use crate::state::App;
use crate::web::form_data::{self, Field};

/// What file choosers offer; what counts is the content.
pub(super) const ACCEPT: &str = "application/pdf,image/jpeg,image/png,image/webp";
/// From so many days on a document's end is a warning.
pub(super) const SOON_DAYS: i64 = 30;

/// Those of a page that belong here, or why they cannot be shown.
pub(super) fn part(
    view: &View,
    found: Result<&Page<Document>, &Failure>,
    ours: impl Fn(&Document) -> bool,
) -> Markup {
    let found = match found {
        Ok(found) => found,
        Err(Failure::Away(service) | Failure::Busy(service) | Failure::Broken(service)) => {
            return html! { div class="pad" { (away(view, Missing::Away(service))) } };
        }
        Err(Failure::NeedsTenant) => return html! { div class="pad" { (away(view, Missing::OneTenant)) } },
        Err(_) => return html! { div class="pad" { (away(view, Missing::Nothing)) } },
    };
    let ours: Vec<_> = found
        .items
        .iter()
        .map(|(_, document)| document)
        .filter(|one| ours(one))
        .collect();
    html! {
        @for service in &found.unavailable { div class="pad" { (away(view, Missing::Away(service))) } }
        @if ours.is_empty() { @if found.unavailable.is_empty() { p class="none" { (view.say(w::DOCUMENTS_NONE)) } } }
        @else { (table(view, &ours)) }
    }
}

fn opens(view: &View, document: &Document) -> bool {
    let container = document.container.parse::<Container>();
    container.is_ok_and(|container| reach(view.principal.role, container) >= Reach::Open)
}

/// The name that may be shown: a file's name often holds a person's.
fn name(view: &View, document: &Document) -> String {
    if opens(view, document) {
        document.file_name.clone()
    } else {
        masked("file_name", &document.file_name)
    }
}

fn table(view: &View, documents: &[&Document]) -> Markup {
    let head = |word, class| html! { th role="columnheader" scope="col" class=(class) { (view.say(word)) } };
    html! {
        table class="stack" role="table" aria-label=(view.say(w::DOCUMENTS)) {
            thead role="rowgroup" {
                tr role="row" {
                    (head(w::COL_DOCUMENT, "")) (head(w::COL_EXPIRES, "")) (head(w::COL_HASH, "")) (head(w::COL_SIZE, "num")) (head(w::COL_STORED, ""))
                }
            }
            tbody role="rowgroup" {
                @for document in documents {
                    @let name = name(view, document);
                    tr role="row" data-key=(document.document_id) data-row {
                        td role="cell" class="o1" {
                            b { (view.say(states::document(&document.kind))) } br;
                            @if opens(view, document) {
                                a href={ "/documentos/" (document.document_id) } aria-label=(view.fill(w::DOWNLOAD, &[("name", &name)])) { (name) }
                            } @else { span class="muted" { (name) } }
                            @if !document.note.is_empty() && view.may(Right::RevealPersonal) { br; small { (document.note) } }
                        }
                        td role="cell" class="o2 end" { (validity(view, document)) }
                        td role="cell" class="o3 wide" { code class="hash" title=(document.sha256) { (document.sha256.chars().take(16).collect::<String>()) "…" } }
                        td role="cell" class="num o4" { (when::size(view.language, document.bytes)) }
                        td role="cell" class="o5 end faint nowrap" { (date(view, document.stored_at.as_ref())) }
                    }
                }
            }
        }
    }
}

/// Whether it is in force, and for how long.
pub(super) fn validity(view: &View, document: &Document) -> Markup {
    if document.replaced_at.is_some() {
        let look = states::Look {
            family: "rest",
            icon: "skip",
            word: w::REPLACED,
        };
        return pill(view, look);
    }
    let Some(day) = when::calendar_day(&document.expires_on) else {
        return html! { span class="faint" { (view.say(w::NO_END)) } };
    };
    let days = when::days_until(view.now, day);
    let look = states::validity(days, SOON_DAYS);
    let text = view.fill(look.word, &[("n", &days.unsigned_abs().to_string())]);
    html! {
        (pill_with(look, &text))
        " " small class="nowrap" { (view.fill(w::VALID_UNTIL, &[("day", &when::day_of(view.language, day))])) }
    }
}

/// The form that brings one.
pub(super) fn bring_form(view: &View, about: About, action: &str) -> Markup {
    html! {
        details class="panel pad gap bring" {
            summary { (view.say(w::BRING)) }
            form class="form gap" method="post" enctype="multipart/form-data" action=(action) {
                (csrf(view))
                input type="hidden" name="once" value=(Uuid::now_v7());
                div class="fields" {
                    div class="field" {
                        label for="doc-kind" { (view.say(w::BRING_KIND)) }
                        select id="doc-kind" name="kind" required {
                            @for (kind, container) in about.kinds() {
                                @if reach(view.principal.role, *container) >= Reach::Bring { option value=(kind) { (view.say(states::document(kind))) } }
                            }
                        }
                    }
                    div class="field" {
                        label for="doc-expires" { (view.say(w::BRING_EXPIRES)) }
                        input id="doc-expires" name="expires_on" type="date" aria-describedby="doc-expires-hint";
                        small id="doc-expires-hint" { (view.say(w::BRING_EXPIRES_HINT)) }
                    }
                }
                div class="field" {
                    label for="doc-file" { (view.say(w::FILE)) }
                    small id="doc-file-hint" { (view.say(w::BRING_HINT)) }
                    input id="doc-file" name="file" type="file" required accept=(ACCEPT) aria-describedby="doc-file-hint";
                }
                div class="field" { label for="doc-note" { (view.say(w::BRING_NOTE)) } input id="doc-note" name="note" maxlength="500" autocomplete="off"; }
                p class="acts" { button class="primary" type="submit" { (view.say(w::BRING_BUTTON)) } }
            }
        }
    }
}

/// What a form with a file sent.
pub(super) struct Sent(Vec<Field>);

impl Sent {
    /// Reads it; the guard has bounded it.
    pub(super) async fn read(request: Request) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.map_err(|_| Problem::Kind)?;
        let fields = form_data::read(&parts.headers, bytes).await;
        fields.map(Self).map_err(|_| Problem::Kind)
    }

    /// Its file, if one was chosen.
    pub(super) fn file(&self) -> Option<&Field> {
        form_data::file(&self.0, "file")
    }

    fn text(&self, name: &str) -> &str {
        form_data::text(&self.0, name).trim()
    }

    /// The key that makes sending it again harmless.
    pub(super) fn once(&self, view: &View) -> String {
        let pair = ("once".to_owned(), self.text("once").to_owned());
        change::once(view, &[pair])
    }
}

/// Keeps what the form of a page brought, and leads back to it.
pub(super) async fn brought(
    view: &View,
    app: &App,
    request: Request,
    (about, about_id): (About, &str),
    page: &str,
) -> Response {
    let back = view.back_to(page);
    if !view.may(Right::BringDocuments) {
        return back.answer(Err(Problem::Forbidden));
    }
    let sent = match Sent::read(request).await {
        Ok(sent) => sent,
        Err(problem) => return back.answer(Err(problem)),
    };
    let Some(file) = sent.file() else {
        return Redirect::to(&format!("{page}?falta=archivo")).into_response();
    };
    let key = sent.once(view);
    let by = By {
        principal: &view.principal,
        trace: "",
        key: &key,
    };
    let brought = Brought {
        about,
        about_id,
        kind: sent.text("kind"),
        file,
        expires_on: sent.text("expires_on"),
        note: sent.text("note"),
    };
    let done = files::bring(app, view.ask(app), by, brought).await;
    change::done(view, page, done.map(drop).map_err(Problem::from))
}

/// `GET /documentos/{id}/imagen`: the picture itself, for the page that shows it.
pub(crate) async fn picture(view: View, State(app): State<App>, Path(id): Path<String>) -> Response {
    let picture = async {
        view.see(Right::ReadDocuments)?;
        let (_, document) = find(view.ask(&app), &view.principal, &id).await?;
        let (media_type, held) = files::picture(&app, &view.principal, &document).await?;
        Ok::<_, Problem>((disposition(&document.file_name), media_type, held))
    };
    match picture.await {
        Ok((disposition, media_type, held)) => held_file(&app, &disposition, media_type, held),
        Err(Problem::Forbidden) => view.back_to("/").answer(Err(Problem::NotFound)),
        Err(problem) => view.back_to("/").answer(Err(problem)),
    }
}

/// `GET /documentos/{id}`: on to its content, by a link of an hour.
pub(crate) async fn open(view: View, State(app): State<App>, Path(id): Path<String>) -> Response {
    let link = async {
        view.see(Right::ReadDocuments)?;
        let (_, document) = find(view.ask(&app), &view.principal, &id).await?;
        let link = files::link(&app, &view.principal, "", &document).await?;
        Ok::<_, Problem>(link)
    };
    match link.await {
        Ok(link) => Redirect::to(&link.url).into_response(),
        Err(Problem::Forbidden) => view.back_to("/").answer(Err(Problem::NotFound)),
        Err(problem) => view.back_to("/").answer(Err(problem)),
    }
}
