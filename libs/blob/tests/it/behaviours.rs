//! What every store does, whatever is beneath. Run over each of them.

use std::time::Duration;

use puente_blob::{BlobError, BlobKey, Blobs, Container, MediaType, Sha256Hash};
use puente_types::{Clock as _, SystemClock};

use crate::support::{bytes, key};

const PDF: MediaType = MediaType::Pdf;

/// Each behaviour in turn, by its name.
pub(crate) async fn all(blobs: &Blobs) {
    what_was_stored_is_read_back_with_its_hash(blobs).await;
    a_repeated_write_succeeds_and_another_content_is_refused(blobs).await;
    of_many_writers_of_one_key_exactly_one_wins(blobs).await;
    what_is_not_there_is_not_found_and_deleting_it_succeeds(blobs).await;
    nothing_larger_than_wanted_is_read(blobs).await;
    another_content_than_was_recorded_is_tampered(blobs).await;
    containers_are_apart(blobs).await;
    containers_can_be_ensured_again(blobs).await;
    every_key_is_stored_as_it_is_written(blobs).await;
    everything_is_listed_once_page_by_page(blobs).await;
}

async fn what_was_stored_is_read_back_with_its_hash(blobs: &Blobs) {
    let (key, content) = (key(), bytes("%PDF-1.7 contrato"));
    let stored = blobs
        .put(Container::Contracts, &key, content.clone(), PDF)
        .await
        .unwrap();
    assert_eq!((stored.container, &stored.key), (Container::Contracts, &key));
    assert_eq!((stored.media_type, stored.bytes), (PDF, 17));
    assert_eq!(stored.sha256, Sha256Hash::of(&content));
    let read = blobs
        .get(Container::Contracts, &key, 1000, Some(&stored.sha256))
        .await;
    assert_eq!(read.unwrap(), content);
    assert!(blobs.exists(Container::Contracts, &key).await.unwrap());
}

async fn a_repeated_write_succeeds_and_another_content_is_refused(blobs: &Blobs) {
    let key = key();
    let put = async |text: &str| blobs.put(Container::Orders, &key, bytes(text), PDF).await;
    let create = async |text: &str| blobs.create(Container::Orders, &key, bytes(text), PDF).await;
    let (first, ours) = create("one").await.unwrap();
    assert!(ours, "whoever made it is told");
    assert_eq!(
        create("one").await.unwrap(),
        (first.clone(), false),
        "and who found it there"
    );
    assert_eq!(put("one").await.unwrap(), first);
    for other in ["two", "one more", "on"] {
        assert!(
            matches!(put(other).await, Err(BlobError::AlreadyExists)),
            "{other}"
        );
    }
    let read = blobs.get(Container::Orders, &key, 100, Some(&first.sha256)).await;
    assert_eq!(read.unwrap(), bytes("one"));
}

async fn of_many_writers_of_one_key_exactly_one_wins(blobs: &Blobs) {
    let key = key();
    let mut writers = tokio::task::JoinSet::new();
    for n in 0..16_u8 {
        let (blobs, key) = (blobs.clone(), key.clone());
        writers.spawn(async move {
            // Large enough that writing takes a while, and of one length, so that a mixture would not be noticed by it.
            let content = bytes::Bytes::from(vec![n; 200_000]);
            (
                n,
                blobs.put(Container::Orders, &key, content, MediaType::Pdf).await,
            )
        });
    }
    let outcomes = writers.join_all().await;
    let winners: Vec<u8> = outcomes
        .iter()
        .filter(|(_, outcome)| outcome.is_ok())
        .map(|(n, _)| *n)
        .collect();
    let lost = |outcome: &Result<_, BlobError>| matches!(outcome, Err(BlobError::AlreadyExists));
    let losers = outcomes.iter().filter(|(_, outcome)| lost(outcome)).count();
    assert_eq!((winners.len(), losers), (1, 15), "{outcomes:?}");
    let read = blobs.get(Container::Orders, &key, 1_000_000, None).await.unwrap();
    assert_eq!(read.len(), 200_000);
    assert!(read.iter().all(|byte| *byte == winners[0]));
}

