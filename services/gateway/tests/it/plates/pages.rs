//! The pages about plates and equipment: what they say, what they hide, what their forms do.

use puente_gateway::domain::Role;
use puente_proto::documents::Document;
use puente_proto::ocr::{SimilarSerial, StoredPhoto};
use puente_proto::timestamp;
use reqwest::{Method, Response, StatusCode};
use sha2::{Digest as _, Sha256};

use super::JPEG;
use crate::office::{ASSET, CAPTURE, Office, attempt, capture};
use crate::support::{NOW, PASSWORD, Stage, form_named, form_with};

const PHOTO: &str = "019469d2-0000-7000-8000-000000000010";
const SECOND: &str = "019469d2-0000-7000-8000-000000000011";

struct Browser {
    cookie: String,
    csrf: String,
}

impl Browser {
    async fn new(stage: &Stage, role: Role) -> Self {
        let email = format!("{role}@algesta.co");
        stage.person(Some("algesta"), role, &email).await;
        let (cookie, csrf) = stage.log_in(&email, PASSWORD).await.unwrap();
        Self { cookie, csrf }
    }

    async fn open(&self, stage: &Stage, path: &str) -> Response {
        let answer = stage.ask(Method::GET, path).header("cookie", &self.cookie);
        answer.send().await.unwrap()
    }

    async fn see(&self, stage: &Stage, path: &str) -> String {
        let answer = self.open(stage, path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.text().await.unwrap()
    }

    async fn send(&self, stage: &Stage, path: &str, fields: &str) -> Response {
        let request = stage.ask(Method::POST, path).header("cookie", &self.cookie);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let body = format!("csrf={}&{fields}", self.csrf);
        request.body(body).send().await.unwrap()
    }

    async fn photo(&self, stage: &Stage, field: &str, texts: &[(&str, &str)], photo: &[u8]) -> Response {
        let mut all = vec![("csrf", self.csrf.as_str()), ("once", "uno")];
        all.extend_from_slice(texts);
        let (kind, body) = form_with(field, &all, photo);
        let request = stage
            .ask(Method::POST, "/activos/leer")
            .header("cookie", &self.cookie);
        request
            .header("content-type", kind)
            .body(body)
            .send()
            .await
            .unwrap()
    }
}

fn place(answer: &Response) -> String {
    answer.headers()["location"].to_str().unwrap().to_owned()
}

/// A photograph in the store of `algesta`, known to ocr.
fn stored(stage: &Stage, office: &Office) -> StoredPhoto {
    let key = "t/algesta/2026/11/placa.jpg";
    let file = stage.files.path().join("assets").join(key);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, JPEG).unwrap();
    let photo = StoredPhoto {
        document_id: PHOTO.to_owned(),
        container: "assets".to_owned(),
        key: key.to_owned(),
        sha256: hex::encode(Sha256::digest(JPEG)),
        media_type: "image/jpeg".to_owned(),
        bytes: JPEG.len() as u64,
    };
    let document = Document {
        document_id: PHOTO.to_owned(),
        about_kind: "capture".to_owned(),
        about_id: CAPTURE.to_owned(),
        kind: "photo".to_owned(),
        container: photo.container.clone(),
        key: photo.key.clone(),
        file_name: "placa de Ana.jpg".to_owned(),
        media_type: photo.media_type.clone(),
        bytes: photo.bytes,
        sha256: photo.sha256.clone(),
        stored_at: Some(timestamp(NOW)),
        ..Document::default()
    };
    let of_asset = Document {
        document_id: SECOND.to_owned(),
        about_kind: "asset".to_owned(),
        about_id: ASSET.to_owned(),
        ..document.clone()
    };
    let mut tables = office.tables();
    tables.documents.push(("ocr", "algesta".to_owned(), document));
    tables.documents.push(("orders", "algesta".to_owned(), of_asset));
    photo
}

#[tokio::test]
async fn the_queue_says_how_much_waits_on_every_page_of_those_who_review() {
    let (stage, office) = Stage::with_office().await;
    office.capture("PorConfirmar");
    let agent = Browser::new(&stage, Role::Agent).await;
    let list = agent.see(&stage, "/revision-ocr").await;
    assert!(list.contains("1 placa espera a una persona"), "{list}");
    assert!(
        list.contains(&format!("/revision-ocr/{CAPTURE}")) && list.contains("81,5 %"),
        "{list}"
    );
    let home = agent.see(&stage, "/").await;
    assert!(home.contains("1 serial por confirmar"), "{home}");
    let count = home.split("id=\"count-reviews\"").nth(1).unwrap();
    let count = count.split("</a>").next().unwrap();
    assert!(count.contains(">1<span") && !count.contains("hidden>"), "{count}");
    office.capture("Leido");
    let list = agent.see(&stage, "/revision-ocr").await;
    assert!(list.contains("Sin placas por revisar"), "{list}");
    let viewer = Browser::new(&stage, Role::Viewer).await;
    assert!(!viewer.see(&stage, "/").await.contains("count-reviews"));
}

