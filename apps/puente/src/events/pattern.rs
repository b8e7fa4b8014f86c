//! Which events are meant: from what a person writes to one subject filter.
//!
//! Always one filter, never several: the broker lets it into the subject of the consumer's creation, and so a user can
//! be limited to it.

use std::collections::BTreeSet;

use anyhow::anyhow;
use puente_proto::{CATALOGUE, EventType};
use puente_types::TenantId;

use crate::exit::{Done, Failed};

/// What every subject begins with.
const ROOT: &str = "puente.v1.";
/// Less alike than this is no suggestion.
const ALIKE: f64 = 0.5;
/// Suggestions told at most.
const SUGGESTIONS: usize = 3;

/// The events that are wanted.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    /// The tenant's word, or `*`.
    tenant: String,
    /// Up to three words after it; those that are not given are any.
    words: Vec<String>,
}

impl Pattern {
    /// Reads a subject, whole or short.
    pub(crate) fn parse(subject: Option<&str>, tenant: Option<&str>) -> Done<Self> {
        let tenant = match tenant {
            Some(tenant) => Some(tenant.parse::<TenantId>().map_err(Failed::usage)?.to_string()),
            None => None,
        };
        let subject = subject.unwrap_or(">");
        let (of_subject, rest) = match subject.strip_prefix(ROOT) {
            Some(rest) => match rest.split_once('.') {
                Some((tenant, rest)) => (tenant, rest),
                // `puente.v1.>`, and `puente.v1.algesta`: all events.
                None if rest == ">" => ("*", ">"),
                None => (rest, ">"),
            },
            None => ("*", subject),
        };
        if of_subject != "*" {
            let named: TenantId = of_subject.parse().map_err(Failed::usage)?;
            if tenant.as_deref().is_some_and(|tenant| tenant != named.as_str()) {
                return Err(Failed::usage(anyhow!(
                    "the subject names the tenant `{named}` and --tenant another one"
                )));
            }
        }
        let mut words: Vec<String> = rest.split('.').map(str::to_owned).collect();
        if words.last().is_some_and(|word| word == ">") {
            words.pop();
        }
        let pattern = Self {
            tenant: tenant.unwrap_or_else(|| of_subject.to_owned()),
            words,
        };
        if pattern.events().next().is_none() {
            return Err(unknown(subject, rest));
        }
        Ok(pattern)
    }

    /// The broker's filter.
    pub(crate) fn filter(&self) -> String {
        let mut filter = format!("{ROOT}{}", self.tenant);
        for word in &self.words {
            filter.push('.');
            filter.push_str(word);
        }
        if self.words.len() < 3 {
            filter.push_str(".>");
        }
        filter
    }

    /// The events of the catalogue that it means.
    pub(crate) fn events(&self) -> impl Iterator<Item = &'static EventType> {
        CATALOGUE.iter().filter(|event| self.means(event))
    }

    fn means(&self, event: &EventType) -> bool {
        let of_event = [event.domain, event.entity, event.verb];
        self.words.len() <= of_event.len()
            && self
                .words
                .iter()
                .zip(of_event)
                .all(|(word, of_event)| word == "*" || word == of_event)
    }
}

/// The event's subject without root and tenant.
pub(crate) fn short(event: &EventType) -> String {
    format!("{}.{}.{}", event.domain, event.entity, event.verb)
}

/// The types of these names, full or short.
pub(crate) fn types(names: &[String]) -> Done<BTreeSet<&'static str>> {
    let mut found = BTreeSet::new();
    for name in names {
        let mut matching = CATALOGUE
            .iter()
            .filter(|event| event.name == name || event.name.rsplit('.').next() == Some(name))
            .peekable();
        if matching.peek().is_none() {
            let short = CATALOGUE.iter().filter_map(|event| event.name.rsplit('.').next());
            return Err(Failed::usage(anyhow!(
                "there is no event type `{name}`; {}",
                nearest(name, short.map(str::to_owned))
            )));
        }
        found.extend(matching.map(|event| event.name));
    }
    Ok(found)
}

