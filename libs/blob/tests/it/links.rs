//! Links that the gateway answers.

use std::time::Duration;

use http::Method;
use puente_blob::{
    BlobError, BlobKey, Blobs, Container, LinkClaims, LinkError, MediaType, Permission, Sha256Hash,
};
use puente_types::Secret;

use crate::support::{GATEWAY, KEY, NEWER_KEY, bytes, key, local, local_settings, open};

/// The query of a link, which must be to this object at the gateway.
fn query<'a>(url: &'a str, container: Container, key: &BlobKey) -> &'a str {
    let (address, query) = url.split_once('?').unwrap();
    assert_eq!(address, format!("{GATEWAY}/archivos/{container}/{key}"));
    query
}

struct Made {
    blobs: Blobs,
    key: BlobKey,
    query: String,
}

impl Made {
    fn open(&self, method: &Method, query: &str) -> Result<LinkClaims, LinkError> {
        self.blobs
            .open_link(method, Container::Contracts, &self.key, query)
    }
}

fn read_link(blobs: &Blobs) -> Made {
    let key = key();
    let link = blobs.read_link(Container::Contracts, &key, "Póliza 1&2.pdf", MediaType::Pdf);
    Made {
        blobs: blobs.clone(),
        query: query(&link.url, Container::Contracts, &key).to_owned(),
        key,
    }
}

#[tokio::test]
async fn a_read_link_lives_an_hour_and_only_reads() {
    let (blobs, clock, _folder) = local().await;
    let made = read_link(&blobs);
    let claims = made.open(&Method::GET, &made.query).unwrap();
    assert_eq!(claims.permission, Permission::Read);
    assert_eq!((claims.container, &claims.key), (Container::Contracts, &made.key));
    assert_eq!(claims.file_name, "Póliza 1&2.pdf");
    assert_eq!(claims.media_type, MediaType::Pdf);
    assert!(claims.disposition().contains("P%C3%B3liza%201%262.pdf"));
    assert!(made.open(&Method::HEAD, &made.query).is_ok());
    for method in [Method::PUT, Method::POST, Method::DELETE, Method::PATCH] {
        assert_eq!(made.open(&method, &made.query), Err(LinkError::NotAllowed));
    }
    clock.advance(Duration::from_secs(3599));
    assert!(made.open(&Method::GET, &made.query).is_ok());
    clock.advance(Duration::from_secs(1));
    assert_eq!(made.open(&Method::GET, &made.query), Err(LinkError::Expired));
}

#[tokio::test]
async fn a_write_link_lives_15_minutes_and_only_writes() {
    let (blobs, clock, _folder) = local().await;
    let key = key();
    let link = blobs.write_link(Container::Orders, &key, MediaType::Jpeg);
    let query = query(&link.url, Container::Orders, &key);
    let open = |method: &Method| blobs.open_link(method, Container::Orders, &key, query);
    let claims = open(&Method::PUT).unwrap();
    assert_eq!(claims.permission, Permission::Create);
    assert_eq!(claims.media_type, MediaType::Jpeg);
    for method in [Method::GET, Method::HEAD, Method::DELETE, Method::POST] {
        assert_eq!(open(&method), Err(LinkError::NotAllowed));
    }
    clock.advance(Duration::from_mins(15));
    assert_eq!(open(&Method::PUT), Err(LinkError::Expired));
}

