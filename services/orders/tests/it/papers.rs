//! Papers of service providers and documents of orders: kept, told of before they end, and asked for at an assignment.

use puente_blob::{BlobKey, Blobs, Container, MediaType, StorageSettings};
use puente_orders::domain::papers::today;
use puente_proto::Event as _;
use puente_proto::documents::documents_client::DocumentsClient;
use puente_proto::documents::{Document, ListDocumentsRequest, RecordDocumentRequest};
use puente_proto::orders::get_order_request::Key;
use puente_proto::orders::{AssignOrderRequest, AssignOrderResponse, ProviderDocumentExpiring};
use puente_service::{Overrides, Runtime};
use puente_testkit::wait_for;
use puente_types::{Clock as _, Region, Secret, SystemClock};
use time::{Date, Duration, OffsetDateTime};
use tonic::{Code, Status};

use crate::asking::{Asking, KEY, channel, person, seed};
use crate::commands::assignment;
use crate::support::{PATIENCE, Stage};

const PDF: &[u8] =
    b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\nxref\n0 1\ntrailer\n<< >>\nstartxref\n45\n%%EOF\n";

/// A served stage that keeps documents, an order, and the provider `frio-sas`.
struct Office {
    stage: Stage,
    acme: Asking,
    blobs: Blobs,
    order: String,
    _folder: tempfile::TempDir,
}

impl Office {
    async fn open(require: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = "https://puente.example";
        let overrides = Overrides::default()
            .set("rpc_key", KEY)
            .set("require_provider_documents", require)
            .set("storage.folder", folder.path().display().to_string())
            .set("storage.public_url", url)
            .set("storage.link_key", KEY);
        let stage = Stage::with(overrides).await;
        let settings = StorageSettings::local(folder.path(), url, Secret::new(KEY));
        let blobs = Blobs::open(&settings, std::sync::Arc::new(SystemClock)).unwrap();
        blobs.ensure_containers().await.unwrap();
        seed(&stage, "acme", 1, 1).await;
        let acme = Asking::of(&stage, "acme").await;
        acme.puts(person("frio-sas", "service_provider", "Frío S.A.S."))
            .await
            .unwrap();
        let order = acme.get(Some(Key::Number("OT-000001".into()))).await.unwrap();
        Self {
            stage,
            acme,
            blobs,
            order: order.order_id,
            _folder: folder,
        }
    }

    /// Stores a file and has it recorded.
    async fn files(
        &self,
        about: (&str, &str),
        kind: &str,
        container: Container,
        until: Option<Date>,
    ) -> Result<Document, Status> {
        let key = BlobKey::new(&"acme".parse().unwrap(), SystemClock.now(), "pdf");
        let stored = self
            .blobs
            .put(container, &key, PDF.to_vec().into(), MediaType::Pdf)
            .await
            .unwrap();
        let command = RecordDocumentRequest {
            about_kind: about.0.into(),
            about_id: about.1.into(),
            kind: kind.into(),
            container: container.to_string(),
            key: stored.key.to_string(),
            file_name: "papel.pdf".into(),
            media_type: "application/pdf".into(),
            bytes: stored.bytes,
            sha256: stored.sha256.to_string(),
            expires_on: until.map(|date| date.to_string()).unwrap_or_default(),
            idempotency_key: stored.key.to_string(),
            ..RecordDocumentRequest::default()
        };
        let mut documents = DocumentsClient::new(channel(&self.stage).await);
        let answer = documents.record_document(self.acme.signed(command)).await?;
        Ok(answer.into_inner().document.unwrap())
    }

    async fn paper(&self, kind: &str, until: Date) -> Document {
        let about = ("service_provider", "frio-sas");
        let filed = self.files(about, kind, Container::Providers, Some(until)).await;
        filed.unwrap()
    }

    async fn expiring(&self) -> Vec<ProviderDocumentExpiring> {
        let told = self.stage.told().await;
        told.iter()
            .filter(|event| event.name == ProviderDocumentExpiring::TYPE.name)
            .map(|event| event.read())
            .collect()
    }

    async fn provider(&self, key: &str) -> Result<AssignOrderResponse, Status> {
        let wish = AssignOrderRequest {
            agent: None,
            service_provider: Some("frio-sas".into()),
            ..assignment(&self.order, "", key)
        };
        let answer = self
            .acme
            .commands
            .clone()
            .assign_order(self.acme.signed(wish))
            .await?;
        Ok(answer.into_inner())
    }
}

fn in_days(days: i64) -> Date {
    today(OffsetDateTime::now_utc(), Region::Co) + Duration::days(days)
}

