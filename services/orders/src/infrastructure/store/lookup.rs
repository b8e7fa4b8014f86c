//! What the tenants' ERPs said of tax ids, who waits for it, and whom to ask next. `company` tells the protocol.

use std::time::Duration;

use puente_types::{Nit, Phone, Region, TenantId};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::row;
use crate::application::look_up_client::{Answer, Known};
use crate::domain::company::{Check, Company, Verdict};
use crate::domain::error::StoreError;

/// How long a failure is believed: whoever names the tax id meanwhile need not wait for another one.
const REST: Duration = Duration::from_secs(30);

/// How long answers of ERPs count, and are waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// An answer that is older is asked for again.
    pub(crate) fresh: Duration,
    /// Longer than this no conversation waits.
    pub(crate) wait: Duration,
}

/// What is known of a tax id, as stored.
#[derive(Debug)]
pub(crate) struct Lookup {
    answer: String,
    known_at: Option<OffsetDateTime>,
    name: String,
    email: String,
    phone: String,
    location: String,
    active: bool,
    version: i64,
    asked_at: Option<OffsetDateTime>,
    failed_at: Option<OffsetDateTime>,
}

impl Lookup {
    fn said(&self) -> Option<Answer> {
        match self.answer.as_str() {
            "found" => Some(Answer::Found(Company {
                name: self.name.clone(),
                email: self.email.clone(),
                phone: Phone::parse(&self.phone, Region::default()).ok(),
                location: self.location.clone(),
                active: self.active,
                version: self.version,
            })),
            "unknown" => Some(Answer::Unknown),
            "off" => Some(Answer::Off),
            _ => None,
        }
    }

    /// Whether the last answer still counts.
    pub(crate) fn is_fresh(&self, now: OffsetDateTime, patience: Patience) -> bool {
        self.known_at.is_some_and(|at| now - at < patience.fresh)
    }

    /// Whether somebody who looks it up has the ERP asked first.
    pub(crate) fn is_to_be_asked(&self, now: OffsetDateTime, patience: Patience) -> bool {
        let failed = self.failed_at.is_some_and(|at| now - at < REST);
        !failed && !self.is_fresh(now, patience)
    }

    /// The last answer, and its age.
    pub(crate) fn known(&self) -> Known {
        Known {
            answer: self.said(),
            known_at: self.known_at,
        }
    }

    /// What it means; `None` when the ERP has to be waited for.
    pub(super) fn verdict(&self, now: OffsetDateTime, patience: Patience) -> Option<Verdict> {
        let failed = self.failed_at.is_some_and(|at| now - at < REST);
        let waited = self.asked_at.is_some_and(|at| now - at >= patience.wait);
        let fresh = self.is_fresh(now, patience);
        if !fresh && !failed && !waited {
            return None;
        }
        Some(match self.said() {
            // A client that the ERP knew is believed while it is away; that it knew none may have changed.
            Some(Answer::Found(company)) if company.active => Verdict::Listed(company),
            Some(Answer::Found(_)) => Verdict::Inactive,
            Some(Answer::Unknown | Answer::Off) if fresh => Verdict::Unknown,
            Some(Answer::Unknown | Answer::Off) | None => Verdict::Unreachable,
        })
    }

    /// What a client of this tax id is marked as when it is made now.
    pub(super) fn check(&self, now: OffsetDateTime, patience: Patience) -> Check {
        match self.said() {
            Some(Answer::Found(_)) => Check::Known,
            Some(Answer::Unknown) if self.is_fresh(now, patience) => Check::Unknown,
            Some(Answer::Off) if self.is_fresh(now, patience) => Check::None,
            _ => Check::Pending,
        }
    }
}

/// What the ERP said of a tax id.
pub(crate) async fn lookup(
    connection: &mut PgConnection,
    tenant: &TenantId,
    nit: &Nit,
) -> Result<Option<Lookup>, sqlx::Error> {
    sqlx::query_as!(
        Lookup,
        "SELECT answer, known_at, name, email, phone, location, active, version, asked_at, failed_at FROM client_lookups
         WHERE tenant = $1 AND nit_body = $2",
        tenant.as_str(),
        nit.body()
    )
    .fetch_optional(connection)
    .await
}

