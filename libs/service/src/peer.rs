//! Where a request comes from: past the proxies that stand before the service, and as one that can be counted.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

/// The header that proxies write.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Proxies whose word is taken.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Vec<IpAddr>);

impl TrustedProxies {
    /// Those of these addresses.
    pub fn new(addresses: Vec<IpAddr>) -> Self {
        Self(addresses)
    }

    /// The address that a request comes from. Of a trusted proxy only what it added itself counts, the last entry, for whoever
    /// asks writes the earlier ones. What is no address there is nobody's word: then it is the proxy's own.
    pub fn source(&self, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.ip().to_canonical();
        if !self.0.contains(&peer) {
            return peer;
        }
        headers
            .get_all(FORWARDED_FOR)
            .iter()
            .next_back()
            .and_then(|value| value.as_bytes().rsplit(|byte| *byte == b',').next())
            .and_then(|last| std::str::from_utf8(last).ok())
            .and_then(|last| address(last.trim()))
            .unwrap_or(peer)
    }
}

/// What is counted as one source: a household or company has one address, or one network of endless addresses.
pub fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & (u128::MAX << 64)).into()),
    }
}

/// An address as proxies write it: alone, with a port, or in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    let found = bare.parse::<IpAddr>().ok();
    let found = found.or_else(|| text.parse::<SocketAddr>().map(|with_port| with_port.ip()).ok());
    found.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn proxy() -> SocketAddr {
        "10.0.0.1:4000".parse().unwrap()
    }

    fn sent(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(FORWARDED_FOR, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    #[test]
    fn a_forwarded_address_counts_only_from_a_trusted_proxy() {
        let headers = sent(&["1.1.1.1, 2.2.2.2"]);
        let trusting = TrustedProxies::new(vec![proxy().ip()]);
        assert_eq!(trusting.source(proxy(), &headers).to_string(), "2.2.2.2");
        assert_eq!(TrustedProxies::default().source(proxy(), &headers), proxy().ip());
    }

    #[test]
    fn only_what_the_trusted_proxy_added_itself_is_believed_in_whatever_form_it_writes_addresses() {
        let trusting = TrustedProxies::new(vec![proxy().ip()]);
        for (value, source) in [
            ("1.1.1.1, 2.2.2.2:51234", "2.2.2.2"),
            ("1.1.1.1,2001:db8::7", "2001:db8::7"),
            ("1.1.1.1, [2001:db8::7]:51234", "2001:db8::7"),
            ("1.1.1.1, [2001:db8::7]", "2001:db8::7"),
            ("1.1.1.1, ::ffff:2.2.2.2", "2.2.2.2"),
            ("1.1.1.1, unknown", "10.0.0.1"),
            ("1.1.1.1, _hidden", "10.0.0.1"),
            ("1.1.1.1,", "10.0.0.1"),
            ("", "10.0.0.1"),
            ("1.1.1.1, ñ", "10.0.0.1"),
        ] {
            let found = trusting.source(proxy(), &sent(&[value]));
            assert_eq!(found.to_string(), source, "{value}");
        }
    }

    #[test]
    fn of_several_headers_the_last_one_is_the_proxys() {
        let trusting = TrustedProxies::new(vec![proxy().ip()]);
        let headers = sent(&["1.1.1.1", "2.2.2.2:80"]);
        assert_eq!(trusting.source(proxy(), &headers).to_string(), "2.2.2.2");
    }
}
