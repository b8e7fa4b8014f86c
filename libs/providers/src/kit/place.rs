//! Which hosts an adapter calls with whose credentials, where an answer or a message brings the URL.
//!
//! Whether an address may be called at all is the client's matter (`libs/http`); here it is about whom a URL belongs to.

use http::Uri;
use http::uri::Scheme;

/// A URL that came from outside, read.
pub(crate) struct Place {
    uri: Uri,
}

impl Place {
    /// Reads an absolute http or https URL without credentials in it.
    pub(crate) fn parse(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let plain = !uri.authority()?.as_str().contains('@') && !uri.host()?.is_empty();
        let web = [Scheme::HTTP, Scheme::HTTPS].contains(uri.scheme()?);
        (plain && web).then_some(Self { uri })
    }

    /// Whether scheme, host and port are those of another URL.
    pub(crate) fn is_at(&self, base: &str) -> bool {
        Self::parse(base).is_some_and(|base| self.origin() == base.origin())
    }

    /// Whether it is reached by https at its usual port, at one of the hosts: `media.example.com`, or `*.example.com` for
    /// all below it.
    pub(crate) fn is_on<'a>(&self, hosts: impl IntoIterator<Item = &'a str>) -> bool {
        let (https, host, port) = self.origin();
        let fits = |wanted: &str| match wanted.strip_prefix("*.") {
            Some(above) => {
                above.contains('.')
                    && host
                        .strip_suffix(&above.to_ascii_lowercase())
                        .is_some_and(|below| below.len() > 1 && below.ends_with('.'))
            }
            None => host.eq_ignore_ascii_case(wanted),
        };
        https && port == 443 && hosts.into_iter().map(str::trim).any(fits)
    }

    /// Where a `Location` leads from here; `None` for what is no http or https URL.
    pub(crate) fn follow(&self, location: &str) -> Option<String> {
        if location.starts_with('/') && !location.starts_with("//") {
            let (scheme, authority) = (self.uri.scheme_str()?, self.uri.authority()?);
            return Some(format!("{scheme}://{authority}{location}"));
        }
        Self::parse(location).map(|_| location.to_owned())
    }

    /// The last part of its path.
    pub(crate) fn last_part(&self) -> &str {
        self.uri.path().rsplit('/').next().unwrap_or_default()
    }

    fn origin(&self) -> (bool, String, u16) {
        let https = self.uri.scheme() == Some(&Scheme::HTTPS);
        let port = self.uri.port_u16().unwrap_or(if https { 443 } else { 80 });
        let host = self.uri.host().unwrap_or_default().to_ascii_lowercase();
        (https, host, port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(url: &str, hosts: &[&str]) -> bool {
        Place::parse(url).is_some_and(|place| place.is_on(hosts.iter().copied()))
    }

    #[test]
    fn only_the_hosts_named_and_what_is_below_a_star_belong_to_a_vendor() {
        let hosts = ["files.example.com", " *.vendor.test"];
        for good in [
            "https://files.example.com/a",
            "https://FILES.example.com:443/a?b=c",
            "https://a.b.vendor.test/",
        ] {
            assert!(on(good, &hosts), "{good}");
        }
        for bad in [
            "http://files.example.com/a",
            "https://files.example.com:8443/a",
            "https://files.example.com.evil.test/a",
            "https://evil.test/files.example.com",
            "https://files.example.com@evil.test/a",
            "https://x:y@files.example.com/a",
            "https://vendor.test/",
            "https://.vendor.test/",
            "https://evilvendor.test/",
            "//files.example.com/a",
            "ftp://files.example.com/a",
            "file:///etc/passwd",
            "/a",
            "",
        ] {
            assert!(!on(bad, &hosts), "{bad}");
        }
        assert!(!on("https://anything.com/", &["*", "*.com", ""]));
    }

    #[test]
    fn a_redirect_stays_on_the_web() {
        let here = Place::parse("https://h.test:444/a/b?c").unwrap();
        let follow = |location| here.follow(location);
        assert_eq!(follow("/x?y").as_deref(), Some("https://h.test:444/x?y"));
        assert_eq!(follow("http://o.test/x").as_deref(), Some("http://o.test/x"));
        for bad in ["//o.test/x", "x", "file:///etc/passwd", "https://a:b@o.test/", ""] {
            assert_eq!(follow(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_place_is_at_a_base_of_the_same_scheme_host_and_port() {
        let at = |url: &str, base| Place::parse(url).is_some_and(|place| place.is_at(base));
        assert!(at("http://127.0.0.1:4010/sim/x/y", "http://127.0.0.1:4010/sim/x"));
        assert!(at("https://h.test/a", "https://h.test:443"));
        assert!(!at("http://127.0.0.1:4011/a", "http://127.0.0.1:4010"));
        assert!(!at("https://h.test/a", "http://h.test"));
        assert!(!at("https://h.test/a", "not a url"));
    }
}