/// Notes that somebody waits for the ERP's answer; who waits already is not made to wait longer.
pub(super) async fn ask(
    connection: &mut PgConnection,
    tenant: &TenantId,
    nit: &Nit,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO client_lookups AS l (tenant, nit_body, asked_at, due_at, touched_at) VALUES ($1, $2, $3, $3, $3)
         ON CONFLICT (tenant, nit_body) DO UPDATE
         SET asked_at = coalesce(l.asked_at, $3), due_at = CASE WHEN l.asked_at IS NULL THEN $3 ELSE l.due_at END,
             touched_at = $3",
        tenant.as_str(),
        nit.body(),
        now
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A tax id that the ERP is to be asked for.
pub(crate) struct Due {
    pub(crate) tenant: TenantId,
    pub(crate) nit: Nit,
}

/// Takes one up until `lease`; whoever dies with it leaves it to the next.
pub(crate) async fn claim(
    connection: &mut PgConnection,
    now: OffsetDateTime,
    lease: OffsetDateTime,
) -> Result<Option<Due>, StoreError> {
    let row = sqlx::query!(
        "UPDATE client_lookups SET due_at = $2, tries = least(tries, 1000000) + 1 WHERE (tenant, nit_body) =
             (SELECT tenant, nit_body FROM client_lookups WHERE due_at <= $1 ORDER BY due_at LIMIT 1
              FOR NO KEY UPDATE SKIP LOCKED)
         RETURNING tenant, nit_body",
        now,
        lease
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let corrupt = || StoreError::Corrupt("a tax id to look up".into());
    Ok(Some(Due {
        tenant: row.tenant.parse().map_err(|_| corrupt())?,
        nit: row::nit_of(&row.nit_body).ok_or_else(corrupt)?,
    }))
}

/// Lets conversations go on that wait for what is known now; returns how many. Apart from the transaction that keeps the
/// answer, for a turn holds its conversation while it notes a tax id.
pub(crate) async fn wake(
    connection: &mut PgConnection,
    tenant: &TenantId,
    nit: &Nit,
) -> Result<u64, sqlx::Error> {
    let woken = sqlx::query!(
        "UPDATE conversations SET awaits_nit = NULL, not_before = '-infinity' WHERE tenant = $1 AND awaits_nit = $2",
        tenant.as_str(),
        nit.body()
    )
    .execute(connection)
    .await?;
    Ok(woken.rows_affected())
}

/// Forgets answers that nobody asked for since then; at most `most`.
pub(crate) async fn purge_lookups(
    connection: &mut PgConnection,
    before: OffsetDateTime,
    most: i64,
) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM client_lookups WHERE (tenant, nit_body) IN
             (SELECT tenant, nit_body FROM client_lookups WHERE due_at IS NULL AND touched_at < $1 LIMIT $2)",
        before,
        most
    )
    .execute(connection)
    .await?;
    Ok(gone.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some moment.
    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH.saturating_add(time::Duration::days(20_000));
    const PATIENCE: Patience = Patience {
        fresh: Duration::from_hours(1),
        wait: Duration::from_secs(8),
    };

    fn said(answer: &str, minutes_ago: i64) -> Lookup {
        Lookup {
            answer: answer.to_owned(),
            known_at: Some(NOW - time::Duration::minutes(minutes_ago)),
            name: "ACME".to_owned(),
            email: String::new(),
            phone: "+576013456789".to_owned(),
            location: String::new(),
            active: true,
            version: 7,
            asked_at: None,
            failed_at: None,
        }
    }

    fn after(lookup: Lookup, failed: Option<i64>, asked: Option<i64>) -> Option<Verdict> {
        let at = |seconds: i64| NOW - time::Duration::seconds(seconds);
        let lookup = Lookup {
            failed_at: failed.map(at),
            asked_at: asked.map(at),
            ..lookup
        };
        lookup.verdict(NOW, PATIENCE)
    }

    #[test]
    fn a_fresh_answer_counts_and_an_old_one_is_asked_for_again() {
        assert!(matches!(
            after(said("found", 59), None, None),
            Some(Verdict::Listed(_))
        ));
        assert_eq!(after(said("unknown", 59), None, None), Some(Verdict::Unknown));
        assert_eq!(after(said("off", 59), None, None), Some(Verdict::Unknown));
        for answer in ["found", "unknown", "off"] {
            assert_eq!(after(said(answer, 60), None, None), None, "{answer}");
            assert_eq!(after(said(answer, 60), None, Some(7)), None, "{answer}");
        }
    }

    #[test]
    fn while_the_erp_is_away_a_client_that_it_knew_is_believed_and_nothing_else() {
        for (failed, asked) in [(Some(29), None), (None, Some(8))] {
            assert!(matches!(
                after(said("found", 600), failed, asked),
                Some(Verdict::Listed(_))
            ));
            for answer in ["unknown", "off", ""] {
                assert_eq!(
                    after(said(answer, 600), failed, asked),
                    Some(Verdict::Unreachable),
                    "{answer}"
                );
            }
        }
        assert_eq!(
            after(said("", 600), Some(30), None),
            None,
            "a failure is not believed for ever"
        );
        let inactive = Lookup {
            active: false,
            ..said("found", 1)
        };
        assert_eq!(after(inactive, None, None), Some(Verdict::Inactive));
    }

    #[test]
    fn a_client_is_marked_by_what_is_known_when_it_is_made() {
        let check = |answer, minutes| said(answer, minutes).check(NOW, PATIENCE);
        assert_eq!(
            [check("found", 600), check("unknown", 1), check("off", 1)],
            [Check::Known, Check::Unknown, Check::None]
        );
        assert_eq!(
            [check("unknown", 60), check("off", 60), check("", 1)],
            [Check::Pending; 3]
        );
    }
}
