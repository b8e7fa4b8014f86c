//! The master key in Azure Key Vault, over the real way out, against a vault that wraps with somebody else's RSA.

use std::sync::Arc;
use std::time::{Duration, Instant};

use puente_http::{Http, HttpConfig};
use puente_ports::{ErrorTag, ProviderErrorKind};
use puente_testkit::TestNats;
use puente_types::{Secret, Secrets};
use puente_vault::azure::sim::{ASSERTION, CLIENT_ID, CLIENT_SECRET, KeyVaultSim, TENANT_ID};
use puente_vault::azure::{Credential, Identity, KeyVault};
use puente_vault::{Connections, MasterKey, MasterKeys, SealError, StoreError, open, publish, seal};

use crate::support::*;

/// A vault with one key, and where it listens.
async fn vault() -> KeyVaultSim {
    let sim = empty_vault().await;
    sim.rotate("puente").unwrap();
    sim
}

#[expect(clippy::disallowed_methods, reason = "a test has no runtime to spawn on")]
async fn empty_vault() -> KeyVaultSim {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sim = KeyVaultSim::at(format!("http://{}", listener.local_addr().unwrap()));
    let routes = sim.router();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    sim
}

fn identity(sim: &KeyVaultSim, credential: Credential) -> Identity {
    Identity {
        tenant_id: TENANT_ID.to_owned(),
        client_id: CLIENT_ID.to_owned(),
        credential,
        authority_host: sim.base().to_owned(),
    }
}

fn secret() -> Credential {
    Credential::ClientSecret(Secret::new(CLIENT_SECRET))
}

fn client(sim: &KeyVaultSim, credential: Credential) -> KeyVault {
    let http = Http::new(HttpConfig::local()).unwrap();
    KeyVault::new(Arc::new(http), identity(sim, credential)).unwrap()
}

fn masters_in(sim: &KeyVaultSim, keys: &str) -> MasterKeys {
    MasterKeys::parse(keys).unwrap().with_vault(client(sim, secret()))
}

fn secrets() -> Secrets {
    [("token".to_owned(), Secret::new(SECRET))].into_iter().collect()
}

async fn sealed(masters: &MasterKeys) -> puente_vault::Sealed {
    seal(masters, &"acme".parse().unwrap(), &id("a"), &secrets())
        .await
        .unwrap()
}

async fn opened(masters: &MasterKeys, sealed: &puente_vault::Sealed) -> Result<Secrets, SealError> {
    open(masters, &"acme".parse().unwrap(), &id("a"), sealed).await
}

#[tokio::test]
async fn what_the_vault_wraps_it_unwraps_and_its_version_is_kept_with_it() {
    let sim = vault().await;
    let masters = masters_in(&sim, &sim.key("puente"));
    let kept = sealed(&masters).await;
    assert!(kept.master().starts_with(&sim.key("puente")), "the version too");
    assert!(kept.master().len() > sim.key("puente").len() + 32);
    let json = serde_json::to_value(&kept).unwrap();
    assert_eq!(
        json["key"].as_str().unwrap().len(),
        342,
        "RSA-2048 in base64url without padding"
    );
    let other = masters_in(&sim, &sim.key("puente"));
    assert_eq!(
        opened(&other, &kept)
            .await
            .unwrap()
            .get("token")
            .unwrap()
            .expose(),
        SECRET
    );
}

#[tokio::test]
async fn a_tenants_data_key_serves_for_an_hour_and_no_other_tenant() {
    let sim = vault().await;
    let masters = masters_in(&sim, &sim.key("puente"));
    for _ in 0..5 {
        opened(&masters, &sealed(&masters).await).await.unwrap();
    }
    assert_eq!(sim.counts(), (1, 1, 0), "one token, one wrap, nothing unwrapped");
    let foreign = seal(&masters, &"other".parse().unwrap(), &id("a"), &secrets())
        .await
        .unwrap();
    assert_eq!(sim.counts().1, 2);
    assert_eq!(opened(&masters, &foreign).await.unwrap_err(), SealError::Refused);
}

#[tokio::test]
async fn a_key_that_rotates_in_the_vault_opens_what_its_former_version_sealed() {
    let sim = vault().await;
    let masters = masters_in(&sim, &sim.key("puente"));
    let before = sealed(&masters).await;
    let newest = sim.rotate("puente").unwrap();
    masters.turn_over();
    assert!(!masters.is_current(&before).await.unwrap());
    let after = sealed(&masters).await;
    assert_eq!(after.master(), newest);
    assert!(masters.is_current(&after).await.unwrap());
    let restarted = masters_in(&sim, &sim.key("puente"));
    opened(&restarted, &before).await.unwrap();
    opened(&restarted, &after).await.unwrap();
}

#[tokio::test]
async fn moving_into_the_vault_is_a_rotation_like_any() {
    let (sim, old) = (vault().await, MasterKey::generate().unwrap());
    let before = sealed(&MasterKeys::from(old.clone())).await;
    let keys = format!("{},{}", sim.key("puente"), old.to_base64().expose());
    let masters = masters_in(&sim, &keys);
    opened(&masters, &before).await.unwrap();
    assert!(!masters.is_current(&before).await.unwrap());
    assert!(masters.is_current(&sealed(&masters).await).await.unwrap());
}

