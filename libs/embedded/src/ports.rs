//! Which port a server of one's own listens on.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::TcpListener;
use std::ops::Range;

/// Below those that the system gives to outgoing connections (from 32768 on Linux, from 49152 on macOS). A port among
/// these may be taken by any client while its server is away, even by the one that tries to reconnect to it.
const RANGE: Range<u16> = 10_000..30_000;

/// A port on loopback that nobody listens on now, and that no outgoing connection takes. It is looked for from a random
/// one on; `suits` may refuse it, and is asked before the look.
///
/// # Errors
/// When there is none.
pub fn free_port(mut suits: impl FnMut(u16) -> bool) -> std::io::Result<u16> {
    let width = u64::from(RANGE.end - RANGE.start);
    let random = RandomState::new().hash_one(std::process::id());
    let first = RANGE.start + u16::try_from(random % width).unwrap_or(0);
    (first..RANGE.end)
        .chain(RANGE.start..first)
        .find(|port| suits(*port) && is_free(*port))
        .ok_or_else(|| std::io::Error::from(std::io::ErrorKind::AddrInUse))
}

/// Whether nobody listens on it now.
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken_or_refused_is_not_given() {
        let port = free_port(|_| true).unwrap();
        let _taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
        assert!(free_port(|other| other == port).is_err());
        assert!(free_port(|_| false).is_err());
        let others: Vec<u16> = (0..100).map(|_| free_port(|_| true).unwrap()).collect();
        assert!(others.iter().all(|other| *other != port && RANGE.contains(other)));
    }
}
