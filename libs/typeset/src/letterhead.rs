//! What stands at the head and foot of every page.

use serde::Serialize;

use crate::templates::Brand;

/// A company's letterhead as the layouts read it.
#[derive(Serialize)]
pub(crate) struct Letterhead {
    name: String,
    lines: Vec<String>,
    legal_line: Option<String>,
}

impl Letterhead {
    pub(crate) fn new(brand: &Brand) -> Self {
        let identity = [
            brand.nit.as_ref().map(|nit| format!("NIT {nit}")),
            brand.address.clone(),
        ];
        let reach = [brand.phone.clone(), brand.email.clone(), brand.web.clone()];
        Self {
            name: brand.name.clone(),
            lines: [joined(&identity), joined(&reach)]
                .into_iter()
                .filter(|line| !line.is_empty())
                .collect(),
            legal_line: brand.legal_line.clone(),
        }
    }
}

fn joined(parts: &[Option<String>]) -> String {
    parts
        .iter()
        .flatten()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(" · ")
}
