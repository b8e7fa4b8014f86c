//! A tenant's logo: bytes from outside that end up in every document, so they are looked into before.

use std::fmt;

use imagesize::ImageType;

use super::TemplateProblem;
use crate::limits;

/// `<use>` elements of an SVG: each may multiply what it names, and nested ones grow beyond all bounds.
const SVG_USES: usize = 16;

/// Elements of an SVG that a logo can do without, and why.
const SVG_REFUSED: [(&str, &str); 4] = [
    ("image", "holds a picture: save the picture itself as logo.png"),
    (
        "filter",
        "has an effect (shadow, blur), which prints badly: save it without",
    ),
    ("foreignObject", "holds another document"),
    ("script", "holds a program"),
];

/// The format of a logo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogoKind {
    /// `logo.png`
    Png,
    /// `logo.jpg`, `logo.jpeg`
    Jpeg,
    /// `logo.svg`: best, for it is sharp at any size.
    Svg,
}

/// A logo that was looked into.
#[derive(Clone, PartialEq, Eq)]
pub struct Logo {
    pub(crate) kind: LogoKind,
    pub(crate) bytes: Vec<u8>,
}

impl fmt::Debug for Logo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Logo({:?}, {} bytes)", self.kind, self.bytes.len())
    }
}

impl Logo {
    pub(super) fn is_name(name: &str) -> bool {
        kind_of(name).is_some()
    }

    pub(super) fn read(file: &str, name: &str, bytes: Vec<u8>) -> Result<Self, Vec<TemplateProblem>> {
        let refuse = |reason: String| vec![TemplateProblem::whole(file, reason)];
        let kind = kind_of(name).ok_or_else(|| refuse("is no logo".to_owned()))?;
        match kind {
            LogoKind::Svg => check_svg(&bytes),
            LogoKind::Png => check_picture(&bytes, ImageType::Png),
            LogoKind::Jpeg => check_picture(&bytes, ImageType::Jpeg),
        }
        .map_err(refuse)?;
        Ok(Self { kind, bytes })
    }

    /// The format.
    #[must_use]
    pub const fn kind(&self) -> LogoKind {
        self.kind
    }

    /// The file's bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

fn kind_of(name: &str) -> Option<LogoKind> {
    match name {
        "logo.svg" => Some(LogoKind::Svg),
        "logo.png" => Some(LogoKind::Png),
        "logo.jpg" | "logo.jpeg" => Some(LogoKind::Jpeg),
        _ => None,
    }
}

fn check_picture(bytes: &[u8], expected: ImageType) -> Result<(), String> {
    let found = imagesize::image_type(bytes).map_err(|_| "is no picture".to_owned())?;
    if found != expected {
        return Err(format!("is {found:?}, whatever its name says"));
    }
    let size = imagesize::blob_size(bytes).map_err(|_| "is a damaged picture".to_owned())?;
    let pixels = (size.width as u64).saturating_mul(size.height as u64);
    if pixels == 0 || pixels > limits::LOGO_PIXELS {
        return Err(format!(
            "has {} × {} pixels; at most {} in all are allowed",
            size.width,
            size.height,
            limits::LOGO_PIXELS
        ));
    }
    Ok(())
}

fn check_svg(bytes: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "is no UTF-8 text".to_owned())?;
    // A document type (and with it entities, which unfold) is refused by the reader.
    let document = roxmltree::Document::parse(text).map_err(|error| format!("is no plain SVG: {error}"))?;
    if !document
        .root_element()
        .has_tag_name(("http://www.w3.org/2000/svg", "svg"))
    {
        return Err(
            "is no SVG: the outermost element must be <svg xmlns=\"http://www.w3.org/2000/svg\">".to_owned(),
        );
    }
    let elements = || document.descendants().filter(roxmltree::Node::is_element);
    for (name, reason) in SVG_REFUSED {
        if elements().any(|element| element.tag_name().name() == name) {
            return Err(format!("has a <{name}>: it {reason}"));
        }
    }
    if elements()
        .filter(|element| element.tag_name().name() == "use")
        .count()
        > SVG_USES
    {
        return Err(format!("has more than {SVG_USES} <use> elements"));
    }
    Ok(())
}
