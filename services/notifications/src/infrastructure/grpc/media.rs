//! Files of messages: decode what is wanted, fetch, and say why not.

use puente_blob::{BlobError, BlobKey, Container, MediaType, Sha256Hash};
use puente_ports::{ErrorTag, MEDIA_TOO_LARGE, MediaFile, ProviderError, ProviderErrorKind};
use puente_proto::notifications::{StoreMediaRequest, StoreMediaResponse};
use puente_rpc::Caller;
use puente_types::ConnectionId;
use tonic::Status;

use super::ask;
use crate::infrastructure::media::{MAX_FILE, Media, MediaError, Wanted};

/// The longest URL of a file: as long as messages carry them.
const MAX_URL: usize = 4096;
/// Files of messages go here; what belongs in the others is made by ourselves.
const CONTAINERS: [Container; 2] = [Container::Assets, Container::Orders];

pub(super) async fn store(
    media: &Media,
    caller: Caller,
    request: StoreMediaRequest,
) -> Result<StoreMediaResponse, Status> {
    let wanted = wanted(&caller, request)?;
    let stored = media
        .store(&wanted)
        .await
        .map_err(|error| refused(&wanted, &error))?;
    Ok(StoreMediaResponse {
        media_type: stored.media_type.mime().to_owned(),
        bytes: stored.bytes,
        sha256: stored.sha256.to_string(),
    })
}

fn wanted(caller: &Caller, request: StoreMediaRequest) -> Result<Wanted, Status> {
    let tenant = caller.tenant()?.clone();
    let invalid = |problem: &str| Status::invalid_argument(problem);
    let container: Container = request
        .container
        .parse()
        .map_err(|_| invalid("there is no such container"))?;
    if !CONTAINERS.contains(&container) {
        return Err(invalid("files of messages go to assets or orders"));
    }
    let key = BlobKey::parse(&request.key).map_err(|error| invalid(&error.to_string()))?;
    if key.tenant().as_ref() != Some(&tenant) {
        return Err(Status::permission_denied(
            "the key does not begin with the tenant's prefix",
        ));
    }
    let connection = ask::needed(request.connection, "a connection")?;
    let connection: ConnectionId = connection
        .parse()
        .map_err(|_| Status::failed_precondition("the tenant has no such connection"))?;
    if request.url.len() > MAX_URL || request.url.contains('\0') {
        return Err(invalid("the file's URL is too long"));
    }
    let sha256: Option<Sha256Hash> = match request.sha256.as_str() {
        "" => None,
        declared => Some(declared.parse().map_err(|_| invalid("the hash is no SHA-256"))?),
    };
    let kinds: Result<Vec<MediaType>, _> = request.media_types.iter().map(|kind| kind.parse()).collect();
    let kinds = kinds.map_err(|_| invalid("a type is none that is kept"))?;
    let file = MediaFile {
        id: ask::word(request.provider_media_id, "a file's id")?.unwrap_or_default(),
        url: request.url,
    };
    if file.id.is_empty() && file.url.is_empty() {
        return Err(invalid("give the file's id or URL"));
    }
    let most = usize::try_from(request.max_bytes).unwrap_or(MAX_FILE);
    Ok(Wanted {
        tenant,
        provider: ask::needed(request.provider, "a provider")?,
        connection,
        file,
        sha256,
        container,
        key,
        kinds: if kinds.is_empty() {
            MediaType::ALL.to_vec()
        } else {
            kinds
        },
        max_bytes: if most == 0 { MAX_FILE } else { most.min(MAX_FILE) },
    })
}

/// The caller learns whether asking again helps, and what of the file is not right; the log learns the rest.
fn refused(wanted: &Wanted, error: &MediaError) -> Status {
    tracing::warn!(
        provider = wanted.provider,
        connection.id = %wanted.connection,
        tenant.id = %wanted.tenant,
        error = error as &dyn std::error::Error,
        "a file of a message was not stored"
    );
    match error {
        MediaError::NoStorage | MediaError::NoConnection => Status::failed_precondition(error.to_string()),
        MediaError::Busy | MediaError::Late => Status::unavailable(error.to_string()),
        MediaError::Content(error) => Status::invalid_argument(error.to_string()),
        MediaError::Hash => Status::invalid_argument(error.to_string()),
        MediaError::Provider(error) => by_provider(error),
        MediaError::Blob(error) => by_store(error),
    }
}

fn by_provider(error: &ProviderError) -> Status {
    // Codes of providers are words of theirs; what they say beside them stays here.
    let told = format!("the provider did not give the file ({})", error.code());
    match (error.tag(), error.kind()) {
        (_, ProviderErrorKind::Rejected) if error.code() == MEDIA_TOO_LARGE => {
            Status::invalid_argument("the file is larger than allowed")
        }
        (ErrorTag::Permanent, _) => Status::not_found(told),
        (ErrorTag::Configuration, _) => Status::failed_precondition(told),
        (ErrorTag::Temporary, _) => Status::unavailable(told),
    }
}

fn by_store(error: &BlobError) -> Status {
    match error {
        BlobError::Unavailable { .. } | BlobError::NotFound => {
            Status::unavailable("the storage cannot be reached now")
        }
        BlobError::Configuration { .. } => Status::failed_precondition("the storage is not set up"),
        BlobError::AlreadyExists | BlobError::Tampered => {
            Status::invalid_argument("the key is taken by another content")
        }
        BlobError::TooLarge { .. } => Status::invalid_argument("what is stored is larger than allowed"),
    }
}
