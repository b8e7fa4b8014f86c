//! The fixtures once more, over real connections, so that requests and answers are held against Asana's description.

use puente_providers::sim::FaultKind;
use serde_json::Value;

use super::*;
use crate::conformance::task::{each, outcome};
use crate::simulator::stage::open_stage;

#[tokio::test]
async fn the_exchanges_of_the_fixtures_go_over_real_connections() {
    let stage = open_stage!();
    put(&stage, |account| account);
    let mut played = 0;
    for (provider, mut setup, name, case) in each() {
        // Answers that are none of Asana's are given on purpose, by something in front of it.
        let answers = case.exchange.iter().map(|exchange| {
            let body: Value = serde_json::from_str(&exchange.reply).ok()?;
            let is_asanas = body.as_object().is_some_and(|fields| !fields.is_empty());
            is_asanas.then_some((exchange.status, body))
        });
        let Some(answers) = answers.collect::<Option<Vec<_>>>() else {
            continue;
        };
        stage.hub.clear_faults(SLUG);
        for (status, body) in &answers {
            let (status, body) = (*status, Some(body.clone()));
            stage.hub.fault(SLUG, FaultKind::Status { status, body }.times(1));
        }
        setup
            .settings
            .insert("base_url".to_owned(), stage.url(SLUG, "").into());
        let found = outcome(provider, &setup, &case, &stage.http).await;
        assert_eq!(found.is_err(), case.fails(), "{name}: {found:?}");
        played += answers.len();
    }
    assert!(played > 40, "{played}");
}
