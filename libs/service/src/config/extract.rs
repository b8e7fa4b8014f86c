//! From layers to a typed configuration, collecting every mistake instead of stopping at the first.
//!
//! Serde stops at the first mistake. So after each one the offending value is taken out, or filled with a
//! stand-in, and the attempt is repeated until it succeeds; then all mistakes are known. A configuration with
//! mistakes is never handed out, so the stand-ins cannot be seen.

use std::collections::BTreeSet;

use figment::error::Kind;
use figment::value::{Dict, Value};
use figment::{Error, Figment};
use serde::de::DeserializeOwned;

use super::layer::Layer;
use super::problem::Problem;
use super::show::is_secret;

/// Far more mistakes than a person makes; ends the search if a type keeps refusing.
const MAX_ROUNDS: usize = 200;
/// Where stand-ins for missing values live.
const STAND_IN: &str = "stand-in";

/// Extracts `C`, or adds what is wrong to `problems`. Top-level tables in `optional` may be unknown to `C`.
pub(crate) fn extract<C: DeserializeOwned>(
    mut layers: Vec<Layer>,
    optional: &[&str],
    problems: &mut Vec<Problem>,
) -> Option<C> {
    let mut clean = true;
    let mut tried = BTreeSet::new();
    for _ in 0..MAX_ROUNDS {
        let error = match figment(&layers).extract::<C>() {
            Ok(config) => return clean.then_some(config),
            Err(error) => error,
        };
        if repair(&mut layers, &error, optional, &mut tried, problems, &mut clean).is_none() {
            break;
        }
    }
    None
}

fn figment(layers: &[Layer]) -> Figment {
    layers.iter().cloned().fold(Figment::new(), Figment::merge)
}

/// Notes the mistake and changes the layers so that the next attempt gets further; `None` if it cannot.
fn repair(
    layers: &mut Vec<Layer>,
    error: &Error,
    optional: &[&str],
    tried: &mut BTreeSet<(String, usize)>,
    problems: &mut Vec<Problem>,
    clean: &mut bool,
) -> Option<()> {
    let mut path = error.path.clone();
    match &error.kind {
        Kind::MissingField(name) => path.push(name.to_string()),
        Kind::UnknownField(name, _) if path.last() != Some(name) => path.push(name.clone()),
        _ => {}
    }
    if path.is_empty() {
        return None;
    }
    let key = path.join(".");

    if let Kind::UnknownField(..) = error.kind {
        let at = topmost(layers, &path)?;
        if !(path.len() == 1 && optional.contains(&key.as_str())) {
            *clean = false;
            let origin = layers.get(at).map(|layer| layer.origin.clone());
            problems.push(Problem {
                key,
                what: describe(error, &path),
                origin,
            });
        }
        layers.iter_mut().for_each(|layer| remove(&mut layer.data, &path));
        return Some(());
    }

    // A variable's text may have been taken for a number where a word is wanted: `PASSWORD=12345`.
    if let Some(at) = topmost(layers, &path)
        && let Some(layer) = layers.get_mut(at)
        && layer.from_text
        && make_word(&mut layer.data, &path)
    {
        return Some(());
    }

    *clean = false;
    if !problems.iter().any(|problem| problem.key == key) {
        let at = topmost(layers, &path);
        let origin = at.and_then(|at| layers.get(at)).map(|layer| layer.origin.clone());
        problems.push(Problem {
            key: key.clone(),
            what: describe(error, &path),
            origin,
        });
    }
    stand_in(layers, &path, &key, tried)
}

/// Puts the next stand-in at `path`: one of them has a type that fits.
fn stand_in(
    layers: &mut Vec<Layer>,
    path: &[String],
    key: &str,
    tried: &mut BTreeSet<(String, usize)>,
) -> Option<()> {
    let candidates: [Value; 9] = [
        Value::from("0"),
        Value::from(0_u8),
        Value::from(false),
        Value::from("127.0.0.1:0"),
        Value::from("http://localhost"),
        Value::from("00000000-0000-0000-0000-000000000000"),
        Value::from(0.5_f64),
        Value::from(Vec::<Value>::new()),
        Value::from(Dict::new()),
    ];
    let next = (0..candidates.len()).find(|at| !tried.contains(&(key.to_owned(), *at)))?;
    tried.insert((key.to_owned(), next));
    let mut value = candidates.get(next)?.clone();
    for part in path.iter().rev().take(path.len().saturating_sub(1)) {
        value = Value::from(Dict::from([(part.clone(), value)]));
    }
    let data = Dict::from([(path.first()?.clone(), value)]);
    layers.iter_mut().for_each(|layer| remove(&mut layer.data, path));
    layers.push(Layer {
        origin: STAND_IN.to_owned(),
        data,
        from_text: false,
    });
    Some(())
}

fn describe(error: &Error, path: &[String]) -> String {
    let secret = path
        .last()
        .is_some_and(|name| is_secret(name) || name.ends_with("url"));
    match &error.kind {
        Kind::MissingField(_) => "is missing".to_owned(),
        Kind::UnknownField(_, []) => "unknown key".to_owned(),
        Kind::UnknownField(_, expected) => format!("unknown key; known are {}", expected.join(", ")),
        _ if secret => "is not valid (its value is not shown)".to_owned(),
        Kind::InvalidType(actual, expected) => format!("is {actual}, but must be {expected}"),
        Kind::InvalidValue(actual, expected) => format!("is {actual}, but must be {expected}"),
        Kind::UnknownVariant(actual, expected) => {
            format!("is \"{actual}\", but must be one of {}", expected.join(", "))
        }
        kind => kind.to_string(),
    }
}

/// The uppermost layer that sets `path`.
fn topmost(layers: &[Layer], path: &[String]) -> Option<usize> {
    layers.iter().rposition(|layer| find(&layer.data, path).is_some())
}

fn find<'a>(data: &'a Dict, path: &[String]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    let value = data.get(first)?;
    match value {
        Value::Dict(_, inner) if !rest.is_empty() => find(inner, rest),
        value => Some(value),
    }
}

fn find_mut<'a>(data: &'a mut Dict, path: &[String]) -> Option<&'a mut Value> {
    let (first, rest) = path.split_first()?;
    let value = data.get_mut(first)?;
    if rest.is_empty() {
        return Some(value);
    }
    match value {
        Value::Dict(_, inner) => find_mut(inner, rest),
        _ => None,
    }
}

fn remove(data: &mut Dict, path: &[String]) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    match data.get_mut(first) {
        Some(Value::Dict(_, inner)) if !rest.is_empty() => remove(inner, rest),
        Some(_) => {
            data.remove(first);
        }
        None => {}
    }
}

fn make_word(data: &mut Dict, path: &[String]) -> bool {
    let Some(value) = find_mut(data, path) else {
        return false;
    };
    let word = match value {
        Value::Num(_, number) => {
            let whole = number
                .to_u128()
                .map(|n| n.to_string())
                .or_else(|| number.to_i128().map(|n| n.to_string()));
            whole.or_else(|| number.to_f64().map(|n| n.to_string()))
        }
        Value::Bool(_, value) => Some(value.to_string()),
        Value::Char(_, value) => Some(value.to_string()),
        _ => None,
    };
    if let Some(word) = word {
        *value = Value::from(word);
        return true;
    }
    false
}
