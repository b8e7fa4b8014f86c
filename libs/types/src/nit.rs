//! The Colombian tax id (NIT): body and check digit, and what an untidy spelling may mean.
//!
//! The check digit is a typing check, not proof that the id exists: about 1.8 % of single-digit slips pass it.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

/// Weights from the rightmost digit of the body to the left.
const WEIGHTS: [u32; 15] = [3, 7, 13, 17, 19, 23, 29, 37, 41, 43, 47, 53, 59, 67, 71];

/// A tax id: digits of the body, and its check digit apart.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Nit {
    body: String,
    dv: u8,
}

/// What a spelling means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NitReading {
    /// The check digit was given and fits.
    Verified(Nit),
    /// No check digit was given; it was computed. Confirm the id in the ERP before trusting it.
    Derived(Nit),
    /// The last digit may be the check digit or part of the body: `whole` or `split`. A person or the ERP decides.
    Ambiguous {
        /// All digits are the body.
        whole: Nit,
        /// The last digit is the check digit.
        split: Nit,
    },
}

/// Why a spelling is no tax id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NitError {
    /// Nothing is left after cleaning.
    #[error("the NIT is empty")]
    Empty,
    /// Something else than digits, separators and one hyphen.
    #[error("the NIT may hold digits, dots, spaces and one hyphen only")]
    NotDigits,
    /// The body has fewer than 6 or more than 15 digits.
    #[error("the NIT must have 6 to 15 digits before its check digit")]
    Length,
    /// The check digit given does not fit.
    #[error("the check digit of the NIT does not fit")]
    CheckDigit,
}

/// The check digit of a body of 1 to 15 digits; `None` for anything else.
#[must_use]
pub fn check_digit(body: &str) -> Option<u8> {
    if body.is_empty() || body.len() > WEIGHTS.len() {
        return None;
    }
    let mut sum = 0;
    for (digit, weight) in body.chars().rev().zip(WEIGHTS) {
        sum += digit.to_digit(10)? * weight;
    }
    let rest = sum % 11;
    u8::try_from(if rest > 1 { 11 - rest } else { rest }).ok()
}

impl Nit {
    fn of(body: &str) -> Result<Self, NitError> {
        let body = body.trim_start_matches('0');
        if !(6..=15).contains(&body.len()) {
            return Err(NitError::Length);
        }
        let dv = check_digit(body).ok_or(NitError::NotDigits)?;
        Ok(Self {
            body: body.to_owned(),
            dv,
        })
    }

    /// Reads a spelling such as `NIT 900.373.115-3`.
    ///
    /// # Errors
    /// [`NitError`] says what is wrong; nothing is guessed.
    pub fn parse(raw: &str) -> Result<NitReading, NitError> {
        if raw.chars().count() > 64 {
            return Err(NitError::Length);
        }
        let text = clean(raw);
        if text.is_empty() {
            return Err(NitError::Empty);
        }
        if let Some((body, dv)) = text.rsplit_once('-') {
            if !is_digits(body) || !is_digits(dv) || dv.len() != 1 {
                return Err(NitError::NotDigits);
            }
            let nit = Self::of(body)?;
            return if dv == nit.dv.to_string() {
                Ok(NitReading::Verified(nit))
            } else {
                Err(NitError::CheckDigit)
            };
        }
        if !is_digits(&text) {
            return Err(NitError::NotDigits);
        }
        let text = text.trim_start_matches('0');
        let split = text
            .split_at_checked(text.len().saturating_sub(1))
            .and_then(|(body, last)| {
                let nit = Self::of(body).ok()?;
                (last == nit.dv.to_string()).then_some(nit)
            });
        match split {
            Some(nit) if text.len() == 10 => Ok(NitReading::Verified(nit)),
            _ if text.len() == 9 && text.starts_with(['8', '9']) => Self::of(text).map(NitReading::Derived),
            Some(split) if text.len() <= 10 => match Self::of(text) {
                Ok(whole) => Ok(NitReading::Ambiguous { whole, split }),
                Err(_) => Ok(NitReading::Verified(split)),
            },
            _ => Self::of(text).map(NitReading::Derived),
        }
    }

    /// The digits without the check digit: what is stored and compared.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The check digit.
    #[must_use]
    pub const fn dv(&self) -> u8 {
        self.dv
    }
}

impl fmt::Display for Nit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, digit) in self.body.chars().enumerate() {
            if at > 0 && (self.body.len() - at).is_multiple_of(3) {
                f.write_str(".")?;
            }
            write!(f, "{digit}")?;
        }
        write!(f, "-{}", self.dv)
    }
}

impl fmt::Debug for Nit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nit(…)")
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Normal form: no separators, one kind of hyphen, no leading label.
fn clean(raw: &str) -> String {
    let upper = raw.nfkc().collect::<String>().to_uppercase();
    let bare = upper
        .trim()
        .trim_start_matches("NIT")
        .trim_start_matches("C.C.")
        .trim_start_matches("CC");
    bare.chars()
        .filter_map(|c| match c {
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '-' => Some('-'),
            '.' | ',' | '\'' | '’' | ':' => None,
            c if c.is_whitespace() => None,
            c => Some(c),
        })
        .collect()
}
