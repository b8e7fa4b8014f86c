//! The order's summary (ORD-05).

use puente_typeset::{SummaryDocument, TypesetError, limits};

use crate::reading::{Read, count};
use crate::sample::{step, summary, templates, tenant};

#[test]
fn a_summary_says_number_client_service_dates_and_state_on_one_page() {
    let rendered = templates().summary(&tenant(), &summary()).unwrap();
    let read = Read::of(&rendered.pdf);
    assert_eq!((rendered.pages, read.pages.len()), (1, 1));
    let text = read.flat();
    for said in [
        "Resumen de la orden OT-000042",
        "Póliza asignada",
        "Estado al 25 de noviembre de 2026, 21:40",
        "20 de noviembre de 2026, 09:05",
        "Clínica Santa Lucía S. A. S.",
        "900.111.221-1",
        "Mantenimiento de cuarto frío",
        "Sede norte, piso 2",
        "Juliana Peña Ñáñez",
        "Refrigeración Andina Ltda.",
        "$ 1.250.000",
        "24 de noviembre de 2026, 15:12",
        "Cotización aprobada",
        "Por el cliente",
        "Contrato CT-OT-000042-1",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "Página 1 de 1",
    ] {
        assert!(count(&text, said) > 0, "«{said}» is missing in {text}");
    }
    assert!(
        text.contains("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
        "to be copied whole"
    );
    assert!(
        read.xmp.contains("<pdfaid:part>2</pdfaid:part>") && read.xmp.contains("2026-11-25T21:40:00-05:00")
    );
}

#[test]
fn a_summary_grows_over_pages_without_losing_a_step_or_a_document() {
    let mut data = summary();
    data.steps = (0..limits::STEPS)
        .map(|at| step(&format!("Paso número {at} fin"), "detalle"))
        .collect();
    data.documents = (0..limits::DOCUMENTS)
        .map(|at| SummaryDocument {
            name: format!("Archivo {at} fin"),
            sha256: format!("f{at:063x}"),
        })
        .collect();
    let rendered = templates().summary(&tenant(), &data).unwrap();
    let text = Read::of(&rendered.pdf).flat();
    assert!(rendered.pages > 3);
    assert!((0..limits::STEPS).all(|at| count(&text, &format!("Paso número {at} fin")) == 1));
    for at in 0..limits::DOCUMENTS {
        assert_eq!(count(&text, &format!("f{at:063x}")), 1, "{at} in {text}");
    }
}

#[test]
fn a_bare_order_has_a_summary_too() {
    let mut data = summary();
    (data.agent, data.provider, data.amount) = (None, None, None);
    (data.steps, data.documents) = (Vec::new(), Vec::new());
    (data.description, data.location) = (String::new(), String::new());
    let text = Read::of(&templates().summary(&tenant(), &data).unwrap().pdf).flat();
    for absent in ["Recorrido", "Documentos", "Valor", "Prestador", "none"] {
        assert!(!text.contains(absent), "{absent}");
    }
}

#[test]
fn lists_that_are_too_long_and_hashes_that_are_none_are_refused() {
    let mut data = summary();
    data.steps = vec![step("a", ""); limits::STEPS + 1];
    let refused = templates().summary(&tenant(), &data).unwrap_err();
    assert_eq!(
        refused,
        TypesetError::TooMany {
            field: "steps",
            found: limits::STEPS + 1,
            max: limits::STEPS
        }
    );
    let mut data = summary();
    data.documents[0].sha256 = "z".repeat(64);
    let refused = templates().summary(&tenant(), &data).unwrap_err();
    assert!(matches!(
        refused,
        TypesetError::Invalid {
            field: "documents.sha256",
            ..
        }
    ));
}
