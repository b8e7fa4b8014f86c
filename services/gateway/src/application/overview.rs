//! What needs a person now, and how traffic does: asked of all services at once, each part for itself.

use futures::future::join_all;
use puente_proto::operations::{
    ConnectionHealth, DeadLetter, Effect, ListConnectionHealthRequest, ListDeadLettersRequest,
    ListEffectsRequest,
};
use puente_proto::{ingress, notifications, ocr, orders, signature};

use super::orders::assignee;
use super::questions::{Ask, Missing, Part, missing};
use crate::domain::{Principal, Right};

/// The window of the overview's figures, and how finely.
const HOUR: u32 = 3600;
const MINUTE: u32 = 60;

/// What waits for a person at one service.
#[derive(Debug, Default)]
pub(crate) struct Waiting<T> {
    /// How many.
    pub(crate) count: u64,
    /// The newest of them.
    pub(crate) newest: Option<T>,
}

/// The whole overview. Parts that its reader has no right to were not asked for.
#[derive(Debug)]
pub(crate) struct Overview {
    /// What came in.
    pub(crate) traffic: Option<Part<ingress::GetTrafficResponse>>,
    /// Orders by state.
    pub(crate) orders: Option<Part<orders::CountOrdersResponse>>,
    /// Messages to people.
    pub(crate) messages: Option<Part<notifications::CountMessagesResponse>>,
    /// Calls in doubt.
    pub(crate) unknown: Vec<Waiting<Effect>>,
    /// Events that could not be handled.
    pub(crate) dead: Vec<Waiting<DeadLetter>>,
    /// Connections, the worst first.
    pub(crate) health: Vec<ConnectionHealth>,
    /// Signatures that wait for a person, and others.
    pub(crate) signatures: Option<Part<signature::CountSignaturesResponse>>,
    /// Serial plates that wait for a person, and others.
    pub(crate) captures: Option<Part<ocr::CountCapturesResponse>>,
    /// What could not be asked.
    pub(crate) missing: Vec<Missing>,
}

/// Asks for everything that `who` may see.
pub(crate) async fn overview(ask: Ask<'_>, who: &Principal) -> Overview {
    let (traffic, orders, messages, unknown, dead, health, signatures, captures) = futures::join!(
        when(who.may(Right::ReadTraffic), traffic(ask)),
        when(who.may(Right::ReadOrders), count_orders(ask, who)),
        when(who.may(Right::ReadConversations), count_messages(ask)),
        when(who.may(Right::ReadEffects), unknown(ask)),
        when(who.may(Right::ReadDeadLetters), dead(ask)),
        when(who.may(Right::ReadHealth), health(ask, HOUR)),
        when(who.may(Right::ReadSignatures), signatures(ask)),
        when(who.may(Right::ReadCaptures), count_captures(ask)),
    );
    let mut gone = Vec::new();
    let unknown = split(unknown.unwrap_or_default(), &mut gone);
    let dead = split(dead.unwrap_or_default(), &mut gone);
    let (health, silent) = health.unwrap_or_default();
    gone.extend(silent);
    gone.extend(traffic.iter().filter_map(|part| part.as_ref().err().copied()));
    gone.extend(orders.iter().filter_map(|part| part.as_ref().err().copied()));
    gone.extend(messages.iter().filter_map(|part| part.as_ref().err().copied()));
    gone.extend(signatures.iter().filter_map(|part| part.as_ref().err().copied()));
    gone.extend(captures.iter().filter_map(|part| part.as_ref().err().copied()));
    let mut missing: Vec<Missing> = Vec::new();
    for one in gone {
        if !missing.contains(&one) {
            missing.push(one);
        }
    }
    Overview {
        traffic,
        orders,
        messages,
        unknown,
        dead,
        health,
        signatures,
        captures,
        missing,
    }
}

async fn when<T>(wanted: bool, part: impl Future<Output = T>) -> Option<T> {
    if wanted { Some(part.await) } else { None }
}

fn split<T>(parts: Vec<Part<T>>, gone: &mut Vec<Missing>) -> Vec<T> {
    parts
        .into_iter()
        .filter_map(|part| part.map_err(|one| gone.push(one)).ok())
        .collect()
}

async fn traffic(ask: Ask<'_>) -> Part<ingress::GetTrafficResponse> {
    let wanted = ingress::GetTrafficRequest {
        window_seconds: HOUR,
        bucket_seconds: MINUTE,
    };
    ask.get_traffic(wanted)
        .await
        .map_err(|status| missing("ingress", &status))
}

