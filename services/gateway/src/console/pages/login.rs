//! `/entrar` and `/salir`: the door. Nothing about who exists is told.

use std::net::SocketAddr;

use axum::Extension;
use axum::extract::{ConnectInfo, Form, FromRequestParts as _, Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use maud::html;

use crate::auth::identify::Identity;
use crate::auth::identity::{self, NotVouched};
use crate::auth::session;
use crate::console::change::Fields;
use crate::console::layout;
use crate::console::parts::icon;
use crate::console::session::stranger;
use crate::console::tenant;
use crate::console::view::{View, form, value};
use crate::console::words::{self as w, Language, Word};
use crate::state::App;
use crate::web::guard::{self, Refusal};

/// `GET /entrar`
pub(crate) async fn show(State(app): State<App>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    if matches!(parts.extensions.get(), Some(Identity::Person(..)))
        && View::from_request_parts(&mut parts, &app).await.is_ok()
    {
        return Redirect::to("/").into_response();
    }
    let query = parts.uri.query().unwrap_or_default();
    let language = stranger(&parts.headers, query);
    page(language, value(&form(query), "luego"), None).into_response()
}

fn page(language: Language, next: &str, trouble: Option<Word>) -> maud::Markup {
    let title = language.say(w::LOGIN_TITLE);
    let body = html! {
        div class="brand" { (icon("bridge")) span { (language.say(w::PUENTE)) } }
        h1 { (title) }
        form class="form" method="post" action="/entrar" {
            @if let Some(trouble) = trouble { p class="note bad" role="alert" id="trouble" tabindex="-1" { (icon("alert")) span { (language.say(trouble)) } } }
            input type="hidden" name="luego" value=(next);
            div class="field" { label for="email" { (language.say(w::LOGIN_EMAIL)) } input id="email" name="email" type="email" autocomplete="username" required maxlength="200" aria-invalid=[trouble.map(|_| "true")] aria-describedby=[trouble.map(|_| "trouble")]; }
            div class="field" { label for="password" { (language.say(w::LOGIN_PASSWORD)) } input id="password" name="password" type="password" autocomplete="current-password" required maxlength="256" aria-invalid=[trouble.map(|_| "true")] aria-describedby=[trouble.map(|_| "trouble")]; }
            button class="primary" type="submit" { (language.say(w::LOGIN_BUTTON)) }
            small { (language.say(w::LOGIN_HINT)) }
        }
    };
    layout::bare(language, title, &body)
}

/// A path of ours to go on to; anything else could lead people elsewhere. Browsers drop tabs and line ends before they look
/// where a link leads, and no header takes other characters that control.
pub(crate) fn next(wanted: &str) -> &str {
    let dark = |c: char| c == '\\' || c.is_control();
    let ours = wanted.starts_with('/') && !wanted.starts_with("//") && !wanted.contains(dark);
    if ours { wanted } else { "/" }
}

/// `POST /entrar`
pub(crate) async fn log_in(
    State(app): State<App>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    Form(fields): Fields,
) -> Response {
    let language = stranger(&headers, "");
    let wanted = next(value(&fields, "luego")).to_owned();
    let password = puente_types::Secret::new(value(&fields, "password"));
    let refused = |status: StatusCode, word| (status, page(language, &wanted, Some(word))).into_response();
    if let Err(Refusal::TooMany(wait)) = guard::stranger(&app, peer.as_ref().map(|peer| &peer.0), &headers) {
        let mut response = refused(StatusCode::TOO_MANY_REQUESTS, w::MANY_DO);
        let seconds = HeaderValue::from(wait.as_secs() + 1);
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
        return response;
    }
    let opened = match identity::by_password(&app, value(&fields, "email"), &password).await {
        Ok(vouched) => session::open(&app, &vouched).await,
        Err(NotVouched::Wrong) => return refused(StatusCode::UNAUTHORIZED, w::LOGIN_WRONG),
        Err(NotVouched::Busy) => return refused(StatusCode::SERVICE_UNAVAILABLE, w::LOGIN_LOCKED),
        Err(NotVouched::Database(error)) => Err(error),
    };
    match opened {
        Ok((cookie, _)) => ([(header::SET_COOKIE, cookie)], Redirect::to(&wanted)).into_response(),
        Err(error) => {
            tracing::error!(error = %error, "nobody can log in");
            refused(StatusCode::SERVICE_UNAVAILABLE, w::AWAY_DO)
        }
    }
}

/// `POST /salir`
pub(crate) async fn log_out(view: View, State(app): State<App>) -> Response {
    match session::close(&app, &view.session).await {
        Ok(cookie) => {
            let out = ([(header::SET_COOKIE, cookie)], Redirect::to("/entrar")).into_response();
            // Whoever logs in next here did not choose it.
            tenant::forget(out)
        }
        Err(error) => view.answer(Err(error.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_log_in_nobody_is_led_elsewhere() {
        assert_eq!(next("/pedidos?vista=firma"), "/pedidos?vista=firma");
        for bad in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "",
            "javascript:1",
            "/\t/evil.example",
            "/\u{1}",
            "/\u{7f}/evil.example",
            "/\u{85}",
        ] {
            assert_eq!(next(bad), "/", "{bad}");
        }
    }
}
