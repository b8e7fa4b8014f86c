//! A folder as a store.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use puente_blob::{BlobError, BlobKey, Container, MAX_OBJECT_BYTES, MediaType};

use crate::behaviours;
use crate::support::{bytes, key, local};

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        }
        found.push(path);
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_behaves_as_every_store() {
    let (blobs, _, _folder) = local().await;
    behaviours::all(&blobs).await;
}

#[tokio::test]
async fn everything_in_the_folder_belongs_to_its_user_alone() {
    let (blobs, _, folder) = local().await;
    blobs
        .put(Container::Orders, &key(), bytes("x"), MediaType::Pdf)
        .await
        .unwrap();
    let found = files(folder.path());
    assert!(found.iter().any(|path| path.is_file()));
    for path in found {
        let mode = path.metadata().unwrap().permissions().mode() & 0o777;
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, expected, "{}", path.display());
    }
}

#[tokio::test]
async fn a_write_leaves_nothing_but_its_file() {
    let (blobs, _, folder) = local().await;
    let key = key();
    for text in ["one", "one", "two"] {
        let _ = blobs
            .put(Container::Orders, &key, bytes(text), MediaType::Pdf)
            .await;
    }
    let files: Vec<PathBuf> = files(folder.path())
        .into_iter()
        .filter(|path| path.is_file())
        .collect();
    let place = folder.path().join("storage/orders").join(key.as_str());
    assert_eq!(files, [place]);
}

#[tokio::test]
async fn a_file_that_was_altered_on_disk_is_never_served() {
    let (blobs, _, folder) = local().await;
    let key = key();
    let stored = blobs
        .put(Container::Contracts, &key, bytes("Vale 100"), MediaType::Pdf)
        .await
        .unwrap();
    let place = folder.path().join("storage/contracts").join(key.as_str());
    for altered in ["Vale 900", "Vale 100 ", "", "Vale"] {
        std::fs::write(&place, altered).unwrap();
        let read = blobs
            .get(Container::Contracts, &key, 100, Some(&stored.sha256))
            .await;
        assert!(matches!(read, Err(BlobError::Tampered)), "{altered:?}: {read:?}");
    }
}

#[tokio::test]
async fn a_key_that_is_a_folder_is_no_object_and_one_below_a_file_cannot_be_written() {
    let (blobs, _, _folder) = local().await;
    let file = BlobKey::parse("t/acme/a/b").unwrap();
    blobs
        .put(Container::Orders, &file, bytes("x"), MediaType::Pdf)
        .await
        .unwrap();
    let above = BlobKey::parse("t/acme/a").unwrap();
    assert!(!blobs.exists(Container::Orders, &above).await.unwrap());
    let read = blobs.get(Container::Orders, &above, 10, None).await;
    assert!(matches!(read, Err(BlobError::NotFound)), "{read:?}");
    let below = BlobKey::parse("t/acme/a/b/c").unwrap();
    let write = blobs
        .put(Container::Orders, &below, bytes("x"), MediaType::Pdf)
        .await;
    assert!(write.is_err());
    let read = blobs.get(Container::Orders, &file, 10, None).await;
    assert_eq!(read.unwrap(), bytes("x"));
}

#[tokio::test]
async fn nothing_larger_than_is_kept_is_taken() {
    let (blobs, _, _folder) = local().await;
    let huge = vec![0; MAX_OBJECT_BYTES + 1].into();
    let refused = blobs.put(Container::Orders, &key(), huge, MediaType::Pdf).await;
    assert!(matches!(refused, Err(BlobError::TooLarge { .. })));
}

#[tokio::test]
async fn what_a_dead_process_left_half_written_is_swept_up() {
    let (blobs, _, folder) = local().await;
    let staging = folder.path().join("storage/.incoming");
    let (old, young) = (staging.join("old"), staging.join("young"));
    for path in [&old, &young] {
        std::fs::write(path, "half").unwrap();
    }
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_hours(48);
    let file = std::fs::File::options().write(true).open(&old).unwrap();
    file.set_modified(long_ago).unwrap();
    blobs.ensure_containers().await.unwrap();
    assert!(!old.exists() && young.exists());
}
