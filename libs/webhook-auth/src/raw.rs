//! A request exactly as it arrived.

use bytes::Bytes;
use http::{HeaderMap, Method};

/// The bytes, method, target and headers of a request, untouched.
#[derive(Debug, Clone)]
pub struct RawRequest {
    /// The method.
    pub method: Method,
    /// The path as received.
    pub path: String,
    /// The query without `?`, as received; empty when there is none.
    pub query: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The body's exact bytes.
    pub body: Bytes,
}

impl RawRequest {
    /// A header's value as text; `None` when absent, not text, or given more than once.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        if values.next().is_some() {
            None
        } else {
            Some(value)
        }
    }

    /// The first value of a query parameter, percent-decoded; `None` when it is absent or broken, whatever follows.
    #[must_use]
    pub fn query_value(&self, name: &str) -> Option<String> {
        let mut pairs = self
            .query
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let (_, value) = pairs.find(|(key, _)| decode(key).as_deref() == Some(name))?;
        decode(value)
    }
}

/// Undoes percent-encoding and `+`; `None` for broken escapes or text that is no UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                // Digit by digit: parsing both as a number would also take a sign, as in `%+f`.
                hex_digit(bytes.next()?)? << 4 | hex_digit(bytes.next()?)?
            }
            other => other,
        });
    }
    String::from_utf8(out).ok()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_values_are_decoded_and_broken_escapes_refused() {
        let request = RawRequest {
            method: Method::GET,
            path: "/".into(),
            query: "hub.mode=subscribe&hub.verify_token=a%20b+c&x=%zz&y=%4&z=%+f&%66lag".into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        };
        assert_eq!(request.query_value("hub.mode").as_deref(), Some("subscribe"));
        assert_eq!(request.query_value("hub.verify_token").as_deref(), Some("a b c"));
        assert_eq!(request.query_value("x"), None);
        assert_eq!(request.query_value("y"), None);
        assert_eq!(request.query_value("z"), None);
        assert_eq!(request.query_value("flag").as_deref(), Some(""));
    }
}
