//! Phone numbers in E.164, with the quirks of WhatsApp's account ids.
//!
//! WhatsApp keeps the id an account had when it was made: Mexican ids often carry `521`, Argentine ones `549`.
//! [`Phone`] is the canonical subscriber; the raw id is kept beside it for sending.

use std::fmt;
use std::str::FromStr;

use phonenumber::country::Id as Country;
use phonenumber::{Mode, Type};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// Blocks of numbers that are Colombian mobiles whatever follows.
const MOBILE_BLOCKS: [&str; 22] = [
    "300", "301", "302", "303", "304", "305", "310", "311", "312", "313", "314", "315", "316", "317", "318",
    "319", "320", "321", "322", "323", "350", "351",
];

/// Longest raw text that is looked at; what is longer is no phone number.
const MAX_RAW: usize = 40;

/// The region that numbers without a country code belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Region {
    /// Argentina.
    Ar,
    /// Chile.
    Cl,
    /// Colombia, the default of a tenant that says nothing else.
    #[default]
    Co,
    /// Mexico.
    Mx,
    /// Peru.
    Pe,
}

impl Region {
    const fn country(self) -> Country {
        match self {
            Self::Ar => Country::AR,
            Self::Cl => Country::CL,
            Self::Co => Country::CO,
            Self::Mx => Country::MX,
            Self::Pe => Country::PE,
        }
    }
}

/// A text that is no phone number. It holds no digits, so that it can be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// More than 40 characters, or none.
    #[error("a phone number has 1 to 40 characters")]
    Length,
    /// No number of any known country.
    #[error("not a valid phone number")]
    Invalid,
}

/// A valid phone number in E.164: `+573001234567`.
///
/// `Debug` and logs show it masked; `Display` is the number itself and belongs on the wire only.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phone(String);

impl Phone {
    /// Reads what a person wrote, or what a chat or an ERP holds.
    ///
    /// # Errors
    /// [`PhoneError`] when it is no valid number; nothing is guessed.
    pub fn parse(raw: &str, region: Region) -> Result<Self, PhoneError> {
        Self::read(raw, region, false)
    }

    /// Reads a WhatsApp account id (`wa_id`, `…@s.whatsapp.net`), which is always a mobile with its country code.
    ///
    /// # Errors
    /// [`PhoneError`] when it is no valid number.
    pub fn from_whatsapp_id(wa_id: &str) -> Result<Self, PhoneError> {
        let bare = wa_id.trim().trim_start_matches('+');
        Self::read(&format!("+{bare}"), Region::default(), true)
    }

    fn read(raw: &str, region: Region, from_chat: bool) -> Result<Self, PhoneError> {
        if is_colombian_mobile(raw) {
            return Ok(Self(raw.to_owned()));
        }
        if raw.chars().count() > MAX_RAW {
            return Err(PhoneError::Length);
        }
        let text: String = raw.nfkc().collect::<String>().trim().to_owned();
        if text.is_empty() || text.len() > 2 * MAX_RAW {
            return Err(PhoneError::Length);
        }
        let (text, from_chat) = unwrap_chat_id(&text, from_chat);
        let text = text
            .strip_prefix("00")
            .map_or_else(|| text.clone(), |rest| format!("+{rest}"));
        let text = rewrite(&text, region, from_chat);
        // A region beside an international number would have its own prefixes stripped from it.
        let home = (!text.starts_with('+')).then(|| region.country());
        let canonical = valid_e164(home, &text).ok_or(PhoneError::Invalid)?;
        // Without the prefix of a carrier (`05` in Colombia) an old habit may come to light.
        let canonical = match rewrite(&canonical, region, false) {
            today if today == canonical => canonical,
            today => valid_e164(None, &today).ok_or(PhoneError::Invalid)?,
        };
        // A number that does not come back as itself could be stored, but never be found or read again. What was
        // canonical to begin with has just come back; a second look costs as much as the first.
        let came_back = home.is_none() && canonical == text;
        if !came_back && valid_e164(None, &canonical).as_ref() != Some(&canonical) {
            return Err(PhoneError::Invalid);
        }
        Ok(Self(canonical))
    }

    /// The number with its `+`.
    #[must_use]
    pub fn as_e164(&self) -> &str {
        &self.0
    }

    /// The digits that WhatsApp providers expect where no stored `wa_id` is known.
    #[must_use]
    pub fn whatsapp_digits(&self) -> &str {
        self.0.trim_start_matches('+')
    }

