use async_trait::async_trait;
use puente_outbox::{MIGRATIONS, Settings};
use puente_ports::{CallCtx, ProviderErrorKind, Recovery};
use puente_testkit::{Schema, TestDb, wait_for};
use serde_json::json;
use sqlx::migrate::Migrator;
use uuid::Uuid;

use super::*;
use crate::claim::{Claim, claim};
use crate::quota::Limit;
use crate::{NewEffect, Priority, enqueue};

const SERVICE: &str = "mechanism";
const PATIENCE: Duration = Duration::from_secs(40);
static OWN: Migrator = Migrator::DEFAULT;

/// Nothing is called here.
struct Mute;

#[async_trait]
impl EffectExecutor for Mute {
    fn recovery(&self, _: &Effect) -> Recovery {
        Recovery::Unsure
    }

    async fn call(&self, _: &Effect, _: CallCtx<'_>) -> Result<Value, ProviderError> {
        Ok(Value::Null)
    }

    async fn find(&self, _: &Effect, _: CallCtx<'_>) -> Result<Option<Value>, ProviderError> {
        Ok(None)
    }

    async fn settled(&self, _: &mut Tx, _: &Effect, _: &Outcome) -> Result<(), ApplyError> {
        Ok(())
    }
}

async fn claimed(outbox: &Outbox, limit: &Limit) -> Effect {
    wait_for("the effect to be claimed", PATIENCE, || async {
        let owner = Uuid::now_v7();
        let limits = std::slice::from_ref(limit);
        match claim(outbox.pool(), "acme", limits, 1, owner, PATIENCE, PATIENCE).await {
            Ok(Claim::Calls(mut effects)) => effects.pop(),
            _ => None,
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settlement_written_again_after_a_later_claim_leaves_the_call_under_way_alone() {
    let schema = Schema {
        service: SERVICE,
        common: &MIGRATIONS,
        own: &OWN,
    };
    let db = TestDb::new(&[schema]).await;
    let outbox = Outbox::open(db.pool(SERVICE), SERVICE, Settings::default())
        .await
        .unwrap();
    let limit = Limit {
        scope: "acme:per_second".into(),
        calls: 1,
        window: Duration::from_millis(1),
    };
    let mut tx = outbox.begin().await.unwrap();
    quota::ensure(&mut tx, &limit).await.unwrap();
    let effect = NewEffect {
        key: "e".into(),
        tenant: "algesta".parse().unwrap(),
        provider: "sample".into(),
        connection: "acme".parse().unwrap(),
        operation: "messages.send",
        subject_id: "s".into(),
        payload: json!({}),
        priority: Priority::Normal,
        not_before: None,
    };
    enqueue(&mut tx, &effect).await.unwrap();
    tx.commit().await.unwrap();

    for counts in [Counts::Nothing, Counts::Limited, Counts::Failed] {
        let again = Verdict::Again {
            after: Duration::ZERO,
            error: ProviderError::new(
                ProviderErrorKind::Unavailable { retry_after: None },
                "breaker_open",
                "",
            ),
            counts,
            pause_lane: false,
        };
        let first = claimed(&outbox, &limit).await;
        settle(&outbox, &Mute, &first, &again).await.unwrap();
        let second = claimed(&outbox, &limit).await;
        // The answer to the first commit was lost.
        settle(&outbox, &Mute, &first, &again).await.unwrap();
        let (state, holders): (String, i64) = sqlx::query_as(
            "SELECT state, (SELECT count(*) FROM mechanism.quota_tokens AS t WHERE t.holder = e.id)
             FROM mechanism.effects AS e",
        )
        .fetch_one(&db.admin())
        .await
        .unwrap();
        assert_eq!((state.as_str(), holders), ("calling", 1), "{counts:?}");
        settle(&outbox, &Mute, &second, &again).await.unwrap();
    }
    let budgets: (i32, i32) = sqlx::query_as("SELECT limited, failed FROM mechanism.effects")
        .fetch_one(&db.admin())
        .await
        .unwrap();
    assert_eq!(budgets, (2, 2));
}
