//! The service `Directory`: agents and service providers.

use puente_proto::orders::directory_server::Directory as Service;
use puente_proto::orders::{
    GetPersonRequest, GetPersonResponse, ListPeopleRequest, ListPeopleResponse, Person as Shown,
    PutPersonRequest, PutPersonResponse,
};
use puente_proto::timestamp;
use puente_rpc::{Caller, answer, cursor};
use tonic::{Request, Response, Status};

use super::super::store::{PgOrders, PgQueries};
use super::ask;
use crate::application::list_people::list_people;
use crate::domain::directory::{Kind, Person, PersonView, Typed};
use crate::domain::queries::DirectoryQueries;

/// The kind of cursors of people: the id of the last one.
const CURSOR: u8 = 4;

/// Answers about people.
#[derive(Clone)]
pub(super) struct Directory {
    pub(super) orders: PgOrders,
    pub(super) queries: PgQueries,
}

#[tonic::async_trait]
impl Service for Directory {
    async fn list_people(
        &self,
        request: Request<ListPeopleRequest>,
    ) -> Result<Response<ListPeopleResponse>, Status> {
        answer("Directory/ListPeople", request, |caller, question| {
            self.list(caller, question)
        })
        .await
    }

    async fn get_person(
        &self,
        request: Request<GetPersonRequest>,
    ) -> Result<Response<GetPersonResponse>, Status> {
        answer("Directory/GetPerson", request, |caller, question| {
            self.get(caller, question)
        })
        .await
    }

    async fn put_person(
        &self,
        request: Request<PutPersonRequest>,
    ) -> Result<Response<PutPersonResponse>, Status> {
        answer("Directory/PutPerson", request, |caller, wish| {
            self.put(caller, wish)
        })
        .await
    }
}

impl Directory {
    async fn list(&self, caller: Caller, question: ListPeopleRequest) -> Result<ListPeopleResponse, Status> {
        let kind = Some(question.kind.as_str())
            .filter(|kind| !kind.is_empty())
            .map(|kind| {
                Kind::named(kind)
                    .ok_or_else(|| Status::invalid_argument("kind must be agent or service_provider"))
            })
            .transpose()?;
        let after = cursor::read(CURSOR, &question.cursor, |id| String::from_utf8(id.to_vec()).ok())?;
        let page = list_people(
            &self.queries,
            caller.tenant()?,
            kind,
            after.as_deref(),
            question.page_size,
        )
        .await
        .map_err(ask::failed)?;
        let next = page
            .last_of_many()
            .map(|last| cursor::of_key(CURSOR, last.person.id.as_bytes()));
        Ok(ListPeopleResponse {
            next_cursor: next.unwrap_or_default(),
            people: page.entries.into_iter().map(shown).collect(),
        })
    }

    async fn get(&self, caller: Caller, question: GetPersonRequest) -> Result<GetPersonResponse, Status> {
        let id = ask::text(question.person_id, "a person's id", MAX_ID)?;
        let found = DirectoryQueries::find(&self.queries, caller.tenant()?, &id)
            .await
            .map_err(ask::failed)?;
        let person = found.ok_or_else(|| Status::not_found("there is no such person"))?;
        Ok(GetPersonResponse {
            person: Some(shown(person)),
        })
    }

    async fn put(&self, caller: Caller, wish: PutPersonRequest) -> Result<PutPersonResponse, Status> {
        let tenant = caller.tenant()?;
        ask::somebody(&caller)?;
        let typed = typed(wish.person.unwrap_or_default());
        let unusable = |bad: crate::domain::directory::BadPerson| Status::invalid_argument(bad.to_string());
        let person = Person::check(typed).map_err(unusable)?;
        let kept = self
            .orders
            .put_person(tenant, &person, &caller.subject)
            .await
            .map_err(ask::failed)?
            .map_err(unusable)?;
        Ok(PutPersonResponse {
            person: Some(shown(kept)),
        })
    }
}

/// Longer than any id.
const MAX_ID: usize = 128;

fn typed(person: Shown) -> Typed {
    Typed {
        id: person.person_id,
        kind: person.kind,
        name: person.name,
        email: person.email,
        phone: person.phone,
        tax_id: person.tax_id,
        address: person.address,
        active: person.active,
    }
}

fn shown(view: PersonView) -> Shown {
    let person = view.person;
    Shown {
        person_id: person.id,
        kind: person.kind.name().to_owned(),
        name: person.name,
        email: person.email,
        phone: person.phone,
        tax_id: person.tax_id,
        address: person.address,
        active: person.active,
        changed_at: Some(timestamp(view.changed_at)),
    }
}
