//! The proof itself.

use crate::RawRequest;

/// A request whose authenticity was checked. Only [`crate::WebhookAuth::verify`] makes one, and
/// [`crate::WebhookAuth::recall`] takes one back that was kept since.
#[derive(Debug)]
pub struct Verified(RawRequest);

impl Verified {
    pub(crate) const fn new(request: RawRequest) -> Self {
        Self(request)
    }

    /// The request that was verified.
    #[must_use]
    pub const fn request(&self) -> &RawRequest {
        &self.0
    }

    /// The request, for storing.
    #[must_use]
    pub fn into_request(self) -> RawRequest {
        self.0
    }
}
