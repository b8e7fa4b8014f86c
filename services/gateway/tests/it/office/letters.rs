//! What orders could not handle, and calls to providers of whoever makes some.

use std::pin::Pin;

use puente_proto::operations::operations_server::Operations;
use puente_proto::operations::*;
use puente_proto::timestamp;
use time::Duration;
use tonic::{Request, Response, Status, async_trait};
use uuid::Uuid;

use super::{Desk, tenant};
use crate::support::NOW;

/// A letter that waits.
pub(crate) fn letter(event: &str) -> DeadLetter {
    DeadLetter {
        event_id: event.to_owned(),
        consumer: "orders".to_owned(),
        tenant: "algesta".to_owned(),
        r#type: "puente.messaging.v1.MessageReceived".to_owned(),
        reason: "the message cannot be read".to_owned(),
        attempts: 3,
        dead_at: Some(timestamp(NOW)),
        ..DeadLetter::default()
    }
}

/// An event of order `o1` that was committed so many seconds after noon.
pub(crate) fn event(seconds: i64, seq: i64) -> PublishedEvent {
    PublishedEvent {
        id: Uuid::now_v7().to_string(),
        tenant: "algesta".to_owned(),
        aggregate_id: "o1".to_owned(),
        committed_at: Some(timestamp(NOW + Duration::seconds(seconds))),
        seq,
        ..PublishedEvent::default()
    }
}

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

impl Desk {
    /// Settles the letter of this event.
    fn settle(&self, event: &str, resolution: &str, why: &str) -> Result<(), Status> {
        let mut tables = self.tables.lock().unwrap();
        let found = tables
            .letters
            .iter_mut()
            .find(|letter| letter.event_id == event && letter.resolution.is_empty());
        let letter = found.ok_or_else(|| Status::not_found("no such letter waits"))?;
        letter.resolution = resolution.to_owned();
        letter.resolution_reason = why.to_owned();
        tables.done.push(format!("{resolution} {event}"));
        Ok(())
    }
}

#[async_trait]
impl Operations for Desk {
    async fn list_dead_letters(
        &self,
        request: Request<ListDeadLettersRequest>,
    ) -> Result<Response<ListDeadLettersResponse>, Status> {
        tenant(&request)?;
        let resolved = request.into_inner().resolved;
        let tables = self.tables.lock().unwrap();
        let all = tables.letters.iter().filter(|_| self.name == "orders");
        let letters: Vec<_> = all
            .filter(|one| one.resolution.is_empty() != resolved)
            .cloned()
            .collect();
        Ok(Response::new(ListDeadLettersResponse {
            waiting: if resolved { 0 } else { letters.len() as u64 },
            letters,
            next_cursor: String::new(),
        }))
    }

    async fn retry_dead_letter(
        &self,
        request: Request<RetryDeadLetterRequest>,
    ) -> Result<Response<RetryDeadLetterResponse>, Status> {
        tenant(&request)?;
        let event = request.into_inner().event_id;
        let stubborn = self.tables.lock().unwrap().stubborn.contains(&event);
        if !stubborn {
            self.settle(&event, "retried", "")?;
        }
        Ok(Response::new(RetryDeadLetterResponse {
            handled: !stubborn,
            reason: String::new(),
        }))
    }

    async fn close_dead_letter(
        &self,
        request: Request<CloseDeadLetterRequest>,
    ) -> Result<Response<CloseDeadLetterResponse>, Status> {
        tenant(&request)?;
        let wanted = request.into_inner();
        self.settle(&wanted.event_id, "closed", &wanted.reason)?;
        Ok(Response::new(CloseDeadLetterResponse {}))
    }

    async fn list_effects(
        &self,
        request: Request<ListEffectsRequest>,
    ) -> Result<Response<ListEffectsResponse>, Status> {
        tenant(&request)?;
        let wanted = request.into_inner();
        let cursor = wanted.cursor.strip_prefix(self.name);
        if cursor.is_none() && !wanted.cursor.is_empty() {
            return Err(Status::invalid_argument("the cursor is none of ours"));
        }
        let begin: usize = cursor.and_then(|at| at.parse().ok()).unwrap_or_default();
        let tables = self.tables.lock().unwrap();
        let all = tables.effects.iter().filter(|(of, _)| *of == self.name);
        let all: Vec<_> = all.map(|(_, one)| one.clone()).collect();
        let fits = |one: &&Effect| wanted.states.is_empty() || wanted.states.contains(&one.state);
        let mut rest = all.iter().filter(fits).skip(begin);
        let size = wanted.page_size as usize;
        let effects: Vec<_> = rest.by_ref().take(size).cloned().collect();
        let next = rest.next().map(|_| format!("{}{}", self.name, begin + size));
        Ok(Response::new(ListEffectsResponse {
            effects,
            next_cursor: next.unwrap_or_default(),
            unknown: all.iter().filter(|one| one.state == "unknown").count() as u64,
        }))
    }

    async fn resolve_effect(
        &self,
        request: Request<ResolveEffectRequest>,
    ) -> Result<Response<ResolveEffectResponse>, Status> {
        tenant(&request)?;
        let wanted = request.into_inner();
        let mut tables = self.tables.lock().unwrap();
        let found = tables
            .effects
            .iter_mut()
            .find(|(of, one)| *of == self.name && one.id == wanted.id);
        let (_, effect) = found.ok_or_else(|| Status::not_found("there is no such call"))?;
        if effect.state != "unknown" {
            return Err(Status::failed_precondition("it is not in doubt any more"));
        }
        effect.state = match wanted.resolution() {
            Resolution::Repeat => "due",
            Resolution::Confirm => "done",
            Resolution::Close => "closed",
            Resolution::Unspecified => return Err(Status::invalid_argument("say what")),
        }
        .to_owned();
        let told = format!("{} {} because: {}", effect.state, wanted.id, wanted.reason);
        tables.done.push(told);
        Ok(Response::new(ResolveEffectResponse {}))
    }

    async fn list_events(
        &self,
        request: Request<ListEventsRequest>,
    ) -> Result<Response<ListEventsResponse>, Status> {
        tenant(&request)?;
        let wanted = request.into_inner();
        let Some(list_events_request::Key::AggregateId(id)) = wanted.key else {
            return Err(Status::failed_precondition("there is no such index"));
        };
        let begin: usize = wanted.cursor.parse().unwrap_or_default();
        let tables = self.tables.lock().unwrap();
        let ours = tables.events.iter().filter(|(of, _)| *of == self.name);
        let ours = ours.filter(|(_, one)| one.aggregate_id == id);
        let mut rest = ours.map(|(_, one)| one.clone()).skip(begin);
        let size = wanted.limit as usize;
        let events: Vec<_> = rest.by_ref().take(size).collect();
        let next = rest.next().map(|_| (begin + size).to_string());
        Ok(Response::new(ListEventsResponse {
            events,
            next_cursor: next.unwrap_or_default(),
        }))
    }

    not_asked! {
        get_dead_letter(GetDeadLetterRequest) -> GetDeadLetterResponse;
        get_effect(GetEffectRequest) -> GetEffectResponse;
        list_connection_health(ListConnectionHealthRequest) -> ListConnectionHealthResponse;
    }
}
