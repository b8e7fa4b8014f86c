//! The service `OrderCommands`: what a person does to an order.

use std::sync::Arc;

use puente_proto::orders::order_commands_server::OrderCommands as Service;
use puente_proto::orders::{
    AssignOrderRequest, AssignOrderResponse, MoveOrderRequest, MoveOrderResponse, OrderSummary,
    SendToSignatureRequest, SendToSignatureResponse,
};
use puente_rpc::{Caller, answer};
use puente_types::{Clock, OrderId, Region};
use sha2::{Digest as _, Sha256};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::super::store::{PgOrders, PgQueries};
use super::{ask, orders, signing};
use crate::application::change_state::{Change, ChangeError};
use crate::application::command_order::{Command, CommandError, command_order};
use crate::domain::error::Refused;
use crate::domain::order::Assignment;
use crate::domain::papers::today;
use crate::domain::ports::{Issued, OrderStore as _};
use crate::domain::queries::OrderQueries;
use crate::domain::state::Transition;
use crate::domain::view::OrderKey;

/// Longest idempotency key.
const MAX_KEY: usize = 200;
/// Longest id of an agent or a service provider in the directory.
const MAX_WHO: usize = 128;
/// Longer than any reason that the order takes; what is too long for it is refused in its words.
const MAX_REASON: usize = 1_000;

/// Does what commands say.
#[derive(Clone)]
pub(super) struct Commands {
    pub(super) orders: PgOrders,
    pub(super) queries: PgQueries,
    pub(super) clock: Arc<dyn Clock>,
    /// Whose calendar tells whether a price is over.
    pub(super) region: Region,
    /// Whether an assignment needs papers that are good.
    pub(super) papers_required: bool,
}

#[tonic::async_trait]
impl Service for Commands {
    async fn move_order(
        &self,
        request: Request<MoveOrderRequest>,
    ) -> Result<Response<MoveOrderResponse>, Status> {
        answer("OrderCommands/MoveOrder", request, async |caller, wish| {
            let command = self.move_command(&caller, wish)?;
            let (order, _) = self.run(&caller, command).await?;
            Ok(MoveOrderResponse { order: Some(order) })
        })
        .await
    }

    async fn assign_order(
        &self,
        request: Request<AssignOrderRequest>,
    ) -> Result<Response<AssignOrderResponse>, Status> {
        answer("OrderCommands/AssignOrder", request, async |caller, wish| {
            let today = today(self.clock.now(), self.region);
            let provider = wish.service_provider.clone().unwrap_or_default();
            let command = Command {
                papers_on: self.papers_required.then_some(today),
                ..assign_command(&caller, wish)?
            };
            let (order, _) = self.run(&caller, command).await?;
            let expired = self
                .orders
                .expired(caller.tenant()?, provider.trim(), today)
                .await;
            let expired = expired.map_err(ask::failed)?;
            Ok(AssignOrderResponse {
                order: Some(order),
                expired_papers: expired.iter().map(ToString::to_string).collect(),
            })
        })
        .await
    }

    async fn send_to_signature(
        &self,
        request: Request<SendToSignatureRequest>,
    ) -> Result<Response<SendToSignatureResponse>, Status> {
        answer("OrderCommands/SendToSignature", request, async |caller, wish| {
            let (order, request) = self.run(&caller, sign_command(&caller, wish)?).await?;
            Ok(SendToSignatureResponse {
                order: Some(order),
                request_id: request.map(|id| id.to_string()).unwrap_or_default(),
            })
        })
        .await
    }
}

impl Commands {
    async fn run(&self, caller: &Caller, command: Command) -> Result<(OrderSummary, Option<Uuid>), Status> {
        let tenant = caller.tenant()?;
        ask::somebody(caller)?;
        let request = command_order(&self.orders, tenant, &command)
            .await
            .map_err(refused)?;
        let order = self
            .queries
            .find(tenant, OrderKey::Id(command.order))
            .await
            .map_err(ask::failed)?;
        let order = order.map(orders::summary).ok_or_else(orders::unknown)?;
        Ok((order, request))
    }

