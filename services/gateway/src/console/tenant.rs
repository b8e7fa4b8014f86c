//! Which tenant somebody of the whole installation looks at. It is kept in a cookie that `auth::identify` reads, and that
//! narrows nobody who belongs to a tenant.

use axum::extract::{Form, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderValue, header};
use maud::{Markup, html};
use puente_rpc::Scope;
use puente_types::TenantId;

use super::change::Fields;
use super::pages::login::next;
use super::parts::csrf;
use super::problem::Problem;
use super::view::{View, value};
use super::words as w;
use crate::auth::identify::TENANT;
use crate::state::App;

/// A working day; then the whole installation is shown again.
const KEPT_SECONDS: u32 = 12 * 60 * 60;

/// The form in the account's menu.
pub(super) fn chooser(view: &View) -> Markup {
    let chosen = match &view.principal.scope {
        Scope::Tenant(tenant) => tenant.to_string(),
        Scope::Installation => String::new(),
    };
    html! {
        form class="form" method="post" action="/organizacion" {
            (csrf(view))
            input type="hidden" name="luego" value=(view.with("hecho", None));
            div class="field" {
                label for="tenant" { (view.say(w::TENANT)) }
                input id="tenant" name="tenant" value=(chosen) maxlength="32" pattern="[a-z0-9_]*" autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby="tenant-hint";
                small id="tenant-hint" { (view.say(w::TENANT_HINT)) }
            }
            button type="submit" { (view.say(w::TENANT_BUTTON)) }
        }
    }
}

/// `POST /organizacion`: the tenant of the field, or the whole installation when it is empty.
pub(crate) async fn choose(view: View, State(app): State<App>, Form(fields): Fields) -> Response {
    if !view.session.wide {
        return view.answer(Err(Problem::Forbidden));
    }
    let page = next(value(&fields, "luego"));
    let response = Redirect::to(page).into_response();
    let chosen = value(&fields, "tenant").trim();
    if chosen.is_empty() {
        return forget(response);
    }
    match chosen.parse::<TenantId>() {
        Ok(tenant) => {
            let secure = if app.secure { "; Secure" } else { "" };
            with_cookie(
                response,
                &format!("{TENANT}={tenant}; Path=/; HttpOnly; SameSite=Lax; Max-Age={KEPT_SECONDS}{secure}"),
            )
        }
        Err(_) => {
            let why = view.say(w::TENANT_BAD).to_owned();
            view.back_to(page).answer(Err(Problem::Refused(why)))
        }
    }
}

/// The answer, after which the whole installation is shown.
pub(crate) fn forget(response: Response) -> Response {
    with_cookie(
        response,
        &format!("{TENANT}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"),
    )
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    // A tenant has letters, digits and `_` only: it is always a header's value.
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
