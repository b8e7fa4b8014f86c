//! People of the caller's own scope. Passwords are made here, told once, and kept as hashes.

use axum::Json;
use axum::response::Response;
use puente_types::Clock as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::changes::{RoleWord, once};
use super::describe::{Api, Shape, doc};
use super::input::{Asking, Body, Id, Query, invalid};
use super::lists::{Page, below, cut};
use crate::accounts::{self, Account, AccountError, NewAccount};
use crate::application::failure::Failure;
use crate::domain::{Right, Role, Who};
use crate::web::{Access, Problem};

pub(super) fn routes(api: Api) -> Api {
    let manage = Access::Needs(Right::ManageAccess);
    api.get(
        "/api/users",
        manage,
        list_users,
        doc("listUsers", "People who log in, newest first")
            .query::<Page>()
            .answer::<Users>(),
    )
    .post(
        "/api/users",
        manage,
        create_user,
        doc(
            "createUser",
            "Makes somebody known; their first password is told this once",
        )
        .body::<WantedUser>()
        .answer::<NewUserAnswer>(),
    )
    .post(
        "/api/users/{id}/role",
        manage,
        set_role,
        doc("setUserRole", "Gives somebody another role")
            .body::<WantedRole>()
            .answer::<Account>(),
    )
    .post(
        "/api/users/{id}/disable",
        manage,
        disable,
        doc("disableUser", "Shuts somebody out, and ends their sessions").answer::<Account>(),
    )
    .post(
        "/api/users/{id}/password",
        manage,
        new_password,
        doc(
            "resetUserPassword",
            "Gives somebody a new password, told this once, and ends their sessions",
        )
        .object(&[("password", Shape::Text)]),
    )
}

/// A part of the people.
#[derive(Debug, Serialize, ToSchema)]
struct Users {
    /// Newest first.
    users: Vec<Account>,
    /// Where older ones begin; empty when there are none.
    next_cursor: String,
}

/// A person who is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WantedUser {
    /// What they log in with.
    #[schema(min_length = 3, max_length = 200)]
    email: String,
    /// How they are called.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// What they may do.
    role: RoleWord,
    /// `es` when absent.
    language: Option<LanguageWord>,
}

/// A new person.
#[derive(Debug, Serialize, ToSchema)]
struct NewUserAnswer {
    /// As they may be shown.
    user: Account,
    /// Their first password; absent when the request is repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    password: Option<String>,
}

/// Another role.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WantedRole {
    /// What they may do from now on.
    role: RoleWord,
}

/// A language.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum LanguageWord {
    Es,
    En,
}

impl From<AccountError> for Problem {
    fn from(error: AccountError) -> Self {
        let said = error.to_string();
        match error {
            AccountError::Email => invalid("email", said),
            AccountError::Name => invalid("name", said),
            AccountError::Language => invalid("language", said),
            AccountError::Password => invalid("password", said),
            AccountError::Taken => Failure::Refused(said).into(),
            AccountError::Busy => Self::unavailable(said),
            AccountError::Database(error) => error.into(),
        }
    }
}

async fn list_users(asking: Asking, Query(page): Query<Page>) -> Result<Json<Users>, Problem> {
    let (scope, below) = (&asking.principal.scope, below(&page.cursor)?);
    let mut users = accounts::page(&asking.app.pool, scope, below, page.limit.0 + 1).await?;
    let next_cursor = cut(&mut users, page.limit, |user| user.id);
    Ok(Json(Users { users, next_cursor }))
}

async fn create_user(asking: Asking, Body(wanted): Body<WantedUser>) -> Result<Response, Problem> {
    let role = Role::from(wanted.role);
    let language = match wanted.language {
        Some(LanguageWord::En) => "en",
        Some(LanguageWord::Es) | None => "es",
    };
    let new = NewAccount {
        tenant: asking.principal.scope.tenant().cloned(),
        email: wanted.email,
        name: wanted.name,
        role,
        language: language.to_owned(),
    };
    let password = accounts::random_password();
    let now = asking.app.clock.now();
    let app = &asking.app;
    let made = async { Ok(accounts::create_with(&app.pool, &app.passwords, &new, &password, now).await?) };
    let after = json!({ "role": role.word() });
    let user = asking
        .recorded("user.created", "user", (None, Some(after)), None, made)
        .await?;
    let kept = NewUserAnswer {
        user: user.clone(),
        password: None,
    };
    let told = NewUserAnswer {
        user,
        password: Some(password.expose().to_owned()),
    };
    Ok(once(&told, &kept))
}

/// Somebody of the scope who is not the caller: nobody shuts themselves out.
async fn other(asking: &Asking, id: Uuid) -> Result<Account, Problem> {
    if asking.principal.who == Who::Person(id) {
        return Err(Failure::Refused("nobody changes or shuts out themselves".to_owned()).into());
    }
    let found = accounts::get(&asking.app.pool, &asking.principal.scope, id).await?;
    found.ok_or_else(Problem::not_found)
}

async fn set_role(
    asking: Asking,
    Id(id): Id,
    Body(wanted): Body<WantedRole>,
) -> Result<Json<Account>, Problem> {
    let before = other(&asking, id).await?;
    let role = Role::from(wanted.role);
    let changed = async {
        let found = accounts::set_role(&asking.app.pool, &asking.principal.scope, id, role).await?;
        found.ok_or_else(Problem::not_found)
    };
    let values = (
        Some(json!({ "role": before.role })),
        Some(json!({ "role": role.word() })),
    );
    let account = asking
        .recorded("user.role_changed", &id.to_string(), values, None, changed)
        .await?;
    Ok(Json(account))
}

async fn disable(asking: Asking, Id(id): Id) -> Result<Json<Account>, Problem> {
    other(&asking, id).await?;
    let now = asking.app.clock.now();
    let disabled = async {
        let found = accounts::disable(&asking.app.pool, &asking.principal.scope, id, now).await?;
        found.ok_or_else(Problem::not_found)
    };
    let account = asking
        .recorded("user.disabled", &id.to_string(), (None, None), None, disabled)
        .await?;
    Ok(Json(account))
}

async fn new_password(asking: Asking, Id(id): Id) -> Result<Response, Problem> {
    other(&asking, id).await?;
    let password = accounts::random_password();
    let app = &asking.app;
    let changed = async { Ok(accounts::set_password(&app.pool, &app.passwords, id, &password).await?) };
    asking
        .recorded(
            "user.password_reset",
            &id.to_string(),
            (None, None),
            None,
            changed,
        )
        .await?;
    let kept: Value = json!({ "password": "" });
    Ok(once(&json!({ "password": password.expose() }), &kept))
}
