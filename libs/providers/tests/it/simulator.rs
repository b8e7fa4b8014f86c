//! The adapters against their simulators over real connections, and the simulators themselves.

mod callbacks;
mod calls;
mod contract;
mod docusign;
mod recording;
mod stage;