fn unknown(subject: &str, rest: &str) -> Failed {
    let mut known = BTreeSet::new();
    for event in CATALOGUE {
        known.insert(event.domain.to_owned());
        known.insert(format!("{}.{}", event.domain, event.entity));
        known.insert(short(event));
    }
    Failed::usage(anyhow!(
        "no event has the subject `{subject}`; {}",
        nearest(rest, known.into_iter())
    ))
}

fn nearest(wanted: &str, known: impl Iterator<Item = String>) -> String {
    let mut near: Vec<(f64, String)> = known
        .map(|known| (strsim::jaro_winkler(wanted, &known), known))
        .filter(|(alike, _)| *alike > ALIKE)
        .collect();
    near.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let near: Vec<_> = near
        .into_iter()
        .take(SUGGESTIONS)
        .map(|(_, known)| format!("`{known}`"))
        .collect();
    if near.is_empty() {
        return "`puente events catalog` lists all".to_owned();
    }
    format!("nearest: {}. `puente events catalog` lists all", near.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(subject: &str, tenant: Option<&str>) -> String {
        Pattern::parse(Some(subject), tenant).unwrap().filter()
    }

    #[test]
    fn short_and_whole_subjects_become_one_filter() {
        for (subject, expected) in [
            (">", "puente.v1.*.>"),
            ("orders", "puente.v1.*.orders.>"),
            ("orders.>", "puente.v1.*.orders.>"),
            ("orders.order", "puente.v1.*.orders.order.>"),
            ("orders.order.opened", "puente.v1.*.orders.order.opened"),
            ("*.message.*", "puente.v1.*.*.message.*"),
            ("puente.v1.>", "puente.v1.*.>"),
            ("puente.v1.algesta", "puente.v1.algesta.>"),
            ("puente.v1.algesta.>", "puente.v1.algesta.>"),
            (
                "puente.v1.algesta.orders.order.opened",
                "puente.v1.algesta.orders.order.opened",
            ),
        ] {
            assert_eq!(filter(subject, None), expected, "{subject}");
        }
        assert_eq!(filter("orders", Some("algesta")), "puente.v1.algesta.orders.>");
    }

    #[test]
    fn a_wrong_subject_is_told_the_nearest_and_never_reaches_the_broker() {
        for (subject, near) in [
            ("order.opened", "`orders.order.opened`"),
            ("orders.order.openned", "`orders.order.opened`"),
            ("ordres", "`orders`"),
            ("puente.v1.*.orders.order.open", "`orders.order.opened`"),
        ] {
            let error = format!("{:?}", Pattern::parse(Some(subject), None).unwrap_err());
            assert!(error.contains(near), "{subject}: {error}");
        }
        for subject in [
            "",
            ".",
            "orders..opened",
            "orders.order.opened.x",
            "orders.>.opened",
            "$JS.>",
            "a b",
        ] {
            assert!(Pattern::parse(Some(subject), None).is_err(), "{subject}");
        }
    }

    #[test]
    fn a_tenant_is_named_once_or_twice_the_same() {
        assert!(Pattern::parse(Some("puente.v1.norte.orders"), Some("algesta")).is_err());
        assert_eq!(
            filter("puente.v1.norte.orders", Some("norte")),
            "puente.v1.norte.orders.>"
        );
        for tenant in ["*", ">", "a.b", ""] {
            assert!(Pattern::parse(None, Some(tenant)).is_err(), "{tenant}");
        }
    }

    #[test]
    fn types_are_found_by_both_names() {
        let found = types(&[
            "OrderOpened".to_owned(),
            "puente.orders.v1.OrderAssigned".to_owned(),
        ])
        .unwrap();
        assert_eq!(found.len(), 2);
        let error = format!("{:?}", types(&["OrderOpend".to_owned()]).unwrap_err());
        assert!(error.contains("`OrderOpened`"), "{error}");
    }
}