    /// Whether a WhatsApp account can stand behind it: toll-free and premium lines cannot.
    #[must_use]
    pub fn can_have_whatsapp(&self) -> bool {
        phonenumber::parse(None, &self.0).is_ok_and(|number| {
            !matches!(
                number.number_type(&phonenumber::metadata::DATABASE),
                Type::TollFree | Type::PremiumRate | Type::SharedCost | Type::Voicemail
            )
        })
    }
}

/// Whether this is the usual number here, a Colombian mobile that already stands in E.164. The full reading would give the
/// same (a test compares them), at many times the cost, and every message of a webhook has such a number. Blocks of
/// numbers that are only partly in use are left to it.
fn is_colombian_mobile(text: &str) -> bool {
    let Some((block, rest)) = text.strip_prefix("+57").and_then(|n| n.split_at_checked(3)) else {
        return false;
    };
    MOBILE_BLOCKS.contains(&block) && rest.len() == 7 && rest.bytes().all(|digit| digit.is_ascii_digit())
}

/// The number in E.164, when the numbering plans know it.
fn valid_e164(region: Option<Country>, text: &str) -> Option<String> {
    let parsed = phonenumber::parse(region, text).ok()?;
    parsed
        .is_valid()
        .then(|| parsed.format().mode(Mode::E164).to_string())
}

/// Takes the number out of a WhatsApp link or account id, which then is a full international number.
fn unwrap_chat_id(text: &str, from_chat: bool) -> (String, bool) {
    let linked = text
        .strip_prefix("https://wa.me/")
        .or_else(|| text.strip_prefix("wa.me/"))
        .or_else(|| text.strip_suffix("@s.whatsapp.net"))
        .or_else(|| text.strip_suffix("@c.us"));
    match linked {
        Some(digits) => (format!("+{}", digits.trim_start_matches('+')), true),
        None => (text.to_owned(), from_chat),
    }
}

/// National habits that the numbering plans no longer know.
fn rewrite(text: &str, region: Region, from_chat: bool) -> String {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let international = text.starts_with('+');
    let rest = |prefix: &str, length: usize| {
        digits
            .strip_prefix(prefix)
            .filter(|rest| rest.len() == length)
            .map(str::to_owned)
    };
    if let Some(subscriber) = rest("521", 10)
        && (international || region == Region::Mx)
    {
        return format!("+52{subscriber}");
    }
    if from_chat
        && let Some(subscriber) = rest("54", 10)
        && !subscriber.starts_with('9')
    {
        return format!("+549{subscriber}");
    }
    if let Some(national) = rest("57", 8).filter(|_| international || region == Region::Co)
        && let Some(today) = colombian_land_line(&national)
    {
        return today;
    }
    if international {
        return text.to_owned();
    }
    match region {
        Region::Co => colombian_land_line(digits.strip_prefix('0').unwrap_or(&digits))
            .unwrap_or_else(|| text.to_owned()),
        Region::Cl => rest("09", 8).map_or_else(|| text.to_owned(), |number| format!("+569{number}")),
        Region::Mx => ["044", "045", "01"]
            .into_iter()
            .find_map(|prefix| rest(prefix, 10))
            .map_or_else(|| text.to_owned(), |number| format!("+52{number}")),
        Region::Ar | Region::Pe => text.to_owned(),
    }
}

/// Until 2021 a Colombian land line was one digit of area and seven of its own; today `60` stands before them.
fn colombian_land_line(national: &str) -> Option<String> {
    let (area, number) = national.split_at_checked(1)?;
    (number.len() == 7 && "1245678".contains(area)).then(|| format!("+5760{area}{number}"))
}

/// A number as it may be shown in logs: the first three characters and the last two digits.
#[must_use]
pub fn mask_phone(number: &str) -> String {
    let shown: Vec<char> = number.chars().collect();
    match (
        shown.get(..3),
        shown.len().checked_sub(2).and_then(|at| shown.get(at..)),
    ) {
        (Some(head), Some(tail)) if shown.len() > 6 => {
            format!(
                "{}…{}",
                head.iter().collect::<String>(),
                tail.iter().collect::<String>()
            )
        }
        _ => "…".to_owned(),
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&mask_phone(&self.0))
    }
}

impl FromStr for Phone {
    type Err = PhoneError;
    fn from_str(text: &str) -> Result<Self, PhoneError> {
        Self::parse(text, Region::default())
    }
}

impl TryFrom<String> for Phone {
    type Error = PhoneError;
    fn try_from(text: String) -> Result<Self, PhoneError> {
        text.parse()
    }
}

impl From<Phone> for String {
    fn from(phone: Phone) -> Self {
        phone.0
    }
}
