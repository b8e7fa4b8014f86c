//! Sealing everything anew: after a change of master key, or to draw new data keys. Runs while services run.
//!
//! Everything sealed says under which master key it is, so there is no list of what is done: what is under today's key
//! is left alone, and a job that was interrupted is simply started again. (With [`Which::All`] it starts over.) Each
//! write puts the new form in place of the very form that was read; who wrote in between wins, and is looked at again.
//!
//! Order matters only around it: services must be able to open what is written here *before* it is written, and the
//! former key is dropped *after* [`census`] shows nothing under it.

mod bucket;
mod tables;

use std::collections::BTreeMap;

use async_nats::Client;
use puente_types::{ConnectionId, TenantId};
use sqlx::PgPool;

use crate::publish::{self, PublishError};
use crate::seal::{Sealed, open, seal};
use crate::{MasterKeys, SealError};

/// How often entries that somebody changed meanwhile are looked at again.
const PASSES: usize = 3;

/// How many unreadable entries are named.
const MOST_NAMED: usize = 50;

/// Which entries are sealed anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those under a former master key, or a former version of it.
    Former,
    /// All: every tenant gets new data keys.
    All,
}

/// Where sealed things are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Connections in the broker's bucket.
    Bucket,
    /// A service's copies of them.
    Copies,
    /// OAuth tokens of a service.
    Tokens,
    /// Authorisations that people are in the middle of.
    Authorizations,
}

impl Place {
    /// A fixed word for people and programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bucket => "bucket",
            Self::Copies => "copies",
            Self::Tokens => "oauth_tokens",
            Self::Authorizations => "oauth_authorizations",
        }
    }
}

/// How far the job is in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Where.
    pub place: Place,
    /// Entries looked at.
    pub done: u64,
    /// Entries there are.
    pub total: u64,
}

/// Who is told of progress.
pub type Tell<'a> = &'a mut (dyn FnMut(Progress) + Send);

/// What the job did in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Where.
    pub place: Place,
    /// Sealed anew.
    pub resealed: u64,
    /// Under today's key already.
    pub already: u64,
    /// Written by somebody else each time; today's key sealed them if services have it first.
    pub changed: u64,
    /// Could not be opened with any key at hand.
    pub unreadable: u64,
    /// Some of those, with the reason.
    pub examples: Vec<Unreadable>,
}

/// An entry that no key at hand opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Its connection.
    pub connection: String,
    /// Why.
    pub reason: String,
}

