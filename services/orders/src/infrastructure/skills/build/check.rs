//! Checks of single values that several files share.

use toml::Spanned;

use super::FORMAT;
use crate::infrastructure::skills::problem::Examined;

pub(super) fn format(format: &Spanned<u32>, file: &mut Examined<'_>) {
    if *format.get_ref() != FORMAT {
        file.at(
            &format.span(),
            "format",
            format!(
                "format {} is not supported; this version reads {FORMAT}",
                format.get_ref()
            ),
        );
    }
}

pub(super) fn version(version: &Spanned<u32>, file: &mut Examined<'_>) {
    if *version.get_ref() == 0 {
        file.at(&version.span(), "version", "versions count from 1");
    }
}

/// A name of a skill, a field or a text: `[a-z0-9_]`, 1 to 64 characters.
pub(super) fn name(text: &Spanned<String>, key: &str, file: &mut Examined<'_>) -> bool {
    let name = text.get_ref();
    let plain = name
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    let fits = plain && (1..=64).contains(&name.len());
    if !fits {
        file.at(
            &text.span(),
            key,
            "must be 1 to 64 characters of a-z, 0-9 and `_`",
        );
    }
    fits
}

/// The key of a text; returned for use.
pub(super) fn text_key(text: &Spanned<String>, key: &str, file: &mut Examined<'_>) -> String {
    name(text, key, file);
    text.get_ref().clone()
}

/// A number between bounds, else the lower one.
pub(super) fn within<T: PartialOrd + Copy + std::fmt::Display>(
    number: &Spanned<T>,
    min: T,
    max: T,
    key: &str,
    file: &mut Examined<'_>,
) -> T {
    let value = *number.get_ref();
    if value < min || value > max {
        file.at(&number.span(), key, format!("must be {min} to {max}"));
        return min;
    }
    value
}
