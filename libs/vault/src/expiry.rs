//! Secrets whose end the operator wrote down (`expires_on` in the connections file), and the warnings before it.
//!
//! The dates travel with the connection's settings, under a name that no provider's setting has, so that every service
//! that uses a secret warns of its end: 30, 7 and 1 days before, and when it has come. Once each, in the log, and all the
//! time as a metric.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use puente_ports::Connection;
use puente_telemetry::metric;
use puente_types::{Clock, ConnectionId};
use serde_json::{Map, Value};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Date, OffsetDateTime};
use tokio_util::sync::CancellationToken;

use crate::Connections;

/// The setting that holds the dates: `{ "token": "2026-12-31" }`.
pub(crate) const EXPIRES_ON: &str = "expires_on";

const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

/// Days begin at midnight; an hour is early enough to notice.
const LOOK_AGAIN: Duration = Duration::from_secs(3600);

/// How near an end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Within {
    /// In 30 days or fewer.
    Month,
    /// In 7 days or fewer.
    Week,
    /// Tomorrow or today.
    Day,
    /// It is over.
    Ended,
}

impl Within {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Month, Self::Week, Self::Day, Self::Ended];

    /// Of so many days that are left; `None` while there is time.
    #[must_use]
    pub const fn of(days: i64) -> Option<Self> {
        match days {
            ..0 => Some(Self::Ended),
            0..=1 => Some(Self::Day),
            2..=7 => Some(Self::Week),
            8..=30 => Some(Self::Month),
            _ => None,
        }
    }

    /// A fixed word for metrics and programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Month => "30d",
            Self::Week => "7d",
            Self::Day => "1d",
            Self::Ended => "ended",
        }
    }
}

/// A secret with a known end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiring {
    /// Its name.
    pub secret: String,
    /// The last day on which it is good.
    pub on: Date,
    /// Days left; below zero when it is over.
    pub days: i64,
}

/// Every end that a connection's settings name, soonest first.
#[must_use]
pub fn ends(settings: &Map<String, Value>, now: OffsetDateTime) -> Vec<Expiring> {
    let named = settings.get(EXPIRES_ON).and_then(Value::as_object);
    let mut ends: Vec<_> = named
        .into_iter()
        .flatten()
        .filter_map(|(secret, date)| {
            let on = parse(date.as_str()?)?;
            Some(Expiring {
                secret: secret.clone(),
                on,
                days: (on - now.date()).whole_days(),
            })
        })
        .collect();
    ends.sort_by_key(|end| end.on);
    ends
}

/// A day as the file has it: `2026-12-31`.
pub(crate) fn parse(text: &str) -> Option<Date> {
    Date::parse(text, DATE).ok()
}

/// Warns until `shutdown`.
pub(crate) async fn run(connections: &Connections, clock: &dyn Clock, shutdown: &CancellationToken) {
    let mut warned = Warned::default();
    let mut versions = connections.versions();
    loop {
        warned.look(&connections.all(), clock.now());
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(LOOK_AGAIN) => {}
            changed = versions.changed() => {
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}

/// What was told already.
#[derive(Default)]
struct Warned {
    told: HashMap<(ConnectionId, String, Date), Within>,
    providers: BTreeSet<String>,
}

impl Warned {
    /// Tells what is nearer than before, and sets the metric; gives what it told.
    fn look(
        &mut self,
        connections: &[std::sync::Arc<Connection>],
        now: OffsetDateTime,
    ) -> Vec<(ConnectionId, Within)> {
        let mut counts: BTreeMap<(&str, Within), u64> = BTreeMap::new();
        let (mut told, mut news) = (HashMap::new(), Vec::new());
        for connection in connections {
            for end in ends(&connection.settings, now) {
                let Some(within) = Within::of(end.days) else {
                    continue;
                };
                *counts.entry((&connection.provider, within)).or_default() += 1;
                let key = (connection.id.clone(), end.secret.clone(), end.on);
                if self.told.get(&key).is_none_or(|before| *before < within) {
                    tell(connection, &end, within);
                    news.push((connection.id.clone(), within));
                }
                told.insert(key, within);
            }
        }
        // Only what is there is remembered: a secret that was changed is told of anew when its time comes.
        self.told = told;
        self.providers
            .extend(counts.keys().map(|(provider, _)| (*provider).to_owned()));
        for provider in &self.providers {
            for within in Within::ALL {
                let count = counts.get(&(provider.as_str(), within)).copied();
                metric::secrets_expiring(provider, within.as_str(), count.unwrap_or_default());
            }
        }
        news
    }
}

fn tell(connection: &Connection, end: &Expiring, within: Within) {
    let Expiring { secret, on, days } = end;
    let (id, provider) = (&connection.id, &connection.provider);
    if within == Within::Ended {
        tracing::error!(connection = %id, tenant.id = %connection.tenant, provider, secret, "The secret `{secret}` of connection `{id}` ended after {on}");
    } else {
        tracing::warn!(connection = %id, tenant.id = %connection.tenant, provider, secret, days, "The secret `{secret}` of connection `{id}` ends in {days} days, after {on}");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    fn connection(settings: Value) -> Arc<Connection> {
        let Value::Object(settings) = settings else {
            panic!("an object");
        };
        Arc::new(Connection {
            id: "acme-chat".parse().unwrap(),
            tenant: "acme".parse().unwrap(),
            provider: "chat".to_owned(),
            account: None,
            settings,
            secrets: puente_types::Secrets::default(),
        })
    }

    #[test]
    fn a_warning_comes_30_7_and_1_days_before_the_end_and_after_it_and_once_each() {
        let held = [connection(json!({"expires_on": {"token": "2026-12-31"}}))];
        let mut warned = Warned::default();
        let mut told = Vec::new();
        let mut day = datetime!(2026-11-20 08:00 UTC);
        while day < datetime!(2027-01-10 0:00 UTC) {
            let news = warned.look(&held, day);
            told.extend(
                news.into_iter()
                    .map(|(_, within)| (day.date().to_string(), within)),
            );
            day += time::Duration::hours(6);
        }
        let expected = [
            ("2026-12-01", Within::Month),
            ("2026-12-24", Within::Week),
            ("2026-12-30", Within::Day),
            ("2027-01-01", Within::Ended),
        ];
        assert_eq!(told, expected.map(|(day, within)| (day.to_owned(), within)));
    }

    #[test]
    fn a_secret_that_was_changed_is_quiet_until_its_own_time() {
        let mut warned = Warned::default();
        let now = datetime!(2026-12-30 08:00 UTC);
        let old = [connection(json!({"expires_on": {"token": "2026-12-31"}}))];
        let new = [connection(json!({"expires_on": {"token": "2027-12-31"}}))];
        assert_eq!(warned.look(&old, now).len(), 1);
        assert!(warned.look(&new, now).is_empty());
        assert!(warned.look(&[connection(json!({}))], now).is_empty());
        assert_eq!(warned.look(&old, now).len(), 1, "back again, told again");
    }
}