async fn what_is_not_there_is_not_found_and_deleting_it_succeeds(blobs: &Blobs) {
    let key = key();
    let get = async || blobs.get(Container::Assets, &key, 100, None).await;
    assert!(matches!(get().await, Err(BlobError::NotFound)));
    assert!(!blobs.exists(Container::Assets, &key).await.unwrap());
    blobs.delete(Container::Assets, &key).await.unwrap();
    blobs.put(Container::Assets, &key, bytes("x"), PDF).await.unwrap();
    assert!(get().await.is_ok());
    blobs.delete(Container::Assets, &key).await.unwrap();
    assert!(matches!(get().await, Err(BlobError::NotFound)));
    blobs.delete(Container::Assets, &key).await.unwrap();
}

async fn nothing_larger_than_wanted_is_read(blobs: &Blobs) {
    let key = key();
    blobs
        .put(Container::Reports, &key, bytes("0123456789"), PDF)
        .await
        .unwrap();
    let get = async |most| blobs.get(Container::Reports, &key, most, None).await;
    assert_eq!(get(10).await.unwrap().len(), 10);
    assert_eq!(get(usize::MAX).await.unwrap().len(), 10);
    for most in [0, 9] {
        let refused = get(most).await;
        assert!(
            matches!(refused, Err(BlobError::TooLarge { max_bytes }) if max_bytes == most),
            "{refused:?}"
        );
    }
}

async fn another_content_than_was_recorded_is_tampered(blobs: &Blobs) {
    let key = key();
    blobs
        .put(Container::Contracts, &key, bytes("what is stored"), PDF)
        .await
        .unwrap();
    let recorded = Sha256Hash::of(b"what was recorded");
    let read = blobs.get(Container::Contracts, &key, 100, Some(&recorded)).await;
    assert!(matches!(read, Err(BlobError::Tampered)));
}

async fn containers_are_apart(blobs: &Blobs) {
    let key = key();
    for container in Container::ALL {
        let content = bytes(container.as_str());
        blobs.put(container, &key, content, PDF).await.unwrap();
    }
    for container in Container::ALL {
        let read = blobs.get(container, &key, 100, None).await.unwrap();
        assert_eq!(read, bytes(container.as_str()));
    }
}

async fn containers_can_be_ensured_again(blobs: &Blobs) {
    blobs.ensure_containers().await.unwrap();
    blobs.ensure_containers().await.unwrap();
}

async fn every_key_is_stored_as_it_is_written(blobs: &Blobs) {
    for text in [
        "t/acme/2026/11/a_b-c.d.pdf",
        "t/acme/..x/y...z/-._",
        "t/acme/UPPER/lower",
    ] {
        let key = BlobKey::parse(text).unwrap();
        blobs
            .put(Container::Assets, &key, bytes(text), PDF)
            .await
            .unwrap();
        let read = blobs.get(Container::Assets, &key, 100, None).await.unwrap();
        assert_eq!(read, bytes(text));
    }
}

async fn everything_is_listed_once_page_by_page(blobs: &Blobs) {
    let container = Container::Providers;
    let list = async |from: Option<&str>, most| blobs.list(container, from, most).await.unwrap();
    // What other behaviours left is deleted first.
    for object in list(None, 1_000).await.objects {
        blobs.delete(container, &object.key().unwrap()).await.unwrap();
    }
    assert_eq!(list(None, 1_000).await, puente_blob::Page::default());
    // Names that sort otherwise by folder than as a whole.
    let names = [
        "t/acme-2/2026/11/a.pdf",
        "t/acme/2026/10/a.pdf",
        "t/acme/2026/11/a.pdf",
        "t/acme/2026/11/b",
        "t/acme/2026/11/b.pdf",
        "t/acme0/2026/01/a.pdf",
        "x/nobodys",
    ];
    for name in names {
        let key = BlobKey::parse(name).unwrap();
        blobs.put(container, &key, bytes(name), PDF).await.unwrap();
    }
    for most in [1, 2, 3, 7, 1_000] {
        let (mut found, mut from) = (Vec::new(), None::<String>);
        loop {
            let page = list(from.as_deref(), most).await;
            assert!(page.objects.len() <= most, "{page:?}");
            found.extend(page.objects);
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        let mut listed: Vec<_> = found.iter().map(|object| object.name.as_str()).collect();
        listed.sort_unstable();
        assert_eq!(listed, names, "in pages of {most}");
        for object in found {
            assert_eq!(object.bytes, object.name.len() as u64);
            let age = (SystemClock.now() - object.stored_at).unsigned_abs();
            assert!(age < Duration::from_secs(3_600), "{object:?}");
        }
    }
}
