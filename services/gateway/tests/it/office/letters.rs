//! What orders could not handle.

use std::pin::Pin;

use puente_proto::operations::operations_server::Operations;
use puente_proto::operations::*;
use puente_proto::timestamp;
use tonic::{Request, Response, Status, async_trait};

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
        let all = tables.letters.iter();
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

    not_asked! {
        list_events(ListEventsRequest) -> ListEventsResponse;
        get_dead_letter(GetDeadLetterRequest) -> GetDeadLetterResponse;
        list_effects(ListEffectsRequest) -> ListEffectsResponse;
        get_effect(GetEffectRequest) -> GetEffectResponse;
        resolve_effect(ResolveEffectRequest) -> ResolveEffectResponse;
        list_connection_health(ListConnectionHealthRequest) -> ListConnectionHealthResponse;
    }
}
