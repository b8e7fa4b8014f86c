//! A folder of this machine as a store: the embedded default.
//!
//! A file is written beside its place, synced, and linked there only if nothing is there yet, so that no reader ever
//! sees a part, and of two writers one wins. Folders are for the service's user alone (0700), files likewise (0600).
//!
//! Never: a path that was not made from a [`BlobKey`]; a file that is replaced.

use std::fs::{DirBuilder, File};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use time::OffsetDateTime;

use crate::store::Created;
use crate::{BlobError, BlobKey, Container, Object, Page};

/// Where files are written before they have their place: the same file system, and no container's name.
const STAGING: &str = ".incoming";

/// How old a file is there that nobody writes any more.
const ABANDONED: Duration = Duration::from_hours(24);

/// The folder.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Makes the folder where it is missing.
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        private_folders(root)?;
        let root = root.canonicalize()?;
        Ok(Self { root })
    }

    pub(crate) async fn ensure(&self) -> Result<(), BlobError> {
        let root = self.root.clone();
        blocking(move || {
            let containers = Container::ALL.map(Container::as_str);
            let folders = containers.into_iter().chain([STAGING]);
            folders
                .into_iter()
                .try_for_each(|name| private_folders(&root.join(name)))?;
            forget_abandoned(&root.join(STAGING))
        })
        .await
    }

    pub(crate) async fn create(
        &self,
        container: Container,
        key: &BlobKey,
        bytes: Bytes,
    ) -> Result<Created, BlobError> {
        let (root, staging, place) = (
            self.root.clone(),
            self.root.join(STAGING),
            self.place(container, key),
        );
        blocking(move || {
            private_folders(&staging)?;
            // Made with 0600, and removed again wherever this ends before its place is taken.
            let mut file = tempfile::NamedTempFile::new_in(&staging)?;
            file.write_all(&bytes)?;
            file.as_file().sync_all()?;
            let folder = place.parent().unwrap_or(&staging);
            if !folder.is_dir() {
                private_folders(folder)?;
                synced_up_to(folder, &root)?;
            }
            match file.persist_noclobber(&place) {
                Ok(_) => {}
                Err(error) if error.error.kind() == ErrorKind::AlreadyExists => return Ok(Created::Exists),
                Err(error) => return Err(error.error),
            }
            // The name is on disk only with its folder.
            File::open(folder)?.sync_all()?;
            Ok(Created::New)
        })
        .await
    }

    pub(crate) async fn get(
        &self,
        container: Container,
        key: &BlobKey,
        max_bytes: usize,
    ) -> Result<Bytes, BlobError> {
        let place = self.place(container, key);
        let most = u64::try_from(max_bytes).unwrap_or(u64::MAX);
        let read = blocking(move || {
            let file = File::open(&place)?;
            let found = file.metadata()?;
            if !found.is_file() {
                return Err(ErrorKind::NotFound.into());
            }
            if found.len() > most {
                return Ok(None);
            }
            let mut bytes = Vec::new();
            file.take(most).read_to_end(&mut bytes)?;
            Ok(Some(Bytes::from(bytes)))
        });
        read.await?.ok_or(BlobError::TooLarge { max_bytes })
    }

    pub(crate) async fn delete(&self, container: Container, key: &BlobKey) -> Result<(), BlobError> {
        let place = self.place(container, key);
        blocking(move || std::fs::remove_file(&place)).await
    }

    /// The objects after the one that is named, in the order of their names.
    pub(crate) async fn list(
        &self,
        container: Container,
        from: Option<&str>,
        most: usize,
    ) -> Result<Page, BlobError> {
        let folder = self.root.join(container.as_str());
        let after = from.unwrap_or_default().to_owned();
        let listed = blocking(move || {
            let mut objects = Vec::new();
            // One more than wanted, which tells whether there are more.
            walk(&folder, "", &after, most.saturating_add(1), &mut objects)?;
            Ok(objects)
        });
        let mut objects = match listed.await {
            Err(BlobError::NotFound) => Vec::new(),
            listed => listed?,
        };
        let more = objects.len() > most;
        objects.truncate(most);
        let next = objects.last().filter(|_| more).map(|last| last.name.clone());
        Ok(Page { objects, next })
    }

    pub(crate) async fn exists(&self, container: Container, key: &BlobKey) -> Result<bool, BlobError> {
        let place = self.place(container, key);
        match blocking(move || std::fs::metadata(&place)).await {
            Ok(found) => Ok(found.is_file()),
            Err(BlobError::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A key has no part that leads out of the folder, so this is always below it.
    fn place(&self, container: Container, key: &BlobKey) -> PathBuf {
        self.root.join(container.as_str()).join(key.as_str())
    }
}

/// Makes the folder and those above it that are missing. On systems without modes, the folder above must be private.
fn private_folders(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// A folder that was made is on disk only with the one above it.
fn synced_up_to(folder: &Path, root: &Path) -> io::Result<()> {
    let above = folder.ancestors().skip(1);
    let within = above.take_while(|above| above.starts_with(root));
    for above in within {
        File::open(above)?.sync_all()?;
    }
    Ok(())
}

/// Collects the files below a folder whose names come after `after`, until there are `most`. As deep as paths can be.
fn walk(folder: &Path, above: &str, after: &str, most: usize, found: &mut Vec<Object>) -> io::Result<()> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        // A folder is sorted as what its files begin with, so that the whole comes in the order of full names.
        let tail = if kind.is_dir() { "/" } else { "" };
        let name = format!("{above}{}{tail}", entry.file_name().to_string_lossy());
        let wanted = name.as_str() > after || after.starts_with(&name);
        if wanted && (kind.is_dir() || kind.is_file()) {
            entries.push((name, kind.is_dir(), entry));
        }
    }
    entries.sort_unstable_by(|(one, ..), (other, ..)| one.cmp(other));
    for (name, is_folder, entry) in entries {
        if found.len() >= most {
            return Ok(());
        }
        if is_folder {
            walk(&entry.path(), &name, after, most, found)?;
        } else if name.as_str() > after {
            let about = match entry.metadata() {
                // Deleted since.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                about => about?,
            };
            found.push(Object {
                name,
                bytes: about.len(),
                stored_at: OffsetDateTime::from(about.modified()?),
            });
        }
    }
    Ok(())
}

/// Whatever was being written when its process died. Nobody writes for so long.
fn forget_abandoned(staging: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(staging)? {
        let entry = entry?;
        let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
        if age > ABANDONED {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, BlobError> {
    let done = tokio::task::spawn_blocking(work).await;
    let result = done.map_err(|error| BlobError::unavailable("storage_interrupted", error))?;
    result.map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => BlobError::NotFound,
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            BlobError::configuration("storage_refused", error)
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => BlobError::unavailable("storage_full", error),
        _ => BlobError::unavailable("storage_failed", error),
    })
}
