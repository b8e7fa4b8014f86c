//! Google Vision's JSON, named as Google names it.

use serde::Serialize;

use crate::kit::{Num, Text, lenient_structs};

/// `images:annotate` for one picture.
#[derive(Debug, Serialize)]
pub(super) struct Batch<'a> {
    pub(super) requests: [Request<'a>; 1],
}

#[derive(Debug, Serialize)]
pub(super) struct Request<'a> {
    pub(super) image: Image,
    pub(super) features: [Feature<'a>; 1],
    #[serde(rename = "imageContext")]
    pub(super) context: Context<'a>,
}

#[derive(Debug, Serialize)]
pub(super) struct Image {
    pub(super) content: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Feature<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) model: Option<&'a str>,
}

#[derive(Debug, Serialize)]
pub(super) struct Context<'a> {
    #[serde(rename = "languageHints", skip_serializing_if = "Vec::is_empty")]
    pub(super) languages: Vec<&'a str>,
    #[serde(rename = "textDetectionParams")]
    pub(super) text: TextParams,
}

#[derive(Debug, Serialize)]
pub(super) struct TextParams {
    #[serde(rename = "enableTextDetectionConfidenceScore")]
    pub(super) confidence: bool,
}

lenient_structs! {
    Answers { responses: Option<Vec<Answer>> }
    /// One picture's answer: empty where there is no text.
    Answer {
        error: Option<Status>,
        #[serde(rename = "fullTextAnnotation")]
        full: Option<Full>,
        #[serde(rename = "textAnnotations")]
        whole: Vec<Annotation>,
    }
    Full { pages: Vec<Page> }
    Page { blocks: Vec<Block> }
    Block { paragraphs: Vec<Paragraph> }
    Paragraph { words: Vec<Word> }
    Word {
        confidence: Option<Num>,
        #[serde(rename = "boundingBox")]
        place: Poly,
        symbols: Vec<Symbol>,
    }
    Symbol { text: Text, confidence: Option<Num>, property: Property }
    Property {
        #[serde(rename = "detectedBreak")]
        at: Option<Break>,
    }
    Break {
        #[serde(rename = "type")]
        kind: Text,
        #[serde(rename = "isPrefix")]
        before: bool,
    }
    Poly { vertices: Vec<Vertex> }
    /// Zeros are left out.
    Vertex { x: Num, y: Num }
    Annotation {
        description: Text,
        #[serde(rename = "boundingPoly")]
        place: Poly,
    }

    /// A refusal of the whole call.
    Refusal { error: Option<Status> }
    /// `code` is an HTTP status in a refusal, and one of gRPC at a single picture.
    Status { code: Num, message: Text, status: Text, details: Vec<Detail> }
    Detail { reason: Text }
}
