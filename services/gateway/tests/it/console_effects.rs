//! Calls to providers, which several services make: read on without a gap, and none twice.

use std::collections::BTreeMap;

use puente_gateway::domain::Role;
use puente_proto::operations::Effect;

use crate::office::Office;
use crate::support::Stage;
use crate::visitor::Visitor;

/// Calls in doubt of two services, each with more than fit on a page.
fn doubtful(office: &Office) {
    let effect = |id: String| Effect {
        id,
        provider: "docusign".to_owned(),
        operation: "create_envelope".to_owned(),
        state: "unknown".to_owned(),
        attempts: 1,
        ..Effect::default()
    };
    let of = |service: &'static str, many: usize| {
        (0..many).map(move |n| (service, effect(format!("{service}-{n}"))))
    };
    office.tables().effects = of("orders", 120).chain(of("sync", 55)).collect();
}

/// The addresses that follow `before` on a page.
fn addresses(page: &str, before: &str) -> Vec<String> {
    page.split(before)
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&"))
        .collect()
}

#[tokio::test]
async fn calls_of_several_services_are_read_page_by_page_without_a_gap_and_none_twice() {
    let (stage, office) = Stage::with_office().await;
    doubtful(&office);
    let operator = Visitor::new(&stage, Role::Operator).await;
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut pages = vec!["/inciertos".to_owned()];
    let mut read = 0;
    while let Some(path) = pages.pop() {
        read += 1;
        assert!(read < 10, "it comes to an end");
        let page = operator.see(&stage, &path).await;
        assert!(
            page.contains("No sabemos cómo terminaron 175 operaciones"),
            "the verdict is about all services on {path}"
        );
        for one in addresses(&page, "href=\"/inciertos/") {
            *seen.entry(one).or_default() += 1;
        }
        pages.extend(addresses(&page, "rel=\"next\" href=\""));
    }
    assert_eq!(
        read, 4,
        "the first page, two more of one service, one more of the other"
    );
    assert_eq!(seen.len(), 175);
    assert!(seen.values().all(|times| *times == 1), "{seen:?}");
}

#[tokio::test]
async fn a_later_page_leads_back_to_the_beginning_and_its_views_to_all_services() {
    let (stage, office) = Stage::with_office().await;
    doubtful(&office);
    let operator = Visitor::new(&stage, Role::Operator).await;
    let first = operator.see(&stage, "/inciertos").await;
    let next = addresses(&first, "rel=\"next\" href=\"");
    assert_eq!(next.len(), 2, "{next:?}");
    let second = operator.see(&stage, &next[0]).await;
    assert!(
        second.contains("/inciertos/orders-50") && !second.contains("/inciertos/sync-"),
        "{second}"
    );
    assert!(second.contains("href=\"/inciertos?de=orders\""), "{second}");
    assert!(second.contains("href=\"/inciertos?estado=fallidas\""), "{second}");
}
