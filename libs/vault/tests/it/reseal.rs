//! Rotation while everything runs: no call fails before, during and after, and an interrupted job goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use puente_ports::Connection;
use puente_testkit::{TestDb, TestNats};
use puente_types::{ManualClock, Secret};
use puente_vault::oauth::TokenStore;
use puente_vault::reseal::{self, Census, Place, Report, Which};
use puente_vault::{Connections, MasterKey, MasterKeys, publish};
use sqlx::PgPool;

use crate::grants::*;
use crate::support::*;

/// Both replicas of a service, each with the keys of its configuration.
struct Replicas {
    stores: [TokenStore; 2],
}

impl Replicas {
    fn with(db: &TestDb, keys: [&MasterKeys; 2], clock: &ManualClock) -> Self {
        Self {
            stores: keys.map(|keys| store(pool(db), keys, clock)),
        }
    }

    /// Each replica takes a token that the other may have sealed, renews it, and the other takes that.
    async fn work(&self, signing: &[Connection], provider: &Arc<Provider>, clock: &ManualClock) {
        for connection in signing {
            let [a, b] = &self.stores;
            for (one, other) in [(a, b), (b, a)] {
                clock.advance(HOUR);
                let got = access(one, connection, provider).await;
                other.rejected(connection, &Secret::new("an older one")).await;
                assert_eq!(access(other, connection, provider).await, got);
            }
        }
    }
}

#[tokio::test]
async fn a_master_key_is_changed_without_a_failed_call() {
    let (broker, db, clock) = (TestNats::start().await, database().await, clock());
    let nats = broker.client().await;
    let (old, new) = (MasterKey::generate().unwrap(), MasterKey::generate().unwrap());
    let only_old = MasterKeys::from(old.clone());
    let second = MasterKeys::new(old.clone(), vec![new.clone()]);
    let first = MasterKeys::new(new.clone(), vec![old.clone()]);
    let only_new = MasterKeys::from(new.clone());
    let provider = Provider::answers("new", &clock);
    let signing: Vec<_> = (0..4)
        .map(|n| connection(&format!("sign-{n}"), &n.to_string(), SECRET))
        .collect();
    publish::apply(&nats, &only_old, signing.clone()).await.unwrap();
    let service = Follower::start(&pool(&db), &first, &nats).await;
    service.until_token("sign-3", SECRET).await;

    // Before, and while replicas are restarted one by one.
    for keys in [
        [&only_old, &only_old],
        [&second, &only_old],
        [&second, &second],
        [&first, &second],
        [&first, &first],
    ] {
        Replicas::with(&db, keys, &clock)
            .work(&signing, &provider, &clock)
            .await;
    }
    assert!(former(&pool(&db), &first).await > 0, "something is left to do");

    // During: replicas work while the job runs, and connections are read all the time.
    let (over, worked) = (AtomicBool::new(false), AtomicU32::new(0));
    let replicas = Replicas::with(&db, [&first, &first], &clock);
    let working = async {
        while !over.load(Ordering::SeqCst) {
            replicas.work(&signing, &provider, &clock).await;
            assert_eq!(token(&service.connections, "sign-0").as_deref(), Some(SECRET));
            worked.fetch_add(1, Ordering::SeqCst);
        }
    };
    let resealing = async {
        for _ in 0..20 {
            in_bucket(&nats, &first).await;
            tables(&pool(&db), &first, Which::All).await;
        }
        over.store(true, Ordering::SeqCst);
    };
    tokio::join!(working, resealing);
    assert!(worked.load(Ordering::SeqCst) > 0);

    // After: the old key is nowhere, and is dropped while one replica still has it.
    assert_eq!(former(&pool(&db), &first).await, 0);
    assert!(
        reseal::bucket_census(&nats, &first)
            .await
            .unwrap()
            .iter()
            .all(|c| c.current)
    );
    for keys in [[&only_new, &first], [&only_new, &only_new]] {
        Replicas::with(&db, keys, &clock)
            .work(&signing, &provider, &clock)
            .await;
    }
    service.stop().await;
    let restarted = Connections::open(pool(&db), only_new).await.unwrap();
    assert!(restarted.problems().is_empty());
    assert_eq!(token(&restarted, "sign-0").as_deref(), Some(SECRET));
}

#[tokio::test]
async fn an_interrupted_job_goes_on_where_it_was_and_tells_how_far_it_is() {
    let (db, clock) = (database().await, clock());
    let (old, new) = (MasterKey::generate().unwrap(), MasterKey::generate().unwrap());
    let before = store(pool(&db), &old.clone().into(), &clock);
    for n in 0..250 {
        let connection = connection(&format!("sign-{n:03}"), &n.to_string(), "x");
        before
            .store(&connection, &tokens("old", Some("r"), &clock, HOUR))
            .await
            .unwrap();
    }
    before
        .begin(&connection("sign-000", "0", "x"), REDIRECT, "ana")
        .await
        .unwrap();
    let keys = MasterKeys::new(new.clone(), vec![old]);
    let (pool, mut seen) = (pool(&db), 0);
    let (reached, mut stop) = tokio::sync::mpsc::channel(1);
    let mut tell = |progress: reseal::Progress| {
        seen = progress.done;
        assert_eq!(progress.total, 250);
        if progress.done == 120 {
            reached.try_send(()).unwrap();
        }
    };
    // Dropping the job is what a kill does to it.
    tokio::select! {
        biased;
        _ = stop.recv() => {}
        _ = reseal::tables(&pool, &keys, Which::Former, &mut tell) => panic!("must not come to an end"),
    }
    assert!((120..250).contains(&seen), "{seen}");
    let left = former(&pool, &keys).await;
    assert!((1..=131).contains(&left), "{left}");

    let done = tables(&pool, &keys, Which::Former).await;
    let of = |place| done.iter().find(|report| report.place == place).unwrap();
    assert_eq!(
        of(Place::Tokens).resealed + of(Place::Authorizations).resealed,
        left
    );
    assert_eq!(of(Place::Tokens).resealed + of(Place::Tokens).already, 250);
    assert_eq!(former(&pool, &keys).await, 0);
    let again = tables(&pool, &keys, Which::Former).await;
    assert!(
        again
            .iter()
            .all(|report| report.resealed == 0 && report.unreadable == 0)
    );
}

