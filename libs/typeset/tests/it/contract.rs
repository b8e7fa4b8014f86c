//! The contract: everything that it must say, once and in the right place.

use puente_typeset::{ANCHORS, TypesetError};

use crate::reading::{Read, count};
use crate::sample::{contract, pesos, templates, tenant};

#[test]
fn a_contract_says_everything_that_it_was_given() {
    let rendered = templates().contract(&tenant(), &contract()).unwrap();
    let read = Read::of(&rendered.pdf);
    let text = read.flat();
    for said in [
        "Contrato de prestación de servicios",
        "CT-OT-000042-1",
        "Orden OT-000042",
        "Bogotá D. C., 25 de noviembre de 2026",
        "Clínica Santa Lucía S. A. S.",
        "Refrigeración Andina Ltda.",
        "Juliana Peña Ñáñez",
        "900.111.221-1",
        "correo2@ejemplo.invalid",
        "+57 300 555 0103",
        "Carrera 1 # 10-20, Cali",
        "Mantenimiento de cuarto frío",
        "Se entrega informe con fotografías.",
        "Sede norte, piso 2",
        "$ 1.250.000",
        "un millón doscientos cincuenta mil pesos colombianos",
        "31 de diciembre de 2026",
        "IVA incluido",
        "Primera. Objeto",
        "Decimocuarta. Domicilio",
        "Ley 1581 de 2012",
        "Decreto 2364 de 2012",
        "Acme",
        "Contratante",
        "Prestador del servicio",
    ] {
        assert!(count(&text, said) > 0, "«{said}» is missing in {text}");
    }
    assert!(
        !text.contains('{') && !text.contains('}'),
        "a placeholder was left: {text}"
    );
}

#[test]
fn every_page_has_its_number_and_the_id_of_the_document() {
    let rendered = templates().contract(&tenant(), &contract()).unwrap();
    let read = Read::of(&rendered.pdf);
    assert_eq!(read.pages.len(), rendered.pages);
    assert!(rendered.pages >= 2);
    for (at, page) in read.pages.iter().enumerate() {
        assert_eq!(
            count(page, &format!("Página {} de {}", at + 1, rendered.pages)),
            1,
            "{page}"
        );
        assert_eq!(count(page, &rendered.document_id), 1);
        assert_eq!(
            count(page, "Contrato CT-OT-000042-1"),
            usize::from(at > 0),
            "the running head of later pages"
        );
    }
}

#[test]
fn each_anchor_is_there_once_with_its_signer_on_a_page_with_text() {
    let data = contract();
    let rendered = templates().contract(&tenant(), &data).unwrap();
    let read = Read::of(&rendered.pdf);
    let last = read.pages.last().unwrap();
    for (role, anchor) in ANCHORS {
        assert_eq!(count(&read.flat(), anchor), 1, "{role}");
        assert!(
            last.contains(anchor),
            "one text run, all on the page of signatures: {last}"
        );
    }
    for signer in [&data.client, &data.provider, &data.agent] {
        assert_eq!(count(last, &signer.name), 1);
    }
    assert_eq!(
        count(last, "Decimocuarta."),
        1,
        "signatures do not stand alone: {last}"
    );
}

#[test]
fn signatures_are_never_split_however_long_the_text_above_is() {
    let templates = templates();
    for lines in (0..=40).step_by(4) {
        let mut data = contract();
        data.description = "Una línea del alcance.\n".repeat(lines);
        let rendered = templates.contract(&tenant(), &data).unwrap();
        let read = Read::of(&rendered.pdf);
        for (_, anchor) in ANCHORS {
            assert!(read.pages.last().unwrap().contains(anchor), "{lines} lines");
        }
        assert_eq!(
            count(read.pages.last().unwrap(), "Para constancia"),
            1,
            "{lines} lines"
        );
    }
}

#[test]
fn it_is_an_archival_and_accessible_pdf_in_spanish() {
    let rendered = templates().contract(&tenant(), &contract()).unwrap();
    let read = Read::of(&rendered.pdf);
    for said in [
        "<pdfaid:part>2</pdfaid:part>",
        "<pdfaid:conformance>A</pdfaid:conformance>",
        "<pdfuaid:part>1</pdfuaid:part>",
        "Contrato CT-OT-000042-1 · Contrato de prestación de servicios",
        "2026-11-25T00:00:00-05:00",
    ] {
        assert!(read.xmp.contains(said), "«{said}» is missing in {}", read.xmp);
    }
    assert_eq!(read.language, "es-CO");
    assert!(rendered.pdf.starts_with(b"%PDF-1.7"));
}

#[test]
fn the_same_data_gives_the_same_bytes_and_other_data_another_id() {
    let first = templates().contract(&tenant(), &contract()).unwrap();
    let again = templates().contract(&tenant(), &contract()).unwrap();
    assert!(first.pdf == again.pdf, "two runs differ");
    let in_thread = std::thread::spawn(|| templates().contract(&tenant(), &contract()).unwrap())
        .join()
        .unwrap();
    assert!(first.pdf == in_thread.pdf, "another thread differs");
    let mut data = contract();
    data.amount = pesos(1_250_001);
    let other = templates().contract(&tenant(), &data).unwrap();
    assert_ne!(first.document_id, other.document_id);
}

#[test]
fn what_is_not_known_is_left_out_or_said_in_words() {
    let mut data = contract();
    (data.amount, data.valid_until, data.quotation_note) = (None, None, None);
    (data.description, data.location) = (String::new(), String::new());
    data.client.tax_id = None;
    data.agent = puente_typeset::Party {
        name: "Ana".to_owned(),
        ..Default::default()
    };
    let text = Read::of(&templates().contract(&tenant(), &data).unwrap().pdf).flat();
    assert!(
        count(
            &text,
            "El valor del servicio es el que consta en la cotización aprobada."
        ) == 1,
        "{text}"
    );
    assert_eq!(count(&text, "No informado"), 2);
    for absent in ["Alcance", "Vigente hasta", "None", "none", "$ "] {
        assert!(!text.contains(absent), "{absent}");
    }
}

#[test]
fn a_contract_without_its_essentials_is_refused_by_name() {
    let refused = |change: fn(&mut puente_typeset::ContractData)| {
        let mut data = contract();
        change(&mut data);
        templates().contract(&tenant(), &data).unwrap_err()
    };
    assert_eq!(
        refused(|d| d.number.clear()),
        TypesetError::Empty { field: "number" }
    );
    assert_eq!(
        refused(|d| d.client.name = " \u{200b}\n".to_owned()),
        TypesetError::Empty { field: "client.name" }
    );
    assert_eq!(refused(|d| d.city.clear()), TypesetError::Empty { field: "city" });
    assert!(matches!(
        refused(|d| d.amount = pesos(-1)),
        TypesetError::Invalid { field: "amount", .. }
    ));
}

#[test]
fn a_preview_is_marked_on_every_page_and_cannot_be_signed() {
    let rendered = templates().preview_contract(&tenant()).unwrap();
    let read = Read::of(&rendered.pdf);
    assert!(read.pages.iter().all(|page| count(page, "MUESTRA") >= 1));
    assert!(ANCHORS.iter().all(|(_, anchor)| count(&read.flat(), anchor) == 0));
    let real = templates().contract(&tenant(), &contract()).unwrap();
    assert_eq!(count(&Read::of(&real.pdf).flat(), "MUESTRA"), 0);
}
