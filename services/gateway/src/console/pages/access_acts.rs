//! Letting people and programs in, and shutting them out. A password or key is shown in the answer to the form that made
//! it, and never again.

use axum::extract::{Form, Path, State};
use axum::response::Response;
use maud::html;
use serde_json::json;
use time::Duration;
use uuid::Uuid;

use crate::accounts::{self, Account, AccountError, NewAccount};
use crate::audit::Entry;
use crate::console::change::{self, Fields};
use crate::console::layout::Page;
use crate::console::problem::Problem;
use crate::console::view::{View, value};
use crate::console::words::{self as w, Word};
use crate::domain::{Right, Role, Who};
use crate::keys::{self, KeyError, NewKey};
use crate::state::App;

const PAGE: &str = "/accesos";
const MANAGE: Right = Right::ManageAccess;
/// Days that a key is good for at most, when it ends at all.
const MOST_DAYS: i64 = 3650;

/// What the person did is told in their language; what a service says elsewhere is passed on as it is.
fn refused(view: &View, word: Word) -> Problem {
    Problem::Refused(view.say(word).to_owned())
}

fn of_account(view: &View, error: AccountError) -> Problem {
    match error {
        AccountError::Taken => refused(view, w::PEOPLE_TAKEN),
        AccountError::Busy => refused(view, w::PEOPLE_BUSY),
        AccountError::Database(error) => error.into(),
        AccountError::Email | AccountError::Name | AccountError::Language | AccountError::Password => {
            refused(view, w::FIELDS_WRONG)
        }
    }
}

fn of_key(view: &View, error: KeyError) -> Problem {
    match error {
        KeyError::Database(error) => error.into(),
        KeyError::Name | KeyError::PerMinute | KeyError::Expired => refused(view, w::FIELDS_WRONG),
    }
}

/// A field as it was sent, cut where nothing longer can be meant.
fn sent(fields: &[(String, String)], name: &str) -> String {
    value(fields, name).trim().chars().take(500).collect()
}

fn role(view: &View, fields: &[(String, String)]) -> Result<Role, Problem> {
    value(fields, "role")
        .parse()
        .map_err(|_| refused(view, w::FIELDS_WRONG))
}

/// What is shown this once.
fn once(view: &View, title: Word, name: &str, text: &str, back: &str) -> Page {
    let heading = view.fill(title, &[("name", name)]);
    let body = html! {
        h1 { (heading) }
        div class="panel pad gap" {
            h2 { (view.say(w::ONCE_TITLE)) }
            p { code class="once" { (text) } }
            p class="muted" { (view.say(w::ONCE_ABOUT)) }
            p class="acts" { a class="button primary" href=(back) { (view.say(w::ONCE_DONE)) } }
        }
    };
    Page::at(PAGE, heading, body).below(view.say(w::ACCESS_TITLE), PAGE)
}

/// `POST /accesos/personas`
pub(crate) async fn new_person(view: View, State(app): State<App>, Form(fields): Fields) -> Response {
    let outcome = make_person(&view, &app, &fields).await;
    view.back_to(PAGE).answer(outcome)
}

async fn make_person(view: &View, app: &App, fields: &[(String, String)]) -> Result<Page, Problem> {
    let role = role(view, fields)?;
    let new = NewAccount {
        tenant: view.principal.scope.tenant().cloned(),
        email: sent(fields, "email"),
        name: sent(fields, "name"),
        role,
        language: sent(fields, "language"),
    };
    let password = accounts::random_password();
    let entry = Entry {
        action: "user.created",
        object: "user",
        after: Some(json!({ "role": role.word() })),
        ..Entry::default()
    };
    let doing = async {
        let made = accounts::create_with(&app.pool, &app.passwords, &new, &password, view.now).await;
        made.map_err(|error| of_account(view, error))
    };
    let made = change::make(view, app, MANAGE, entry, doing).await?;
    Ok(once(view, w::ONCE_PASSWORD, &made.name, password.expose(), PAGE))
}

/// Somebody of the scope who is not the person themselves: nobody shuts themselves out.
async fn other(view: &View, app: &App, id: &str) -> Result<Account, Problem> {
    let id: Uuid = id.parse().map_err(|_| Problem::NotFound)?;
    if view.principal.who == Who::Person(id) {
        return Err(refused(view, w::PEOPLE_SELF));
    }
    let found = accounts::get(&app.pool, &view.principal.scope, id).await?;
    found.ok_or(Problem::NotFound)
}

fn place(id: &str) -> String {
    format!("{PAGE}/personas/{}", crate::console::view::encode(id))
}

