//! Recording by the service itself.

use puente_blob::{BlobKey, Container, MediaType};
use puente_documents::{About, NewDocument, RecordError, Recorded};
use puente_proto::documents::DocumentStored;
use puente_proto::{Event as _, instant};
use time::macros::date;
use tokio::task::JoinSet;

use crate::support::{MAX, Stage, acme, provider};

#[tokio::test(flavor = "multi_thread")]
async fn a_document_and_its_event_are_one_commit() {
    let stage = Stage::set().await;
    let new = NewDocument {
        expires_on: Some(date!(2027 - 01 - 31)),
        note: "por vencer".to_owned(),
        cause: Some("effect-9".to_owned()),
        ..stage.brought("once", "arl", provider()).await
    };
    let mut tx = stage.outbox.begin().await.unwrap();
    let recorded = stage.documents.record(&mut tx, &new).await.unwrap();
    assert!(matches!(recorded, Recorded::New(_)));
    drop(tx);
    assert_eq!(stage.count("SELECT count(*) FROM documents").await, 0);
    assert_eq!(stage.count("SELECT count(*) FROM outbox").await, 0);

    let document = stage.record(&new).await.document();
    assert_eq!(stage.now(&document).await, document);
    assert_eq!(document.expires_on, Some(date!(2027 - 01 - 31)));
    assert_eq!((&document.about, &*document.note), (&new.about, "por vencer"));
    assert_eq!(
        (&document.key, document.sha256),
        (&new.stored.key, new.stored.sha256)
    );
    let (kind, aggregate, cause, payload): (String, String, String, Vec<u8>) =
        sqlx::query_as("SELECT type, aggregate_id, cause, payload FROM outbox")
            .fetch_one(&stage.pool)
            .await
            .unwrap();
    assert_eq!(kind, DocumentStored::TYPE.name);
    assert_eq!((aggregate, &*cause), (document.id.to_string(), "effect-9"));
    let event: DocumentStored = prost_decode(&payload);
    assert_eq!(event.document_id, document.id.to_string());
    assert_eq!(
        (&*event.about_kind, &*event.about_id),
        ("service_provider", "provider-1")
    );
    assert_eq!((&*event.kind, &*event.container), ("arl", "providers"));
    assert_eq!(event.sha256, document.sha256.to_string());
    assert_eq!(
        (event.bytes, &*event.media_type),
        (document.bytes, "application/pdf")
    );
    assert_eq!(
        instant(&event.stored_at.unwrap()).unwrap().unix_timestamp(),
        document.stored_at.unix_timestamp()
    );
    assert_eq!(event.by, "user-7");
}

