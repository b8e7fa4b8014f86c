//! Our trace context inside a provider's opaque reference: `<reference>|<traceparent>`.

/// Joins a reference and the trace context, where there is one of proper form.
pub(crate) fn join_reference(reference: &str, traceparent: Option<&str>) -> String {
    match traceparent.filter(|trace| is_traceparent(trace)) {
        Some(trace) => format!("{reference}|{trace}"),
        None => reference.to_owned(),
    }
}

/// Splits what [`join_reference`] joined. What follows the bar and is no trace context is dropped.
pub(crate) fn split_reference(opaque: &str) -> (&str, Option<&str>) {
    match opaque.rsplit_once('|') {
        Some((reference, trace)) => (reference, Some(trace).filter(|trace| is_traceparent(trace))),
        None => (opaque, None),
    }
}

/// Whether a text has the form of a W3C `traceparent` of version 00.
pub(crate) fn is_traceparent(text: &str) -> bool {
    let hex = |part: &str, length: usize| {
        part.len() == length
            && part
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let nonzero = |part: &str| part.bytes().any(|b| b != b'0');
    let mut parts = text.split('-');
    let fits = parts.next() == Some("00")
        && parts.next().is_some_and(|id| hex(id, 32) && nonzero(id))
        && parts.next().is_some_and(|id| hex(id, 16) && nonzero(id))
        && parts.next().is_some_and(|flags| hex(flags, 2));
    fits && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_trace_comes_back_as_it_went_and_a_forged_one_does_not() {
        let joined = join_reference("order:42", Some(TRACE));
        assert_eq!(split_reference(&joined), ("order:42", Some(TRACE)));
        assert_eq!(split_reference("order:42"), ("order:42", None));
        for bad in [
            "",
            "x",
            &TRACE.to_uppercase(),
            &TRACE.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
        ] {
            assert_eq!(
                split_reference(&format!("order:42|{bad}")),
                ("order:42", None),
                "{bad}"
            );
            assert_eq!(join_reference("order:42", Some(bad)), "order:42");
        }
    }
}
