//! Tokens of connections: renewed once however many ask, lost to nobody but a dead process, readable by nobody.

use std::sync::Arc;
use std::time::Duration;

use puente_ports::{ErrorTag, ProviderError, ProviderErrorKind};
use puente_types::Secret;
use puente_vault::oauth::{CONSENT_REQUIRED, GrantState, OAuthProblem, REVOKED, TOKEN_REFUSED};

use crate::grants::*;
use crate::support::*;

#[tokio::test]
async fn thirty_two_callers_of_two_replicas_renew_once_and_all_get_the_same_token() {
    let (db, clock) = (database().await, clock());
    let masters = masters();
    let replicas = [
        store(pool(&db), &masters, &clock),
        store(pool(&db), &masters, &clock),
    ];
    let signing = connection("acme-sign", "1", "x");
    replicas[0]
        .store(&signing, &tokens("old", Some("refresh-1"), &clock, HOUR))
        .await
        .unwrap();
    clock.advance(HOUR - Duration::from_secs(60));

    let granter = Provider::answers("new", &clock);
    let callers = (0..32).map(|n| {
        let (store, granter, signing) = (replicas[n % 2].clone(), Arc::clone(&granter), signing.clone());
        async move { store.fresh(&signing, &granter).await.unwrap() }
    });
    let got = futures::future::join_all(callers).await;
    assert_eq!(granter.calls(), 1, "one renewal for all");
    assert_eq!(granter.refreshes(), ["refresh-1"]);
    assert!(got.iter().all(|tokens| tokens.access.expose() == "new-1"));
    assert!(
        got.iter()
            .all(|t| t.refresh.as_ref().unwrap().expose() == "new-refresh-1")
    );
}

#[tokio::test]
async fn a_caller_that_stops_waiting_breaks_no_renewal_off() {
    let (db, clock) = (database().await, clock());
    let store = store(pool(&db), &masters(), &clock);
    let signing = connection("acme-sign", "1", "x");
    store
        .store(&signing, &tokens("old", Some("refresh-1"), &clock, HOUR))
        .await
        .unwrap();
    clock.advance(HOUR);
    let granter = Provider::answers("new", &clock);
    let held = granter.hold().await;
    tokio::select! {
        _ = store.fresh(&signing, &granter) => panic!("must not come to an end"),
        () = granter.reached() => {}
    }
    drop(held);
    assert_eq!(access(&store, &signing, &granter).await, "new-1");
    store.finished().await;
    assert_eq!(granter.calls(), 1);
    assert_eq!(granter.refreshes(), ["refresh-1"]);
}

#[tokio::test]
async fn a_token_is_used_until_five_minutes_before_its_end_and_replaced_from_then_on() {
    let (db, clock) = (database().await, clock());
    let store = store(pool(&db), &masters(), &clock);
    let signing = connection("acme-sign", "1", "x");
    let granter = Provider::answers("new", &clock);
    store
        .store(&signing, &tokens("old", Some("r"), &clock, HOUR))
        .await
        .unwrap();
    clock.advance(HOUR - Duration::from_secs(301));
    assert_eq!(access(&store, &signing, &granter).await, "old");
    clock.advance(Duration::from_secs(2));
    assert_eq!(access(&store, &signing, &granter).await, "new-1");
    assert_eq!(granter.calls(), 1);
    clock.advance(HOUR * 3);
    assert_eq!(
        access(&store, &signing, &granter).await,
        "new-2",
        "long expired is renewed as well"
    );
}

#[tokio::test]
async fn a_short_lived_token_is_not_renewed_with_every_call() {
    let (db, clock) = (database().await, clock());
    let store = store(pool(&db), &masters(), &clock);
    let signing = connection("acme-sign", "1", "x");
    let granter = Provider::answers("new", &clock);
    store
        .store(
            &signing,
            &tokens("old", Some("r"), &clock, Duration::from_secs(60)),
        )
        .await
        .unwrap();
    clock.advance(Duration::from_secs(50));
    assert_eq!(access(&store, &signing, &granter).await, "old");
    clock.advance(Duration::from_secs(5));
    assert_eq!(access(&store, &signing, &granter).await, "new-1");
}

