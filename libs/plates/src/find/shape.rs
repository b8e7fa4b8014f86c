//! What a value looks like: whether it may be a serial number, or is known to be something else.

/// The shortest serial number.
const SHORTEST: usize = 4;
/// The longest one.
const LONGEST: usize = 24;

/// Mains, of which two with a stroke between need no unit.
const VOLTS: [&str; 16] = [
    "110", "115", "120", "127", "200", "208", "220", "230", "240", "380", "400", "415", "440", "460", "480",
    "660",
];

/// What a value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// As makers number their machines; how usual it is, 1 to 3.
    Serial(u8),
    Date,
    Voltage,
    Power,
    /// Digits, a dash, digits: as parts are numbered.
    Part,
    /// Two letters or so, a dash, few digits.
    Model,
    Protection,
    Phone,
    /// No serial, and nothing that is known.
    Other,
}

/// Letters, digits and the signs within serial numbers, as capitals, without blanks; together with the place that each had.
pub(crate) fn compact(text: &[(char, f32)]) -> Vec<(char, f32)> {
    let kept = text
        .iter()
        .filter(|(c, _)| c.is_ascii_alphanumeric() || matches!(c, '-' | '/' | '.' | '–' | '—' | '_'))
        .map(|(c, sure)| {
            let c = match c {
                '–' | '—' | '_' => '-',
                other => other.to_ascii_uppercase(),
            };
            (c, *sure)
        });
    let mut value: Vec<(char, f32)> = kept.collect();
    let edge = |c: char| !c.is_ascii_alphanumeric();
    while value.last().is_some_and(|(c, _)| edge(*c)) {
        value.pop();
    }
    let start = value.iter().take_while(|(c, _)| edge(*c)).count();
    value.drain(..start);
    value
}

/// What a value looks like; `raw` with its blanks, `value` compacted.
pub(crate) fn shape(raw: &str, value: &str) -> Shape {
    let upper = raw.trim().to_uppercase();
    let letters = value.chars().filter(char::is_ascii_alphabetic).count();
    let digits = value.chars().filter(char::is_ascii_digit).count();
    if is_date(value) {
        return Shape::Date;
    }
    if let Some(shape) = unit(&upper) {
        return shape;
    }
    let before_unit = value.strip_suffix("HZ").map(|rest| (rest, Shape::Voltage));
    let before_unit = before_unit.or_else(|| value.strip_suffix("KW").map(|rest| (rest, Shape::Power)));
    if let Some((_, shape)) = before_unit.filter(|(rest, _)| rest.ends_with(|c: char| c.is_ascii_digit())) {
        return shape;
    }
    if is_protection(value) {
        return Shape::Protection;
    }
    if is_phone(&upper, digits) {
        return Shape::Phone;
    }
    let groups: Vec<&str> = value.split(['-', '/', '.']).collect();
    let count = letters + digits;
    if let [first, second] = groups.as_slice() {
        let numbers = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        if numbers(first) && numbers(second) && (4..=6).contains(&first.len()) && second.len() <= 3 {
            return Shape::Part;
        }
        if value.contains('/') && VOLTS.contains(first) && VOLTS.contains(second) {
            return Shape::Voltage;
        }
        let few_letters = first.len() <= 3 && first.chars().filter(char::is_ascii_alphabetic).count() >= 1;
        if few_letters && second.len() <= 4 && value.contains('-') {
            return Shape::Model;
        }
    }
    if let [first, second, third] = groups.as_slice()
        && first.len() <= 3
        && second.len() <= 3
        && third.len() <= 2
    {
        return Shape::Model;
    }
    if !(SHORTEST..=LONGEST).contains(&count)
        || digits == 0
        || groups.iter().any(|group| group.is_empty())
        || groups.len() > 5
    {
        return Shape::Other;
    }
    let slashes = value.chars().filter(|c| matches!(c, '/' | '.')).count();
    Shape::Serial(match count {
        8..=15 if digits >= 2 && slashes == 0 => 3,
        6..=18 if digits >= 2 && slashes <= 1 => 2,
        _ => 1,
    })
}

