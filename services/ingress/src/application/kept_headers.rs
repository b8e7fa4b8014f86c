//! Headers as they are kept: credentials are not.

use std::borrow::Cow;

use puente_webhook_auth::RawRequest;
use serde::{Serialize, Serializer};

/// Takes the headers out of a request, as the JSON object that is kept of them. The request then holds nothing of the buffer
/// any more that it came in.
pub(crate) fn take_headers(request: &mut RawRequest) -> String {
    let kept = serde_json::to_string(&Kept(request)).unwrap_or_else(|_| "{}".to_owned());
    drop(std::mem::take(&mut request.headers));
    kept
}

struct Kept<'a>(&'a RawRequest);

impl Serialize for Kept<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.headers.iter().map(|(name, value)| {
            let shown = match name.as_str() {
                "authorization" | "proxy-authorization" | "cookie" | "x-api-key" => {
                    Cow::Borrowed("[removed]")
                }
                _ => String::from_utf8_lossy(value.as_bytes()),
            };
            (name.as_str(), shown)
        }))
    }
}
