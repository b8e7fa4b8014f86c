//! A photograph, read.

use puente_gateway::domain::Role;
use puente_proto::documents::Document;
use puente_proto::ocr::Capture;
use puente_proto::timestamp;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tonic::Status;

use super::JPEG;
use crate::office::{ASSET, CAPTURE, ORDER, OTHER, capture};
use crate::papers::PDF;
use crate::support::{NOW, Stage, form_with};

const NEW: &str = "/api/assets/recognize-serial";

async fn send(
    stage: &Stage,
    path: &str,
    key: &str,
    once: &str,
    texts: &[(&str, &str)],
    photo: &[u8],
) -> Response {
    let (kind, body) = form_with("photo", texts, photo);
    let request = stage.ask(Method::POST, path).bearer_auth(key);
    let request = request
        .header("idempotency-key", once)
        .header("content-type", kind);
    request.body(body).send().await.unwrap()
}

fn files(stage: &Stage) -> usize {
    let mut folders = vec![stage.files.path().join("assets")];
    let mut found = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found += 1;
            }
        }
    }
    found
}

#[tokio::test]
async fn a_photograph_is_kept_then_read_and_the_serial_comes_back_with_its_confidence() {
    let (stage, office) = Stage::with_office().await;
    office.orders("EnEjecucion");
    let key = stage.key(Some("algesta"), Role::Agent).await;
    let texts = [("order_id", "OT-000042")];
    let read = send(&stage, NEW, &key, "f1", &texts, JPEG).await;
    assert_eq!(read.status(), StatusCode::OK);
    let read: Value = read.json().await.unwrap();
    assert_eq!(read["text"], "ABC123456, 95 %");
    assert_eq!(
        (&read["confidence"], &read["reading"]),
        (&json!(0.95), &json!(false))
    );
    assert_eq!(
        (&read["attempt"], &read["attempts_allowed"]),
        (&json!(1), &json!(3))
    );
    assert_eq!(read["candidates"][1]["serial"], "AC-7F3K-20911");
    assert_eq!(read["flaws"], json!(["glare"]));
    assert_eq!(files(&stage), 1);

    let again = send(&stage, NEW, &key, "f1", &texts, JPEG).await;
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(
        office.done(),
        [format!("recognize order={ORDER} asset= capture=")]
    );
    let trail = stage.trail().await;
    assert_eq!(trail.len(), 1);
    assert_eq!(
        (trail[0].0.as_str(), trail[0].2.as_str()),
        ("capture.photo_brought", ORDER)
    );
    assert!(
        !format!("{trail:?}").contains("Ana"),
        "names of files are not in the trail"
    );
}

#[tokio::test]
async fn what_takes_longer_is_waited_for_and_then_told_to_be_under_way() {
    let (stage, office) = Stage::with_office().await;
    let key = stage.key(Some("algesta"), Role::Technician).await;
    let reading = Capture {
        attempt: 1,
        serial: String::new(),
        ..capture("Leyendo")
    };
    office.tables().reads = Some(reading);
    office.tables().looks = 2;
    let read = send(&stage, NEW, &key, "f1", &[], JPEG).await;
    assert_eq!(read.status(), StatusCode::OK, "it was read while one waited");
    let read: Value = read.json().await.unwrap();
    assert_eq!(read["serial"], "ABC123456");

    office.tables().looks = usize::MAX;
    let read = send(&stage, NEW, &key, "f2", &[], &[JPEG, b"x"].concat()).await;
    assert_eq!(read.status(), StatusCode::ACCEPTED);
    let read: Value = read.json().await.unwrap();
    assert_eq!((&read["reading"], &read["text"]), (&json!(true), &json!("")));
    assert_eq!(read["capture_id"], CAPTURE, "where the reading will be");
}