/// How many orders stand in each state, of those that `who` may know of.
pub(crate) async fn count_orders(ask: Ask<'_>, who: &Principal) -> Part<orders::CountOrdersResponse> {
    let wanted = orders::CountOrdersRequest {
        assignee: assignee(who),
    };
    ask.count_orders(wanted)
        .await
        .map_err(|status| missing("orders", &status))
}

async fn signatures(ask: Ask<'_>) -> Part<signature::CountSignaturesResponse> {
    ask.count_signatures(signature::CountSignaturesRequest {})
        .await
        .map_err(|status| missing("signature", &status))
}

/// How many captures stand in each state, and how many wait for a person.
pub(crate) async fn count_captures(ask: Ask<'_>) -> Part<ocr::CountCapturesResponse> {
    ask.count_captures(ocr::CountCapturesRequest {})
        .await
        .map_err(|status| missing("ocr", &status))
}

async fn count_messages(ask: Ask<'_>) -> Part<notifications::CountMessagesResponse> {
    let wanted = notifications::CountMessagesRequest {
        window_seconds: HOUR,
        bucket_seconds: MINUTE,
    };
    ask.count_messages(wanted)
        .await
        .map_err(|status| missing("notifications", &status))
}

async fn unknown(ask: Ask<'_>) -> Vec<Part<Waiting<Effect>>> {
    let asked = ask.all().into_iter().map(|peer| async move {
        let wanted = ListEffectsRequest {
            states: vec!["unknown".to_owned()],
            page_size: 1,
            ..ListEffectsRequest::default()
        };
        match ask.list_effects(peer, wanted).await {
            Ok(found) => Ok(Waiting {
                count: found.unknown,
                newest: found.effects.into_iter().next(),
            }),
            Err(status) => Err(missing(peer.name, &status)),
        }
    });
    join_all(asked).await
}

async fn dead(ask: Ask<'_>) -> Vec<Part<Waiting<DeadLetter>>> {
    let asked = ask.all().into_iter().map(|peer| async move {
        let wanted = ListDeadLettersRequest {
            page_size: 1,
            ..ListDeadLettersRequest::default()
        };
        match ask.list_dead_letters(peer, wanted).await {
            Ok(found) => Ok(Waiting {
                count: found.waiting,
                newest: found.letters.into_iter().next(),
            }),
            Err(status) => Err(missing(peer.name, &status)),
        }
    });
    join_all(asked).await
}

/// How every connection does, the worst first; and which services did not say.
pub(crate) async fn health(ask: Ask<'_>, window_seconds: u32) -> (Vec<ConnectionHealth>, Vec<Missing>) {
    let asked = ask.all().into_iter().map(|peer| async move {
        let wanted = ListConnectionHealthRequest { window_seconds };
        ask.list_connection_health(peer, wanted)
            .await
            .map_err(|status| missing(peer.name, &status))
    });
    let mut gone = Vec::new();
    let mut all: Vec<_> = split(join_all(asked).await, &mut gone)
        .into_iter()
        .flat_map(|found| found.connections)
        .collect();
    all.sort_by_key(|one| (severity(one), one.provider.clone(), one.connection.clone()));
    (all, gone)
}

/// Small for what a person should look at first.
fn severity(one: &ConnectionHealth) -> u8 {
    match one.breaker.as_str() {
        "open" => 0,
        "half_open" => 1,
        _ if one.unknown > 0 || one.failed > 0 => 2,
        _ if one.done + one.waiting > 0 => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_paused_comes_before_what_fails_and_that_before_what_is_well() {
        let one = |breaker: &str, done, failed| ConnectionHealth {
            breaker: breaker.to_owned(),
            done,
            failed,
            ..ConnectionHealth::default()
        };
        let mut all = [
            one("", 0, 0),
            one("closed", 5, 0),
            one("closed", 5, 1),
            one("open", 0, 0),
        ];
        all.sort_by_key(severity);
        assert_eq!(
            all.map(|one| (one.breaker, one.done, one.failed)),
            [
                ("open".to_owned(), 0, 0),
                ("closed".to_owned(), 5, 1),
                ("closed".to_owned(), 5, 0),
                (String::new(), 0, 0),
            ]
        );
    }
}
