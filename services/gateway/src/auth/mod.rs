//! From a request to its principal: session cookie or API key. The one place that lets people in.

pub(crate) mod extract;
pub(crate) mod good;
pub(crate) mod identify;
pub(crate) mod identity;
pub(crate) mod limits;
pub(crate) mod passwords;
pub(crate) mod random;
pub(crate) mod session;
