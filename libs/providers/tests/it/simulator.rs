//! The adapters against their simulators over real connections, and the simulators themselves.

mod asana;
mod callbacks;
mod calls;
mod contract;
mod credentials;
mod docusign;
mod media;
mod ocr;
mod recording;
mod stage;