fn prost_decode<M: puente_proto::Event>(payload: &[u8]) -> M {
    M::decode(payload).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_record_changes_nothing_and_finds_the_first() {
    let stage = Stage::set().await;
    let new = stage.brought("once", "arl", provider()).await;
    let first = stage.record(&new).await.document();
    let other = NewDocument {
        file_name: "otro.pdf".to_owned(),
        ..stage.brought("once", "arl", provider()).await
    };
    assert_eq!(stage.record(&other).await, Recorded::Before(first.clone()));
    assert_eq!(stage.now(&first).await.replaced_at, None);
    assert_eq!(stage.count("SELECT count(*) FROM documents").await, 1);
    assert_eq!(stage.count("SELECT count(*) FROM outbox").await, 1);

    let elsewhere = NewDocument {
        tenant: "other".parse().unwrap(),
        stored: stage
            .stored("other", Container::Providers, crate::support::PDF)
            .await,
        ..new
    };
    let recorded = stage.record(&elsewhere).await;
    assert!(matches!(recorded, Recorded::New(_)), "keys are each tenant's own");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_same_command_sent_many_times_at_once_one_is_recorded() {
    let stage = Stage::set().await;
    let new = stage.brought("once", "scan", About::new("order", "o-1")).await;
    let mut commands = JoinSet::new();
    for _ in 0..8 {
        let (outbox, documents, new) = (stage.outbox.clone(), stage.documents.clone(), new.clone());
        commands.spawn(async move {
            let mut tx = outbox.begin().await.unwrap();
            let recorded = documents.record(&mut tx, &new).await.unwrap();
            tx.commit().await.unwrap();
            recorded
        });
    }
    let outcomes = commands.join_all().await;
    let new = outcomes.iter().filter(|o| matches!(o, Recorded::New(_))).count();
    assert_eq!(new, 1, "{outcomes:?}");
    let ids: std::collections::HashSet<_> = outcomes.into_iter().map(|o| o.document().id).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(stage.count("SELECT count(*) FROM outbox").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_document_takes_the_place_of_its_kind_about_the_same_thing_alone() {
    let stage = Stage::set().await;
    let record = async |key: &str, kind: &str, about: About| {
        let new = stage.brought(key, kind, about).await;
        stage.record(&new).await.document()
    };
    let former = record("1", "arl", provider()).await;
    let of_another_kind = record("2", "eps", provider()).await;
    let about_another = record("3", "arl", About::new("service_provider", "provider-2")).await;
    let scan = record("4", "scan", About::new("order", "o-1")).await;
    let newer = record("5", "arl", provider()).await;
    let second_scan = record("6", "scan", About::new("order", "o-1")).await;
    assert_eq!(stage.now(&former).await.replaced_at, Some(newer.stored_at));
    for in_force in [of_another_kind, about_another, newer, scan, second_scan] {
        let now = stage.now(&in_force).await;
        assert_eq!(now.replaced_at, None, "{in_force:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_documents_that_come_at_the_same_moment_one_is_in_force() {
    let stage = Stage::set().await;
    let mut commands = JoinSet::new();
    for n in 0..6 {
        let new = stage.brought(&format!("key-{n}"), "arl", provider()).await;
        let (outbox, documents) = (stage.outbox.clone(), stage.documents.clone());
        commands.spawn(async move {
            let mut tx = outbox.begin().await.unwrap();
            documents.record(&mut tx, &new).await.unwrap();
            // Hands over while its row is not committed, so that the others run into it.
            tokio::task::yield_now().await;
            tx.commit().await.unwrap();
        });
    }
    commands.join_all().await;
    assert_eq!(stage.count("SELECT count(*) FROM documents").await, 6);
    let in_force = "SELECT count(*) FROM documents WHERE replaced_at IS NULL";
    assert_eq!(stage.count(in_force).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_service_does_not_keep_is_refused() {
    let stage = Stage::set().await;
    let good = stage.brought("once", "arl", provider()).await;
    let foreign = BlobKey::parse("t/other/2026/11/x.pdf").unwrap();
    let nobodys = BlobKey::parse("x/acme/2026/11/x.pdf").unwrap();
    let changed = |change: &dyn Fn(&mut NewDocument)| {
        let mut new = good.clone();
        change(&mut new);
        new
    };
    for (what, bad) in [
        ("kind", changed(&|new| new.kind = "passport".into())),
        (
            "about",
            changed(&|new| new.about = About::new("order", "provider-1")),
        ),
        (
            "about id",
            changed(&|new| new.about = About::new("service_provider", "")),
        ),
        (
            "container",
            changed(&|new| new.stored.container = Container::Orders),
        ),
        (
            "media type",
            changed(&|new| new.stored.media_type = MediaType::Webp),
        ),
        ("too large", changed(&|new| new.stored.bytes = MAX as u64 + 1)),
        ("empty", changed(&|new| new.stored.bytes = 0)),
        (
            "another tenant's key",
            changed(&|new| new.stored.key = foreign.clone()),
        ),
        ("nobody's key", changed(&|new| new.stored.key = nobodys.clone())),
        ("no name", changed(&|new| new.file_name = String::new())),
        ("line break", changed(&|new| new.file_name = "a\r\nb.pdf".into())),
        ("long name", changed(&|new| new.file_name = "x".repeat(201))),
        ("no key", changed(&|new| new.idempotency_key = String::new())),
        ("long note", changed(&|new| new.note = "x".repeat(501))),
    ] {
        let mut tx = stage.outbox.begin().await.unwrap();
        let refused = stage.documents.record(&mut tx, &bad).await;
        assert!(
            matches!(refused, Err(RecordError::Refused(_))),
            "{what}: {refused:?}"
        );
    }
    assert_eq!(good.tenant, acme());
    assert!(matches!(stage.record(&good).await, Recorded::New(_)));
}
