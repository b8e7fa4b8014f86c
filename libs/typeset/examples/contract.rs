//! Writes sample documents into a folder: `cargo run -p puente-typeset --example contract -- <folder> [<templates> <tenant>]`.

use std::path::Path;

use puente_types::{Money, TenantId};
use puente_typeset::{ContractData, Party, SummaryData, SummaryDocument, SummaryStep, Templates};
use time::macros::{date, datetime};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("which folder?")?;
    let folder = Path::new(&folder);
    let templates = arguments.next();
    let tenant: TenantId = arguments
        .next()
        .unwrap_or_else(|| "servicios_ejemplo".to_owned())
        .parse()?;
    let templates = Templates::open(templates.as_deref().map(Path::new)).map_err(|problems| {
        let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
        lines.join("\n")
    })?;
    std::fs::create_dir_all(folder)?;
    std::fs::write(
        folder.join("muestra.pdf"),
        templates.preview_contract(&tenant)?.pdf,
    )?;
    std::fs::write(
        folder.join("contrato.pdf"),
        templates.contract(&tenant, &contract()?)?.pdf,
    )?;
    std::fs::write(
        folder.join("resumen.pdf"),
        templates.summary(&tenant, &summary()?)?.pdf,
    )?;
    Ok(())
}

fn client() -> Party {
    Party {
        name: "Clínica Santa Lucía del Norte S. A. S.".to_owned(),
        tax_id: Some("901.234.567-6".to_owned()),
        email: Some("mantenimiento@clinica-ejemplo.invalid".to_owned()),
        phone: Some("+57 310 555 0101".to_owned()),
        address: Some("Carrera 15 # 124-30, Bogotá D. C.".to_owned()),
    }
}

fn contract() -> Result<ContractData, Box<dyn std::error::Error>> {
    Ok(ContractData {
        number: "CT-OT-000042-1".to_owned(),
        order_number: "OT-000042".to_owned(),
        city: "Bogotá D. C.".to_owned(),
        issued_on: date!(2026 - 11 - 25),
        client: client(),
        provider: Party {
            name: "Refrigeración Andina Ltda.".to_owned(),
            tax_id: Some("830.045.112-9".to_owned()),
            email: Some("operaciones@andina-ejemplo.invalid".to_owned()),
            phone: Some("+57 311 555 0102".to_owned()),
            address: Some("Calle 80 # 68-12, Bogotá D. C.".to_owned()),
        },
        agent: Party {
            name: "Juliana Peña Ñáñez".to_owned(),
            tax_id: Some("52.123.456".to_owned()),
            email: Some("juliana.pena@ejemplo.invalid".to_owned()),
            phone: Some("+57 312 555 0103".to_owned()),
            address: None,
        },
        service: "Mantenimiento preventivo de cuarto frío".to_owned(),
        description: "Limpieza de evaporador y condensador, revisión de presiones y de la carga de refrigerante, ajuste de \
                      tablero eléctrico y calibración del control de temperatura.\nSe entrega informe con fotografías y lista \
                      de repuestos recomendados."
            .to_owned(),
        location: "Sede norte, piso 2, farmacia. Carrera 15 # 124-30, Bogotá D. C.".to_owned(),
        amount: Some(Money {
            minor: 125_000_000,
            currency: "COP".parse()?,
        }),
        valid_until: Some(date!(2026 - 12 - 31)),
        quotation_note: Some("IVA incluido. Los repuestos se cobran según la lista de precios de la cotización.".to_owned()),
    })
}

fn summary() -> Result<SummaryData, Box<dyn std::error::Error>> {
    let contract = contract()?;
    let step = |at, title: &str, detail: &str| SummaryStep {
        at,
        title: title.to_owned(),
        detail: detail.to_owned(),
    };
    Ok(SummaryData {
        order_number: contract.order_number,
        state_label: "Póliza asignada".to_owned(),
        client: client(),
        service: contract.service,
        description: contract.description,
        location: contract.location,
        opened_at: datetime!(2026-11-20 14:05 UTC),
        as_of: datetime!(2026-11-25 21:40 UTC),
        agent: Some(contract.agent.name),
        provider: Some(contract.provider.name),
        amount: contract.amount,
        steps: vec![
            step(datetime!(2026-11-20 14:05 UTC), "Orden abierta", "Por WhatsApp"),
            step(datetime!(2026-11-20 16:20 UTC), "Agente asignado", ""),
            step(
                datetime!(2026-11-21 15:00 UTC),
                "Prestador asignado",
                "Refrigeración Andina Ltda.",
            ),
            step(
                datetime!(2026-11-23 13:30 UTC),
                "Cotización enviada",
                "$ 1.250.000",
            ),
            step(
                datetime!(2026-11-24 20:12 UTC),
                "Cotización aprobada",
                "Aprobada por el cliente por WhatsApp",
            ),
            step(
                datetime!(2026-11-25 15:00 UTC),
                "Contrato enviado a firma",
                "A cliente, prestador y agente",
            ),
            step(
                datetime!(2026-11-25 21:38 UTC),
                "Todos firmaron",
                "El contrato firmado está en los documentos",
            ),
        ],
        documents: vec![
            SummaryDocument {
                name: "Contrato CT-OT-000042-1".to_owned(),
                sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
            },
            SummaryDocument {
                name: "Contrato firmado".to_owned(),
                sha256: "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752".to_owned(),
            },
        ],
    })
}