#[tokio::test]
async fn a_plate_is_shown_with_its_photograph_its_doubts_and_what_is_nearly_the_same() {
    let (stage, office) = Stage::with_office().await;
    let photo = stored(&stage, &office);
    let known = (
        "algesta".to_owned(),
        capture("PorConfirmar"),
        vec![attempt(Some(photo))],
    );
    office.tables().captures = vec![known];
    office.tables().similar = vec![SimilarSerial {
        serial: "AC-7F3K-20911".to_owned(),
        capture_id: CAPTURE.to_owned(),
        distance: 1,
    }];
    let technician = Browser::new(&stage, Role::Technician).await;
    let page = technician.see(&stage, &format!("/revision-ocr/{CAPTURE}")).await;
    for part in [
        "¿La placa dice AC-7F3K-2O911?",
        "Placa 1 de 1",
        "intento 2 de 3",
        "Confianza 81,5 %, umbral 90 %.",
        "Dudosos: 10.º «O» 52 %.",
        "La foto está con reflejo.",
        "1 carácter distinto",
        "value=\"AC-7F3K-20911\"",
        "MADE IN COLOMBIA",
        "Azure Vision no respondió (unavailable).",
        "points=\"3,3 97,3 97,37 3,37\"",
        &format!("src=\"/documentos/{PHOTO}/imagen\""),
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(
        !page.contains("placa de Ana"),
        "the name of the file is a person's"
    );

    let image = technician
        .open(&stage, &format!("/documentos/{PHOTO}/imagen"))
        .await;
    assert_eq!(image.status(), StatusCode::OK);
    assert_eq!(image.headers()["content-type"], "image/jpeg");
    assert_eq!(image.headers()["cache-control"], "private, no-store");
    assert_eq!(&image.bytes().await.unwrap()[..], JPEG);
    let trail = stage.trail().await;
    assert_eq!(
        (trail[0].0.as_str(), trail[0].2.as_str()),
        ("document.shown", PHOTO)
    );

    let operator = Browser::new(&stage, Role::Operator).await;
    let page = operator.see(&stage, &format!("/revision-ocr/{CAPTURE}")).await;
    assert!(
        page.contains("Su función no muestra fotos") && !page.contains("/imagen"),
        "{page}"
    );
    assert!(
        page.contains("no decidir") && !page.contains("name=\"serial\""),
        "{page}"
    );
    for role in [Role::Operator, Role::Viewer, Role::Finance] {
        let email = format!("otro-{role}@algesta.co");
        stage.person(Some("algesta"), role, &email).await;
        let (cookie, _) = stage.log_in(&email, PASSWORD).await.unwrap();
        let image = stage.ask(Method::GET, &format!("/documentos/{PHOTO}/imagen"));
        let image = image.header("cookie", cookie).send().await.unwrap();
        assert_eq!(image.status(), StatusCode::NOT_FOUND, "{role}");
    }
    assert_eq!(stage.trail().await.len(), 1, "who sees nothing leaves no row");
}

#[tokio::test]
async fn enter_confirms_what_was_read_another_text_corrects_it_and_the_next_plate_follows() {
    let (stage, office) = Stage::with_office().await;
    let agent = Browser::new(&stage, Role::Agent).await;
    let path = format!("/revision-ocr/{CAPTURE}/serial");
    let second = puente_proto::ocr::Capture {
        capture_id: SECOND.to_owned(),
        ..capture("Ilegible")
    };
    for (fields, told) in [
        ("serial=ac-7f3k-2o911&version=3", "confirm"),
        ("serial=AC-7F3K+20911&version=3", "write AC-7F3K20911"),
        (
            "serial=AC-7F3K-2O911&use=AC-7F3K-20911&version=3",
            "write AC-7F3K-20911",
        ),
    ] {
        office.capture("PorConfirmar");
        let waits = ("algesta".to_owned(), second.clone(), Vec::new());
        office.tables().captures.push(waits);
        let done = agent.send(&stage, &path, fields).await;
        assert_eq!(done.status(), StatusCode::SEE_OTHER, "{fields}");
        assert_eq!(
            place(&done),
            format!("/revision-ocr/{SECOND}?hecho=1"),
            "{fields}"
        );
        assert_eq!(office.done().last().unwrap(), told);
    }
    office.capture("PorConfirmar");
    let bad = agent.send(&stage, &path, "serial=hola&version=3").await;
    assert_eq!(place(&bad), format!("/revision-ocr/{CAPTURE}?falta=serial"));
    let again = agent.see(&stage, &place(&bad)).await;
    assert!(again.contains("Eso no puede ser un serial"), "{again}");
    let old = agent.send(&stage, &path, "serial=XX-12345&version=2").await;
    assert_eq!(old.status(), StatusCode::CONFLICT, "somebody else was quicker");
    assert_eq!(office.done().len(), 3);
}

#[tokio::test]
async fn another_photograph_is_asked_for_with_its_reason_and_an_id_is_generated_on_demand() {
    let (stage, office) = Stage::with_office().await;
    office.capture("PorConfirmar");
    let agent = Browser::new(&stage, Role::Agent).await;
    let page = agent.see(&stage, &format!("/revision-ocr/{CAPTURE}")).await;
    assert!(
        page.contains("<option value=\"glare\" selected>"),
        "its fault is chosen: {page}"
    );
    assert!(page.contains("No se puede deshacer"), "{page}");
    let path = |act: &str| format!("/revision-ocr/{CAPTURE}/{act}");
    let asked = agent
        .send(&stage, &path("otra-foto"), "flaw=blurred&version=3")
        .await;
    assert_eq!(place(&asked), "/revision-ocr?hecho=1", "nothing else waits");
    let page = agent.see(&stage, &format!("/revision-ocr/{CAPTURE}")).await;
    assert!(page.contains("Falta otra foto de la placa"), "{page}");
    let made = agent.send(&stage, &path("generar"), "version=4").await;
    assert_eq!(made.status(), StatusCode::SEE_OTHER);
    assert_eq!(office.done(), ["ask photo blurred", "generate"]);
    let page = agent.see(&stage, &format!("/revision-ocr/{CAPTURE}")).await;
    assert!(page.contains("Serial generado: GEN-000001"), "{page}");
    assert!(
        !page.contains("action=\"/revision-ocr/"),
        "nothing is left to do: {page}"
    );
    let actions: Vec<_> = stage.trail().await.into_iter().map(|row| row.0).collect();
    assert_eq!(actions, ["capture.photo_asked", "capture.generated"]);
}

#[tokio::test]
async fn a_photograph_from_the_phone_leads_to_its_reading_and_sent_twice_it_is_one() {
    let (stage, office) = Stage::with_office().await;
    office.orders("EnEjecucion");
    let technician = Browser::new(&stage, Role::Technician).await;
    let page = technician.see(&stage, "/activos/leer").await;
    assert!(page.contains("capture=\"environment\""), "{page}");
    let read = technician.photo(&stage, "photo", &[], JPEG).await;
    assert_eq!(read.status(), StatusCode::SEE_OTHER);
    assert_eq!(place(&read), format!("/revision-ocr/{CAPTURE}"));
    let again = technician.photo(&stage, "file", &[], JPEG).await;
    assert_eq!(place(&again), format!("/revision-ocr/{CAPTURE}"));
    assert_eq!(office.done().len(), 1, "the same photograph of the same form");
    let other = technician
        .photo(&stage, "photo", &[], &[JPEG, b"x"].concat())
        .await;
    assert_eq!(other.status(), StatusCode::SEE_OTHER);
    assert_eq!(office.done().len(), 2, "another photograph is another");
    let none = technician
        .photo(&stage, "photo", &[("order", "OT-000042")], b"")
        .await;
    assert_eq!(place(&none), "/activos/leer?falta=archivo&pedido=OT-000042");
    let foreign = technician
        .photo(&stage, "photo", &[("order", "OT-000042")], JPEG)
        .await;
    assert_eq!(place(&foreign), "/activos/leer?falta=pedido&pedido=OT-000042");
    let kind = technician.photo(&stage, "photo", &[], b"<html></html>").await;
    assert_eq!(kind.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(office.done().len(), 2);
}

#[tokio::test]
async fn a_record_sheet_shows_origin_data_photographs_and_history_and_its_data_is_changed() {
    let (stage, office) = Stage::with_office().await;
    office.asset();
    office.orders("EnEjecucion");
    stored(&stage, &office);
    let agent = Browser::new(&stage, Role::Agent).await;
    let list = agent.see(&stage, "/activos?serial=ac7f").await;
    assert!(
        list.contains("AC-7F3K-20911") && list.contains("OT-000042"),
        "{list}"
    );
    let page = agent.see(&stage, "/activos/HV-000042").await;
    for part in [
        "HV-000042: AC-7F3K-20911",
        "Corregido",
        "81,5 %",
        "la persona del chat",
        "Carrier",
        "El PDF es de la versión 2",
        "Se registró",
        "Se volvió a leer su placa",
        &format!("/revision-ocr/{CAPTURE}"),
        &format!("src=\"/documentos/{SECOND}/imagen\""),
        "/activos/leer?activo=HV-000042",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let fields = "version=3&data_brand=Carrier&data_location=Sede+Norte&data_secret=x";
    let done = agent.send(&stage, "/activos/HV-000042", fields).await;
    assert_eq!(place(&done), "/activos/HV-000042?hecho=1");
    let data = office.tables().assets[0].1.data.clone();
    assert_eq!(data.get("location").map(String::as_str), Some("Sede Norte"));
    assert!(!data.contains_key("secret"), "{data:?}");
    let same = agent
        .send(&stage, "/activos/HV-000042", "version=4&data_brand=Carrier")
        .await;
    assert_eq!(place(&same), "/activos/HV-000042?igual=1");
    let order = agent.see(&stage, "/pedidos/OT-000042").await;
    assert!(
        order.contains("/activos/HV-000042") && order.contains("/activos/leer?pedido=OT-000042"),
        "{order}"
    );

    let viewer = Browser::new(&stage, Role::Viewer).await;
    let page = viewer.see(&stage, "/activos/HV-000042").await;
    assert!(
        page.contains("AC-7F3K-20911") && !page.contains("<form class=\"form"),
        "{page}"
    );
    assert!(
        !page.contains("/imagen") && !page.contains("/documentos/"),
        "{page}"
    );
    let foreign = {
        stage.person(Some("norte"), Role::Admin, "luis@norte.co").await;
        let (cookie, _) = stage.log_in("luis@norte.co", PASSWORD).await.unwrap();
        let request = stage.ask(Method::GET, "/activos/HV-000042");
        request.header("cookie", cookie).send().await.unwrap()
    };
    assert_eq!(foreign.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_search_box_leads_to_sheets_and_readings() {
    let (stage, office) = Stage::with_office().await;
    office.asset();
    office.capture("PorConfirmar");
    let agent = Browser::new(&stage, Role::Agent).await;
    for (q, expected) in [
        ("hv-000042", "/activos/HV-000042".to_owned()),
        (ASSET, "/activos/HV-000042".to_owned()),
        (CAPTURE, format!("/revision-ocr/{CAPTURE}")),
    ] {
        let answer = agent.open(&stage, &format!("/buscar?q={q}")).await;
        assert_eq!(place(&answer), expected, "{q}");
    }
    let found = agent.see(&stage, "/buscar?q=ac-7f3k-2o911").await;
    assert!(found.contains(&format!("/revision-ocr/{CAPTURE}")), "{found}");
}

#[tokio::test]
async fn how_often_readings_are_right_is_told_by_engine_fault_and_day() {
    let (stage, _office) = Stage::with_office().await;
    let agent = Browser::new(&stage, Role::Agent).await;
    let page = agent.see(&stage, "/revision-ocr/exactitud").await;
    for part in [
        "92 % de las lecturas juzgadas salieron exactas",
        "propio",
        "con reflejo",
        "19 nov 2026",
        "45 %",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let none = agent.see(&stage, "/revision-ocr/exactitud?dias=7").await;
    assert!(none.contains("Todavía nadie juzgó lecturas"), "{none}");
}

#[tokio::test]
async fn a_photograph_that_is_sent_again_by_another_name_stays_where_it_was_recorded() {
    let (stage, office) = Stage::with_office().await;
    let agent = Browser::new(&stage, Role::Agent).await;
    let send = async |name: &str| {
        let texts = [("csrf", agent.csrf.as_str()), ("once", "uno")];
        let (kind, body) = form_named(("photo", name), &texts, JPEG);
        let request = stage
            .ask(Method::POST, "/activos/leer")
            .header("cookie", &agent.cookie);
        let request = request.header("content-type", kind);
        request.body(body).send().await.unwrap().status()
    };
    assert_eq!(send("placa.jpg").await, StatusCode::SEE_OTHER);
    assert_eq!(
        send("otra.jpg").await,
        StatusCode::CONFLICT,
        "it is another command"
    );
    let photo = office.tables().documents[0].2.document_id.clone();
    let picture = agent.open(&stage, &format!("/documentos/{photo}/imagen")).await;
    assert_eq!(picture.status(), StatusCode::OK);
    assert_eq!(&picture.bytes().await.unwrap()[..], JPEG);
}
