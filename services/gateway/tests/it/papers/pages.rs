//! The pages about signatures and documents: what they say, what they hide, what their forms do.

use puente_gateway::domain::Role;
use puente_proto::documents::Document;
use puente_proto::orders::Person;
use puente_proto::timestamp;
use reqwest::{Method, Response, StatusCode};
use serde_json::json;

use super::PDF;
use crate::office::{OTHER, REQUEST, order};
use crate::support::{NOW, PASSWORD, Stage, form, form_named};

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

    async fn see(&self, stage: &Stage, path: &str) -> String {
        let answer = stage.ask(Method::GET, path).header("cookie", &self.cookie);
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.text().await.unwrap()
    }

    async fn send(&self, stage: &Stage, path: &str, fields: &str) -> Response {
        let request = stage.ask(Method::POST, path).header("cookie", &self.cookie);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let body = format!("csrf={}&once=uno&{fields}", self.csrf);
        request.body(body).send().await.unwrap()
    }

    async fn upload(
        &self,
        stage: &Stage,
        path: &str,
        csrf: &str,
        texts: &[(&str, &str)],
        file: &[u8],
    ) -> Response {
        let texts: Vec<_> = [("csrf", csrf), ("once", "uno")]
            .into_iter()
            .chain(texts.iter().copied())
            .collect();
        let (kind, body) = form(&texts, file);
        let request = stage.ask(Method::POST, path).header("cookie", &self.cookie);
        request
            .header("content-type", kind)
            .body(body)
            .send()
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn a_signature_says_who_is_missing_with_a_word_for_each_signer_and_no_address() {
    let (stage, office) = Stage::with_office().await;
    office.orders("EnFirma");
    office.signature(|_| ());
    let agent = Browser::new(&stage, Role::Agent).await;
    let page = agent.see(&stage, &format!("/firmas/{REQUEST}")).await;
    for words in [
        "Faltan 2 de 3 firmas",
        "Firmó",
        "Documento abierto",
        "Correo enviado",
        "Ana Torres",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("ana.torres@"), "{page}");
    for button in [
        "Reenviar correo",
        "Consultar ahora",
        "Pasar a firma manuscrita",
        "Anular la solicitud",
    ] {
        assert!(page.contains(button), "{button}");
    }
    let viewer = Browser::new(&stage, Role::Viewer).await;
    let page = viewer.see(&stage, &format!("/firmas/{REQUEST}")).await;
    assert!(
        page.contains("Faltan 2 de 3 firmas") && !page.contains("Ana Torres"),
        "{page}"
    );
    assert!(!page.contains("Reenviar correo"), "{page}");
    let list = viewer.see(&stage, "/firmas").await;
    assert!(
        list.contains("Ninguna firma espera a una persona") && list.contains("OT-000042"),
        "{list}"
    );
}

#[tokio::test]
async fn what_stops_a_signature_is_told_in_three_parts_and_leads_administrators_to_the_consent() {
    let (stage, office) = Stage::with_office().await;
    office.orders("EnFirma");
    office.signature(|one| {
        one.problem_code = "consent_required".to_owned();
        one.problem = "La cuenta de DocuSign retiró el permiso".to_owned();
        one.problem_tag = "configuration".to_owned();
        one.reauthorise = "docusign-algesta".to_owned();
    });
    let admin = Browser::new(&stage, Role::Admin).await;
    let page = admin.see(&stage, &format!("/firmas/{REQUEST}")).await;
    for words in [
        "La firma está detenida",
        "Qué pasó",
        "Qué está a salvo",
        "Qué puede hacer",
        "nadie debe firmar otra vez",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(
        page.contains("/conexiones/docusign/autorizar?connection=docusign-algesta"),
        "{page}"
    );
    let agent = Browser::new(&stage, Role::Agent).await;
    let page = agent.see(&stage, &format!("/firmas/{REQUEST}")).await;
    assert!(
        page.contains("Pida a un administrador") && !page.contains("/conexiones/"),
        "{page}"
    );
    let home = agent.see(&stage, "/").await;
    assert!(home.contains("1 firma espera a una persona"), "{home}");
    let list = agent.see(&stage, "/firmas").await;
    assert!(
        list.contains("1 firma espera a una persona") && list.contains("retiró el permiso"),
        "{list}"
    );
}

#[tokio::test]
async fn whoever_signed_and_was_not_told_of_the_refusal_is_work_until_a_person_tells_them() {
    let (stage, office) = Stage::with_office().await;
    office.orders("DocumentosRechazados");
    office.signature(|one| {
        one.state = "Rechazado".to_owned();
        one.step = "ended".to_owned();
        one.actions = vec!["told".to_owned()];
        one.signers[1].state = "signed".to_owned();
        one.signers[1].notice = "failed".to_owned();
        one.signers[1].notice_code = "no_opt_in".to_owned();
    });
    let agent = Browser::new(&stage, Role::Agent).await;
    let home = agent.see(&stage, "/").await;
    assert!(home.contains("1 firma espera a una persona") && home.contains("Falta avisar de 1 rechazo"));
    let list = agent.see(&stage, "/firmas").await;
    assert!(list.contains("Sin avisar: Proveedor"), "{list}");
    let place = format!("/firmas/{REQUEST}");
    let page = agent.see(&stage, &place).await;
    assert!(
        page.contains("Sin avisar del rechazo: no ha autorizado mensajes") && page.contains("Ya le avisé"),
        "{page}"
    );
    let viewer = Browser::new(&stage, Role::Viewer).await;
    let watched = viewer.see(&stage, &place).await;
    assert!(!watched.contains("Ya le avisé"), "{watched}");
    let done = agent
        .send(&stage, &format!("{place}/avisado"), "role=service_provider")
        .await;
    assert_eq!(done.headers()["location"], format!("{place}?hecho=1"));
    let page = agent.see(&stage, &place).await;
    assert!(page.contains("Avisado del rechazo"), "{page}");
    let home = agent.see(&stage, "/").await;
    assert!(!home.contains("Falta avisar"), "{home}");
    assert_eq!(office.done(), ["told service_provider"]);
    let trail = stage.trail().await;
    assert_eq!(trail.last().map(|row| row.0.as_str()), Some("signature.told"));
}

#[tokio::test]
async fn calling_back_and_going_on_by_hand_say_their_consequence_first() {
    let (stage, office) = Stage::with_office().await;
    office.orders("EnFirma");
    office.signature(|_| ());
    let agent = Browser::new(&stage, Role::Agent).await;
    let place = format!("/firmas/{REQUEST}");
    let before = agent.see(&stage, &format!("{place}/anular")).await;
    assert!(
        before.contains("2 firmantes reciben aviso") && before.contains("Anular 1 solicitud"),
        "{before}"
    );
    let bare = agent.send(&stage, &format!("{place}/anular"), "reason=").await;
    assert_eq!(bare.headers()["location"], format!("{place}/anular?falta=motivo"));
    let before = agent.see(&stage, &format!("{place}/manual")).await;
    assert!(before.contains("Qué no se puede deshacer"), "{before}");
    let taken = agent.send(&stage, &format!("{place}/manual"), "reason=").await;
    assert_eq!(taken.headers()["location"], format!("{place}?hecho=1"));
    let lane = agent.see(&stage, &place).await;
    assert!(
        lane.contains("Firma manuscrita en tres pasos") && lane.contains("Subir 1 escaneo"),
        "{lane}"
    );

    let scan = format!("{place}/escaneo");
    let forged = agent.upload(&stage, &scan, "otro", &[], PDF).await;
    assert_eq!(
        forged.status(),
        StatusCode::FORBIDDEN,
        "a form with a file needs the session's token as well"
    );
    let none = agent.upload(&stage, &scan, &agent.csrf, &[], b"").await;
    assert_eq!(none.headers()["location"], format!("{place}?falta=archivo"));
    let wrong = agent
        .upload(&stage, &scan, &agent.csrf, &[], b"esto no es un PDF")
        .await;
    assert_eq!(wrong.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(wrong.text().await.unwrap().contains("El nombre no cuenta"));
    let done = agent.upload(&stage, &scan, &agent.csrf, &[], PDF).await;
    assert_eq!(done.headers()["location"], format!("{place}?hecho=1"));
    let signed = agent.see(&stage, &place).await;
    assert!(
        signed.contains("Firmado a mano, con su escaneo guardado"),
        "{signed}"
    );
    assert_eq!(office.done(), ["manual ", "scan"]);
}

#[tokio::test]
async fn the_page_of_an_order_sends_to_signature_once_approved_and_says_why_not_before() {
    let (stage, office) = Stage::with_office().await;
    office.orders("CotizacionEnviada");
    let agent = Browser::new(&stage, Role::Agent).await;
    let page = agent.see(&stage, "/pedidos/OT-000042").await;
    assert!(
        page.contains("Enviar a firma") && page.contains("el cliente debe aprobar la cotización"),
        "{page}"
    );
    assert!(
        page.contains("$\u{a0}1.284.000\u{a0}COP, válida hasta el 31 dic 2026"),
        "{page}"
    );
    let early = agent.send(&stage, "/pedidos/OT-000042/firmar", "version=5").await;
    assert_eq!(early.status(), StatusCode::CONFLICT);
    assert!(early.text().await.unwrap().contains("«Cotización enviada»"));
    office.orders("CotizacionAprobada");
    let sent = agent
        .send(
            &stage,
            "/pedidos/OT-000042/firmar",
            "version=5&email_client=otra%40example.com",
        )
        .await;
    assert_eq!(sent.headers()["location"], "/pedidos/OT-000042?hecho=1");
    assert_eq!(office.done(), ["send_to_signature otra@example.com"]);
    let page = agent.see(&stage, "/pedidos/OT-000042").await;
    assert!(
        page.contains(&format!("/firmas/{REQUEST}")) && page.contains("Documento abierto"),
        "{page}"
    );
    assert!(!page.contains("/firmar\""), "it is under way");
}

#[tokio::test]
async fn a_quotation_goes_out_with_its_amount_and_one_that_is_no_number_is_asked_for_again() {
    let (stage, office) = Stage::with_office().await;
    office.orders("EnCotizacion");
    let agent = Browser::new(&stage, Role::Agent).await;
    let path = "/pedidos/OT-000042/mover";
    let bad = agent
        .send(&stage, path, "step=send_quotation&amount=mucho&currency=COP")
        .await;
    assert_eq!(bad.headers()["location"], "/pedidos/OT-000042?falta=valor");
    let good = agent
        .send(&stage, path, "step=send_quotation&amount=1.284.000&currency=COP")
        .await;
    assert_eq!(good.headers()["location"], "/pedidos/OT-000042?hecho=1");
    assert_eq!(office.done(), ["move send_quotation 128400000 COP"]);
}

#[tokio::test]
async fn a_document_is_brought_and_opened_from_the_page_of_its_order() {
    let (stage, office) = Stage::with_office().await;
    office.orders("EnEjecucion");
    let agent = Browser::new(&stage, Role::Agent).await;
    let done = agent
        .upload(
            &stage,
            "/pedidos/OT-000042/documentos",
            &agent.csrf,
            &[("kind", "report")],
            PDF,
        )
        .await;
    assert_eq!(done.headers()["location"], "/pedidos/OT-000042?hecho=1");
    let id = office.tables().documents[0].2.document_id.clone();
    let page = agent.see(&stage, "/pedidos/OT-000042").await;
    assert!(
        page.contains("Informe de ejecución") && page.contains(&format!("/documentos/{id}")),
        "{page}"
    );
    let open = stage
        .ask(Method::GET, &format!("/documentos/{id}"))
        .header("cookie", &agent.cookie);
    let open = open.send().await.unwrap();
    assert_eq!(open.status(), StatusCode::SEE_OTHER);
    let link = open.headers()["location"].to_str().unwrap();
    let file = stage
        .http
        .get(link)
        .header("cookie", &agent.cookie)
        .send()
        .await
        .unwrap();
    assert_eq!(&file.bytes().await.unwrap()[..], PDF);
    let trail = stage.trail().await;
    let last = trail.last().unwrap();
    assert_eq!(last.0, "document.downloaded");
    assert!(last.1.starts_with("user:"), "who is logged in is named: {last:?}");

    let viewer = Browser::new(&stage, Role::Viewer).await;
    let page = viewer.see(&stage, "/pedidos/OT-000042").await;
    assert!(
        page.contains("•••.pdf") && !page.contains(&format!("/documentos/{id}")),
        "{page}"
    );
    let refused = stage
        .ask(Method::GET, &format!("/documentos/{id}"))
        .header("cookie", &viewer.cookie);
    assert_eq!(refused.send().await.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn papers_of_service_providers_warn_before_they_expire() {
    let (stage, office) = Stage::with_office().await;
    let person = Person {
        person_id: "frio-andino".to_owned(),
        kind: "service_provider".to_owned(),
        name: "Frío Andino S.A.S.".to_owned(),
        active: true,
        ..Person::default()
    };
    let paper = |id: u8, kind: &str, expires_on: &str| Document {
        document_id: format!("019469d2-0000-7000-8000-0000000000{id:02x}"),
        about_kind: "service_provider".to_owned(),
        about_id: "frio-andino".to_owned(),
        kind: kind.to_owned(),
        container: "providers".to_owned(),
        key: format!("t/algesta/{id}.pdf"),
        file_name: format!("{kind}.pdf"),
        media_type: "application/pdf".to_owned(),
        sha256: "a".repeat(64),
        expires_on: expires_on.to_owned(),
        stored_at: Some(timestamp(NOW)),
        ..Document::default()
    };
    {
        let mut tables = office.tables();
        tables.people = vec![("algesta".to_owned(), person)];
        tables.documents = [("arl", "2026-12-02"), ("eps", "2026-11-17"), ("rut", "")]
            .into_iter()
            .zip(1..)
            .map(|((kind, expires), id)| ("orders", "algesta".to_owned(), paper(id, kind, expires)))
            .collect();
    }
    let agent = Browser::new(&stage, Role::Agent).await;
    let list = agent.see(&stage, "/directorio").await;
    assert!(
        list.contains("2 documentos de proveedores vencen pronto"),
        "{list}"
    );
    let page = agent.see(&stage, "/directorio/frio-andino").await;
    for words in ["Vence en 12 días", "Venció hace 3 días", "sin vencimiento"] {
        assert!(page.contains(words), "{words}: {page}");
    }
}

#[tokio::test]
async fn the_contract_is_shown_as_a_sample_to_download() {
    let (stage, _office) = Stage::with_office().await;
    let admin = Browser::new(&stage, Role::Admin).await;
    assert!(
        admin
            .see(&stage, "/plantillas/contrato")
            .await
            .contains("/plantillas/contrato/muestra")
    );
    let sample = stage
        .ask(Method::GET, "/plantillas/contrato/muestra")
        .header("cookie", &admin.cookie);
    let sample = sample.send().await.unwrap();
    assert_eq!(sample.headers()["content-type"], "application/pdf");
    assert!(
        sample.headers()["content-disposition"]
            .to_str()
            .unwrap()
            .contains("contrato-muestra.pdf")
    );
    assert_eq!(&sample.bytes().await.unwrap()[..], crate::office::SAMPLE);
}

/// What the form of a page sends as this hidden field.
fn hidden(page: &str, name: &str) -> String {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn one_browser_sends_two_orders_of_the_same_version_to_their_signers() {
    let (stage, office) = Stage::with_office().await;
    office.orders("CotizacionAprobada");
    let second = order(OTHER, "OT-000043", "CotizacionAprobada");
    office.tables().orders.push(("algesta".to_owned(), second));
    let agent = Browser::new(&stage, Role::Agent).await;
    for number in ["OT-000042", "OT-000043"] {
        let page = agent.see(&stage, &format!("/pedidos/{number}")).await;
        let (_, form) = page.split_once("/firmar\"").unwrap();
        let (once, version) = (hidden(form, "once"), hidden(form, "version"));
        assert_eq!(version, "5", "both are of one version");
        let fields = format!("csrf={}&once={once}&version={version}", agent.csrf);
        let request = stage.ask(Method::POST, &format!("/pedidos/{number}/firmar"));
        let request = request.header("cookie", &agent.cookie);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let sent = request.body(fields).send().await.unwrap();
        assert_eq!(
            sent.status(),
            StatusCode::SEE_OTHER,
            "{number}: {}",
            sent.text().await.unwrap()
        );
    }
    assert_eq!(office.done(), ["send_to_signature ", "send_to_signature "]);
}

#[tokio::test]
async fn a_scan_that_is_sent_again_by_another_name_leaves_the_recorded_one_where_it_is() {
    let (stage, office) = Stage::with_office().await;
    office.orders("EnFirma");
    office.signature(|one| {
        one.step = "manual".to_owned();
        one.actions = vec!["scan".to_owned()];
    });
    let agent = Browser::new(&stage, Role::Agent).await;
    let send = async |name: &str| {
        let texts = [("csrf", agent.csrf.as_str()), ("once", "uno")];
        let (kind, body) = form_named(("file", name), &texts, PDF);
        let request = stage.ask(Method::POST, &format!("/firmas/{REQUEST}/escaneo"));
        let request = request
            .header("cookie", &agent.cookie)
            .header("content-type", kind);
        request.body(body).send().await.unwrap().status()
    };
    assert_eq!(send("contrato.pdf").await, StatusCode::SEE_OTHER);
    assert_eq!(
        send("contrato firmado.pdf").await,
        StatusCode::CONFLICT,
        "it is another command"
    );
    let scan = office.tables().documents[0].2.document_id.clone();
    let key = stage.key(Some("algesta"), Role::Agent).await;
    let link = stage
        .post(&format!("/api/documents/{scan}/link"), &key, &json!({}))
        .await;
    assert_eq!(link.status(), StatusCode::OK);
    let link: serde_json::Value = link.json().await.unwrap();
    let file = stage
        .http
        .get(link["url"].as_str().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(&file.bytes().await.unwrap()[..], PDF);
}

#[tokio::test]
async fn a_new_person_does_not_take_the_place_of_who_has_the_id_already() {
    let (stage, office) = Stage::with_office().await;
    let known = Person {
        person_id: "frio-andino".to_owned(),
        kind: "service_provider".to_owned(),
        name: "Frío Andino S.A.S.".to_owned(),
        email: "contratos@frioandino.example".to_owned(),
        active: true,
        ..Person::default()
    };
    office.tables().people = vec![("algesta".to_owned(), known.clone())];
    let agent = Browser::new(&stage, Role::Agent).await;
    let fields = "id=frio-andino&kind=agent&name=Otra+Persona&email=otra%40example.com&active=1";
    let refused = agent.send(&stage, "/directorio", fields).await;
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let text = refused.text().await.unwrap();
    assert!(
        text.contains("Ya hay alguien con el identificador «frio-andino»"),
        "{text}"
    );
    assert_eq!(office.tables().people, [("algesta".to_owned(), known)]);
    let fields = "id=hielo-sur&kind=service_provider&name=Hielo+Sur&active=1";
    let added = agent.send(&stage, "/directorio", fields).await;
    assert_eq!(added.status(), StatusCode::SEE_OTHER);
    assert_eq!(office.tables().people.len(), 2);
}
