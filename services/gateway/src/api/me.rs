//! Who the caller is; logging in and out, and one's own password.

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use puente_rpc::Scope;
use puente_types::Secret;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use utoipa::ToSchema;

use super::describe::{Api, Shape, doc};
use super::input::{Asking, Body};
use crate::accounts;
use crate::auth::identity::{self, NotVouched};
use crate::auth::session::{self, Session};
use crate::domain::{Right, may};
use crate::state::App;
use crate::web::guard;
use crate::web::{Access, Problem};

pub(super) fn routes(api: Api) -> Api {
    api.get(
        "/api/me",
        Access::Known,
        me,
        doc("getMe", "Who the caller is, and what they may do").answer::<Me>(),
    )
    .ask(
        "/api/session",
        Access::Anyone,
        log_in,
        doc("logIn", "Opens a session; it is in the cookie puente_session")
            .body::<LogIn>()
            .answer::<Opened>()
            .or(&[401]),
    )
    .ask(
        "/api/session/close",
        Access::Known,
        log_out,
        doc("logOut", "Ends the session of the cookie").object(&[("closed", Shape::Flag)]),
    )
    .ask(
        "/api/me/password",
        Access::Known,
        password,
        doc(
            "changePassword",
            "Changes one's own password, and ends all of one's sessions",
        )
        .body::<NewPassword>()
        .object(&[("changed", Shape::Flag)]),
    )
}

/// Who the caller is.
#[derive(Debug, Serialize, ToSchema)]
struct Me {
    /// `user:<id>` or `key:<id>`.
    subject: String,
    /// How they are called.
    name: String,
    /// What they are.
    role: String,
    /// Whose data they see now; absent for the whole installation's.
    tenant: Option<String>,
    /// What they may do.
    rights: Vec<String>,
}

async fn me(asking: Asking) -> Json<Me> {
    let principal = &asking.principal;
    let rights = Right::ALL.into_iter().filter(|right| may(principal.role, *right));
    Json(Me {
        subject: principal.subject(),
        name: principal.name.clone(),
        role: principal.role.word().to_owned(),
        tenant: match &principal.scope {
            Scope::Tenant(tenant) => Some(tenant.to_string()),
            Scope::Installation => None,
        },
        rights: rights.map(|right| format!("{right:?}")).collect(),
    })
}

/// Too many passwords are looked at.
const BUSY: &str = "too many people log in at a time";

/// A person's proof.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LogIn {
    /// The e-mail address.
    #[schema(max_length = 200)]
    email: String,
    /// The password.
    #[schema(max_length = 256)]
    password: Hidden,
}

/// A text that is not shown when it is debugged.
#[derive(Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String)]
struct Hidden(String);

/// An open session.
#[derive(Debug, Serialize, ToSchema)]
struct Opened {
    /// What changes send back as `x-csrf-token`.
    csrf: String,
}

async fn log_in(
    State(app): State<App>,
    peer: Option<axum::Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    Body(given): Body<LogIn>,
) -> Result<Response, Problem> {
    guard::stranger(&app, peer.as_ref().map(|peer| &peer.0), &headers)
        .map_err(|refusal| Problem::from(&refusal))?;
    let vouched = identity::by_password(&app, &given.email, &Secret::new(given.password.0)).await;
    let vouched = vouched.map_err(|not| match not {
        NotVouched::Wrong => Problem::new(
            StatusCode::UNAUTHORIZED,
            "not-logged-in",
            "This does not open anything now",
            "check both; after several failures a pause is needed",
        ),
        NotVouched::Busy => Problem::unavailable(BUSY),
        NotVouched::Database(error) => error.into(),
    })?;
    let (cookie, csrf) = session::open(&app, &vouched).await?;
    let opened = Json(Opened { csrf });
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), opened).into_response())
}

/// Only people have sessions and passwords.
fn person(session: Option<axum::Extension<Session>>) -> Result<Session, Problem> {
    let session = session.map(|found| found.0);
    session.ok_or_else(|| {
        Problem::new(
            StatusCode::CONFLICT,
            "no-session",
            "Only people have sessions and passwords",
            "the request was made with an API key",
        )
    })
}

async fn log_out(asking: Asking, session: Option<axum::Extension<Session>>) -> Result<Response, Problem> {
    let cookie = session::close(&asking.app, &person(session)?).await?;
    let closed = Json(serde_json::json!({ "closed": true }));
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), closed).into_response())
}

/// Another password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    /// The one of now.
    #[schema(max_length = 256)]
    current: Hidden,
    /// The one from now on.
    #[schema(min_length = 12, max_length = 256)]
    new: Hidden,
}

async fn password(
    asking: Asking,
    session: Option<axum::Extension<Session>>,
    Body(given): Body<NewPassword>,
) -> Result<Json<serde_json::Value>, Problem> {
    let app = &asking.app;
    let user = person(session)?.user;
    let proved = identity::again(app, user, &Secret::new(given.current.0)).await;
    proved.map_err(|not| match not {
        NotVouched::Wrong => super::input::invalid(
            "current",
            "this is not the password now; after several failures a pause is needed",
        ),
        NotVouched::Busy => Problem::unavailable(BUSY),
        NotVouched::Database(error) => error.into(),
    })?;
    let new = Secret::new(given.new.0);
    let changed = async { Ok(accounts::set_password(&app.pool, &app.passwords, user, &new).await?) };
    asking
        .recorded(
            "user.password_changed",
            &user.to_string(),
            (None, None),
            None,
            changed,
        )
        .await?;
    Ok(Json(serde_json::json!({ "changed": true })))
}
