//! Applying, listing, resealing: what the command line does to the bucket.

use puente_testkit::TestNats;
use puente_types::ConnectionId;
use puente_vault::publish::{self, Applied, PublishError};
use puente_vault::reseal::{self, Report, Which};
use puente_vault::{MasterKey, MasterKeys};

use crate::support::*;

fn ids(names: &[&str]) -> Vec<ConnectionId> {
    names.iter().map(|name| id(name)).collect()
}

#[tokio::test]
async fn applying_again_is_quiet_and_tells_what_it_did() {
    let (broker, masters) = (TestNats::start().await, masters());
    let client = broker.client().await;
    let (a, b) = (connection("a", "1", "first"), connection("b", "2", "first"));
    let applied = publish::apply(&client, &masters, vec![a.clone(), b.clone()])
        .await
        .unwrap();
    assert_eq!(
        applied,
        Applied {
            created: ids(&["a", "b"]),
            ..Applied::default()
        }
    );
    let applied = publish::apply(&client, &masters, vec![a.clone(), b])
        .await
        .unwrap();
    assert_eq!(
        applied,
        Applied {
            unchanged: ids(&["a", "b"]),
            ..Applied::default()
        }
    );
    let applied = publish::apply(&client, &masters, vec![a, connection("b", "2", "second")])
        .await
        .unwrap();
    let expected = Applied {
        updated: ids(&["b"]),
        unchanged: ids(&["a"]),
        ..Applied::default()
    };
    assert_eq!(applied, expected);
    publish::remove(&client, &id("a")).await.unwrap();
    let applied = publish::apply(&client, &masters, vec![connection("a", "1", "first")])
        .await
        .unwrap();
    assert_eq!(applied.created, ids(&["a"]), "what was removed can be made again");
}

#[tokio::test]
async fn the_list_names_secrets_and_shows_none() {
    let (broker, masters) = (TestNats::start().await, masters());
    let client = broker.client().await;
    publish::apply(&client, &masters, vec![connection("a", "1", SECRET)])
        .await
        .unwrap();
    let listed = publish::list(&client).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].id, id("a"));
    assert_eq!(listed[0].secrets, ["token"]);
    assert_eq!(listed[0].master, masters.sealing().id());
    assert!(!format!("{listed:?}").contains(SECRET));
}

#[tokio::test]
async fn an_account_in_the_bucket_is_refused_to_another_connection_before_anything_is_written() {
    let (broker, masters) = (TestNats::start().await, masters());
    let client = broker.client().await;
    publish::apply(&client, &masters, vec![connection("a", "1", "x")])
        .await
        .unwrap();
    let wanted = vec![connection("b", "2", "x"), connection("c", "1-b", "x")];
    let refused = publish::apply(&client, &masters, wanted).await.unwrap_err();
    assert!(
        matches!(&refused, PublishError::AccountTaken { holder, .. } if holder == "a"),
        "{refused}"
    );
    assert_eq!(publish::list(&client).await.unwrap().len(), 1);
    let moved = vec![connection("a", "5", "x"), connection("c", "1", "x")];
    publish::apply(&client, &masters, moved)
        .await
        .expect("an account may move within one file");
}

async fn in_bucket(client: &async_nats::Client, masters: &MasterKeys) -> Report {
    reseal::in_bucket(client, masters, Which::Former, &mut |_| {})
        .await
        .unwrap()
}

#[tokio::test]
async fn master_keys_rotate_without_a_connection_missing() {
    let (broker, db) = (TestNats::start().await, database().await);
    let client = broker.client().await;
    let (old, new) = (MasterKey::generate().unwrap(), MasterKey::generate().unwrap());
    let (only_old, both) = (
        MasterKeys::from(old.clone()),
        MasterKeys::new(new.clone(), vec![old.clone()]),
    );
    publish::apply(&client, &only_old, vec![connection("a", "1", SECRET)])
        .await
        .unwrap();

    let service = Follower::start(&pool(&db), &MasterKeys::new(old, vec![new.clone()]), &client).await;
    service.until_token("a", SECRET).await;
    let before = service.connections.version();
    assert_eq!(in_bucket(&client, &both).await.resealed, 1);
    assert_eq!(in_bucket(&client, &both).await.resealed, 0);
    service
        .until("the new sealing is taken in", |c| c.version() > before)
        .await;
    assert_eq!(token(&service.connections, "a").as_deref(), Some(SECRET));
    assert!(service.connections.problems().is_empty());
    service.stop().await;

    let only_new = puente_vault::Connections::open(pool(&db), new.into())
        .await
        .unwrap();
    assert_eq!(token(&only_new, "a").as_deref(), Some(SECRET));
    let foreign = in_bucket(&client, &only_old).await;
    assert_eq!((foreign.resealed, foreign.unreadable), (0, 1));
    assert_eq!(foreign.examples[0].connection, "a");
}
