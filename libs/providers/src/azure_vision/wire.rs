//! Azure AI Vision's JSON, named as it names it: Image Analysis 4.0 and Read 3.2.

use crate::kit::{Num, Text, lenient_structs};

lenient_structs! {
    /// The answer of Image Analysis 4.0.
    Analysis {
        #[serde(rename = "modelVersion")]
        model: Text,
        #[serde(rename = "readResult")]
        read: Option<ReadResult>,
    }
    ReadResult { blocks: Vec<Block> }
    Block { lines: Vec<Line> }
    Line {
        text: Text,
        #[serde(rename = "boundingPolygon")]
        polygon: Vec<Point>,
        words: Vec<Word>,
    }
    Word {
        text: Text,
        #[serde(rename = "boundingPolygon")]
        polygon: Vec<Point>,
        confidence: Option<Num>,
    }
    Point { x: Num, y: Num }

    /// The state of a Read 3.2 operation.
    Operation {
        status: Text,
        #[serde(rename = "analyzeResult")]
        result: Option<AnalyzeResult>,
    }
    AnalyzeResult {
        #[serde(rename = "modelVersion")]
        model: Text,
        #[serde(rename = "readResults")]
        pages: Option<Vec<Page>>,
    }
    Page { lines: Vec<PageLine> }
    PageLine {
        text: Text,
        #[serde(rename = "boundingBox")]
        numbers: Vec<Num>,
        words: Vec<PageWord>,
    }
    PageWord {
        text: Text,
        #[serde(rename = "boundingBox")]
        numbers: Vec<Num>,
        confidence: Option<Num>,
    }

    /// A refusal, wrapped (4.0 and gateways) or bare (3.2).
    Refusal { error: Option<Reason>, code: Text, message: Text }
    Reason {
        code: Text,
        message: Text,
        #[serde(rename = "innererror")]
        inner: Option<Inner>,
    }
    Inner { code: Text, message: Text }
}