#[tokio::test]
async fn nothing_in_a_link_can_be_altered() {
    let (blobs, _, _folder) = local().await;
    let made = read_link(&blobs);
    let pairs: Vec<(String, String)> = form_urlencoded::parse(made.query.as_bytes())
        .into_owned()
        .collect();
    let names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["p", "e", "t", "n", "s"]);
    let with = |name: &str, value: &str| {
        let pairs = pairs.iter().map(|(known, old)| {
            let value = if known == name { value } else { old };
            (known.as_str(), value.to_owned())
        });
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish()
    };
    assert_eq!(with("none", ""), made.query, "the parts are put together again");
    let last = &pairs[4].1;
    let flipped = format!("{}{}", if last.starts_with('0') { '1' } else { '0' }, &last[1..]);
    for altered in [
        with("p", "c"),
        with("p", "rc"),
        with("e", "9999999999"),
        with("e", "-1"),
        with("e", "99999999999999999999"),
        with("t", "image/png"),
        with("t", "text/html"),
        with("n", "other.exe"),
        with("n", "Póliza 1&2.pdf\n"),
        with("s", &flipped),
        with("s", ""),
        with("s", &last[..62]),
        with("s", &format!("{last}00")),
        format!("{}&p=r", made.query),
        format!("{}&x=1", made.query),
        made.query.replace("p=r&", ""),
        String::new(),
        "a".repeat(10_000),
    ] {
        let opened = made.open(&Method::GET, &altered);
        assert_eq!(opened, Err(LinkError::Tampered), "{altered}");
    }
    let on = |container, key: &BlobKey| blobs.open_link(&Method::GET, container, key, &made.query);
    assert_eq!(on(Container::Orders, &made.key), Err(LinkError::Tampered));
    let foreign = made.key.as_str().replace("/acme/", "/other/");
    let foreign = BlobKey::parse(&foreign).unwrap();
    assert_eq!(on(Container::Contracts, &foreign), Err(LinkError::Tampered));
    assert!(on(Container::Contracts, &made.key).is_ok());
}

#[tokio::test]
async fn a_link_to_what_was_recorded_carries_its_hash() {
    let (blobs, _, folder) = local().await;
    let key = key();
    let put = blobs.put(Container::Contracts, &key, bytes("Vale 100"), MediaType::Pdf);
    let stored = put.await.unwrap();
    let link = blobs.read_link_of(&stored, "contrato.pdf");
    let query = query(&link.url, Container::Contracts, &key);
    let open = |query: &str| blobs.open_link(&Method::GET, Container::Contracts, &key, query);
    let claims = open(query).unwrap();
    assert_eq!(claims.sha256, Some(stored.sha256));
    assert_eq!(claims.file_name, "contrato.pdf");
    let said = format!("&h={}", stored.sha256);
    let other = format!("&h={}", Sha256Hash::of(b"Vale 900"));
    for altered in [
        query.replace(&said, &other),
        query.replace(&said, ""),
        query.replace(&said, "&h=00"),
    ] {
        assert_ne!(altered, query);
        assert_eq!(open(&altered), Err(LinkError::Tampered), "{altered}");
    }
    let place = folder.path().join("storage/contracts").join(key.as_str());
    std::fs::write(place, "Vale 900").unwrap();
    let read = blobs.get(Container::Contracts, &key, 100, claims.sha256.as_ref());
    assert!(matches!(read.await, Err(BlobError::Tampered)));
}

#[tokio::test]
async fn an_altered_link_that_also_ended_is_told_to_be_altered() {
    let (blobs, clock, _folder) = local().await;
    let made = read_link(&blobs);
    clock.advance(Duration::from_hours(2));
    let altered = made.query.replace("t=application", "t=applicatiom");
    assert_eq!(made.open(&Method::GET, &altered), Err(LinkError::Tampered));
    assert_eq!(made.open(&Method::PUT, &made.query), Err(LinkError::Expired));
}

#[tokio::test]
async fn links_outlive_one_change_of_the_key_and_no_more() {
    let (blobs, clock, folder) = local().await;
    let made = read_link(&blobs);
    let with = |keys: &str| {
        let mut settings = local_settings(&folder);
        settings.link_key = Some(Secret::new(keys));
        Made {
            blobs: open(&settings, &clock),
            key: made.key.clone(),
            query: made.query.clone(),
        }
    };
    let changed = with(&format!("{NEWER_KEY}, {KEY}"));
    assert!(changed.open(&Method::GET, &made.query).is_ok());
    let done = with(NEWER_KEY);
    assert_eq!(done.open(&Method::GET, &made.query), Err(LinkError::Tampered));
    let fresh = read_link(&changed.blobs);
    let by_newer = done
        .blobs
        .open_link(&Method::GET, Container::Contracts, &fresh.key, &fresh.query);
    assert!(by_newer.is_ok(), "the first key is the one that signs");
}

#[tokio::test]
async fn a_link_is_not_shown_by_debug() {
    let (blobs, _, _folder) = local().await;
    let key = key();
    let link = blobs.read_link(Container::Contracts, &key, "a.pdf", MediaType::Pdf);
    let shown = format!("{link:?}");
    assert!(shown.contains(key.as_str()) && !shown.contains("s="), "{shown}");
    let shown = format!("{blobs:?}");
    assert!(!shown.contains("AAEC"), "{shown}");
}
