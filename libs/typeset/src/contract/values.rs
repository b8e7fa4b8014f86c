//! What the placeholders of a contract's text stand for.

use super::Sheet;
use crate::templates::{Brand, ContractText, Values};

/// A value for every name that a text may have in braces.
pub(super) fn of(sheet: &Sheet, brand: &Brand, text: &ContractText) -> Values {
    let mut values = Values::new();
    let names = [
        [
            "cliente",
            "cliente_nit",
            "cliente_correo",
            "cliente_telefono",
            "cliente_direccion",
        ],
        [
            "proveedor",
            "proveedor_nit",
            "proveedor_correo",
            "proveedor_telefono",
            "proveedor_direccion",
        ],
        [
            "agente",
            "agente_nit",
            "agente_correo",
            "agente_telefono",
            "agente_direccion",
        ],
    ];
    for (signer, [name, tax_id, email, phone, address]) in sheet.parties.iter().zip(names) {
        let party = &signer.party;
        values.insert(name, party.name.clone());
        values.insert(tax_id, text.or_other(party.tax_id.as_deref()));
        values.insert(email, text.or_other(party.email.as_deref()));
        values.insert(phone, text.or_other(party.phone.as_deref()));
        values.insert(address, text.or_other(party.address.as_deref()));
    }
    values.insert("ciudad", sheet.city.clone());
    values.insert("contrato", sheet.number.clone());
    values.insert("empresa", brand.name.clone());
    values.insert("empresa_correo", text.or_other(brand.email.as_deref()));
    values.insert("empresa_direccion", text.or_other(brand.address.as_deref()));
    values.insert("empresa_nit", text.or_other(brand.nit.as_deref()));
    values.insert("fecha", sheet.date.clone());
    values.insert("lugar", or(&sheet.location, &text.absent.location));
    values.insert("orden", sheet.order_number.clone());
    values.insert("servicio", sheet.service.clone());
    let amount = sheet.amount.as_ref();
    let amount = amount.map(|amount| format!("{} ({})", amount.words, amount.figures));
    values.insert("valor", amount.unwrap_or_else(|| text.absent.amount.clone()));
    let valid_until = sheet.valid_until.as_deref();
    values.insert(
        "vigencia",
        or(valid_until.unwrap_or_default(), &text.absent.valid_until),
    );
    values
}

fn or(value: &str, otherwise: &str) -> String {
    if value.is_empty() { otherwise } else { value }.to_owned()
}

#[cfg(test)]
mod tests {
    use crate::templates::{Brand, ContractText, NAMES};

    #[test]
    fn every_placeholder_has_a_value() {
        let text = ContractText::embedded().unwrap();
        let brand = Brand::of_name(&"acme".parse().unwrap());
        let mut data = super::super::sample();
        for bare in [false, true] {
            if bare {
                (data.amount, data.valid_until, data.location) = (None, None, String::new());
                data.client.tax_id = None;
            }
            let sheet = super::super::sheet(&brand, &text, &data, true).unwrap();
            let values = super::of(&sheet, &brand, &text);
            assert_eq!(values.keys().copied().collect::<Vec<_>>(), NAMES);
            assert!(values.values().all(|value| !value.is_empty()));
        }
    }
}
