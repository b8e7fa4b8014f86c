//! Services are killed at arbitrary instants under load; afterwards the simulators' journal is the judge.

use std::collections::BTreeMap;

use futures::future::join_all;
use puente_e2e::{PATIENCE, Person, Processes, SERVICES, Stage};
use puente_testkit::wait_for;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn services_killed_under_load_lose_nothing_double_nothing_and_show_what_is_in_doubt() {
    const PEOPLE: usize = 6;
    let stage = Stage::raise(false).await;
    let mut fleet = Processes::start(&stage, None).await;
    let url = fleet.url();
    let people: Vec<Person> = (0..PEOPLE).map(Person::on_cloud).collect();
    let talk = join_all(people.iter().map(|person| person.order(&stage, &url, 1)));
    let harm = async {
        for service in SERVICES {
            // The next kill comes when there has been progress, wherever that happens to be.
            let before = stage.hub.journal("whatsapp_cloud").len();
            wait_for("some progress between two kills", PATIENCE, || async {
                stage.hub.journal("whatsapp_cloud").len() >= before + 2
            })
            .await;
            fleet.kill9(&stage, service).await;
        }
    };
    tokio::join!(talk, harm);

    assert_eq!(
        stage.count("SELECT count(*) FROM orders.orders").await,
        i64::try_from(PEOPLE).unwrap()
    );
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    for entry in stage.hub.journal("whatsapp_cloud") {
        *told.entry(entry.reference.unwrap_or_default()).or_default() += 1;
    }
    assert!(
        told.values().all(|times| *times == 1),
        "doubled at the provider: {told:#?}"
    );
    let parked = stage
        .count("SELECT count(*) FROM notifications.effects WHERE state = 'unknown'")
        .await;
    let stuck = "SELECT count(*) FROM notifications.effects WHERE state <> 'unknown'";
    wait_for("nothing to be stuck", PATIENCE, || async {
        let left = stage.count(stuck).await;
        if left == 0 { Ok(()) } else { Err(left) }
    })
    .await;
    let dead = "SELECT (SELECT count(*) FROM orders.dead_letters) + (SELECT count(*) FROM notifications.dead_letters)";
    assert_eq!(stage.count(dead).await, 0);
    println!(
        "{} kills, {} messages at the provider, {parked} in doubt",
        SERVICES.len(),
        told.len()
    );
    // The one that was killed last may still be starting; until it listens to signals, it could not end in order.
    wait_for("the gateway to answer", PATIENCE, || async {
        stage.http.get(fleet.gateway_url()).send().await
    })
    .await;
    fleet.stop().await;
}
