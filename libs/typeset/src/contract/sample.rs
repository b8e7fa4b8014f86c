//! The made-up order of a preview.

use puente_types::{Currency, Money};
use time::Date;
use time::macros::date;

use crate::data::{ContractData, Party};

/// A day that no real contract has.
const DAY: Date = date!(2000 - 01 - 03);
const LAST_DAY: Date = date!(2000 - 03 - 31);

/// Data that nobody can take for real; the layout marks it as a sample besides.
pub(crate) fn sample() -> ContractData {
    ContractData {
        number: "CT-OT-000000-1".to_owned(),
        order_number: "OT-000000".to_owned(),
        city: "Bogotá D. C.".to_owned(),
        issued_on: DAY,
        client: Party {
            name: "Cliente de Muestra S. A. S.".to_owned(),
            tax_id: Some("900.000.000-0".to_owned()),
            email: Some("cliente@ejemplo.invalid".to_owned()),
            phone: Some("+57 300 000 0000".to_owned()),
            address: Some("Calle 0 # 0-00, Bogotá D. C.".to_owned()),
        },
        provider: Party {
            name: "Prestador de Muestra Ltda.".to_owned(),
            tax_id: Some("900.000.001-0".to_owned()),
            email: Some("prestador@ejemplo.invalid".to_owned()),
            phone: Some("+57 300 000 0001".to_owned()),
            address: Some("Carrera 0 # 0-00, Medellín".to_owned()),
        },
        agent: Party {
            name: "Persona de Muestra".to_owned(),
            tax_id: Some("1.000.000".to_owned()),
            email: Some("agente@ejemplo.invalid".to_owned()),
            phone: None,
            address: None,
        },
        service: "Mantenimiento preventivo de muestra".to_owned(),
        description: "Aquí se describe lo que se hará en la visita.\nCada párrafo de la orden se conserva."
            .to_owned(),
        location: "Calle 0 # 0-00, piso 1, Bogotá D. C.".to_owned(),
        amount: "COP".parse::<Currency>().ok().map(|currency| Money {
            minor: 125_000_000,
            currency,
        }),
        valid_until: Some(LAST_DAY),
        quotation_note: Some("IVA incluido. Repuestos según la cotización.".to_owned()),
    }
}
