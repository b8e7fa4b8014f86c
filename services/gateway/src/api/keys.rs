//! API keys of the caller's own scope. A key is told once, and kept as a hash.

use axum::Json;
use axum::response::Response;
use puente_types::Clock as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::changes::{RoleWord, once};
use super::describe::{Api, doc};
use super::input::{Asking, Body, Id, Query, invalid};
use super::lists::{Page, below, cut};
use crate::domain::{Right, Role};
use crate::keys::{self, Key, KeyError, NewKey};
use crate::web::{Access, Problem};

pub(super) fn routes(api: Api) -> Api {
    let manage = Access::Needs(Right::ManageAccess);
    api.get(
        "/api/keys",
        manage,
        list_keys,
        doc("listKeys", "API keys, newest first, also revoked ones")
            .query::<Page>()
            .answer::<Keys>(),
    )
    .post(
        "/api/keys",
        manage,
        create_key,
        doc(
            "createKey",
            "Makes an API key; its text is told this once, and not when the request is repeated",
        )
        .body::<WantedKey>()
        .answer::<NewKeyAnswer>(),
    )
    .post(
        "/api/keys/{id}/revoke",
        manage,
        revoke_key,
        doc("revokeKey", "Revokes an API key; it is refused from now on").answer::<Key>(),
    )
}

/// A part of the keys.
#[derive(Debug, Serialize, ToSchema)]
struct Keys {
    /// Newest first.
    keys: Vec<Key>,
    /// Where older ones begin; empty when there are none.
    next_cursor: String,
}

/// A key that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WantedKey {
    /// What it is for.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// What it may do.
    role: RoleWord,
    /// Requests a minute; 600 when absent.
    #[schema(minimum = 1, maximum = 60000)]
    per_minute: Option<u32>,
    /// Until when it is good, before the year 10000; until it is revoked when absent.
    #[serde(default, with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<OffsetDateTime>,
}

/// A new key.
#[derive(Debug, Serialize, ToSchema)]
struct NewKeyAnswer {
    /// As it may be shown.
    key: Key,
    /// The whole key; absent when the request is repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    text: Option<String>,
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        let said = error.to_string();
        match error {
            KeyError::Name => invalid("name", said),
            KeyError::PerMinute => invalid("per_minute", said),
            KeyError::Expired => invalid("expires_at", said),
            KeyError::Database(error) => error.into(),
        }
    }
}

async fn list_keys(asking: Asking, Query(page): Query<Page>) -> Result<Json<Keys>, Problem> {
    let (scope, below) = (&asking.principal.scope, below(&page.cursor)?);
    let mut keys = keys::page(&asking.app.pool, scope, below, page.limit.0 + 1).await?;
    let next_cursor = cut(&mut keys, page.limit, |key| key.id);
    Ok(Json(Keys { keys, next_cursor }))
}

async fn create_key(asking: Asking, Body(wanted): Body<WantedKey>) -> Result<Response, Problem> {
    let role = Role::from(wanted.role);
    let new = NewKey {
        tenant: asking.principal.scope.tenant().cloned(),
        name: wanted.name,
        role,
        per_minute: wanted.per_minute.unwrap_or(keys::USUAL_PER_MINUTE),
        expires_at: wanted.expires_at,
        created_by: asking.principal.subject(),
    };
    let after = json!({ "name": new.name, "role": role.word(), "per_minute": new.per_minute });
    let now = asking.app.clock.now();
    let made = async { Ok(keys::create(&asking.app.pool, &new, now).await?) };
    let made = asking
        .recorded("key.created", "key", (None, Some(after)), None, made)
        .await?;
    let kept = NewKeyAnswer {
        key: made.key.clone(),
        text: None,
    };
    let told = NewKeyAnswer {
        key: made.key,
        text: Some(made.text.expose().to_owned()),
    };
    Ok(once(&told, &kept))
}

async fn revoke_key(asking: Asking, Id(id): Id) -> Result<Json<Key>, Problem> {
    let id = id.to_string();
    let now = asking.app.clock.now();
    let revoked = async {
        let found = keys::revoke(&asking.app.pool, &asking.principal.scope, &id, now).await?;
        found.ok_or_else(Problem::not_found)
    };
    let key = asking
        .recorded("key.revoked", &id, (None, None), None, revoked)
        .await?;
    Ok(Json(key))
}
