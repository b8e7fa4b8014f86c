//! A broker that comes back with the disk of an earlier moment.

use std::path::Path;

use puente_outbox::{Outbox, Settings};
use puente_testkit::{TestDb, TestNats, wait_for};

use crate::support::{PATIENCE, Running, SERVICE, commit, hasty, run, servers, stream_holds};

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in from.read_dir().unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A relay, and a broker whose disk was copied between some events and others.
struct Scene {
    db: TestDb,
    nats: TestNats,
    outbox: Outbox,
    relay: Running,
    picture: tempfile::TempDir,
    ids: Vec<String>,
}

impl Scene {
    async fn set(settings: Settings) -> Self {
        let (db, mut nats) = servers().await;
        let outbox = Outbox::open(db.pool(SERVICE), SERVICE, settings).await.unwrap();
        let relay = run(&outbox, &nats.url()).await;
        let mut ids = Vec::new();
        for n in 0..20 {
            ids.push(commit(&outbox, &format!("before{n}")).await.unwrap());
        }
        stream_holds(&nats.client().await, &ids).await;
        nats.kill9().await;
        let picture = tempfile::tempdir().unwrap();
        copy(&nats.store(), picture.path());
        nats.start_again().await;
        Self {
            db,
            nats,
            outbox,
            relay,
            picture,
            ids,
        }
    }

    async fn run_sql(&self, statement: &'static str) {
        sqlx::query(statement).execute(&self.db.admin()).await.unwrap();
    }

    /// Publishes events that the picture does not have, and waits until cursor and run of the broker are written.
    async fn publish_more(&mut self) {
        for n in 0..20 {
            self.ids
                .push(commit(&self.outbox, &format!("lost{n}")).await.unwrap());
        }
        stream_holds(&self.nats.client().await, &self.ids).await;
        let server = self.nats.client().await.server_info().server_id;
        wait_for("this run of the broker to be noted", PATIENCE, || async {
            let noted: (Option<String>, bool) = sqlx::query_as(
                "SELECT (SELECT server FROM mechanism.relay_broker),
                        (SELECT min(cursor) FROM mechanism.relay_slots) >= (SELECT max(seq) FROM mechanism.outbox)",
            )
            .fetch_one(&self.db.admin())
            .await
            .unwrap();
            noted.0.as_ref() == Some(&server) && noted.1
        })
        .await;
        self.nats.kill9().await;
    }

    /// Starts the broker with the disk of the picture; all events come back.
    async fn come_back(mut self) {
        std::fs::remove_dir_all(self.nats.store()).unwrap();
        copy(self.picture.path(), &self.nats.store());
        self.nats.start_again().await;
        stream_holds(&self.nats.client().await, &self.ids).await;
        self.ids.push(commit(&self.outbox, "afterwards").await.unwrap());
        stream_holds(&self.nats.client().await, &self.ids).await;
        self.relay.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_stream_that_a_power_loss_took_is_published_again_although_the_stream_is_the_same() {
    let mut scene = Scene::set(hasty()).await;
    scene.publish_more().await;
    scene.come_back().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn confirmed_events_above_a_cursor_that_was_not_written_yet_are_brought_back_too() {
    // No lease is renewed meanwhile, and the cursor not written with it.
    let settings = Settings {
        lease: std::time::Duration::from_hours(1),
        ..hasty()
    };
    let mut scene = Scene::set(settings).await;
    scene.publish_more().await;
    scene.run_sql("UPDATE mechanism.relay_slots SET cursor = 0").await;
    scene.come_back().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_published_long_after_its_commit_is_brought_back_too() {
    let mut scene = Scene::set(hasty()).await;
    scene
        .run_sql("ALTER TABLE mechanism.outbox ALTER created_at SET DEFAULT now() - interval '20 minutes'")
        .await;
    scene.publish_more().await;
    scene
        .run_sql("ALTER TABLE mechanism.outbox ALTER created_at SET DEFAULT now()")
        .await;
    // As if the messages of the picture were older than what a power loss takes.
    scene
        .run_sql("UPDATE mechanism.relay_broker SET seen_at = now() + interval '5 minutes'")
        .await;
    scene.come_back().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_disk_of_hours_ago_does_not_hold_is_published_again() {
    let mut scene = Scene::set(hasty()).await;
    scene.publish_more().await;
    scene
        .run_sql("UPDATE mechanism.relay_broker SET seen_at = now() + interval '3 hours'")
        .await;
    scene.come_back().await;
}
