//! The directory: agents and service providers.

use axum::Json;
use axum::extract::Path;
use puente_proto::orders::{
    GetPersonRequest, ListPeopleRequest, ListPeopleResponse, Person, PutPersonRequest,
};
use serde::Deserialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::Answer;
use super::changes::Reason;
use super::describe::{Api, doc};
use super::input::{Asking, Body, Query, invalid};
use super::lists::{Limit, cursor};
use super::orders::bounded;
use crate::application::failure::Failure;
use crate::application::reflect::{Show, json as seen};
use crate::domain::Right;
use crate::web::{Access, Problem};

const PERSON: &str = "puente.orders.v1.Person";
/// Characters of a text of a person at most.
const LONGEST: usize = 200;

pub(super) fn routes(api: Api) -> Api {
    let read = Access::Needs(Right::ReadDirectory);
    api.get(
        "/api/directory",
        read,
        list,
        doc("listPeople", "Agents and service providers, by name")
            .query::<Wanted>()
            .message("puente.orders.v1.ListPeopleResponse"),
    )
    .get(
        "/api/directory/{person}",
        read,
        get,
        doc("getPerson", "One of them, their contact data masked").message(PERSON),
    )
    .put(
        "/api/directory/{person}",
        Access::Needs(Right::ChangeDirectory),
        put,
        doc("putPerson", "Adds or replaces one of them")
            .body::<Kept>()
            .message(PERSON),
    )
    .ask(
        "/api/directory/{person}/reveal",
        Access::Needs(Right::RevealPersonal),
        reveal,
        doc(
            "revealPerson",
            "One of them unmasked; leaves a row in the audit trail",
        )
        .body::<Reason>()
        .message(PERSON),
    )
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// People in one answer; 50 when not said.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Limit,
    /// `next_cursor` of the answer before.
    #[serde(default, deserialize_with = "cursor")]
    #[param(value_type = Option<String>, max_length = 4096)]
    cursor: String,
    /// `agent` or `service_provider`; both when not said.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    kind: String,
}

async fn list(asking: Asking, Query(wanted): Query<Wanted>) -> Answer {
    let question = ListPeopleRequest {
        page_size: wanted.limit.0,
        cursor: wanted.cursor,
        kind: wanted.kind,
    };
    let page: ListPeopleResponse = asking.ask().list_people(question).await.map_err(away)?;
    let show = Show::to(&asking.principal);
    Ok(Json(seen("puente.orders.v1.ListPeopleResponse", &page, show)))
}

async fn find(asking: &Asking, person: &str) -> Result<Person, Problem> {
    named(person)?;
    let question = GetPersonRequest {
        person_id: person.to_owned(),
    };
    let found = asking.ask().get_person(question).await.map_err(away)?;
    found.person.ok_or_else(Problem::not_found)
}

async fn get(asking: Asking, Path(person): Path<String>) -> Answer {
    let found = find(&asking, &person).await?;
    Ok(Json(seen(PERSON, &found, Show::to(&asking.principal))))
}

async fn reveal(asking: Asking, Path(person): Path<String>, Body(Reason { reason }): Body<Reason>) -> Answer {
    let found = find(&asking, &person).await?;
    asking
        .revealed("person.revealed", &found.person_id, &reason)
        .await?;
    Ok(Json(seen(PERSON, &found, Show::All)))
}

/// An agent or a service provider.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Kept {
    /// What they are.
    kind: Kind,
    /// The name as it stands in contracts.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Where requests to sign go.
    #[serde(default)]
    #[schema(max_length = 200)]
    email: String,
    /// E.164; empty when unknown.
    #[serde(default)]
    #[schema(max_length = 200)]
    phone: String,
    /// The NIT with its check digit, or another tax id.
    #[serde(default)]
    #[schema(max_length = 200)]
    tax_id: String,
    /// The postal address.
    #[serde(default)]
    #[schema(max_length = 200)]
    address: String,
    /// Whether orders may be given to them.
    #[serde(default = "yes")]
    active: bool,
}

const fn yes() -> bool {
    true
}

/// What somebody of the directory is.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Agent,
    ServiceProvider,
}

async fn put(asking: Asking, Path(person): Path<String>, Body(kept): Body<Kept>) -> Answer {
    if !is_id(&person) {
        return Err(invalid("person", "1 to 64 of a-z, 0-9, `-`, `_` and `.`"));
    }
    bounded("name", &kept.name, 1, LONGEST)?;
    for (field, text) in [
        ("email", &kept.email),
        ("phone", &kept.phone),
        ("tax_id", &kept.tax_id),
        ("address", &kept.address),
    ] {
        bounded(field, text, 0, LONGEST)?;
    }
    let kind = match kept.kind {
        Kind::Agent => "agent",
        Kind::ServiceProvider => "service_provider",
    };
    let after = json!({ "kind": kind, "active": kept.active });
    let question = PutPersonRequest {
        person: Some(Person {
            person_id: person.clone(),
            kind: kind.to_owned(),
            name: kept.name,
            email: kept.email,
            phone: kept.phone,
            tax_id: kept.tax_id,
            address: kept.address,
            active: kept.active,
            changed_at: None,
        }),
    };
    let doing = async { asking.ask().put_person(question).await.map_err(away) };
    let done = asking
        .recorded("person.kept", &person, (None, Some(after)), None, doing)
        .await?;
    let person = done.person.ok_or_else(Problem::not_found)?;
    Ok(Json(seen(PERSON, &person, Show::to(&asking.principal))))
}

fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.'))
}

/// Whether the text can be the id of somebody; what cannot names nobody.
pub(super) fn named(person: &str) -> Result<(), Problem> {
    if is_id(person) {
        Ok(())
    } else {
        Err(Problem::not_found())
    }
}

fn away(status: tonic::Status) -> Problem {
    Failure::of("orders", &status).into()
}