/// The job stopped; what it did stays done.
#[derive(Debug, thiserror::Error)]
pub enum ResealError {
    /// The database.
    #[error("the database does not answer; start again, what is done stays done")]
    Database(#[from] sqlx::Error),
    /// The bucket.
    #[error(transparent)]
    Bucket(#[from] PublishError),
    /// The vault, or the machine's randomness.
    #[error("sealing stopped; start again, what is done stays done")]
    Seal(#[from] SealError),
}

/// How much is sealed under which master key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Census {
    /// Where.
    pub place: Place,
    /// The master key, or its version in a vault.
    pub master: String,
    /// Whether that is the one that seals now.
    pub current: bool,
    /// How many.
    pub count: u64,
}

/// What one schema holds.
///
/// # Errors
/// When the database or the vault does not answer.
pub async fn census(pool: &PgPool, masters: &MasterKeys) -> Result<Vec<Census>, ResealError> {
    let counted = tables::count(pool).await?;
    told(counted, masters).await
}

/// What the bucket holds.
///
/// # Errors
/// When the broker or the vault does not answer.
pub async fn bucket_census(client: &Client, masters: &MasterKeys) -> Result<Vec<Census>, ResealError> {
    let mut counted = BTreeMap::new();
    for listed in publish::list(client).await? {
        *counted.entry((Place::Bucket, listed.master)).or_default() += 1;
    }
    told(counted, masters).await
}

async fn told(
    counted: BTreeMap<(Place, String), u64>,
    masters: &MasterKeys,
) -> Result<Vec<Census>, ResealError> {
    let current = masters.current_id().await?;
    let told = counted.into_iter().map(|((place, master), count)| Census {
        current: master == current,
        place,
        master,
        count,
    });
    Ok(told.collect())
}

/// Seals anew what one schema holds.
///
/// # Errors
/// When the database or the vault does not answer; start again then.
pub async fn tables(
    pool: &PgPool,
    masters: &MasterKeys,
    which: Which,
    tell: Tell<'_>,
) -> Result<Vec<Report>, ResealError> {
    masters.turn_over();
    let mut reports = Vec::new();
    for place in [Place::Copies, Place::Tokens, Place::Authorizations] {
        let mut report = Report::of(place);
        for _ in 0..PASSES {
            let mut pass = Report::of(place);
            tables::pass(pool, masters, which, &mut pass, tell).await?;
            if report.merge(pass, which) {
                break;
            }
        }
        reports.push(report);
    }
    Ok(reports)
}

/// Seals anew what the bucket holds; services take it in as they take in any change.
///
/// # Errors
/// When the broker or the vault does not answer; start again then.
pub async fn in_bucket(
    client: &Client,
    masters: &MasterKeys,
    which: Which,
    tell: Tell<'_>,
) -> Result<Report, ResealError> {
    masters.turn_over();
    let mut report = Report::of(Place::Bucket);
    for _ in 0..PASSES {
        let mut pass = Report::of(Place::Bucket);
        bucket::pass(client, masters, which, &mut pass, tell).await?;
        if report.merge(pass, which) {
            break;
        }
    }
    Ok(report)
}

impl Report {
    fn of(place: Place) -> Self {
        Self {
            place,
            resealed: 0,
            already: 0,
            changed: 0,
            unreadable: 0,
            examples: Vec::new(),
        }
    }

    /// Takes in one more pass; says whether it was the last that is needed.
    fn merge(&mut self, pass: Self, which: Which) -> bool {
        let first = self.resealed + self.already + self.changed + self.unreadable == 0;
        self.resealed += pass.resealed;
        // What an earlier pass sealed is under today's key for a later one.
        self.already = if first { pass.already } else { self.already };
        self.changed = pass.changed;
        self.unreadable = pass.unreadable;
        self.examples = pass.examples;
        // Who writes now draws a data key of his own: nothing is gained by doing all of it again.
        self.changed == 0 || which == Which::All
    }

    fn cannot_open(&mut self, connection: &str, reason: &SealError) {
        self.unreadable += 1;
        if self.examples.len() < MOST_NAMED {
            self.examples.push(Unreadable {
                connection: connection.to_owned(),
                reason: reason.to_string(),
            });
        }
    }

    /// Notes what came of opening something; a vault that does not answer ends the job.
    fn opened<T>(&mut self, connection: &str, opened: Result<T, SealError>) -> Result<Option<T>, SealError> {
        match opened {
            Ok(opened) => Ok(Some(opened)),
            Err(error) if error.is_temporary() || error == SealError::NoVault => Err(error),
            Err(error) => {
                self.cannot_open(connection, &error);
                Ok(None)
            }
        }
    }
}

/// The same secrets under today's key and a new data key; `None` if it stays as it is, or cannot be opened.
async fn anew(
    masters: &MasterKeys,
    which: Which,
    owner: (&TenantId, &ConnectionId),
    sealed: &Sealed,
    report: &mut Report,
) -> Result<Option<Sealed>, SealError> {
    if which == Which::Former && masters.is_current(sealed).await? {
        report.already += 1;
        return Ok(None);
    }
    let (tenant, connection) = owner;
    let opened = open(masters, tenant, connection, sealed).await;
    let Some(secrets) = report.opened(connection.as_str(), opened)? else {
        return Ok(None);
    };
    seal(masters, tenant, connection, &secrets).await.map(Some)
}
