//! A service that keeps documents, and people who ask.

use std::sync::Arc;
use std::time::Duration;

use puente_blob::{BlobKey, Blobs, Container, MediaType, StorageSettings, Stored};
use puente_documents::{About, Document, Documents, Kept, NewDocument, Recorded};
use puente_outbox::{Outbox, Settings};
use puente_proto::documents::documents_client::DocumentsClient;
use puente_rpc::{Caller, Calls, Door, Guard, RpcKeys, Scope};
use puente_service::Readers;
use puente_testkit::{Schema, TestDb};
use puente_types::{Clock as _, ManualClock, Secret, SystemClock, TenantId};
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

pub(crate) const SERVICE: &str = "mechanism";
/// 32 bytes.
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
pub(crate) const PDF: &[u8] =
    b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\nxref\n0 1\ntrailer\n<< >>\nstartxref\n45\n%%EOF\n";
pub(crate) const MAX: usize = 10_000;

const fn kept(kind: &'static str, about: &'static str, container: Container) -> Kept {
    Kept {
        kind,
        about,
        container,
        media: &[MediaType::Pdf, MediaType::Png],
        max_bytes: MAX,
        one: true,
        from_people: true,
    }
}

pub(crate) static KINDS: [Kept; 4] = [
    kept("arl", "service_provider", Container::Providers),
    kept("eps", "service_provider", Container::Providers),
    Kept {
        one: false,
        ..kept("scan", "order", Container::Contracts)
    },
    Kept {
        from_people: false,
        ..kept("contract", "order", Container::Contracts)
    },
];

/// The service, being asked.
pub(crate) struct Stage {
    pub(crate) db: TestDb,
    pub(crate) pool: PgPool,
    pub(crate) outbox: Outbox,
    pub(crate) documents: Documents,
    pub(crate) blobs: Blobs,
    pub(crate) clock: ManualClock,
    pub(crate) folder: TempDir,
    client: DocumentsClient<Channel>,
    _serving: JoinSet<()>,
}

impl Stage {
    pub(crate) async fn set() -> Self {
        let db = TestDb::new(&[Schema {
            service: SERVICE,
            common: &puente_outbox::MIGRATIONS,
            own: &Migrator::with_migrations(Vec::new()),
        }])
        .await;
        let pool = db.pool(SERVICE);
        let outbox = Outbox::open(pool.clone(), SERVICE, Settings::default())
            .await
            .unwrap();
        let clock = ManualClock::at(SystemClock.now());
        let documents = Documents::new(&KINDS, Arc::new(clock.clone()));
        let folder = tempfile::tempdir().unwrap();
        let settings = StorageSettings::local(folder.path(), "https://puente.example", Secret::new(KEY));
        let blobs = Blobs::open(&settings, Arc::new(clock.clone())).unwrap();
        blobs.ensure_containers().await.unwrap();

        let guard = Guard::new(keys(), SERVICE, Arc::new(SystemClock));
        let door = Door::bind("127.0.0.1:0".parse().unwrap(), guard).await.unwrap();
        let url = format!("http://{}", door.address().unwrap());
        let readers = Readers::new(db.api_pool(SERVICE), pool.clone());
        let server = documents.clone().server(readers, outbox.clone(), blobs.clone());
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            door.serve(Routes::new(server), CancellationToken::new())
                .await
                .unwrap();
        });
        let channel = Endpoint::from_shared(url).unwrap().connect().await.unwrap();
        Self {
            db,
            pool,
            outbox,
            documents,
            blobs,
            clock,
            folder,
            client: DocumentsClient::new(channel),
            _serving: serving,
        }
    }

    /// Stores these bytes for a tenant.
    pub(crate) async fn stored(&self, tenant: &str, container: Container, bytes: &[u8]) -> Stored {
        let key = BlobKey::new(&tenant.parse().unwrap(), self.clock.now(), "pdf");
        let bytes = bytes::Bytes::copy_from_slice(bytes);
        self.blobs
            .put(container, &key, bytes, MediaType::Pdf)
            .await
            .unwrap()
    }

    /// A document of acme that was stored.
    pub(crate) async fn brought(&self, key: &str, kind: &str, about: About) -> NewDocument {
        let kept = self.documents.kept(&about.kind, kind).unwrap();
        NewDocument {
            tenant: acme(),
            idempotency_key: key.to_owned(),
            stored: self.stored("acme", kept.container, PDF).await,
            about,
            kind: kind.to_owned(),
            file_name: "Certificado.pdf".to_owned(),
            by: "user-7".to_owned(),
            expires_on: None,
            note: String::new(),
            cause: None,
        }
    }

    /// Records in a transaction of its own.
    pub(crate) async fn record(&self, new: &NewDocument) -> Recorded {
        let mut tx = self.outbox.begin().await.unwrap();
        let recorded = self.documents.record(&mut tx, new).await.unwrap();
        tx.commit().await.unwrap();
        recorded
    }

    /// As it stands now.
    pub(crate) async fn now(&self, document: &Document) -> Document {
        let mut connection = self.pool.acquire().await.unwrap();
        let found = self
            .documents
            .get(&mut connection, &document.tenant, document.id)
            .await;
        found.unwrap().unwrap()
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap()
    }

    /// A person of a tenant.
    pub(crate) fn of(&self, tenant: &str) -> Asking {
        self.asking(Scope::Tenant(tenant.parse().unwrap()))
    }

    /// Somebody who asks for a scope.
    pub(crate) fn asking(&self, scope: Scope) -> Asking {
        Asking {
            client: self.client.clone(),
            caller: Caller {
                scope,
                subject: "user-7".to_owned(),
                role: "agent".to_owned(),
            },
        }
    }
}

fn keys() -> RpcKeys {
    RpcKeys::parse(&Secret::new(KEY)).unwrap()
}

pub(crate) fn acme() -> TenantId {
    "acme".parse().unwrap()
}

pub(crate) fn provider() -> About {
    About::new("service_provider", "provider-1")
}

/// Somebody who asks.
pub(crate) struct Asking {
    pub(crate) client: DocumentsClient<Channel>,
    caller: Caller,
}

impl Asking {
    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        let calls = Calls::new(keys(), SERVICE, Arc::new(SystemClock), Duration::from_secs(30));
        calls.request(&self.caller, message).unwrap()
    }
}

/// Asks in the name of somebody.
macro_rules! ask {
    ($asking:expr, $method:ident, $question:expr) => {{
        let asking = &$asking;
        let request = asking.request($question);
        let answer = asking.client.clone().$method(request).await;
        answer.map(tonic::Response::into_inner)
    }};
}
pub(crate) use ask;

pub(crate) fn code<T: std::fmt::Debug>(answer: Result<T, Status>) -> Code {
    answer.unwrap_err().code()
}
