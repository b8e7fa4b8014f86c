//! The texts and brands of all tenants, read and checked once, and the documents made with them.
//!
//! A folder may hold one folder per tenant, named by its id, and `default` for all others:
//!
//! ```text
//! <folder>/<tenant>/brand.toml      company, NIT, address …            see texts/brand.toml
//! <folder>/<tenant>/contract.toml   title, clauses with {placeholders} see texts/contract.toml
//! <folder>/<tenant>/sheet.toml      labels of record sheets          see texts/sheet.toml
//! <folder>/<tenant>/logo.svg        or logo.png, logo.jpg
//! ```
//!
//! What a tenant does not bring comes from `default`, then from what is compiled in. Whatever is wrong is told at the
//! start, all of it at once; and the preview of each tenant that brings something is set once, so that a logo that cannot be
//! drawn is found then and not at the first contract.

mod brand;
mod contract;
mod folder;
mod logo;
mod placeholders;
mod problem;
mod sheet;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use puente_types::TenantId;

pub use brand::Brand;
pub use logo::{Logo, LogoKind};
pub use problem::TemplateProblem;

pub(crate) use contract::ContractText;
pub(crate) use placeholders::{NAMES, Paragraph, Values};
pub(crate) use sheet::SheetText;

use crate::contract as contract_document;
use crate::data::{ContractData, Rendered, SheetData, SummaryData};
use crate::engine::Engine;
use crate::error::TypesetError;
use crate::sheet as sheet_document;
use crate::summary as summary_document;

/// Makes documents. Cheap to clone, and shared between threads.
#[derive(Clone)]
pub struct Templates {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Engine,
    tenants: BTreeMap<TenantId, Set>,
    others: Set,
}

/// What one tenant's documents are made with.
#[derive(Clone)]
pub(crate) struct Set {
    /// `None`: the tenant is called by its id.
    pub(crate) brand: Option<Brand>,
    pub(crate) contract: Arc<ContractText>,
    pub(crate) sheet: Arc<SheetText>,
}

impl Templates {
    /// Reads the folder, or only what is compiled in.
    ///
    /// # Errors
    /// Every mistake in every file.
    pub fn open(folder: Option<&Path>) -> Result<Self, Vec<TemplateProblem>> {
        let (tenants, others) = folder::read(folder)?;
        let engine = Engine::new().map_err(|error| vec![TemplateProblem::whole("layouts", error)])?;
        let templates = Self {
            shared: Arc::new(Shared {
                engine,
                tenants,
                others,
            }),
        };
        match folder {
            Some(folder) => templates.prove(folder).map(|()| templates),
            None => Ok(templates),
        }
    }

    /// Sets the preview of each tenant once, and that of all others, who have what is in `default`.
    fn prove(&self, folder: &Path) -> Result<(), Vec<TemplateProblem>> {
        let others = folder::DEFAULT.parse().ok();
        let tenants = self.shared.tenants.keys().chain(others.as_ref());
        let problems: Vec<_> = tenants
            .filter_map(|tenant| {
                let error = self.preview_contract(tenant).err()?;
                Some(TemplateProblem::whole(
                    folder.join(tenant.as_str()).display(),
                    error,
                ))
            })
            .collect();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    }

    /// A contract with signature blocks and their anchors.
    ///
    /// # Errors
    /// Data that no document may hold, by name.
    pub fn contract(&self, tenant: &TenantId, data: &ContractData) -> Result<Rendered, TypesetError> {
        let brand = self.brand(tenant);
        contract_document::render(
            &self.shared.engine,
            &brand,
            &self.set(tenant).contract,
            data,
            false,
        )
    }

    /// The contract with made-up data, marked as a sample, and without anchors: it cannot be sent to be signed.
    ///
    /// # Errors
    /// When the tenant's texts cannot be set.
    pub fn preview_contract(&self, tenant: &TenantId) -> Result<Rendered, TypesetError> {
        let brand = self.brand(tenant);
        let data = contract_document::sample();
        contract_document::render(
            &self.shared.engine,
            &brand,
            &self.set(tenant).contract,
            &data,
            true,
        )
    }

    /// The summary of an order (ORD-05).
    ///
    /// # Errors
    /// Data that no document may hold, by name.
    pub fn summary(&self, tenant: &TenantId, data: &SummaryData) -> Result<Rendered, TypesetError> {
        summary_document::render(&self.shared.engine, &self.brand(tenant), data)
    }

    /// The record sheet of a piece of equipment (ORD-14). A photograph that cannot be shown does not stop it: it says so.
    ///
    /// # Errors
    /// Data that no document may hold, by name.
    pub fn sheet(&self, tenant: &TenantId, data: &SheetData) -> Result<Rendered, TypesetError> {
        let text = &self.set(tenant).sheet;
        sheet_document::render(&self.shared.engine, &self.brand(tenant), text, data)
    }

    /// How a tenant's company presents itself.
    #[must_use]
    pub fn brand(&self, tenant: &TenantId) -> Brand {
        let brand = self.set(tenant).brand.clone();
        brand.unwrap_or_else(|| Brand::of_name(tenant))
    }

    /// The names that a contract's text may have in braces.
    #[must_use]
    pub fn placeholders() -> impl ExactSizeIterator<Item = &'static str> {
        NAMES.iter().copied()
    }

    fn set(&self, tenant: &TenantId) -> &Set {
        self.shared.tenants.get(tenant).unwrap_or(&self.shared.others)
    }
}

impl std::fmt::Debug for Templates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Templates")
            .field("tenants", &self.shared.tenants.len())
            .finish_non_exhaustive()
    }
}
