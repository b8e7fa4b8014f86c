//! Finds and reads the files of all tenants.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use puente_types::TenantId;

use super::{Brand, ContractText, Logo, Set, SheetText, TemplateProblem};
use crate::limits;

const BRAND: &str = "brand.toml";
const CONTRACT: &str = "contract.toml";
const SHEET: &str = "sheet.toml";
/// The folder for tenants that have none.
pub(super) const DEFAULT: &str = "default";

/// All sets of the folder, and the set of tenants that have none.
pub(super) fn read(folder: Option<&Path>) -> Result<(BTreeMap<TenantId, Set>, Set), Vec<TemplateProblem>> {
    let embedded = Set {
        brand: None,
        contract: Arc::new(ContractText::embedded()?),
        sheet: Arc::new(SheetText::embedded()?),
    };
    let Some(folder) = folder else {
        return Ok((BTreeMap::new(), embedded));
    };
    let mut problems = Vec::new();
    let mut take =
        |result: Result<Set, Vec<TemplateProblem>>| result.map_err(|found| problems.extend(found)).ok();

    let others = take(set(&folder.join(DEFAULT), &embedded)).unwrap_or(embedded);
    let mut sets = BTreeMap::new();
    for (tenant, path) in tenants(folder)? {
        if let Some(set) = take(set(&path, &others)) {
            sets.insert(tenant, set);
        }
    }
    if problems.is_empty() {
        Ok((sets, others))
    } else {
        problems.sort();
        Err(problems)
    }
}

/// The folders of tenants.
fn tenants(folder: &Path) -> Result<Vec<(TenantId, PathBuf)>, Vec<TemplateProblem>> {
    let mut tenants = Vec::new();
    let mut problems = Vec::new();
    for path in entries(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name == DEFAULT || !path.is_dir() {
            continue;
        }
        match name.parse() {
            Ok(tenant) => tenants.push((tenant, path)),
            Err(_) => problems.push(TemplateProblem::whole(
                path.display(),
                "the folder is named after no tenant",
            )),
        }
    }
    if tenants.len() > limits::TENANTS {
        let reason = format!("has more than {} tenants", limits::TENANTS);
        problems.push(TemplateProblem::whole(folder.display(), reason));
    }
    if problems.is_empty() {
        Ok(tenants)
    } else {
        Err(problems)
    }
}

/// One tenant's set; what it does not bring is taken from another.
fn set(folder: &Path, otherwise: &Set) -> Result<Set, Vec<TemplateProblem>> {
    let mut problems = Vec::new();
    let mut set = otherwise.clone();
    if !folder.exists() {
        return Ok(set);
    }
    let mut logo = None;
    for path in entries(folder)? {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let shown = path.display().to_string();
        let result = if name == BRAND {
            text(&path)
                .and_then(|text| Brand::parse(&shown, &text))
                .map(|brand| set.brand = Some(brand))
        } else if name == CONTRACT {
            text(&path)
                .and_then(|text| ContractText::parse(&shown, &text))
                .map(|contract| set.contract = Arc::new(contract))
        } else if name == SHEET {
            text(&path)
                .and_then(|text| SheetText::parse(&shown, &text))
                .map(|sheet| set.sheet = Arc::new(sheet))
        } else if Logo::is_name(&name) && logo.is_none() {
            bytes(&path, limits::LOGO_BYTES)
                .and_then(|bytes| Logo::read(&shown, &name, bytes))
                .map(|read| logo = Some((shown, read)))
        } else if name.starts_with('.') {
            Ok(())
        } else {
            let known = format!(
                "is not used; a tenant has {BRAND}, {CONTRACT}, {SHEET} and one logo.svg, logo.png or logo.jpg"
            );
            Err(vec![TemplateProblem::whole(shown, known)])
        };
        problems.extend(result.err().unwrap_or_default());
    }
    match (logo, &mut set.brand) {
        (Some((_, logo)), Some(brand)) => brand.logo = Some(logo),
        (Some((shown, _)), None) => {
            problems.push(TemplateProblem::whole(
                shown,
                format!("a logo needs a {BRAND} that names the company"),
            ));
        }
        (None, _) => {}
    }
    if problems.is_empty() {
        Ok(set)
    } else {
        Err(problems)
    }
}

/// What is in a folder, in the order of the names.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Vec<TemplateProblem>> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut paths: Vec<_> = entries
        .map_err(|error| unreadable(folder, &error))?
        .into_iter()
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    Ok(paths)
}

fn text(path: &Path) -> Result<String, Vec<TemplateProblem>> {
    let bytes = bytes(path, limits::FILE_BYTES)?;
    String::from_utf8(bytes).map_err(|_| vec![TemplateProblem::whole(path.display(), "is no UTF-8 text")])
}

fn bytes(path: &Path, max: u64) -> Result<Vec<u8>, Vec<TemplateProblem>> {
    let size = fs::metadata(path)
        .map_err(|error| unreadable(path, &error))?
        .len();
    if size > max {
        let reason = format!("has {size} bytes; at most {max} are allowed");
        return Err(vec![TemplateProblem::whole(path.display(), reason)]);
    }
    fs::read(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Vec<TemplateProblem> {
    let reason = match error.kind() {
        ErrorKind::NotFound => "does not exist".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    vec![TemplateProblem::whole(path.display(), reason)]
}