#[tokio::test]
async fn a_grant_without_a_refresh_token_is_asked_for_when_there_is_none_yet() {
    let (db, clock) = (database().await, clock());
    let store = store(pool(&db), &masters(), &clock);
    let signing = connection("acme-sign", "1", "x");
    let granter = Provider::answers("jwt", &clock);
    assert_eq!(access(&store, &signing, &granter).await, "jwt-1");
    assert_eq!(access(&store, &signing, &granter).await, "jwt-1");
    assert_eq!(granter.calls(), 1);
    let status = store.status(&signing.tenant, &signing.id).await.unwrap().unwrap();
    assert_eq!(status.state, GrantState::Active);
    assert_eq!(status.account_id.as_deref(), Some("account-7"));
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_not_again_when_the_new_one_is_refused_too() {
    let (db, clock) = (database().await, clock());
    let masters = masters();
    let (a, b) = (
        store(pool(&db), &masters, &clock),
        store(pool(&db), &masters, &clock),
    );
    let signing = connection("acme-sign", "1", "x");
    let granter = Provider::answers("new", &clock);
    a.store(&signing, &tokens("old", Some("r"), &clock, HOUR))
        .await
        .unwrap();
    assert_eq!(access(&a, &signing, &granter).await, "old");
    assert_eq!(access(&b, &signing, &granter).await, "old");

    for store in [&a, &b] {
        store.rejected(&signing, &Secret::new("old")).await;
        assert_eq!(access(store, &signing, &granter).await, "new-1");
    }
    assert_eq!(
        granter.calls(),
        1,
        "whoever learns of it later uses what is there"
    );
    a.rejected(&signing, &Secret::new("old")).await;
    assert_eq!(
        access(&a, &signing, &granter).await,
        "new-1",
        "a late word about an old token"
    );

    a.rejected(&signing, &Secret::new("new-1")).await;
    let refused = a.fresh(&signing, &granter).await.unwrap_err();
    assert_eq!(
        (refused.code(), refused.tag()),
        (TOKEN_REFUSED, ErrorTag::Configuration)
    );
    assert_eq!(granter.calls(), 1, "no storm");
    clock.advance(Duration::from_secs(61));
    assert_eq!(
        access(&a, &signing, &granter).await,
        "new-2",
        "but one try a minute"
    );
}

#[tokio::test]
async fn a_lost_consent_is_asked_for_once_and_comes_back_with_a_person() {
    let (db, clock) = (database().await, clock());
    let store = store(pool(&db), &masters(), &clock);
    let signing = connection("acme-sign", "1", "x");
    for code in ["invalid_grant", "consent_required"] {
        store
            .store(&signing, &tokens("old", Some("r"), &clock, HOUR))
            .await
            .unwrap();
        clock.advance(HOUR);
        let refuses = Provider::refuses(ProviderErrorKind::Rejected, code, &clock);
        for _ in 0..5 {
            let error = store.fresh(&signing, &refuses).await.unwrap_err();
            assert_eq!(error.code(), CONSENT_REQUIRED);
            assert_eq!(error.kind(), &ProviderErrorKind::Configuration);
            clock.advance(Duration::from_secs(600));
        }
        assert_eq!(refuses.calls(), 1, "no storm");
        let status = store.status(&signing.tenant, &signing.id).await.unwrap().unwrap();
        assert_eq!(status.state, GrantState::NeedsConsent);
        assert!(status.problem.unwrap().contains(code));
    }
    let grants = Provider::answers("jwt", &clock);
    store.consented(&signing).await.unwrap();
    assert_eq!(access(&store, &signing, &grants).await, "jwt-1");
}

#[tokio::test]
async fn while_the_provider_is_down_the_old_token_is_used_to_its_end_and_others_do_not_ask_again() {
    let (db, clock) = (database().await, clock());
    let store = store(pool(&db), &masters(), &clock);
    let signing = connection("acme-sign", "1", "x");
    store
        .store(&signing, &tokens("old", Some("r"), &clock, HOUR))
        .await
        .unwrap();
    clock.advance(HOUR - Duration::from_secs(120));
    let down = Provider::refuses(ProviderErrorKind::OutcomeUnknown, "timeout", &clock);
    assert_eq!(access(&store, &signing, &down).await, "old");
    assert_eq!(access(&store, &signing, &down).await, "old");
    assert_eq!(down.calls(), 1, "the others wait for the pause to be over");
    clock.advance(Duration::from_secs(115));
    let callers = (0..8).map(|_| store.fresh(&signing, &down));
    for error in futures::future::join_all(callers).await {
        let error = error.unwrap_err();
        assert!(
            matches!(error.kind(), ProviderErrorKind::Unavailable { .. }),
            "the call itself surely was not made: {error}"
        );
    }
    assert_eq!(down.calls(), 2);
    let up = Provider::answers("new", &clock);
    clock.advance(Duration::from_secs(3));
    assert_eq!(access(&store, &signing, &up).await, "new-1");
}

#[tokio::test]
async fn a_process_that_dies_between_the_answer_and_the_commit_leaves_the_former_tokens() {
    let (db, clock) = (database().await, clock());
    let masters = masters();
    let dying = store(pool(&db), &masters, &clock);
    let signing = connection("acme-sign", "1", "x");
    dying
        .store(&signing, &tokens("old", Some("refresh-1"), &clock, HOUR))
        .await
        .unwrap();
    clock.advance(HOUR);
    // The provider has answered, and its answer never arrives: the process dies with its connection.
    let hanging = Provider::hangs(&clock);
    tokio::select! {
        _ = dying.fresh(&signing, &hanging) => panic!("must not come to an end"),
        () = hanging.reached() => {}
    }
    cut(&db.admin()).await;
    assert_eq!(hanging.refreshes(), ["refresh-1"]);

    let survivor = store(pool(&db), &masters, &clock);
    let forgiving = Provider::answers("new", &clock);
    assert_eq!(access(&survivor, &signing, &forgiving).await, "new-1");
    assert_eq!(
        forgiving.refreshes(),
        ["refresh-1"],
        "the lock is free, and the former token is offered again"
    );

    survivor
        .store(&signing, &tokens("old", Some("refresh-2"), &clock, HOUR))
        .await
        .unwrap();
    clock.advance(HOUR);
    let strict = Provider::refuses(ProviderErrorKind::Rejected, "invalid_grant", &clock);
    let error = survivor.fresh(&signing, &strict).await.unwrap_err();
    assert_eq!(
        error.code(),
        CONSENT_REQUIRED,
        "a provider that forgot it needs a person, and says so"
    );
}

#[tokio::test]
async fn new_tokens_are_kept_although_the_first_commit_fails() {
    let (db, clock, masters) = (database().await, clock(), masters());
    let (a, b) = (
        store(pool(&db), &masters, &clock),
        store(pool(&db), &masters, &clock),
    );
    let signing = connection("acme-sign", "1", "x");
    a.store(&signing, &tokens("old", Some("refresh-1"), &clock, HOUR))
        .await
        .unwrap();
    clock.advance(HOUR);
    let cuts = Provider::answers("new", &clock).that_first_cuts(db.admin());
    assert_eq!(access(&a, &signing, &cuts).await, "new-1");
    assert_eq!(
        access(&b, &signing, &cuts).await,
        "new-1",
        "it is in the database"
    );
    assert_eq!(cuts.calls(), 1);
}

#[tokio::test]
async fn a_revoked_grant_is_gone_for_every_replica_within_a_minute() {
    let (db, clock) = (database().await, clock());
    let masters = masters();
    let (a, b) = (
        store(pool(&db), &masters, &clock),
        store(pool(&db), &masters, &clock),
    );
    let signing = connection("acme-sign", "1", "x");
    let granter = Provider::answers("new", &clock);
    a.store(&signing, &tokens("old", Some("r"), &clock, HOUR))
        .await
        .unwrap();
    assert_eq!(access(&b, &signing, &granter).await, "old");
    assert!(a.revoke(&signing.tenant, &signing.id).await.unwrap());
    assert_eq!(a.fresh(&signing, &granter).await.unwrap_err().code(), REVOKED);
    clock.advance(Duration::from_secs(61));
    assert_eq!(b.fresh(&signing, &granter).await.unwrap_err().code(), REVOKED);
    assert_eq!(granter.calls(), 0);
    let kept: Option<serde_json::Value> = sqlx::query_scalar("SELECT sealed FROM orders.oauth_tokens")
        .fetch_one(&db.admin())
        .await
        .unwrap();
    assert_eq!(kept, None, "and forgotten");
}

#[tokio::test]
async fn an_authorisation_is_used_once_by_its_own_tenant_within_ten_minutes() {
    let (db, clock) = (database().await, clock());
    let store = store(pool(&db), &masters(), &clock);
    let signing = connection("acme-sign", "1", "x");
    let begun = store.begin(&signing, REDIRECT, "ana").await.unwrap();
    let state = begun.state.expose();

    let unknown = |result: Result<_, OAuthProblem>| matches!(result.map(drop), Err(OAuthProblem::Unknown));
    assert!(unknown(store.finish(&"other".parse().unwrap(), state).await));
    assert!(unknown(store.finish(&signing.tenant, &"x".repeat(100_000)).await));
    let pending = store.finish(&signing.tenant, state).await.unwrap();
    assert_eq!(pending.connection, signing.id);
    assert_eq!(
        (pending.redirect_uri.as_str(), pending.created_by.as_str()),
        (REDIRECT, "ana")
    );
    assert_eq!(s256(pending.verifier.expose()), begun.challenge);
    assert!(
        unknown(store.finish(&signing.tenant, state).await),
        "a second time"
    );

    let begun = store.begin(&signing, REDIRECT, "ana").await.unwrap();
    clock.advance(Duration::from_secs(600));
    assert!(
        unknown(store.finish(&signing.tenant, begun.state.expose()).await),
        "too late"
    );
}

#[tokio::test]
async fn of_many_authorisations_under_way_the_newest_ten_are_kept() {
    let (db, clock) = (database().await, clock());
    let store = store(pool(&db), &masters(), &clock);
    let signing = connection("acme-sign", "1", "x");
    let mut states = Vec::new();
    for _ in 0..12 {
        states.push(store.begin(&signing, REDIRECT, "ana").await.unwrap().state);
        clock.advance(Duration::from_secs(1));
    }
    let mut usable = 0;
    for state in &states {
        usable += i32::from(store.finish(&signing.tenant, state.expose()).await.is_ok());
    }
    assert_eq!(usable, 10);
}

#[tokio::test]
async fn whoever_answers_a_tenant_sees_no_other_tenants_grants() {
    let (db, clock) = (database().await, clock());
    let store = store(pool(&db), &masters(), &clock);
    let signing = connection("acme-sign", "1", "x");
    store
        .store(&signing, &tokens("old", Some("r"), &clock, HOUR))
        .await
        .unwrap();
    store.begin(&signing, REDIRECT, "ana").await.unwrap();
    for (tenant, sees) in [("acme", 1_i64), ("other", 0)] {
        let mut tx = api_pool(&db).begin().await.unwrap();
        sqlx::query("SELECT set_config('puente.tenant', $1, true)")
            .bind(tenant)
            .execute(&mut *tx)
            .await
            .unwrap();
        for table in ["oauth_tokens", "oauth_authorizations"] {
            let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
                .fetch_one(&mut *tx)
                .await
                .unwrap();
            assert_eq!(count, sees, "{tenant} in {table}");
        }
    }
}

#[tokio::test]
async fn errors_and_debug_output_hold_no_token() {
    let clock = clock();
    let shown = format!("{:?}", tokens(SECRET, Some(SECRET), &clock, HOUR));
    assert!(!shown.contains(SECRET));
    let db = database().await;
    let sealed_by_another = store(pool(&db), &masters(), &clock);
    let signing = connection("acme-sign", "1", "x");
    sealed_by_another
        .store(&signing, &tokens(SECRET, Some(SECRET), &clock, HOUR))
        .await
        .unwrap();
    let here = store(pool(&db), &masters(), &clock);
    let error: ProviderError = here
        .fresh(&signing, &Provider::answers("new", &clock))
        .await
        .unwrap_err();
    assert_eq!(error.tag(), ErrorTag::Configuration);
    assert!(!format!("{error:?} {error}").contains(SECRET));
}

/// Everything that is logged, at its most talkative.
#[derive(Clone, Default)]
struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_token_reaches_the_log_at_its_most_talkative() {
    let (db, clock, log) = (database().await, clock(), Log::default());
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let store = store(pool(&db), &masters(), &clock);
    let signing = connection("acme-sign", "1", "x");
    let held = tokens("token-zero-9fQ", Some("refresh-zero-9fQ"), &clock, HOUR);
    store.store(&signing, &held).await.unwrap();
    let begun = store.begin(&signing, REDIRECT, "ana").await.unwrap();
    store.finish(&signing.tenant, begun.state.expose()).await.unwrap();
    clock.advance(HOUR);
    let down = Provider::refuses(ProviderErrorKind::OutcomeUnknown, "timeout", &clock);
    store.fresh(&signing, &down).await.unwrap_err();
    clock.advance(HOUR);
    let up = Provider::answers("token", &clock);
    assert_eq!(access(&store, &signing, &up).await, "token-1");
    clock.advance(HOUR);
    let lost = Provider::refuses(ProviderErrorKind::Rejected, "invalid_grant", &clock);
    store.fresh(&signing, &lost).await.unwrap_err();
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("was renewed") && text.contains("must be authorised again"));
    for secret in [
        "token-zero-9fQ",
        "refresh-zero-9fQ",
        "token-1",
        "token-refresh-1",
        begun.state.expose(),
    ] {
        assert!(!text.contains(secret), "a token is in the log");
    }
}