#[tokio::test]
async fn data_keys_are_drawn_anew_under_the_same_master_key() {
    let (db, clock, masters) = (database().await, clock(), masters());
    let store_before = store(pool(&db), &masters, &clock);
    let signing = connection("acme-sign", "1", "x");
    store_before
        .store(&signing, &tokens("old", Some("r"), &clock, HOUR))
        .await
        .unwrap();
    let key = || async {
        sqlx::query_scalar::<_, String>("SELECT sealed->>'key' FROM orders.oauth_tokens")
            .fetch_one(&db.admin())
            .await
            .unwrap()
    };
    let before = key().await;
    tables(&pool(&db), &masters, Which::Former).await;
    assert_eq!(key().await, before, "it is under today's key");
    tables(&pool(&db), &masters, Which::All).await;
    assert_ne!(key().await, before);
    let granter = Provider::answers("new", &clock);
    assert_eq!(
        access(&store(pool(&db), &masters, &clock), &signing, &granter).await,
        "old"
    );
}

#[tokio::test]
async fn what_no_key_opens_is_named_and_left_as_it_is() {
    let (db, clock, masters) = (database().await, clock(), masters());
    let lost = store(pool(&db), &crate::support::masters(), &clock);
    let signing = connection("acme-lost", "1", "x");
    lost.store(&signing, &tokens("old", Some("r"), &clock, HOUR))
        .await
        .unwrap();
    let reports = tables(&pool(&db), &masters, Which::Former).await;
    let report = reports
        .iter()
        .find(|report| report.place == Place::Tokens)
        .unwrap();
    assert_eq!((report.resealed, report.unreadable), (0, 1));
    assert_eq!(report.examples[0].connection, "acme-lost");
    let granter = Provider::answers("new", &clock);
    assert_eq!(access(&lost, &signing, &granter).await, "old");
}

#[tokio::test]
async fn a_dump_of_the_database_holds_no_secret_in_any_form() {
    let (broker, db, clock) = (TestNats::start().await, database().await, clock());
    let nats = broker.client().await;
    let master = MasterKey::generate().unwrap();
    let masters = MasterKeys::from(master.clone());
    let signing = connection("acme-sign", "1", "connection-secret-Zk3");
    publish::apply(&nats, &masters, vec![signing.clone()])
        .await
        .unwrap();
    let service = Follower::start(&pool(&db), &masters, &nats).await;
    service.until_token("acme-sign", "connection-secret-Zk3").await;
    let store = store(pool(&db), &masters, &clock);
    let held = tokens(
        "access-token-secret-9fQ",
        Some("refresh-token-secret-7bW"),
        &clock,
        HOUR,
    );
    store.store(&signing, &held).await.unwrap();
    let begun = store.begin(&signing, REDIRECT, "ana").await.unwrap();
    let dump = db.dump().await;
    for table in [
        "connection_copies",
        "oauth_tokens",
        "oauth_authorizations",
        "acme-sign",
    ] {
        assert!(dump.contains(table), "the dump is whole: {table}");
    }
    let verifier = store
        .finish(&signing.tenant, begun.state.expose())
        .await
        .unwrap()
        .verifier;
    for secret in [
        "connection-secret-Zk3",
        "access-token-secret-9fQ",
        "refresh-token-secret-7bW",
        begun.state.expose(),
        verifier.expose(),
        master.to_base64().expose(),
    ] {
        for form in forms(secret) {
            assert!(
                !dump.contains(&form),
                "a secret is in the dump as {} characters",
                form.len()
            );
        }
    }
    assert!(
        forms("acme-sign").iter().any(|form| dump.contains(form)),
        "what is there is found"
    );
    service.stop().await;
}

/// A secret as a careless writer could leave it: plain, hex, base64 at each of its three alignments.
fn forms(secret: &str) -> Vec<String> {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    let bytes = secret.as_bytes();
    let mut forms = vec![secret.to_owned(), hex::encode(bytes), hex::encode_upper(bytes)];
    for shift in 0..3 {
        // The first and last characters depend on the neighbours; what is between does not.
        let padded = [vec![0; shift], bytes.to_vec()].concat();
        for text in [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)] {
            forms.push(text.chars().skip(4).take(text.len() - 6).collect());
        }
    }
    forms
}

async fn tables(pool: &PgPool, masters: &MasterKeys, which: Which) -> Vec<Report> {
    reseal::tables(pool, masters, which, &mut |_| {}).await.unwrap()
}

async fn in_bucket(nats: &async_nats::Client, masters: &MasterKeys) -> Report {
    reseal::in_bucket(nats, masters, Which::Former, &mut |_| {})
        .await
        .unwrap()
}

/// How much is under a key that seals no more.
async fn former(pool: &PgPool, masters: &MasterKeys) -> u64 {
    let counted: Vec<Census> = reseal::census(pool, masters).await.unwrap();
    counted.iter().filter(|c| !c.current).map(|c| c.count).sum()
}
