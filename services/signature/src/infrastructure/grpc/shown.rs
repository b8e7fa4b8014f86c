//! A request as callers are shown it; pure.

use puente_proto::signature::{Signature, Signer as Shown};
use puente_proto::timestamp;

use crate::domain::problem::Problem;
use crate::domain::signer::Signer;
use crate::infrastructure::store::row::Row;

/// Problems that end when an administrator authorises the account again.
const REAUTHORISE: [&str; 4] = [
    "consent_required",
    "invalid_grant",
    "grant_revoked",
    "token_refused",
];

/// The request.
pub(super) fn signature(row: Row) -> Signature {
    let problem = row.signature.problem.as_ref();
    let reauthorise = problem.is_some_and(reauthorises);
    let trace = row.traceparent.as_deref().and_then(puente_telemetry::trace_id);
    let id = |id: Option<uuid::Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    Signature {
        request_id: row.id.to_string(),
        order_id: row.order.to_string(),
        number: row.number.clone(),
        state: row.signature.state.as_str().to_owned(),
        label: row.signature.state.label().to_owned(),
        colour: row.signature.state.colour().to_owned(),
        step: row.signature.step.as_str().to_owned(),
        manual: row.signature.manual,
        signers: row
            .signature
            .signers
            .iter()
            .map(|one| signer(&row, one))
            .collect(),
        reason: row.signature.reason.clone(),
        provider: row.provider.clone(),
        connection: row.connection.clone(),
        envelope_id: row.signature.envelope_id.clone().unwrap_or_default(),
        problem_code: problem.map(|problem| problem.code.clone()).unwrap_or_default(),
        problem: problem.map(|problem| problem.detail.clone()).unwrap_or_default(),
        problem_tag: problem
            .map(|problem| problem.tag.as_str().to_owned())
            .unwrap_or_default(),
        reauthorise: if reauthorise {
            row.connection.clone()
        } else {
            String::new()
        },
        version: row.signature.version,
        requested_at: Some(timestamp(row.requested_at)),
        changed_at: Some(timestamp(row.changed_at)),
        checked_at: row.checked_at.map(timestamp),
        requested_by: row.requested_by.clone(),
        contract_id: id(row.signature.contract),
        signed_id: id(row.signature.signed),
        trace_id: trace.unwrap_or_default().to_owned(),
        actions: row
            .signature
            .actions()
            .into_iter()
            .map(|action| action.as_str().to_owned())
            .collect(),
        attempt: row.attempt.unsigned_abs(),
    }
}

/// Whether authorising the account again ends a problem: by its code, or by that of the call that failed.
fn reauthorises(problem: &Problem) -> bool {
    let cause = problem.detail.split(':').next().filter(|_| problem.is_at_large());
    REAUTHORISE.contains(&cause.unwrap_or(&problem.code))
}

fn signer(row: &Row, signer: &Signer) -> Shown {
    let party = row.wanted.party(signer.role);
    Shown {
        role: signer.role.as_str().to_owned(),
        name: party.name,
        email: party.email,
        state: signer.state.as_str().to_owned(),
        label: signer.state.label().to_owned(),
        colour: signer.state.colour().to_owned(),
        reason: signer.reason.clone(),
        sent_at: signer.sent_at.map(timestamp),
        delivered_at: signer.delivered_at.map(timestamp),
        ended_at: signer.ended_at.map(timestamp),
        notice: signer.notice.state.as_str().to_owned(),
        notice_code: signer.notice.code.clone(),
    }
}
