//! Ingress over real HTTP, on a real database and a real broker.
#![expect(clippy::disallowed_methods, reason = "tests speak HTTP and spawn freely")]

mod authenticity;
mod duplicates;
mod limits;
mod outages;
mod routing;
mod support;
