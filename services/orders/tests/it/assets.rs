//! Assets as others ask for them, and their record sheets.

use std::sync::Arc;

use puente_blob::{BlobKey, Blobs, Container, MediaType, Sha256Hash, StorageSettings};
use puente_proto::Event as _;
use puente_proto::ocr::{CaptureStateChanged, StoredPhoto};
use puente_proto::orders::assets_client::AssetsClient;
use puente_proto::orders::get_asset_request::Key;
use puente_proto::orders::{
    Asset, AssetChanged, GetAssetRequest, GetAssetResponse, ListAssetsRequest, ListAssetsResponse,
    UpdateAssetRequest,
};
use puente_service::{Overrides, Runtime};
use puente_testkit::wait_for;
use puente_types::{Secret, SystemClock};
use tonic::transport::Channel;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::asking::{Asking, KEY, channel, served};
use crate::captures::end;
use crate::support::{PATIENCE, Stage};

/// A photograph.
fn picture() -> Vec<u8> {
    let picture = image::RgbImage::from_fn(64, 48, |x, y| {
        image::Rgb([u8::try_from(x * 3 + y).unwrap(), 90, 128])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

/// A tenant's person who asks for assets.
struct Equipment {
    client: AssetsClient<Channel>,
    asking: Asking,
}

impl Equipment {
    async fn of(stage: &Stage, tenant: &str) -> Self {
        Self {
            client: AssetsClient::new(channel(stage).await),
            asking: Asking::of(stage, tenant).await,
        }
    }

    async fn get(&self, key: Key) -> Result<GetAssetResponse, Status> {
        let question = self.asking.signed(GetAssetRequest { key: Some(key) });
        Ok(self.client.clone().get_asset(question).await?.into_inner())
    }

    async fn list(&self, question: ListAssetsRequest) -> Result<ListAssetsResponse, Status> {
        let question = self.asking.signed(question);
        Ok(self.client.clone().list_assets(question).await?.into_inner())
    }

    async fn found(&self, search: &str) -> Vec<String> {
        let question = ListAssetsRequest {
            search: search.into(),
            ..ListAssetsRequest::default()
        };
        let assets = self.list(question).await.unwrap().assets;
        assets.into_iter().map(|asset| asset.serial).collect()
    }

    async fn update(
        &self,
        id: &str,
        version: i64,
        data: &[(&str, &str)],
        key: &str,
    ) -> Result<Asset, Status> {
        let pairs = data
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let wish = self.asking.signed(UpdateAssetRequest {
            asset_id: id.into(),
            version,
            data: pairs.collect(),
            idempotency_key: key.into(),
        });
        let answer = self.client.clone().update_asset(wish).await?.into_inner();
        Ok(answer.asset.unwrap())
    }

    async fn of_serial(&self, serial: &str) -> Asset {
        self.get(Key::Serial(serial.into())).await.unwrap().asset.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_asset_is_found_by_id_number_and_serial_and_only_by_its_tenant() {
    let stage = served().await;
    stage.ends(&end("SN-4471/A")).await;
    let (acme, other) = (
        Equipment::of(&stage, "acme").await,
        Equipment::of(&stage, "other").await,
    );
    let asset = acme.of_serial("sn 4471a").await;
    assert_eq!(
        (
            asset.number.as_str(),
            asset.serial.as_str(),
            asset.origin.as_str(),
            asset.confidence_permille
        ),
        ("HV-000001", "SN-4471/A", "read", 957)
    );
    assert_eq!((asset.version, asset.data["brand"].as_str()), (1, "Frío"));
    assert_eq!(
        (asset.sheet_document_id.as_str(), asset.sheet_version),
        ("", 0),
        "none is made without storage"
    );
    for key in [Key::AssetId(asset.asset_id.clone()), Key::Number("hv 1".into())] {
        assert_eq!(acme.get(key.clone()).await.unwrap().asset.unwrap(), asset);
        assert_eq!(other.get(key).await.unwrap_err().code(), Code::NotFound);
    }
    let history = acme.get(Key::Number("HV-000001".into())).await.unwrap().history;
    let [fact] = &history[..] else {
        panic!("{history:?}")
    };
    assert_eq!(
        (fact.fact.as_str(), fact.serial.as_str(), fact.version),
        ("registered", "SN-4471/A", 1)
    );
    assert_eq!(other.found("").await, [""; 0]);
    for key in [
        Key::AssetId("x".into()),
        Key::Number("OT-1".into()),
        Key::Serial("--".into()),
    ] {
        assert_eq!(acme.get(key).await.unwrap_err().code(), Code::InvalidArgument);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn assets_are_listed_the_last_changed_first_page_by_page_and_by_what_their_serials_begin_with() {
    let stage = served().await;
    for serial in ["AB-100", "AB-200", "XY-100", "ÑB-2", "2-AB"] {
        stage.ends(&end(serial)).await;
    }
    stage.ends(&end("ab100")).await;
    let acme = Equipment::of(&stage, "acme").await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = ListAssetsRequest {
            page_size: 2,
            cursor: cursor.clone(),
            ..ListAssetsRequest::default()
        };
        let page = acme.list(page).await.unwrap();
        assert!(page.assets.len() <= 2);
        seen.extend(page.assets.into_iter().map(|asset| asset.serial));
        cursor = page.next_cursor;
        if cursor.is_empty() {
            break;
        }
    }
    assert_eq!(seen, ["AB-100", "2-AB", "ÑB-2", "XY-100", "AB-200"]);
    assert_eq!(acme.found("ab").await, ["AB-100", "AB-200"]);
    assert_eq!(acme.found("ñb").await, ["ÑB-2"]);
    assert_eq!(acme.found("hv-3").await, ["XY-100"], "by its number");
    assert_eq!(
        acme.found("2").await,
        ["2-AB", "AB-200"],
        "a number and a serial may begin alike"
    );
    assert_eq!(acme.found("100").await, [""; 0], "only beginnings");
    assert_eq!(acme.found("%").await, [""; 0]);
    let strange = ListAssetsRequest {
        cursor: "x".into(),
        ..ListAssetsRequest::default()
    };
    assert_eq!(
        acme.list(strange).await.unwrap_err().code(),
        Code::InvalidArgument
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_writes_is_done_once_per_key_and_against_the_version_that_was_seen() {
    let stage = served().await;
    stage.ends(&end("SN-1")).await;
    let acme = Equipment::of(&stage, "acme").await;
    let id = acme.of_serial("SN-1").await.asset_id;
    let written = acme
        .update(&id, 1, &[("brand", "Frío S.A."), ("location", "Piso 2")], "k1")
        .await
        .unwrap();
    assert_eq!(
        (written.version, written.data["brand"].as_str()),
        (2, "Frío S.A.")
    );
    let later = acme.update(&id, 0, &[("location", "")], "k2").await.unwrap();
    assert_eq!((later.version, later.data.contains_key("location")), (3, false));
    let again = acme
        .update(&id, 1, &[("brand", "Frío S.A."), ("location", "Piso 2")], "k1")
        .await
        .unwrap();
    assert_eq!(again, written, "the answer of the first time");
    let reused = acme.update(&id, 0, &[("brand", "X")], "k1").await.unwrap_err();
    assert_eq!(reused.code(), Code::FailedPrecondition);
    let stale = acme.update(&id, 1, &[("brand", "X")], "k3").await.unwrap_err();
    assert_eq!(stale.code(), Code::Aborted);
    assert!(stale.message().contains("version 3"), "{stale}");
    let bad = acme.update(&id, 0, &[("Brand", "X")], "k4").await.unwrap_err();
    assert_eq!(bad.code(), Code::InvalidArgument);
    let nothing = acme
        .update(&id, 3, &[("brand", "Frío S.A.")], "k5")
        .await
        .unwrap();
    assert_eq!(nothing.version, 3, "what changes nothing did not happen");
    let other = Equipment::of(&stage, "other").await;
    let foreign = other.update(&id, 0, &[("brand", "X")], "k6").await.unwrap_err();
    assert_eq!(foreign.code(), Code::NotFound);

    // What a person wrote stays whatever a plate says.
    stage.ends(&end("SN-1")).await;
    let history = acme.get(Key::AssetId(id.clone())).await.unwrap();
    assert_eq!(history.asset.unwrap().data["brand"], "Frío S.A.");
    let facts: Vec<_> = history
        .history
        .iter()
        .map(|fact| (fact.fact.as_str(), fact.by.as_str()))
        .collect();
    assert_eq!(
        facts,
        [
            ("registered", ""),
            ("changed", "user-7"),
            ("changed", "user-7"),
            ("seen", "")
        ]
    );
    let told = stage.told().await;
    let changes: Vec<_> = told
        .iter()
        .filter(|event| event.name == AssetChanged::TYPE.name)
        .collect();
    let versions: Vec<_> = changes.iter().map(|event| event.version.unwrap()).collect();
    assert_eq!(versions, [2, 3, 4]);
    assert_eq!(
        (
            changes[0].cause.as_deref(),
            changes[0].read::<AssetChanged>().fact.as_str()
        ),
        (Some("k1"), "changed")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_command_brought_many_times_at_once_changes_an_asset_once() {
    let stage = served().await;
    stage.ends(&end("SN-1")).await;
    let acme = Equipment::of(&stage, "acme").await;
    let id = acme.of_serial("SN-1").await.asset_id;
    let many = (0..12).map(|_| acme.update(&id, 1, &[("note", "revisado")], "same"));
    let answers = futures::future::join_all(many).await;
    for answer in answers {
        assert_eq!(answer.unwrap().version, 2);
    }
    assert_eq!(stage.count("SELECT count(*) FROM asset_history").await, 2);
}

/// A stage that keeps documents, with its store.
struct Archive {
    stage: Stage,
    blobs: Blobs,
    acme: Equipment,
    folder: tempfile::TempDir,
}

impl Archive {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = "https://puente.example";
        let settings = StorageSettings::local(folder.path(), url, Secret::new(KEY));
        let blobs = Blobs::open(&settings, Arc::new(SystemClock)).unwrap();
        blobs.ensure_containers().await.unwrap();
        let stage = Stage::with(Self::overrides(&folder)).await;
        let acme = Equipment::of(&stage, "acme").await;
        Self {
            stage,
            blobs,
            acme,
            folder,
        }
    }

    fn overrides(folder: &tempfile::TempDir) -> Overrides {
        Overrides::default()
            .set("rpc_key", KEY)
            .set("storage.folder", folder.path().display().to_string())
            .set("storage.public_url", "https://puente.example")
            .set("storage.link_key", KEY)
    }

    /// A photograph as ocr stored it.
    async fn photo(&self, name: &str) -> StoredPhoto {
        let key = BlobKey::parse(&format!("t/acme/2026/11/{name}.jpg")).unwrap();
        let put = self
            .blobs
            .put(Container::Assets, &key, picture().into(), MediaType::Jpeg)
            .await;
        let stored = put.unwrap();
        StoredPhoto {
            document_id: Uuid::now_v7().to_string(),
            container: "assets".into(),
            key: stored.key.to_string(),
            sha256: stored.sha256.to_string(),
            media_type: "image/jpeg".into(),
            bytes: stored.bytes,
        }
    }

    /// The asset, once its sheet shows this version.
    async fn sheet(&self, serial: &str, version: i64) -> Asset {
        let shown = std::sync::Mutex::new(None);
        wait_for("the sheet", PATIENCE, async || {
            let asset = self.acme.of_serial(serial).await;
            if asset.sheet_version == version {
                *shown.lock().unwrap() = Some(asset);
                Ok(())
            } else {
                Err(asset.sheet_version)
            }
        })
        .await;
        shown.into_inner().unwrap().unwrap()
    }

    /// The sheet's file.
    async fn pdf(&self, document: &str) -> Vec<u8> {
        let (key, sha256): (String, Vec<u8>) = sqlx::query_as(
            "SELECT key, sha256 FROM documents WHERE id = $1 AND kind = 'sheet' AND container = 'reports'",
        )
        .bind(Uuid::parse_str(document).unwrap())
        .fetch_one(&self.stage.pool)
        .await
        .unwrap();
        let hash: Sha256Hash = sha256.as_slice().try_into().unwrap();
        let key = BlobKey::parse(&key).unwrap();
        let read = self
            .blobs
            .get(Container::Reports, &key, 10_000_000, Some(&hash))
            .await;
        read.unwrap().to_vec()
    }
}

fn has_picture(pdf: &[u8]) -> bool {
    pdf.windows(9).any(|part| part == b"DCTDecode")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_asset_gets_its_sheet_and_a_new_one_when_it_changes_and_one_is_in_force() {
    let archive = Archive::open().await;
    let told = CaptureStateChanged {
        photos: vec![archive.photo("one").await],
        ..end("SN-1")
    };
    archive.stage.ends(&told).await;
    let first = archive.sheet("SN-1", 1).await;
    let pdf = archive.pdf(&first.sheet_document_id).await;
    assert!(pdf.starts_with(b"%PDF-") && has_picture(&pdf));
    archive
        .acme
        .update(&first.asset_id, 0, &[("location", "Piso 2")], "k1")
        .await
        .unwrap();
    let second = archive.sheet("SN-1", 2).await;
    assert_ne!(first.sheet_document_id, second.sheet_document_id);
    let sheets: Vec<(String, bool, String)> = sqlx::query_as(
        "SELECT id::text, replaced_at IS NULL, file_name FROM documents WHERE kind = 'sheet' ORDER BY id",
    )
    .fetch_all(&archive.stage.pool)
    .await
    .unwrap();
    let name = "hoja-de-vida-HV-000001.pdf".to_owned();
    assert_eq!(
        sheets,
        [
            (first.sheet_document_id, false, name.clone()),
            (second.sheet_document_id, true, name)
        ]
    );
    assert_eq!(
        archive
            .stage
            .count("SELECT count(*) FROM assets WHERE sheet_due_at IS NOT NULL")
            .await,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photograph_that_is_missing_or_was_altered_does_not_stop_a_sheet() {
    let archive = Archive::open().await;
    let altered = StoredPhoto {
        sha256: "a".repeat(64),
        ..archive.photo("altered").await
    };
    let missing = StoredPhoto {
        key: "t/acme/2026/11/never.jpg".into(),
        sha256: "b".repeat(64),
        ..altered.clone()
    };
    let foreign = StoredPhoto {
        key: "t/other/2026/11/theirs.jpg".into(),
        sha256: "c".repeat(64),
        ..altered.clone()
    };
    let told = CaptureStateChanged {
        photos: vec![altered, missing, foreign],
        ..end("SN-1")
    };
    archive.stage.ends(&told).await;
    let asset = archive.sheet("SN-1", 1).await;
    let pdf = archive.pdf(&asset.sheet_document_id).await;
    assert!(pdf.starts_with(b"%PDF-") && !has_picture(&pdf));
    assert_eq!(
        archive
            .stage
            .count("SELECT count(*) FROM documents WHERE kind = 'photo'")
            .await,
        2,
        "a file of another tenant is none of this asset"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sheet_whose_maker_died_is_made_by_another_one_under_the_same_key() {
    let archive = Archive::open().await;
    archive.stage.ends(&end("SN-1")).await;
    let first = archive.sheet("SN-1", 1).await;
    let before = archive.pdf(&first.sheet_document_id).await;
    // As if its maker had died after it stored the file: held, and the time is over.
    sqlx::query("DELETE FROM documents WHERE kind = 'sheet'")
        .execute(&archive.stage.pool)
        .await
        .unwrap();
    sqlx::query(
        "UPDATE assets SET sheet_document_id = NULL, sheet_version = 0, sheet_tries = 1, sheet_due_at = now() - interval '1 s'",
    )
    .execute(&archive.stage.pool)
    .await
    .unwrap();
    let second = Runtime::new("orders");
    archive
        .stage
        .replica_with(&second, Archive::overrides(&archive.folder))
        .await;
    let again = archive.sheet("SN-1", 1).await;
    assert_ne!(first.sheet_document_id, again.sheet_document_id);
    assert_eq!(archive.pdf(&again.sheet_document_id).await, before);
    second.drain(PATIENCE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_changes_at_once_over_two_replicas_end_in_the_sheet_of_the_last_one() {
    let archive = Archive::open().await;
    let second = Runtime::new("orders");
    archive
        .stage
        .replica_with(&second, Archive::overrides(&archive.folder))
        .await;
    archive.stage.ends(&end("SN-1")).await;
    let id = archive.acme.of_serial("SN-1").await.asset_id;
    for at in 0..10 {
        let note = format!("nota {at}");
        let key = format!("k{at}");
        archive
            .acme
            .update(&id, 0, &[("note", note.as_str())], &key)
            .await
            .unwrap();
    }
    archive.sheet("SN-1", 11).await;
    assert_eq!(
        archive
            .stage
            .count("SELECT count(*) FROM documents WHERE kind = 'sheet' AND replaced_at IS NULL")
            .await,
        1
    );
    second.drain(PATIENCE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sheet_waits_for_the_store_and_the_asset_does_not() {
    let archive = Archive::open().await;
    let storage = archive.folder.path().to_owned();
    let aside = storage.with_extension("aside");
    std::fs::rename(&storage, &aside).unwrap();
    // Nothing can be written where a file is in the way.
    std::fs::write(&storage, "").unwrap();
    archive.stage.ends(&end("SN-1")).await;
    assert_eq!(archive.acme.of_serial("SN-1").await.version, 1);
    wait_for("a try to fail", PATIENCE, async || {
        let waits = archive
            .stage
            .count("SELECT count(*) FROM assets WHERE sheet_tries > 0 AND sheet_due_at < now() + interval '1 minute'")
            .await;
        if waits == 1 { Ok(()) } else { Err(waits) }
    })
    .await;
    std::fs::remove_file(&storage).unwrap();
    std::fs::rename(&aside, &storage).unwrap();
    let asset = archive.sheet("SN-1", 1).await;
    assert!(archive.pdf(&asset.sheet_document_id).await.starts_with(b"%PDF-"));
}
