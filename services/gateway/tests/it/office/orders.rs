//! Orders and the directory.

use std::pin::Pin;

use puente_proto::orders::directory_server::Directory;
use puente_proto::orders::get_order_request::Key;
use puente_proto::orders::order_commands_server::OrderCommands;
use puente_proto::orders::order_queries_server::OrderQueries;
use puente_proto::orders::*;
use puente_proto::timestamp;
use tonic::{Request, Response, Status, async_trait};

use super::{Desk, REQUEST, signature, tenant};
use crate::support::NOW;

macro_rules! not_asked {
    ($($name:ident($request:ty) -> $answer:ty;)*) => {
        // As `async_trait` writes them: it does not see what a macro makes.
        $(fn $name<'me, 'call>(
            &'me self,
            _: Request<$request>,
        ) -> Pin<Box<dyn Future<Output = Result<Response<$answer>, Status>> + Send + 'call>>
        where
            'me: 'call,
        {
            Box::pin(async { Err(Status::not_found("nothing is told of this here")) })
        })*
    };
}

#[async_trait]
impl OrderQueries for Desk {
    async fn get_order(
        &self,
        request: Request<GetOrderRequest>,
    ) -> Result<Response<GetOrderResponse>, Status> {
        let whose = tenant(&request)?;
        let tables = self.tables.lock().unwrap();
        let key = request.into_inner().key;
        let fits = |order: &OrderSummary| match &key {
            Some(Key::OrderId(id)) => order.order_id == *id,
            Some(Key::Number(number)) => order.number == *number,
            None => false,
        };
        let found = tables
            .orders
            .iter()
            .find(|(of, order)| *of == whose && fits(order));
        let order = found.map(|(_, order)| order.clone());
        let order = order.ok_or_else(|| Status::not_found("no such order"))?;
        Ok(Response::new(GetOrderResponse { order: Some(order) }))
    }

    async fn get_journal(
        &self,
        request: Request<GetJournalRequest>,
    ) -> Result<Response<GetJournalResponse>, Status> {
        tenant(&request)?;
        let opened = JournalEntry {
            version: 1,
            fact: "opened".to_owned(),
            after: "Nueva".to_owned(),
            at: Some(timestamp(NOW)),
            ..JournalEntry::default()
        };
        Ok(Response::new(GetJournalResponse {
            entries: vec![opened],
        }))
    }

    async fn list_orders(
        &self,
        request: Request<ListOrdersRequest>,
    ) -> Result<Response<ListOrdersResponse>, Status> {
        let whose = tenant(&request)?;
        let wanted = request.into_inner();
        let begin: usize = wanted.cursor.parse().unwrap_or_default();
        let tables = self.tables.lock().unwrap();
        let has = |order: &OrderSummary| {
            wanted.assignee.is_empty() || [&order.agent, &order.service_provider].contains(&&wanted.assignee)
        };
        let fits = |order: &&OrderSummary| {
            (wanted.states.is_empty() || wanted.states.contains(&order.state)) && has(order)
        };
        let all = tables
            .orders
            .iter()
            .filter(|(of, _)| *of == whose)
            .map(|(_, order)| order);
        let mut rest = all.filter(fits).skip(begin);
        let size = wanted.page_size as usize;
        let orders: Vec<_> = rest.by_ref().take(size).cloned().collect();
        let more = rest.next().is_some();
        Ok(Response::new(ListOrdersResponse {
            orders,
            next_cursor: if more {
                (begin + size).to_string()
            } else {
                String::new()
            },
        }))
    }

    async fn look_up_client(
        &self,
        request: Request<LookUpClientRequest>,
    ) -> Result<Response<LookUpClientResponse>, Status> {
        let whose = tenant(&request)?;
        let nit = request.into_inner().nit;
        if nit != "900.373.115-3" {
            return Err(Status::invalid_argument(
                "`nit`: the check digit of the NIT does not fit",
            ));
        }
        let company = (whose == "algesta").then(|| Company {
            name: "ACME SERVICIOS SAS".to_owned(),
            email: "facturas@acme.example".to_owned(),
            phone: "+576013456789".to_owned(),
            location: "CL 100 # 8A-55".to_owned(),
            active: true,
            version: 7,
        });
        Ok(Response::new(LookUpClientResponse {
            nit: "900373115-3".to_owned(),
            reading: "verified".to_owned(),
            client: None,
            directory: if company.is_some() { "unreachable" } else { "off" }.to_owned(),
            known_at: company.as_ref().map(|_| timestamp(NOW)),
            age_seconds: if company.is_some() { 7_200 } else { 0 },
            company,
        }))
    }

