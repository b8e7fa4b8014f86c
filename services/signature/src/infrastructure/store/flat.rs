//! A request's row as the database gives it.

use puente_types::TenantId;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::notice::Notice;
use crate::domain::problem::Problem;
use crate::domain::signature::Signature;
use crate::domain::signer::Signer;
use crate::infrastructure::store::row::Row;

/// The columns of a request.
pub(crate) struct Flat {
    pub(crate) id: Uuid,
    pub(crate) order_id: Uuid,
    pub(crate) number: String,
    pub(crate) attempt: i32,
    pub(crate) request: serde_json::Value,
    pub(crate) requested_by: String,
    pub(crate) requested_at: OffsetDateTime,
    pub(crate) state: String,
    pub(crate) step: String,
    pub(crate) manual: bool,
    pub(crate) reason: String,
    pub(crate) provider: String,
    pub(crate) connection: String,
    pub(crate) envelope_id: Option<String>,
    pub(crate) problem_code: Option<String>,
    pub(crate) problem: Option<String>,
    pub(crate) problem_tag: Option<String>,
    pub(crate) problem_since: Option<OffsetDateTime>,
    pub(crate) version: i64,
    pub(crate) contract_id: Option<Uuid>,
    pub(crate) contract_key: Option<String>,
    pub(crate) contract_hash: Option<String>,
    pub(crate) signed_id: Option<Uuid>,
    pub(crate) traceparent: Option<String>,
    pub(crate) changed_at: OffsetDateTime,
    pub(crate) checked_at: Option<OffsetDateTime>,
    pub(crate) quiet_since: OffsetDateTime,
    pub(crate) due_at: OffsetDateTime,
    pub(crate) tries: i32,
    pub(crate) posted_at: Option<OffsetDateTime>,
    pub(crate) polls: i32,
}

/// A signer's row.
pub(crate) struct FlatSigner {
    pub(crate) request_id: Uuid,
    pub(crate) role: String,
    pub(crate) state: String,
    pub(crate) reason: String,
    pub(crate) sent_at: Option<OffsetDateTime>,
    pub(crate) delivered_at: Option<OffsetDateTime>,
    pub(crate) ended_at: Option<OffsetDateTime>,
    pub(crate) notice: String,
    pub(crate) notice_id: Option<Uuid>,
    pub(crate) notice_code: String,
}

impl Flat {
    /// The request with its signers, of a tenant.
    pub(crate) fn row(self, tenant: &TenantId, signers: Vec<Signer>) -> Result<Row, sqlx::Error> {
        let problem = match (self.problem_code, self.problem_tag, self.problem_since) {
            (Some(code), Some(tag), Some(since)) => Some(Problem {
                code,
                detail: self.problem.unwrap_or_default(),
                tag: tag.parse().map_err(decode)?,
                since,
            }),
            _ => None,
        };
        let signature = Signature {
            state: self.state.parse().map_err(decode)?,
            step: self.step.parse().map_err(decode)?,
            manual: self.manual,
            signers,
            reason: self.reason,
            envelope_id: self.envelope_id,
            problem,
            contract: self.contract_id,
            signed: self.signed_id,
            version: self.version,
            events: Vec::new(),
        };
        Ok(Row {
            id: self.id,
            tenant: tenant.clone(),
            order: self.order_id.into(),
            number: self.number,
            attempt: self.attempt,
            wanted: serde_json::from_value(self.request).map_err(decode)?,
            requested_by: self.requested_by,
            requested_at: self.requested_at,
            provider: self.provider,
            connection: self.connection,
            contract: self.contract_key.zip(self.contract_hash),
            traceparent: self.traceparent,
            changed_at: self.changed_at,
            checked_at: self.checked_at,
            quiet_since: self.quiet_since,
            due_at: self.due_at,
            tries: self.tries,
            posted_at: self.posted_at,
            polls: self.polls,
            signature,
        })
    }
}

impl FlatSigner {
    /// The signer.
    pub(crate) fn signer(self) -> Result<Signer, sqlx::Error> {
        Ok(Signer {
            role: self.role.parse().map_err(decode)?,
            state: self.state.parse().map_err(decode)?,
            reason: self.reason,
            sent_at: self.sent_at,
            delivered_at: self.delivered_at,
            ended_at: self.ended_at,
            notice: Notice {
                state: self.notice.parse().map_err(decode)?,
                asked_by: self.notice_id,
                code: self.notice_code,
            },
        })
    }
}

fn decode<E: std::error::Error + Send + Sync + 'static>(error: E) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}
