//! Orders for the tests.

use puente_types::{Money, TenantId};
use puente_typeset::{ContractData, Party, SummaryData, SummaryDocument, SummaryStep, Templates};
use time::macros::{date, datetime};

pub(crate) fn tenant() -> TenantId {
    "acme".parse().unwrap()
}

pub(crate) fn templates() -> Templates {
    Templates::open(None).unwrap()
}

pub(crate) fn pesos(units: i64) -> Option<Money> {
    Some(Money {
        minor: units * 100,
        currency: "COP".parse().unwrap(),
    })
}

pub(crate) fn party(name: &str, number: u32) -> Party {
    Party {
        name: name.to_owned(),
        tax_id: Some(format!("900.111.22{number}-{number}")),
        email: Some(format!("correo{number}@ejemplo.invalid")),
        phone: Some(format!("+57 300 555 010{number}")),
        address: Some(format!("Carrera {number} # 10-20, Cali")),
    }
}

pub(crate) fn contract() -> ContractData {
    ContractData {
        number: "CT-OT-000042-1".to_owned(),
        order_number: "OT-000042".to_owned(),
        city: "Bogotá D. C.".to_owned(),
        issued_on: date!(2026 - 11 - 25),
        client: party("Clínica Santa Lucía S. A. S.", 1),
        provider: party("Refrigeración Andina Ltda.", 2),
        agent: party("Juliana Peña Ñáñez", 3),
        service: "Mantenimiento de cuarto frío".to_owned(),
        description: "Limpieza del evaporador y revisión de presiones.\nSe entrega informe con fotografías."
            .to_owned(),
        location: "Sede norte, piso 2".to_owned(),
        amount: pesos(1_250_000),
        valid_until: Some(date!(2026 - 12 - 31)),
        quotation_note: Some("IVA incluido".to_owned()),
    }
}

pub(crate) fn summary() -> SummaryData {
    SummaryData {
        order_number: "OT-000042".to_owned(),
        state_label: "Póliza asignada".to_owned(),
        client: party("Clínica Santa Lucía S. A. S.", 1),
        service: "Mantenimiento de cuarto frío".to_owned(),
        description: "Limpieza del evaporador.".to_owned(),
        location: "Sede norte, piso 2".to_owned(),
        opened_at: datetime!(2026-11-20 14:05 UTC),
        as_of: datetime!(2026-11-26 02:40 UTC),
        agent: Some("Juliana Peña Ñáñez".to_owned()),
        provider: Some("Refrigeración Andina Ltda.".to_owned()),
        amount: pesos(1_250_000),
        steps: vec![
            step("Orden abierta", "Por WhatsApp"),
            step("Cotización aprobada", "Por el cliente"),
        ],
        documents: vec![SummaryDocument {
            name: "Contrato CT-OT-000042-1".to_owned(),
            sha256: "9F86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
        }],
    }
}

pub(crate) fn step(title: &str, detail: &str) -> SummaryStep {
    SummaryStep {
        at: datetime!(2026-11-24 20:12 UTC),
        title: title.to_owned(),
        detail: detail.to_owned(),
    }
}
