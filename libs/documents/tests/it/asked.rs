//! What people of a tenant ask for and record, by gRPC.

use puente_blob::{Container, Stored};
use puente_documents::{About, NewDocument};
use puente_proto::documents::{
    Document, FindRecordedRequest, GetDocumentRequest, ListDocumentsRequest, ListDocumentsResponse,
    RecordDocumentRequest,
};
use puente_rpc::Scope;
use time::macros::date;
use tonic::Code;

use crate::support::{PDF, Stage, ask, code, provider};

fn command(stored: &Stored) -> RecordDocumentRequest {
    RecordDocumentRequest {
        about_kind: "service_provider".to_owned(),
        about_id: "provider-1".to_owned(),
        kind: "arl".to_owned(),
        container: stored.container.to_string(),
        key: stored.key.to_string(),
        file_name: "ARL José.pdf".to_owned(),
        media_type: stored.media_type.mime().to_owned(),
        bytes: stored.bytes,
        sha256: stored.sha256.to_string(),
        expires_on: "2026-12-31".to_owned(),
        note: " vence pronto ".to_owned(),
        idempotency_key: "command-1".to_owned(),
    }
}

fn get(id: &str) -> GetDocumentRequest {
    GetDocumentRequest {
        document_id: id.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_brings_is_recorded_once_in_their_name() {
    let stage = Stage::set().await;
    let acme = stage.of("acme");
    let stored = stage.stored("acme", Container::Providers, PDF).await;
    let recorded = ask!(acme, record_document, command(&stored)).unwrap();
    let document = recorded.document.clone().unwrap();
    assert_eq!((&*document.by, &*document.note), ("user-7", "vence pronto"));
    assert_eq!(
        (&*document.expires_on, &*document.file_name),
        ("2026-12-31", "ARL José.pdf")
    );
    assert_eq!(document.sha256, stored.sha256.to_string());
    assert_eq!(document.replaced_at, None);
    // Also when the file is gone by now.
    stage
        .blobs
        .delete(Container::Providers, &stored.key)
        .await
        .unwrap();
    let again = ask!(acme, record_document, command(&stored)).unwrap();
    assert_eq!(again, recorded);
    assert_eq!(stage.count("SELECT count(*) FROM documents").await, 1);
    assert_eq!(stage.count("SELECT count(*) FROM outbox").await, 1);

    let found = ask!(acme, get_document, get(&document.document_id)).unwrap();
    assert_eq!(found.document, Some(document));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_what_is_claimed_is_not_recorded() {
    let stage = Stage::set().await;
    let acme = stage.of("acme");
    let stored = stage.stored("acme", Container::Providers, PDF).await;
    let changed = |change: &dyn Fn(&mut RecordDocumentRequest)| {
        let mut command = command(&stored);
        change(&mut command);
        command
    };
    let other_hash = puente_blob::Sha256Hash::of(b"another").to_string();
    let elsewhere = stored.key.to_string().replace(".pdf", ".png");
    for (what, command) in [
        (
            "another hash",
            changed(&|command| command.sha256.clone_from(&other_hash)),
        ),
        ("another length", changed(&|command| command.bytes += 1)),
        (
            "another kind",
            changed(&|command| command.media_type = "image/png".into()),
        ),
        (
            "no such file",
            changed(&|command| command.key.clone_from(&elsewhere)),
        ),
    ] {
        let refused = ask!(acme, record_document, command);
        assert_eq!(code(refused), Code::FailedPrecondition, "{what}");
    }
    let no_pdf = stage
        .stored("acme", Container::Providers, b"MZ not a document")
        .await;
    let refused = ask!(acme, record_document, command(&no_pdf));
    assert_eq!(code(refused), Code::FailedPrecondition);

    let place = stage.folder.path().join("providers").join(stored.key.as_str());
    std::fs::write(&place, [PDF, b"\n"].concat()).unwrap();
    let refused = ask!(acme, record_document, command(&stored));
    assert_eq!(code(refused), Code::FailedPrecondition, "altered on disk");
    assert_eq!(stage.count("SELECT count(*) FROM documents").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_commands_are_refused_with_a_reason() {
    let stage = Stage::set().await;
    let acme = stage.of("acme");
    let stored = stage.stored("acme", Container::Providers, PDF).await;
    let foreign = stage.stored("other", Container::Providers, PDF).await;
    let changed = |change: &dyn Fn(&mut RecordDocumentRequest)| {
        let mut command = command(&stored);
        change(&mut command);
        command
    };
    for (what, command) in [
        ("another tenant's file", command(&foreign)),
        ("kind", changed(&|command| command.kind = "passport".into())),
        (
            "what people may not bring",
            changed(&|command| {
                command.about_kind = "order".into();
                command.kind = "contract".into();
                command.container = "contracts".into();
            }),
        ),
        (
            "container",
            changed(&|command| command.container = "secrets".into()),
        ),
        (
            "key",
            changed(&|command| command.key = "t/acme/../other/x.pdf".into()),
        ),
        (
            "media type",
            changed(&|command| command.media_type = "text/html".into()),
        ),
        ("hash", changed(&|command| command.sha256 = "abc".into())),
        (
            "date",
            changed(&|command| command.expires_on = "31/12/2026".into()),
        ),
        (
            "no such day",
            changed(&|command| command.expires_on = "2026-02-30".into()),
        ),
        ("note", changed(&|command| command.note = "x".repeat(501))),
        (
            "no key",
            changed(&|command| command.idempotency_key = String::new()),
        ),
    ] {
        let refused = ask!(acme, record_document, command).unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{what}: {refused:?}");
        assert!(!refused.message().is_empty(), "{what}");
    }
    assert_eq!(stage.count("SELECT count(*) FROM documents").await, 0);
}

fn ids(answer: &ListDocumentsResponse) -> Vec<&str> {
    let documents = answer.documents.iter();
    documents
        .map(|document: &Document| document.document_id.as_str())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_newest_first_and_are_walked_while_more_is_recorded() {
    let stage = Stage::set().await;
    let record = async |n: usize| {
        let about = About::new("order", format!("o-{}", n % 2));
        let new = stage.brought(&format!("key-{n}"), "scan", about).await;
        stage.record(&new).await.document().id.to_string()
    };
    let mut made = Vec::new();
    for n in 0..5 {
        made.insert(0, record(n).await);
    }
    let acme = stage.of("acme");
    let page = |cursor: &str| ListDocumentsRequest {
        page_size: 2,
        cursor: cursor.to_owned(),
        ..Default::default()
    };
    let first = ask!(acme, list_documents, page("")).unwrap();
    record(5).await;
    let second = ask!(acme, list_documents, page(&first.next_cursor)).unwrap();
    let third = ask!(acme, list_documents, page(&second.next_cursor)).unwrap();
    let seen = [ids(&first), ids(&second), ids(&third)].concat();
    assert_eq!(seen, made);
    assert_eq!(third.next_cursor, "");

    let about = |kind: &str, id: &str| ListDocumentsRequest {
        about_kind: kind.to_owned(),
        about_id: id.to_owned(),
        ..Default::default()
    };
    assert_eq!(
        ids(&ask!(acme, list_documents, about("order", "")).unwrap()).len(),
        6
    );
    let of_one = ask!(acme, list_documents, about("order", "o-0")).unwrap();
    assert_eq!(ids(&of_one), [&*made[0], &*made[2], &*made[4]]);
    for none in [about("order", "o-9"), about("asset", ""), about("or\0der", "")] {
        assert_eq!(ids(&ask!(acme, list_documents, none).unwrap()), [""; 0]);
    }
    for bad in [about("", "o-0"), page("x"), page("AQ")] {
        assert_eq!(code(ask!(acme, list_documents, bad)), Code::InvalidArgument);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_in_force_that_end_soon_are_found() {
    let stage = Stage::set().await;
    let record = async |key: &str, kind: &str, expires_on| {
        let new = NewDocument {
            expires_on,
            ..stage.brought(key, kind, provider()).await
        };
        stage.record(&new).await.document().id.to_string()
    };
    record("1", "arl", Some(date!(2026 - 11 - 01))).await;
    let arl = record("2", "arl", Some(date!(2026 - 12 - 31))).await;
    let eps = record("3", "eps", Some(date!(2027 - 01 - 01))).await;
    let acme = stage.of("acme");
    let until = |date: &str, kinds: &[&str]| ListDocumentsRequest {
        expires_until: date.to_owned(),
        kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        ..Default::default()
    };
    let found = async |question| ask!(acme, list_documents, question).unwrap();
    let none = found(until("2026-12-30", &[])).await;
    assert_eq!(ids(&none), [""; 0], "what was replaced is out of force");
    assert_eq!(ids(&found(until("2026-12-31", &[])).await), [&*arl]);
    assert_eq!(ids(&found(until("2027-01-01", &[])).await), [&*eps, &*arl]);
    assert_eq!(ids(&found(until("2027-01-01", &["eps"])).await), [&*eps]);
    let bad = ask!(acme, list_documents, until("pronto", &[]));
    assert_eq!(code(bad), Code::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_learns_nothing_of_anothers_documents() {
    let stage = Stage::set().await;
    let new = stage.brought("once", "arl", provider()).await;
    let id = stage.record(&new).await.document().id.to_string();
    let (acme, other) = (stage.of("acme"), stage.of("other"));
    assert_eq!(
        ids(&ask!(acme, list_documents, Default::default()).unwrap()),
        [&*id]
    );
    assert_eq!(
        ids(&ask!(other, list_documents, Default::default()).unwrap()),
        [""; 0]
    );
    assert_eq!(code(ask!(other, get_document, get(&id))), Code::NotFound);
    assert_eq!(
        code(ask!(other, get_document, get("nonsense"))),
        Code::InvalidArgument
    );
    // The policies of the table hold as well, whatever a question forgets.
    let mut tx = stage.db.api_pool(crate::support::SERVICE).begin().await.unwrap();
    sqlx::query("SELECT set_config('puente.tenant', 'other', true)")
        .execute(&mut *tx)
        .await
        .unwrap();
    let seen: i64 = sqlx::query_scalar("SELECT count(*) FROM documents")
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    assert_eq!(seen, 0);
    // Whoever operates the installation asks in a tenant's name.
    let operator = stage.asking(Scope::Installation);
    assert_eq!(
        code(ask!(operator, list_documents, Default::default())),
        Code::InvalidArgument
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn which_files_are_recorded_is_told_by_their_keys_to_their_tenant_and_to_the_installation() {
    let stage = Stage::set().await;
    let recorded = stage.brought("once", "arl", provider()).await;
    stage.record(&recorded).await;
    let unrecorded = stage.stored("acme", Container::Providers, PDF).await;
    let question = |container: Container| FindRecordedRequest {
        container: container.to_string(),
        keys: [&recorded.stored.key, &unrecorded.key]
            .map(ToString::to_string)
            .to_vec(),
    };
    let installation = stage.asking(Scope::Installation);
    let known = vec![recorded.stored.key.to_string()];
    for (who, container, expected) in [
        (&stage.of("acme"), Container::Providers, &known),
        (&installation, Container::Providers, &known),
        (&stage.of("other"), Container::Providers, &Vec::new()),
        (&installation, Container::Contracts, &Vec::new()),
    ] {
        let found = ask!(who, find_recorded, question(container)).unwrap();
        assert_eq!(&found.keys, expected);
    }
    let many = FindRecordedRequest {
        keys: vec!["t/acme/2026/11/x.pdf".to_owned(); 201],
        ..question(Container::Providers)
    };
    for refused in [
        many,
        FindRecordedRequest {
            container: "nowhere".to_owned(),
            ..question(Container::Providers)
        },
    ] {
        assert_eq!(
            code(ask!(installation, find_recorded, refused)),
            Code::InvalidArgument
        );
    }
}
