//! Words that two services must have in common, and that no type of the compiler holds together.

use std::collections::BTreeSet;

use puente_gateway::domain::documents::About;

#[test]
fn people_are_offered_the_kinds_of_documents_that_orders_keeps_and_no_others() {
    let offered: BTreeSet<_> = [About::Order, About::ServiceProvider, About::Asset, About::Capture]
        .into_iter()
        .flat_map(|about| {
            about
                .kinds()
                .iter()
                .map(move |(kind, container)| (about.word(), *kind, container.to_string()))
        })
        .collect();
    let kept: BTreeSet<_> = puente_orders::documents_of_people()
        .map(|(about, kind, container)| (about, kind, container.to_string()))
        .collect();
    assert_eq!(offered, kept);
    assert!(offered.contains(&("service_provider", "policy", "providers".to_owned())));
}