#[tokio::test(flavor = "multi_thread")]
async fn papers_and_reports_are_kept_about_people_and_orders_that_are_there() {
    let office = Office::open(false).await;
    let arl = office.paper("arl", in_days(100)).await;
    assert_eq!(arl.expires_on, in_days(100).to_string());
    let order = office.order.clone();
    let report = office
        .files(("order", &order), "report", Container::Reports, None)
        .await;
    let report = report.unwrap();
    let listed = ListDocumentsRequest {
        about_kind: "order".into(),
        about_id: order.clone(),
        ..ListDocumentsRequest::default()
    };
    let mut documents = DocumentsClient::new(channel(&office.stage).await);
    let found = documents
        .list_documents(office.acme.signed(listed.clone()))
        .await
        .unwrap();
    assert_eq!(found.into_inner().documents, [report]);
    let norte = Asking::of(&office.stage, "norte").await;
    let foreign = documents.list_documents(norte.signed(listed)).await.unwrap();
    assert_eq!(foreign.into_inner().documents, []);

    office
        .acme
        .puts(person("ana", "agent", "Ana Ruiz"))
        .await
        .unwrap();
    let nobody = uuid::Uuid::now_v7().to_string();
    for (about, kind, container) in [
        (("service_provider", "nadie"), "arl", Container::Providers),
        (("service_provider", "ana"), "arl", Container::Providers),
        (("order", nobody.as_str()), "report", Container::Reports),
        (("order", "OT-000001"), "report", Container::Reports),
    ] {
        let refused = office.files(about, kind, container, None).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound, "{about:?}: {refused}");
    }
    let strange = office
        .files(("order", &order), "arl", Container::Providers, None)
        .await;
    assert_eq!(strange.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paper_about_to_end_is_told_once_at_each_threshold_however_many_look() {
    let office = Office::open(false).await;
    let arl = office.paper("arl", in_days(-1)).await;
    let eps = office.paper("eps", in_days(6)).await;
    office.paper("rut", in_days(100)).await;
    let replicas = [
        Runtime::new("orders"),
        Runtime::new("orders"),
        Runtime::new("orders"),
    ];
    let [first, second, third] = &replicas;
    tokio::join!(office.stage.replica(first), office.stage.replica(second));
    let come = async |wanted: usize| {
        wait_for("papers to be told", PATIENCE, async || {
            let told = office.expiring().await.len();
            if told >= wanted {
                Ok(())
            } else {
                Err(told.to_string())
            }
        })
        .await;
    };
    come(2).await;
    // Days pass, and a new replica looks.
    sqlx::query("UPDATE documents SET expires_on = $1 WHERE kind = 'eps'")
        .bind(in_days(1))
        .execute(&office.stage.pool)
        .await
        .unwrap();
    office.stage.replica(third).await;
    come(3).await;
    let mut told: Vec<_> = office
        .expiring()
        .await
        .into_iter()
        .map(|paper| (paper.document_id, paper.kind, paper.person_id, paper.days_left))
        .collect();
    told.sort();
    let mut expected = vec![
        (arl.document_id, "arl".to_owned(), "frio-sas".to_owned(), -1),
        (
            eps.document_id.clone(),
            "eps".to_owned(),
            "frio-sas".to_owned(),
            6,
        ),
        (eps.document_id, "eps".to_owned(), "frio-sas".to_owned(), 1),
    ];
    expected.sort();
    assert_eq!(told, expected);
    for replica in &replicas {
        replica.drain(PATIENCE).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assignment_says_which_mandatory_papers_are_over() {
    let office = Office::open(false).await;
    assert_eq!(
        office.provider("k1").await.unwrap().expired_papers,
        [""; 0],
        "none was ever filed"
    );
    office.paper("arl", in_days(-3)).await;
    office.paper("rut", in_days(-3)).await;
    let warned = office.provider("k2").await.unwrap();
    assert_eq!(warned.expired_papers, [format!("arl {}", in_days(-3))]);
    assert_eq!(warned.order.unwrap().service_provider, "frio-sas");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_papers_are_required_nobody_is_assigned_whose_papers_are_over() {
    let office = Office::open(true).await;
    office
        .provider("k1")
        .await
        .expect("what was never filed is not asked for");
    office.paper("eps", in_days(-1)).await;
    let refused = office.provider("k2").await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(
        refused.message().contains("frio-sas") && refused.message().contains("eps"),
        "{refused}"
    );
    office.paper("eps", in_days(0)).await;
    let renewed = office.provider("k2").await.unwrap();
    assert_eq!(renewed.expired_papers, [""; 0], "a paper is good on its last day");
}
