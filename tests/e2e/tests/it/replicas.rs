//! Two replicas of every service side by side.

use futures::future::join_all;
use puente_e2e::{InProcess, Person, Stage};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_replicas_of_each_service_do_everything_once() {
    let stage = Stage::raise(false).await;
    let fleet = InProcess::start(&stage, 2).await;
    let people: Vec<Person> = (0..8)
        .map(|n| {
            if n % 2 == 0 {
                Person::on_cloud(n)
            } else {
                Person::on_jelou(n)
            }
        })
        .collect();
    let answers = join_all(people.iter().enumerate().map(|(n, person)| {
        let (stage, url) = (&stage, fleet.url(n));
        async move { person.order(stage, &url, 1).await }
    }))
    .await;
    for (person, answers) in people.iter().zip(answers) {
        let journal = stage.journal_of(person.provider, &person.phone);
        assert_eq!(journal.len(), answers, "{journal:#?}");
    }
    assert_eq!(stage.count("SELECT count(*) FROM orders.orders").await, 8);
    assert_eq!(
        stage
            .count("SELECT count(DISTINCT number) FROM orders.orders")
            .await,
        8
    );
    fleet.stop().await;
}