#[tokio::test]
async fn a_key_that_the_configuration_does_not_name_is_not_asked_for() {
    let (ours, theirs) = (vault().await, vault().await);
    let sealed_there = sealed(&masters_in(&theirs, &theirs.key("puente"))).await;
    let before = theirs.counts();
    let refused = opened(&masters_in(&ours, &ours.key("puente")), &sealed_there)
        .await
        .unwrap_err();
    assert!(matches!(refused, SealError::UnknownMaster(_)), "{refused}");
    assert_eq!(theirs.counts(), before, "and no token went there");
}

#[tokio::test]
async fn passing_trouble_is_waited_out_and_a_lost_token_is_replaced_once() {
    let sim = vault().await;
    let masters = masters_in(&sim, &sim.key("puente"));
    sim.fail(1);
    let kept = sealed(&masters).await;
    sim.revoke_tokens();
    opened(&masters_in(&sim, &sim.key("puente")), &kept)
        .await
        .unwrap();
    sim.revoke_tokens();
    sim.throttle(1);
    masters.turn_over();
    let began = Instant::now();
    opened(&masters, &sealed(&masters).await).await.unwrap();
    assert!(
        began.elapsed() >= Duration::from_secs(1),
        "Retry-After is kept to"
    );
    assert_eq!(sim.counts().0, 3);
}

#[tokio::test]
async fn each_refusal_says_what_to_do_and_no_secret() {
    let sim = vault().await;
    let kept = sealed(&masters_in(&sim, &sim.key("puente"))).await;
    sim.forbid(true);
    let forbidden = error(opened(&masters_in(&sim, &sim.key("puente")), &kept).await);
    assert_eq!(
        (forbidden.kind(), forbidden.code()),
        (&ProviderErrorKind::Auth, "ForbiddenByRbac")
    );
    assert_eq!(forbidden.tag(), ErrorTag::Configuration);
    sim.forbid(false);
    sim.delete("puente");
    let missing = error(opened(&masters_in(&sim, &sim.key("puente")), &kept).await);
    assert_eq!(
        (missing.kind(), missing.code()),
        (&ProviderErrorKind::Configuration, "KeyNotFound")
    );
    let wrong = Credential::ClientSecret(Secret::new(SECRET));
    let masters = MasterKeys::parse(&sim.key("puente")).unwrap();
    let refused = error(opened(&masters.clone().with_vault(client(&sim, wrong)), &kept).await);
    assert_eq!(
        (refused.kind(), refused.code()),
        (&ProviderErrorKind::Configuration, "AADSTS7000215")
    );
    assert_eq!(
        opened(&masters, &kept).await.unwrap_err(),
        SealError::NoVault,
        "without an identity"
    );
    assert!(!format!("{refused:?} {refused} {masters:?}").contains(SECRET));
}

#[tokio::test]
async fn a_workloads_token_file_is_read_with_every_request_and_an_expired_one_is_read_again() {
    let sim = vault().await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    let workload = || Credential::FederatedTokenFile(file.clone());
    let masters = MasterKeys::parse(&sim.key("puente"))
        .unwrap()
        .with_vault(client(&sim, workload()));
    let tenant = "acme".parse().unwrap();
    let missing = seal(&masters, &tenant, &id("a"), &secrets()).await;
    assert!(
        matches!(&missing, Err(SealError::Vault(error)) if error.code() == "federated_token_file"),
        "{missing:?}"
    );
    std::fs::write(&file, format!("{ASSERTION}\n")).unwrap();
    sim.expire_assertions(1);
    seal(&masters, &tenant, &id("a"), &secrets()).await.unwrap();
}

#[tokio::test]
async fn a_service_does_not_start_without_its_vault_and_a_running_one_goes_on() {
    let (sim, broker, db) = (vault().await, TestNats::start().await, database().await);
    let nats = broker.client().await;
    let masters = masters_in(&sim, &sim.key("puente"));
    publish::apply(&nats, &masters, vec![connection("a", "1", SECRET)])
        .await
        .unwrap();
    let service = Follower::start(&pool(&db), &masters_in(&sim, &sim.key("puente")), &nats).await;
    service.until_token("a", SECRET).await;

    sim.fail(u32::MAX);
    let elsewhere = masters_in(&sim, &sim.key("puente"));
    let refused = Connections::open(pool(&db), elsewhere).await.unwrap_err();
    assert!(matches!(refused, StoreError::Vault(_)), "{refused}");
    assert_eq!(token(&service.connections, "a").as_deref(), Some(SECRET));
    sim.fail(0);
    publish::apply(&nats, &masters, vec![connection("a", "1", "second")])
        .await
        .unwrap();
    service.until_token("a", "second").await;
    service.stop().await;
}

fn error(result: Result<Secrets, SealError>) -> puente_ports::ProviderError {
    match result {
        Err(SealError::Vault(error)) => error,
        other => panic!("{other:?}"),
    }
}
