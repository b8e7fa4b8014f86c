//! Showing a configuration: each key with its value and where the value came from, secrets masked.

use std::fmt;

use figment::value::{Dict, Value};

use super::layer::Layer;

/// Parts of a key's name that mark its value as secret. Rather one too many: a masked port harms nobody.
const SECRET_WORDS: [&str; 10] = [
    "secret",
    "password",
    "passwd",
    "token",
    "private",
    "credential",
    "pepper",
    "api_key",
    "master_key",
    "rpc_key",
];
const MASK: &str = "••••";

/// One key as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The key with its tables.
    pub key: String,
    /// The value in TOML's notation, masked where it is or holds a secret.
    pub value: String,
    /// The layer that set it.
    pub origin: String,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}    # {}", self.key, self.value, self.origin)
    }
}

/// Whether the value of this key must not be shown.
pub(crate) fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    !key.ends_with("_file") && SECRET_WORDS.iter().any(|word| key.contains(word))
}

/// All keys that are set, sorted; of each the uppermost layer's value.
pub(crate) fn shown(layers: &[Layer]) -> Vec<Shown> {
    let mut found = std::collections::BTreeMap::new();
    for layer in layers {
        walk(&layer.data, "", &mut |key, value| {
            let shown = Shown {
                key: key.to_owned(),
                value: text(key, value),
                origin: layer.origin.clone(),
            };
            found.insert(key.to_owned(), shown);
        });
    }
    found.into_values().collect()
}

fn walk(dict: &Dict, prefix: &str, each: &mut impl FnMut(&str, &Value)) {
    for (name, value) in dict {
        let key = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}.{name}")
        };
        match value {
            Value::Dict(_, inner) if !inner.is_empty() => walk(inner, &key, each),
            value => each(&key, value),
        }
    }
}

fn text(key: &str, value: &Value) -> String {
    let empty = value.as_str().is_some_and(str::is_empty);
    if is_secret(key) && !empty {
        return MASK.to_owned();
    }
    match value {
        Value::String(_, text) => format!("\"{}\"", without_password(text)),
        Value::Array(_, items) => {
            let items: Vec<_> = items.iter().map(|item| self::text(key, item)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Dict(..) => "{}".to_owned(),
        Value::Bool(_, value) => value.to_string(),
        Value::Char(_, value) => format!("\"{value}\""),
        Value::Num(_, number) => {
            let whole = number
                .to_i128()
                .map(|n| n.to_string())
                .or_else(|| number.to_u128().map(|n| n.to_string()));
            whole
                .or_else(|| number.to_f64().map(|n| n.to_string()))
                .unwrap_or_default()
        }
        Value::Empty(..) => "\"\"".to_owned(),
    }
}

/// A URL without the password in it, and without its query: both may hold secrets. Other text is unchanged.
fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let rest = rest
        .split_once('?')
        .map_or_else(|| rest.to_owned(), |(rest, _)| format!("{rest}?{MASK}"));
    let Some((login, host)) = rest.rsplit_once('@') else {
        return format!("{scheme}://{rest}");
    };
    match login.split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}:{MASK}@{host}"),
        None => format!("{scheme}://{login}@{host}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_secret_and_the_names_of_their_files_are_not() {
        for key in ["master_key", "orders.rpc_key", "RPC_KEY"] {
            assert!(is_secret(key), "{key}");
        }
        assert!(!is_secret("rpc_key_file") && !is_secret("grpc_listen"));
    }

    #[test]
    fn passwords_in_urls_are_masked() {
        assert_eq!(
            without_password("postgres://u:p@w@h:1/db"),
            format!("postgres://u:{MASK}@h:1/db")
        );
        assert_eq!(without_password("nats://h:1"), "nats://h:1");
        assert_eq!(without_password("nats://u@h"), "nats://u@h");
        assert_eq!(
            without_password("https://h/x?sig=1"),
            format!("https://h/x?{MASK}")
        );
    }
}