fn is_date(value: &str) -> bool {
    let parts: Vec<&str> = value.split(['-', '/', '.']).collect();
    let number = |text: &str| {
        let digits: String = text.chars().map(|c| if c == 'O' { '0' } else { c }).collect();
        digits.parse::<u32>().ok().filter(|_| text.len() <= 4)
    };
    let year = |n: u32| (1950..=2099).contains(&n);
    match parts.as_slice() {
        [one] => one.len() == 4 && number(one).is_some_and(year),
        [a, b] => match (number(a), number(b)) {
            (Some(m), Some(y)) => {
                ((1..=12).contains(&m) && (year(y) || b.len() == 2)) || (year(m) && (1..=12).contains(&y))
            }
            _ => false,
        },
        [a, b, c] => match (number(a), number(b), number(c)) {
            (Some(a), Some(b), Some(c)) => {
                a <= 31 && b <= 31 && (year(c) || c <= 99) || year(a) && b <= 12 && c <= 31
            }
            _ => false,
        },
        _ => false,
    }
}

/// A number with a unit: `220-240V~ 50/60Hz`, `1.8 kW`, `24 VDC 3.5A`.
fn unit(upper: &str) -> Option<Shape> {
    let mut digits = 0;
    let mut letters = String::new();
    let mut last: Option<Shape> = None;
    let mut total = 0;
    for c in upper.chars().chain([' ']) {
        if c.is_ascii_digit() && letters.is_empty() {
            digits += 1;
        } else if c.is_alphabetic() || c == '~' {
            letters.push(c);
        } else if !letters.is_empty() {
            // A unit ends its word: 2019V123456 is no voltage.
            let ends = !c.is_ascii_digit() || letters.ends_with('~');
            let shape = match letters.trim_end_matches('~') {
                _ if !ends => None,
                "V" | "VDC" | "VAC" | "VCC" | "VCA" | "HZ" | "KV" | "MHZ" | "A" | "MA" => {
                    Some(Shape::Voltage)
                }
                "KW" | "W" | "HP" | "CV" | "KVA" | "VA" | "BTU" => Some(Shape::Power),
                "RPM" | "KG" | "BAR" | "PSI" | "LB" | "MM" | "DB" | "UF" => Some(Shape::Other),
                _ => None,
            };
            match shape {
                Some(shape) if digits > 0 && digits <= 6 => last = last.or(Some(shape)),
                _ => total += letters.chars().count(),
            }
            letters.clear();
            digits = usize::from(c.is_ascii_digit());
        }
    }
    last.filter(|_| total <= 1)
}

fn is_protection(value: &str) -> bool {
    let rest = value.strip_prefix("IP").unwrap_or(value);
    let digits = rest.chars().filter(char::is_ascii_digit).count();
    digits == 2 && rest.len() <= 3
}

fn is_phone(upper: &str, digits: usize) -> bool {
    let only = upper
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, ' ' | '+' | '(' | ')' | '-'));
    let groups = upper.split(' ').filter(|part| !part.is_empty()).count();
    only && (7..=15).contains(&digits) && (upper.starts_with('+') || upper.contains('(') || groups >= 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Shape {
        let value: Vec<(char, f32)> = text.chars().map(|c| (c, 1.0)).collect();
        let value: String = compact(&value).iter().map(|(c, _)| *c).collect();
        shape(text, &value)
    }

    #[test]
    fn serial_numbers_are_taken() {
        for text in [
            "EN8XL5FK9Z50",
            "A4Y9-26358-UX5",
            "HWF096945",
            "2019K123456",
            "0123456789",
            "YYDX-66279-XLU",
            "AB 123 456",
            "V3L4-7186-B7",
        ] {
            assert!(matches!(of(text), Shape::Serial(_)), "{text} {:?}", of(text));
        }
    }

    #[test]
    fn what_stands_beside_them_is_not() {
        for (text, shape) in [
            ("07/2019", Shape::Date),
            ("2019-07-01", Shape::Date),
            ("01.02.19", Shape::Date),
            ("2021", Shape::Date),
            ("220-240V~ 50/60Hz", Shape::Voltage),
            ("127V 60Hz", Shape::Voltage),
            ("380/660 V", Shape::Voltage),
            ("380/660", Shape::Voltage),
            ("24 VDC 3.5A", Shape::Voltage),
            ("15.4 kW", Shape::Power),
            ("67772-34", Shape::Part),
            ("KK-354A", Shape::Model),
            ("XZ-118", Shape::Model),
            ("ZR-78/2", Shape::Model),
            ("54", Shape::Protection),
            ("IP65", Shape::Protection),
            ("+57 301 555 0199", Shape::Phone),
            ("HECHO EN MEXICO", Shape::Other),
        ] {
            assert_eq!(of(text), shape, "{text}");
        }
    }
}
