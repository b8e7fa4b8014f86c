//! Authorising an account at a signature provider: out by `/conexiones/{provider}/autorizar`, back by `/oauth/callback`.
//!
//! The way out is a link and no redirect: browsers hold a form's redirects to the page's `form-action`, and where the
//! provider is, is only known when its address was made. The address and its `state` serve once.

use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;
use puente_proto::signature::{BeginAuthorizationRequest, CompleteAuthorizationRequest};
use tonic::Code;

use crate::audit::Entry;
use crate::console::change::{self, Fields};
use crate::console::layout::Page;
use crate::console::parts::{csrf, provider};
use crate::console::problem::{Answer, Problem};
use crate::console::view::{View, encode, form, value};
use crate::console::words as w;
use crate::domain::Right;
use crate::state::App;

/// Where providers send administrators back to; registered there exactly so.
pub(crate) const CALLBACK: &str = "/oauth/callback";
/// Characters of a connection's name, and of what a provider sends back, at most.
const LONGEST_NAME: usize = 100;
const LONGEST_CODE: usize = 8192;

/// The page that begins it.
pub(super) fn address(provider: &str, connection: &str) -> String {
    format!(
        "/conexiones/{}/autorizar?connection={}",
        encode(provider),
        encode(connection)
    )
}

/// `GET /conexiones/{provider}/autorizar`
pub(crate) async fn before(view: View, Path(slug): Path<String>) -> Response {
    let answer = ask(&view, &slug);
    view.answer(answer)
}

fn ask(view: &View, slug: &str) -> Answer {
    view.see(Right::ManageConnections)?;
    let pairs = form(&view.query);
    let name = provider(slug);
    let title = view.fill(w::AUTHORISE_TITLE, &[("name", &name)]);
    let body = html! {
        h1 { (title) }
        div class="panel pad block" {
            dl class="three" {
                dt { (view.say(w::MANUAL_HAPPENS)) } dd { (view.fill(w::AUTHORISE_HAPPENS_TEXT, &[("name", &name)])) }
                dt { (view.say(w::MANUAL_STAYS)) } dd { (view.say(w::AUTHORISE_STAYS_TEXT)) }
            }
            form class="form gap" method="post" action={ "/conexiones/" (encode(slug)) "/autorizar" } {
                (csrf(view))
                input type="hidden" name="connection" value=(value(&pairs, "connection"));
                p class="acts" {
                    button class="primary" type="submit" { (view.say(w::AUTHORISE_BUTTON)) }
                    a class="button" href="/integraciones" { (view.say(w::BACK)) }
                }
            }
        }
    };
    Ok(Page::at("/integraciones", title, body).below(view.say(w::INTEGRATIONS_PAGE), "/integraciones"))
}

/// `POST /conexiones/{provider}/autorizar`
pub(crate) async fn begin(
    view: View,
    State(app): State<App>,
    Path(slug): Path<String>,
    Form(fields): Fields,
) -> Response {
    let connection: String = value(&fields, "connection").chars().take(LONGEST_NAME).collect();
    let entry = Entry {
        action: "connection.authorization_begun",
        object: &connection,
        after: Some(serde_json::json!({ "provider": slug })),
        ..Entry::default()
    };
    let doing = async {
        let command = BeginAuthorizationRequest {
            connection: connection.clone(),
            redirect_uri: format!("{}{CALLBACK}", app.public_url),
        };
        let begun = view.ask(&app).begin_authorization(command).await;
        begun.map_err(|status| Problem::of("signature", &status))
    };
    let begun = change::make(&view, &app, Right::ManageConnections, entry, doing).await;
    let back = view.back_to("/integraciones");
    match begun {
        Ok(begun) if is_web(&begun.url) => {
            let page = go(&view, &slug, &begun.url);
            view.answer(Ok(page))
        }
        Ok(_) => back.answer(Err(Problem::Away("signature"))),
        Err(problem) => back.answer(Err(problem)),
    }
}

/// A page that a browser may be sent to, and nothing that it would run.
fn is_web(url: &str) -> bool {
    url.starts_with("https://")
        || url.starts_with("http://127.0.0.1:")
        || url.starts_with("http://localhost:")
}

fn go(view: &View, slug: &str, url: &str) -> Page {
    let name = provider(slug);
    let title = view.fill(w::AUTHORISE_TITLE, &[("name", &name)]);
    let body = html! {
        h1 { (title) }
        div class="panel pad block" {
            p { (view.say(w::AUTHORISE_READY)) }
            p class="acts gap" { a class="button primary" id="go" rel="noreferrer" href=(url) { (view.fill(w::AUTHORISE_GO, &[("name", &name)])) } }
        }
    };
    Page::at("/integraciones", title, body).below(view.say(w::INTEGRATIONS_PAGE), "/integraciones")
}

/// `GET /oauth/callback`
pub(crate) async fn back(view: View, State(app): State<App>) -> Response {
    let pairs = form(&view.query);
    // Neither code nor state stands on the page, or leads back to it.
    let here = view.back_to("/integraciones");
    let (code, state) = (value(&pairs, "code"), value(&pairs, "state"));
    let fits = |text: &str| (1..=LONGEST_CODE).contains(&text.len());
    let word = match value(&pairs, "error") {
        "" if fits(code) && fits(state) => None,
        "" => Some(here.say(w::OAUTH_NOTHING).to_owned()),
        "access_denied" => Some(here.say(w::OAUTH_DENIED).to_owned()),
        other => {
            let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
            let shown: String = other.chars().filter(plain).take(40).collect();
            Some(here.fill(w::OAUTH_FAILED, &[("code", &shown)]))
        }
    };
    if let Some(word) = word {
        return here.answer(Err(Problem::Refused(word)));
    }
    let entry = Entry {
        action: "connection.authorized",
        object: "signature",
        ..Entry::default()
    };
    let doing = async {
        let command = CompleteAuthorizationRequest {
            state: state.to_owned(),
            code: code.to_owned(),
        };
        let done = here.ask(&app).complete_authorization(command).await;
        done.map(drop).map_err(|status| match status.code() {
            Code::FailedPrecondition | Code::NotFound => Problem::Refused(here.say(w::OAUTH_OLD).to_owned()),
            _ => Problem::of("signature", &status),
        })
    };
    match change::make(&here, &app, Right::ManageConnections, entry, doing).await {
        Ok(()) => Redirect::to("/integraciones?hecho=1").into_response(),
        Err(problem) => here.answer(Err(problem)),
    }
}