#[tokio::test]
async fn the_plate_of_a_known_asset_is_read_as_its_own_and_another_attempt_as_the_same_plate() {
    let (stage, office) = Stage::with_office().await;
    office.asset();
    office.capture("OtraFoto");
    let key = stage.key(Some("algesta"), Role::Agent).await;
    let path = "/api/assets/HV-000042/recognize-serial";
    let texts = [("capture_id", CAPTURE)];
    let read = send(&stage, path, &key, "f1", &texts, JPEG).await;
    assert_eq!(read.status(), StatusCode::OK);
    let expected = format!("recognize order= asset={ASSET} capture={CAPTURE}");
    assert_eq!(office.done(), [expected]);
    for path in [
        "/api/assets/HV-000043/recognize-serial",
        "/api/assets/nada/recognize-serial",
    ] {
        let nobody = send(&stage, path, &key, path, &[], JPEG).await;
        assert_eq!(nobody.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let theirs = stage.key(Some("norte"), Role::Admin).await;
    let foreign = send(&stage, path, &theirs, "f2", &[], JPEG).await;
    assert_eq!(foreign.status(), StatusCode::NOT_FOUND);
    assert_eq!((office.done().len(), files(&stage)), (1, 1));
}

#[tokio::test]
async fn only_pictures_are_read_and_what_ocr_refuses_for_good_is_not_kept() {
    let (stage, office) = Stage::with_office().await;
    let key = stage.key(Some("algesta"), Role::Agent).await;
    for bad in [PDF, b"<html><script>alert(1)</script></html>".as_slice()] {
        let answer = send(&stage, NEW, &key, &bad.len().to_string(), &[], bad).await;
        assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let other = send(&stage, NEW, &key, "f2", &[("serial", "X")], JPEG).await;
    assert_eq!(other.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(stage.trail().await.is_empty(), "nothing was begun");
    office.tables().unreadable = Some(Status::failed_precondition("the attempts are used up"));
    let answer = send(&stage, NEW, &key, "f3", &[], JPEG).await;
    assert_eq!(answer.status(), StatusCode::CONFLICT);
    assert_eq!(files(&stage), 0);
    office.tables().unreadable = Some(Status::resource_exhausted("too many wait"));
    let answer = send(&stage, NEW, &key, "f4", &[], JPEG).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"));
    assert_eq!(files(&stage), 1, "the photograph outlives a full queue");
    office.tables().unreadable = None;
    let answer = send(&stage, NEW, &key, "f4", &[], JPEG).await;
    assert_eq!(answer.status(), StatusCode::OK, "the same request, later");
    assert_eq!(files(&stage), 1);
}

/// Stores a file of a tenant, as the document pages do.
async fn stored(stage: &Stage, key: &str) -> Value {
    let path = format!("/api/orders/{ORDER}/documents");
    let kept = stage.upload(&path, key, "d1", &[("kind", "photo")], JPEG).await;
    assert_eq!(kept.status(), StatusCode::OK);
    kept.json().await.unwrap()
}

#[tokio::test]
async fn a_photograph_that_was_stored_before_is_named_by_its_document_or_its_place() {
    let (stage, office) = Stage::with_office().await;
    office.orders("EnEjecucion");
    let key = stage.key(Some("algesta"), Role::Agent).await;
    let document = stored(&stage, &key).await;
    let by_document = json!({ "document_id": document["document_id"], "order_id": ORDER });
    let read = stage.post(NEW, &key, &by_document).await;
    assert_eq!(read.status(), StatusCode::OK);
    assert_eq!(files(&stage), 1, "it is among the photographs of equipment now");
    let kept = office.tables().documents.last().unwrap().2.clone();
    assert_eq!(kept.container, "assets");

    let by_place = json!({ "container": "assets", "key": kept.key });
    let read = stage.post(NEW, &key, &by_place).await;
    assert_eq!(read.status(), StatusCode::OK);
    assert_eq!(files(&stage), 1, "nothing is stored twice");
    let read = stage
        .post(NEW, &key, &json!({ "document_id": kept.document_id }))
        .await;
    assert_eq!(read.status(), StatusCode::OK);

    let theirs = stage.key(Some("norte"), Role::Admin).await;
    for foreign in [by_document, by_place.clone()] {
        let answer = stage.post(NEW, &theirs, &foreign).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{foreign}");
    }
    for (bad, status) in [
        (json!({}), StatusCode::UNPROCESSABLE_ENTITY),
        (
            json!({ "container": "contracts", "key": "t/algesta/x" }),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            json!({ "container": "assets", "key": "t/algesta/2026/11/nada.jpg" }),
            StatusCode::NOT_FOUND,
        ),
        (
            json!({ "container": "assets", "key": "../../etc/passwd" }),
            StatusCode::NOT_FOUND,
        ),
        (
            json!({ "container": "assets", "key": "x", "nonsense": 1 }),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
    ] {
        let answer = stage.post(NEW, &key, &bad).await;
        assert_eq!(answer.status(), status, "{bad}");
    }
    let place = stage.files.path().join("assets").join(&kept.key);
    std::fs::set_permissions(&place, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    std::fs::write(&place, b"\xff\xd8\xff\xe0 another").unwrap();
    let answer = stage
        .post(NEW, &key, &json!({ "document_id": kept.document_id }))
        .await;
    assert_eq!(answer.status(), StatusCode::CONFLICT, "altered in the store");
}

#[tokio::test]
async fn a_technician_has_plates_of_their_own_orders_read_and_who_looks_on_has_none_read() {
    let (stage, office) = Stage::with_office().await;
    office.orders("EnEjecucion");
    let technician = stage.key(Some("algesta"), Role::Technician).await;
    for order in ["OT-000042", ORDER, OTHER] {
        let answer = send(&stage, NEW, &technician, order, &[("order_id", order)], JPEG).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{order} is not theirs");
    }
    let answer = send(&stage, NEW, &technician, "f1", &[], JPEG).await;
    assert_eq!(answer.status(), StatusCode::OK);
    for role in [Role::Operator, Role::Viewer, Role::Finance] {
        let key = stage.key(Some("algesta"), role).await;
        let answer = send(&stage, NEW, &key, "f1", &[], JPEG).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{role}");
    }
    assert_eq!(office.done().len(), 1);
}

#[tokio::test]
async fn photographs_of_equipment_are_listed_and_opened_as_far_as_the_role_reaches() {
    let (stage, office) = Stage::with_office().await;
    let agent = stage.key(Some("algesta"), Role::Agent).await;
    let read = send(&stage, NEW, &agent, "f1", &[], JPEG).await;
    assert_eq!(read.status(), StatusCode::OK);
    let of_capture = office.tables().documents.last().unwrap().2.clone();
    let of_asset = Document {
        document_id: ASSET.replace('e', "1"),
        about_kind: "asset".to_owned(),
        about_id: ASSET.to_owned(),
        stored_at: Some(timestamp(NOW)),
        ..of_capture.clone()
    };
    let known = ("orders", "algesta".to_owned(), of_asset.clone());
    office.tables().documents.push(known);
    let (mine, photo) = (&of_asset.document_id, &of_capture.document_id);
    for (role, listed, opened) in [
        (Role::Technician, 200, 200),
        (Role::Operator, 200, 403),
        (Role::Viewer, 200, 403),
        (Role::Finance, 404, 404),
    ] {
        let key = stage.key(Some("algesta"), role).await;
        for id in [mine, photo] {
            let known = stage.get(&format!("/api/documents/{id}"), &key).await;
            assert_eq!(known.status().as_u16(), listed, "{role}");
            let link = stage
                .post(&format!("/api/documents/{id}/link"), &key, &json!({}))
                .await;
            assert_eq!(link.status().as_u16(), opened, "{role}");
        }
        let list = format!("/api/documents?about_kind=asset&about_id={ASSET}");
        let list: Value = stage.get(&list, &key).await.json().await.unwrap();
        let expected = usize::from(role != Role::Finance);
        assert_eq!(list["documents"].as_array().unwrap().len(), expected, "{role}");
    }
    let theirs = stage.key(Some("norte"), Role::Admin).await;
    let foreign = stage.get(&format!("/api/documents/{mine}"), &theirs).await;
    assert_eq!(foreign.status(), StatusCode::NOT_FOUND);
}
