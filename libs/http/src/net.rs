//! Which addresses may be called.
//!
//! Tenants configure URLs, so a URL may be a try to reach what only this machine can reach: a database, a cloud's
//! metadata service, a neighbour. Literal addresses are checked in the URL, names when they are resolved, and the
//! connection is made to the very addresses that were checked: a second look-up cannot swap them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use puente_ports::ProviderError;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::HttpConfig;

/// A name stands for addresses that may not be called, and for no other.
#[derive(Debug, thiserror::Error)]
#[error("the name resolves to addresses that may not be called")]
pub(crate) struct AddressRefused;

/// The system's resolver, without the addresses that may not be called.
pub(crate) struct Resolver {
    pub(crate) allow_private: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let any = !found.is_empty();
            let usable: Vec<SocketAddr> = found
                .into_iter()
                .filter(|at| allow_private || is_public(at.ip()))
                .collect();
            if any && usable.is_empty() {
                return Err(AddressRefused.into());
            }
            Ok(Box::new(usable.into_iter()) as Addrs)
        })
    }
}

/// Reads the URL of a call and refuses what may not be called. The error names no part of it but the host.
pub(crate) fn check_url(text: &str, config: &HttpConfig) -> Result<Url, ProviderError> {
    let refuse = |code: &str, why: &str| Err(ProviderError::configuration(code, why));
    let Ok(url) = Url::parse(text) else {
        return refuse("url_invalid", "the connection's URL cannot be read");
    };
    let Some(host) = url.host_str() else {
        return refuse("url_invalid", "the connection's URL has no host");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("url_invalid", "a URL must not carry credentials");
    }
    let literal = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>()
        .ok();
    let loopback = literal.map_or(host == "localhost", |ip| ip.to_canonical().is_loopback());
    match url.scheme() {
        "https" => {}
        "http" if config.allow_plain_http || loopback => {}
        _ => return refuse("url_insecure", "only https URLs may be called"),
    }
    if !config.allow_private && literal.is_some_and(|ip| !is_public(ip)) {
        return refuse(
            "address_refused",
            "the URL names an address that may not be called",
        );
    }
    Ok(url)
}

/// Whether an address is reachable from the whole Internet and meant to be.
pub(crate) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = match (a, b, c) {
        // "This network", carrier-grade NAT, protocol assignments, former 6to4 relays, benchmarks, class E.
        (0 | 240..=255, _, _) | (100, 64..=127, _) | (192, 0, 0) | (192, 88, 99) | (198, 18..=19, _) => true,
        _ => false,
    };
    !(special
        || ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation())
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(v4) = embedded_v4(ip) {
        return is_public_v4(v4);
    }
    let [a, b, ..] = ip.segments();
    // Only 2000::/3 is given out; in it lie protocol assignments (2001::/23) and documentation.
    let global = a & 0xe000 == 0x2000;
    let special = matches!((a, b), (0x2001, ..0x0200 | 0x0db8) | (0x3fff, ..0x1000));
    global && !special
}

/// The IPv4 address that a translator or tunnel would reach.
fn embedded_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match ip.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] => Some(of(high, low)),
        [0x0064, 0xff9b, 0, 0, 0, 0, high, low] => Some(of(high, low)),
        [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_this_machine_and_its_neighbours_are_not_public() {
        for text in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.127.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd12:3456::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "3fff::1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "fec0::1",
            "::7f00:1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn ordinary_addresses_are_public() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.0.1",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "223.255.255.1",
            "2606:4700::1111",
            "2a03:2880::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2001:4860::8888",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    fn code(url: &str, config: &HttpConfig) -> Result<(), String> {
        check_url(url, config)
            .map(drop)
            .map_err(|error| error.code().to_owned())
    }

    #[test]
    fn only_https_to_public_hosts_may_be_called_by_default() {
        let config = HttpConfig::default();
        assert_eq!(
            code("https://graph.example.com/v23.0/1/messages?x=1", &config),
            Ok(())
        );
        assert_eq!(code("https://[2606:4700::1111]/", &config), Ok(()));
        for (url, expected) in [
            ("http://graph.example.com/", "url_insecure"),
            ("ftp://graph.example.com/", "url_insecure"),
            ("file:///etc/passwd", "url_invalid"),
            ("graph.example.com", "url_invalid"),
            ("", "url_invalid"),
            ("https://user:pass@graph.example.com/", "url_invalid"),
            ("https://127.0.0.1/", "address_refused"),
            ("http://127.0.0.1/", "address_refused"),
            ("https://127.1/", "address_refused"),
            ("https://2130706433/", "address_refused"),
            ("https://0x7f000001/", "address_refused"),
            ("https://0177.0.0.1/", "address_refused"),
            ("https://127.0.0.1./", "address_refused"),
            ("https://[::1]/", "address_refused"),
            ("https://[::ffff:10.0.0.1]/", "address_refused"),
            ("https://169.254.169.254/latest/meta-data", "address_refused"),
        ] {
            assert_eq!(code(url, &config), Err(expected.to_owned()), "{url}");
        }
    }

    #[test]
    fn local_installations_may_call_simulators() {
        let config = HttpConfig::local();
        assert_eq!(code("http://127.0.0.1:4010/v1", &config), Ok(()));
        assert_eq!(code("http://sim-jelou:4010/v1", &config), Ok(()));
        let private_only = HttpConfig {
            allow_private: true,
            ..HttpConfig::default()
        };
        assert_eq!(code("http://localhost:4010/v1", &private_only), Ok(()));
        assert_eq!(code("http://[::1]:4010/v1", &private_only), Ok(()));
        assert_eq!(
            code("http://10.0.0.1/v1", &private_only),
            Err("url_insecure".to_owned())
        );
    }

    #[test]
    fn refusals_do_not_repeat_the_url() {
        let error = check_url(
            "https://user:hunter2@h.example/?token=hunter2",
            &HttpConfig::default(),
        )
        .unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
    }
}
