//! Finds the paths and method calls that Rust source names, without compiling it.
//!
//! Comments, strings and test modules are blanked first, so that prose never counts. Grouped imports are taken apart:
//! `use crate::{domain::Order, infrastructure};` names `crate::domain::Order` and `crate::infrastructure`.

/// A path such as `crate::domain::Order`, and the line that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Counted from 1.
    pub line: usize,
    /// Its words.
    pub path: Vec<String>,
}

/// Everything that a file names.
#[derive(Debug, Default)]
pub struct Names {
    /// Paths of two words and more, and all imports.
    pub paths: Vec<Named>,
    /// Names of methods called with arguments.
    pub calls: Vec<(usize, String)>,
}

/// Reads a file.
#[must_use]
pub fn names(source: &str) -> Names {
    let code = without_tests(&blank(source));
    let tokens = tokens(&code);
    let mut names = Names::default();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let word = |offset: usize| tokens.get(at + offset).map(|t| t.text.as_str());
        if token.text == "use" {
            at = import(&tokens, at + 1, &mut Vec::new(), &mut names.paths);
            continue;
        }
        if token.text == "." && word(2) == Some("(") && word(3) != Some(")") {
            names
                .calls
                .extend(word(1).map(|method| (token.line, method.to_owned())));
        } else if is_name(&token.text) && word(1) == Some("::") && !follows_path(&tokens, at) {
            let mut path = vec![token.text.clone()];
            let mut next = at + 1;
            while let (Some("::"), Some(segment)) = (
                tokens.get(next).map(|t| t.text.as_str()),
                tokens.get(next + 1).filter(|t| is_name(&t.text)),
            ) {
                path.push(segment.text.clone());
                next += 2;
            }
            names.paths.push(Named {
                line: token.line,
                path,
            });
        }
        at += 1;
    }
    names
}

/// Takes one import tree apart; answers where it ends.
fn import(tokens: &[Token], mut at: usize, prefix: &mut Vec<String>, found: &mut Vec<Named>) -> usize {
    let depth = prefix.len();
    let mut line = None;
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "{" => {
                at += 1;
                loop {
                    at = import(tokens, at, prefix, found);
                    match tokens.get(at).map(|t| t.text.as_str()) {
                        Some(",") => at += 1,
                        Some("}") => break,
                        _ => return at,
                    }
                }
                line = None;
            }
            "," | "}" | ";" => break,
            "as" => at += 1,
            "::" => {}
            name => {
                line = Some(token.line);
                prefix.push(name.to_owned());
            }
        }
        at += 1;
    }
    if let Some(line) = line {
        found.push(Named {
            line,
            path: prefix.clone(),
        });
    }
    prefix.truncate(depth);
    at
}

fn follows_path(tokens: &[Token], at: usize) -> bool {
    at.checked_sub(1)
        .and_then(|before| tokens.get(before))
        .is_some_and(|t| t.text == "::" || t.text == ".")
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

#[derive(Debug)]
struct Token {
    line: usize,
    text: String,
}

fn tokens(code: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut line = 1;
    let mut chars = code.chars().peekable();
    while let Some(c) = chars.next() {
        let mut text = String::from(c);
        if c == '\n' {
            line += 1;
        }
        if c.is_whitespace() {
            continue;
        }
        if c.is_alphanumeric() || c == '_' {
            while let Some(more) = chars.next_if(|c| c.is_alphanumeric() || *c == '_') {
                text.push(more);
            }
        } else if c == ':' && chars.next_if_eq(&':').is_some() {
            text.push(':');
        }
        tokens.push(Token { line, text });
    }
    tokens
}

/// The source with comments, strings and characters turned into spaces; lines stay where they are.
fn blank(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let char_at = |at: usize| chars.get(at).copied().unwrap_or('\0');
    let mut code = String::with_capacity(source.len());
    let mut at = 0;
    while at < chars.len() {
        let end = match (char_at(at), char_at(at + 1)) {
            ('/', '/') => line_end(&chars, at),
            ('/', '*') => block_end(&chars, at),
            ('"', _) => string_end(&chars, at + 1),
            ('r', '"' | '#')
                if !at
                    .checked_sub(1)
                    .is_some_and(|b| char_at(b).is_alphanumeric() || char_at(b) == '_') =>
            {
                raw_end(&chars, at + 1).unwrap_or(at)
            }
            ('\'', '\\') => escaped_char_end(&chars, at + 1),
            ('\'', _) if char_at(at + 2) == '\'' => at + 3,
            _ => at,
        };
        if end == at {
            code.push(char_at(at));
            at += 1;
        }
        while at < end {
            code.push(if char_at(at) == '\n' { '\n' } else { ' ' });
            at += 1;
        }
    }
    code
}

fn line_end(chars: &[char], from: usize) -> usize {
    chars
        .iter()
        .skip(from)
        .position(|c| *c == '\n')
        .map_or(chars.len(), |length| from + length)
}

fn block_end(chars: &[char], from: usize) -> usize {
    let (mut depth, mut at) = (0, from);
    while at < chars.len() {
        match (chars.get(at), chars.get(at + 1)) {
            (Some('/'), Some('*')) => (depth, at) = (depth + 1, at + 2),
            (Some('*'), Some('/')) => {
                (depth, at) = (depth - 1, at + 2);
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    chars.len()
}

fn string_end(chars: &[char], from: usize) -> usize {
    let mut at = from;
    while let Some(c) = chars.get(at) {
        match c {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// The end of a raw string whose `r` stands before `from`; `None` when it is a raw identifier.
fn raw_end(chars: &[char], from: usize) -> Option<usize> {
    let hashes = chars.iter().skip(from).take_while(|c| **c == '#').count();
    if chars.get(from + hashes) != Some(&'"') {
        return None;
    }
    let closing: Vec<char> = std::iter::once('"')
        .chain(std::iter::repeat_n('#', hashes))
        .collect();
    let body = from + hashes + 1;
    let length = chars
        .get(body..)?
        .windows(closing.len())
        .position(|window| window == closing)?;
    Some(body + length + closing.len())
}

/// The end of a character such as `'\\n'` whose backslash stands at `from`.
fn escaped_char_end(chars: &[char], from: usize) -> usize {
    chars
        .iter()
        .skip(from + 2)
        .position(|c| *c == '\'')
        .map_or(chars.len(), |length| from + length + 3)
}

/// The code up to the first module that exists in tests only: it stands last in a file.
fn without_tests(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut lines = code.lines().peekable();
    while let Some(line) = lines.next() {
        if line.trim() == "#[cfg(test)]"
            && lines
                .peek()
                .is_some_and(|next| next.trim_start().starts_with("mod "))
        {
            break;
        }
        kept.push_str(line);
        kept.push('\n');
    }
    kept
}