/// `POST /accesos/personas/{id}/funcion`
pub(crate) async fn set_role(
    view: View,
    State(app): State<App>,
    Path(id): Path<String>,
    Form(fields): Fields,
) -> Response {
    let changed = async {
        let account = other(&view, &app, &id).await?;
        let role = role(&view, &fields)?;
        let entry = Entry {
            action: "user.role_changed",
            object: &id,
            before: Some(json!({ "role": account.role })),
            after: Some(json!({ "role": role.word() })),
            ..Entry::default()
        };
        let doing = async {
            let found = accounts::set_role(&app.pool, &view.principal.scope, account.id, role).await?;
            found.map(drop).ok_or(Problem::NotFound)
        };
        change::make(&view, &app, MANAGE, entry, doing).await
    };
    change::done(&view, &place(&id), changed.await)
}

/// `POST /accesos/personas/{id}/clave`
pub(crate) async fn new_password(
    view: View,
    State(app): State<App>,
    Path(id): Path<String>,
    Form(_): Fields,
) -> Response {
    let changed = async {
        let account = other(&view, &app, &id).await?;
        let password = accounts::random_password();
        let entry = Entry {
            action: "user.password_reset",
            object: &id,
            ..Entry::default()
        };
        let doing = async {
            let set = accounts::set_password(&app.pool, &app.passwords, account.id, &password).await;
            set.map_err(|error| of_account(&view, error))
        };
        change::make(&view, &app, MANAGE, entry, doing).await?;
        let text = password.expose();
        Ok(once(&view, w::ONCE_PASSWORD, &account.name, text, &place(&id)))
    };
    let outcome = changed.await;
    view.back_to(&place(&id)).answer(outcome)
}

/// `POST /accesos/personas/{id}/cerrar`
pub(crate) async fn shut_out(
    view: View,
    State(app): State<App>,
    Path(id): Path<String>,
    Form(_): Fields,
) -> Response {
    let changed = async {
        let account = other(&view, &app, &id).await?;
        let entry = Entry {
            action: "user.disabled",
            object: &id,
            ..Entry::default()
        };
        let doing = async {
            let found = accounts::disable(&app.pool, &view.principal.scope, account.id, view.now).await?;
            found.map(drop).ok_or(Problem::NotFound)
        };
        change::make(&view, &app, MANAGE, entry, doing).await
    };
    change::done(&view, &place(&id), changed.await)
}

/// `POST /accesos/llaves`
pub(crate) async fn new_key(view: View, State(app): State<App>, Form(fields): Fields) -> Response {
    let outcome = make_key(&view, &app, &fields).await;
    view.back_to(PAGE).answer(outcome)
}

async fn make_key(view: &View, app: &App, fields: &[(String, String)]) -> Result<Page, Problem> {
    let role = role(view, fields)?;
    let wrong = || refused(view, w::FIELDS_WRONG);
    let days = match value(fields, "days").trim() {
        "" => None,
        days => Some(
            days.parse()
                .ok()
                .filter(|days| (1..=MOST_DAYS).contains(days))
                .ok_or_else(wrong)?,
        ),
    };
    let new = NewKey {
        tenant: view.principal.scope.tenant().cloned(),
        name: sent(fields, "name"),
        role,
        per_minute: value(fields, "per_minute").trim().parse().map_err(|_| wrong())?,
        expires_at: days.and_then(|days| view.now.checked_add(Duration::days(days))),
        created_by: view.principal.subject(),
    };
    let entry = Entry {
        action: "key.created",
        object: "key",
        after: Some(json!({ "name": new.name, "role": role.word(), "per_minute": new.per_minute })),
        ..Entry::default()
    };
    let doing = async {
        let made = keys::create(&app.pool, &new, view.now).await;
        made.map_err(|error| of_key(view, error))
    };
    let made = change::make(view, app, MANAGE, entry, doing).await?;
    Ok(once(view, w::ONCE_KEY, &made.key.name, made.text.expose(), PAGE))
}

/// `POST /accesos/llaves/{id}/revocar`
pub(crate) async fn revoke_key(
    view: View,
    State(app): State<App>,
    Path(id): Path<String>,
    Form(_): Fields,
) -> Response {
    let entry = Entry {
        action: "key.revoked",
        object: &id,
        ..Entry::default()
    };
    let doing = async {
        let found = keys::revoke(&app.pool, &view.principal.scope, &id, view.now).await?;
        found.map(drop).ok_or(Problem::NotFound)
    };
    let revoked = change::make(&view, &app, MANAGE, entry, doing).await;
    change::done(&view, PAGE, revoked)
}