    async fn count_orders(
        &self,
        request: Request<CountOrdersRequest>,
    ) -> Result<Response<CountOrdersResponse>, Status> {
        let whose = tenant(&request)?;
        let who = request.into_inner().assignee;
        let tables = self.tables.lock().unwrap();
        let all = tables.orders.iter().filter(|(of, order)| {
            *of == whose && (who.is_empty() || [&order.agent, &order.service_provider].contains(&&who))
        });
        let count = all.count() as u64;
        Ok(Response::new(CountOrdersResponse {
            states: vec![StateCount {
                state: "EnEjecucion".to_owned(),
                count,
            }],
            opened_today: count,
        }))
    }

    not_asked! {
        list_clients(ListClientsRequest) -> ListClientsResponse;
        get_client(GetClientRequest) -> GetClientResponse;
        list_conversations(ListConversationsRequest) -> ListConversationsResponse;
        get_conversation(GetConversationRequest) -> GetConversationResponse;
    }
}

#[async_trait]
impl OrderCommands for Desk {
    async fn move_order(
        &self,
        request: Request<MoveOrderRequest>,
    ) -> Result<Response<MoveOrderResponse>, Status> {
        tenant(&request)?;
        let wanted = request.into_inner();
        let price = wanted.quotation.unwrap_or_default();
        let mut tables = self.tables.lock().unwrap();
        let told = format!(
            "move {} {} {}",
            wanted.transition, price.amount_minor, price.currency
        );
        tables.done.push(told);
        Ok(Response::new(MoveOrderResponse { order: None }))
    }

    not_asked! {
        assign_order(AssignOrderRequest) -> AssignOrderResponse;
    }

    async fn send_to_signature(
        &self,
        request: Request<SendToSignatureRequest>,
    ) -> Result<Response<SendToSignatureResponse>, Status> {
        let whose = tenant(&request)?;
        let wanted = request.into_inner();
        let mut tables = self.tables.lock().unwrap();
        let known = tables.made.get(&wanted.idempotency_key).cloned();
        if known.as_ref().is_some_and(|order| *order != wanted.order_id) {
            let used = "the idempotency key was used for something else";
            return Err(Status::failed_precondition(used));
        }
        let known = known.is_some();
        let found = tables
            .orders
            .iter_mut()
            .find(|(of, order)| *of == whose && order.order_id == wanted.order_id);
        let (_, order) = found.ok_or_else(|| Status::not_found("no such order"))?;
        if !known && order.state != "CotizacionAprobada" {
            return Err(Status::failed_precondition("the quotation is not approved"));
        }
        order.state = "EnFirma".to_owned();
        let answer = SendToSignatureResponse {
            order: Some(order.clone()),
            request_id: REQUEST.to_owned(),
        };
        if !known {
            let emails: Vec<_> = wanted.parties.iter().map(|party| party.email.as_str()).collect();
            tables
                .done
                .push(format!("send_to_signature {}", emails.join(",")));
            tables.made.insert(wanted.idempotency_key, wanted.order_id);
            tables.signatures.push((whose, signature()));
        }
        Ok(Response::new(answer))
    }
}

#[async_trait]
impl Directory for Desk {
    async fn list_people(
        &self,
        request: Request<ListPeopleRequest>,
    ) -> Result<Response<ListPeopleResponse>, Status> {
        let whose = tenant(&request)?;
        let kind = request.into_inner().kind;
        let tables = self.tables.lock().unwrap();
        let people = tables
            .people
            .iter()
            .filter(|(of, one)| *of == whose && (kind.is_empty() || kind == one.kind));
        Ok(Response::new(ListPeopleResponse {
            people: people.map(|(_, one)| one.clone()).collect(),
            next_cursor: String::new(),
        }))
    }

    async fn get_person(
        &self,
        request: Request<GetPersonRequest>,
    ) -> Result<Response<GetPersonResponse>, Status> {
        let whose = tenant(&request)?;
        let id = request.into_inner().person_id;
        let tables = self.tables.lock().unwrap();
        let found = tables
            .people
            .iter()
            .find(|(of, one)| *of == whose && one.person_id == id);
        let person = found.map(|(_, one)| one.clone());
        let person = person.ok_or_else(|| Status::not_found("no such person"))?;
        Ok(Response::new(GetPersonResponse { person: Some(person) }))
    }

    async fn put_person(
        &self,
        request: Request<PutPersonRequest>,
    ) -> Result<Response<PutPersonResponse>, Status> {
        let whose = tenant(&request)?;
        let mut person = request.into_inner().person.unwrap();
        person.changed_at = Some(timestamp(NOW));
        let mut tables = self.tables.lock().unwrap();
        tables
            .people
            .retain(|(of, one)| *of != whose || one.person_id != person.person_id);
        tables.people.push((whose, person.clone()));
        tables.done.push("put_person".to_owned());
        Ok(Response::new(PutPersonResponse { person: Some(person) }))
    }
}