    fn move_command(&self, caller: &Caller, wish: MoveOrderRequest) -> Result<Command, Status> {
        let order: OrderId = ask::id(&wish.order_id, "an order")?;
        let transition: Transition =
            wish.transition
                .parse()
                .map_err(|error: crate::domain::state::UnknownName| {
                    Status::invalid_argument(error.to_string())
                })?;
        if transition == Transition::Assign {
            let instead = "an order is assigned by AssignOrder, which names who works on it";
            return Err(Status::invalid_argument(instead));
        }
        let reason = ask::text(wish.reason, "a reason", MAX_REASON)?;
        let mut said = vec![
            "move".to_owned(),
            order.to_string(),
            transition.name().to_owned(),
            reason.clone(),
            wish.expected_version.to_string(),
        ];
        let change = match (transition, &wish.quotation) {
            (Transition::SendQuotation, Some(price)) => {
                said.extend([price.amount_minor.to_string(), price.currency.clone()]);
                said.extend([price.note.clone(), price.valid_until.clone()]);
                Change::Quote(
                    signing::quotation(price, self.clock.now(), self.region)?,
                    Some(reason),
                )
            }
            (other, Some(_)) => {
                let misplaced = Refused::PriceMisplaced(other);
                return Err(Status::invalid_argument(misplaced.to_string()));
            }
            (Transition::SendToSignature, None) => Change::Sign(Box::default(), Some(reason)),
            (other, None) => Change::Move(other, Some(reason)),
        };
        Ok(Command {
            issued: issued(caller, wish.idempotency_key, &said)?,
            order,
            change,
            expected: expected(wish.expected_version)?,
            papers_on: None,
        })
    }
}

fn sign_command(caller: &Caller, wish: SendToSignatureRequest) -> Result<Command, Status> {
    let order: OrderId = ask::id(&wish.order_id, "an order")?;
    let parties = signing::parties(wish.parties)?;
    let mut said = vec![
        "sign".to_owned(),
        order.to_string(),
        wish.expected_version.to_string(),
    ];
    for (_, party) in parties.each() {
        let fields = [
            &party.name,
            &party.email,
            &party.phone,
            &party.tax_id,
            &party.address,
        ];
        said.extend(fields.map(Clone::clone));
    }
    Ok(Command {
        issued: issued(caller, wish.idempotency_key, &said)?,
        order,
        change: Change::Sign(Box::new(parties), None),
        expected: expected(wish.expected_version)?,
        papers_on: None,
    })
}

fn assign_command(caller: &Caller, wish: AssignOrderRequest) -> Result<Command, Status> {
    let order: OrderId = ask::id(&wish.order_id, "an order")?;
    let who = |id: Option<String>, what| id.map(|id| ask::text(id, what, MAX_WHO)).transpose();
    let assignment = Assignment {
        agent: who(wish.agent, "an agent's id")?,
        service_provider: who(wish.service_provider, "a service provider's id")?,
    };
    // A place that is left as it is differs from one that is named.
    let part = |id: &Option<String>| id.as_ref().map(|id| format!("={id}")).unwrap_or_default();
    let said = [
        "assign".to_owned(),
        order.to_string(),
        part(&assignment.agent),
        part(&assignment.service_provider),
        wish.expected_version.to_string(),
    ];
    Ok(Command {
        issued: issued(caller, wish.idempotency_key, &said)?,
        order,
        change: Change::Assign(assignment),
        expected: expected(wish.expected_version)?,
        papers_on: None,
    })
}

pub(super) fn issued(caller: &Caller, key: String, said: &[String]) -> Result<Issued, Status> {
    if key.is_empty() {
        return Err(Status::invalid_argument("a command needs an idempotency key"));
    }
    let mut hash = Sha256::new();
    // Who says it belongs to what is said: nobody repeats another person's command.
    for part in said.iter().chain([&caller.subject]) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    Ok(Issued {
        key: ask::text(key, "an idempotency key", MAX_KEY)?,
        digest: hash.finalize().into(),
        by: caller.subject.clone(),
    })
}

pub(super) fn expected(version: i64) -> Result<Option<i64>, Status> {
    match version {
        0 => Ok(None),
        1.. => Ok(Some(version)),
        _ => Err(Status::invalid_argument(
            "versions begin with 1; 0 stands for any",
        )),
    }
}

fn refused(error: CommandError) -> Status {
    let reason = error.to_string();
    match error {
        CommandError::KeyUsed => Status::failed_precondition(reason),
        CommandError::Moved { .. } | CommandError::Change(ChangeError::Busy) => Status::aborted(reason),
        CommandError::Change(ChangeError::Unknown) => orders::unknown(),
        CommandError::Change(ChangeError::Store(error)) => ask::failed(error),
        CommandError::Change(ChangeError::Refused(refused)) => match refused {
            Refused::Illegal { .. }
            | Refused::QuotationNotApproved(_)
            | Refused::Finished(_)
            | Refused::ComesFromSigners(_)
            | Refused::NobodySigns
            | Refused::PartiesMissing(_)
            | Refused::OneSignsForBoth
            | Refused::PapersExpired { .. }
            | Refused::Unfit { .. } => Status::failed_precondition(reason),
            Refused::ReasonMissing(_)
            | Refused::ReasonTooLong(_)
            | Refused::NobodyAssigned
            | Refused::PriceMisplaced(_) => Status::invalid_argument(reason),
        },
    }
}
