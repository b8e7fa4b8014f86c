//! A broker that comes back with the disk of an earlier moment.

use std::path::Path;

use puente_outbox::Outbox;
use puente_testkit::wait_for;

use crate::support::{PATIENCE, SERVICE, commit, hasty, run, servers, stream_holds};

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

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_stream_that_a_power_loss_took_is_published_again_although_the_stream_is_the_same() {
    let (db, mut nats) = servers().await;
    let outbox = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
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
    for n in 0..20 {
        ids.push(commit(&outbox, &format!("lost{n}")).await.unwrap());
    }
    stream_holds(&nats.client().await, &ids).await;
    let server = nats.client().await.server_info().server_id;
    wait_for("this run of the broker to be noted", PATIENCE, || async {
        let seen: Option<String> = sqlx::query_scalar("SELECT server FROM mechanism.relay_broker")
            .fetch_one(&db.admin())
            .await
            .unwrap();
        seen.as_ref() == Some(&server)
    })
    .await;

    nats.kill9().await;
    std::fs::remove_dir_all(nats.store()).unwrap();
    copy(picture.path(), &nats.store());
    nats.start_again().await;
    stream_holds(&nats.client().await, &ids).await;
    ids.push(commit(&outbox, "afterwards").await.unwrap());
    stream_holds(&nats.client().await, &ids).await;
    relay.stop().await;
}
