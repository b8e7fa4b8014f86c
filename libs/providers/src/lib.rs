//! The adapters of outside providers, one folder each, and the registry that finds them by slug.
//!
//! # Adding a provider
//! One folder `src/<slug>/` and the slug in the `providers!` line below (alphabetical, so that parallel additions
//! merge): `cargo xtask new-provider <slug>` does both from `template/`. A folder holds
//! - `mod.rs`: the `ADAPTER` and its impls of the traits of `puente_ports`, the only file that others reach;
//! - `wire.rs`: the provider's JSON as serde structs, named as the provider names it;
//! - `map.rs`: pure functions from theirs to ours and back;
//! - `provider.toml`: what is plain: URLs, secrets, settings, quotas, error table;
//! - `sim.rs`: its simulator (feature `sim`), and `fixtures/`, which `tests/it` runs without code per provider;
//! - `README.md`: its page in the inventory of integrations.
//!
//! Adapters are stateless statics. They never see a clock or a network: credentials, deadline and the way out arrive
//! with every call, and a webhook is translated from its bytes alone. What they read comes from outside, so every
//! field is optional, bounded, and of a type that may be wrong.

mod fuzz;
mod kit;
mod registry;
#[cfg(feature = "sim")]
pub mod sim;

pub use fuzz::fuzz_read;
pub use registry::{all, find, fuzz_translate, with_capability};

/// Declares each provider's module, its line in the registry, and its simulator.
macro_rules! providers {
    ($($slug:ident),+ $(,)?) => {
        $(pub mod $slug;)+

        /// Every adapter by its slug, in alphabetical order.
        static TABLE: &[(&str, &dyn puente_ports::Provider)] = &[$((stringify!($slug), &$slug::ADAPTER)),+];

        /// Every simulator by its slug.
        #[cfg(feature = "sim")]
        static SIMULATORS: &[(&str, &dyn sim::Simulator)] = &[$((stringify!($slug), &$slug::sim::SIMULATOR)),+];
    };
}

providers! { asana, azure_vision, docusign, google_vision, jelou, whatsapp_cloud }
