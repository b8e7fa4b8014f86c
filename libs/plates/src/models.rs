//! The two models: one that finds lines of text, one that reads a line.
//!
//! PP-OCRv6 small (Apache-2.0), as it comes from its makers; the engine reads the ONNX files as they are. The reader's last
//! layer knows 18,708 characters, most of them Chinese. A plate has letters, digits and some signs: only their columns are
//! kept, which saves a third of the reader's work, and what cannot stand on a plate cannot be read from it.

mod worn;

use std::path::Path;

use rten::{Model, ModelOptions, NodeId};
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;
use sha2::{Digest, Sha256};

/// Finds lines.
const DETECTOR: &str = "PP-OCRv6_det_small.onnx";
/// Reads a line.
const RECOGNISER: &str = "PP-OCRv6_rec_small.onnx";
/// The SHA-256 of each: another file is another engine, with other confidences.
const PINNED: [(&str, &str); 2] = [
    (
        DETECTOR,
        "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
    ),
    (
        RECOGNISER,
        "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
    ),
];
/// The recogniser's features of each step, before its last layer.
const FEATURES: &str = "p2o.pd_op.squeeze.0.0";
/// How many features a step has.
pub(crate) const WIDTH: usize = 120;
/// How strong a feature is probed: small, so that no probability vanishes.
const PROBE: f32 = 0.125;

/// The models, loaded once and shared.
pub struct Models {
    pub(crate) detector: Model,
    /// As its makers trained it.
    pub(crate) plain: Recogniser,
    /// The same one with what it learned of worn plates since: for lines that are hard to read.
    pub(crate) worn: Recogniser,
}

/// A model that reads a line.
pub(crate) struct Recogniser {
    pub(crate) model: Model,
    pub(crate) features: NodeId,
    pub(crate) head: Head,
}

/// The recogniser's last layer, of the characters that can stand on a plate.
pub(crate) struct Head {
    /// What each class stands for; the first is the blank.
    pub(crate) characters: Vec<char>,
    /// `WIDTH` weights and a bias for each class.
    pub(crate) weights: Vec<[f32; WIDTH]>,
    pub(crate) biases: Vec<f32>,
}

/// Why the models cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file is not there or cannot be read.
    #[error("{file}: {reason}")]
    File {
        /// Its name.
        file: &'static str,
        /// What the system says.
        reason: std::io::Error,
    },
    /// A file is not the one that this release was made with.
    #[error("{0} has another checksum than this release was made with")]
    Checksum(&'static str),
    /// A file has the right sum and cannot be loaded all the same.
    #[error("{file} cannot be loaded: {reason}")]
    Unusable {
        /// Its name.
        file: &'static str,
        /// What the engine says.
        reason: String,
    },
}

impl Models {
    /// Those of a folder. Blocking; about a third of a second.
    ///
    /// # Errors
    /// When a file is missing, is not the pinned one, or does not load.
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        let [detector, recogniser] = PINNED.map(|(file, sum)| pinned(folder, file, sum));
        let (detector, recogniser) = (detector?, recogniser?);
        let lessons = worn::Lessons::read().ok_or_else(|| unusable(RECOGNISER)("its lessons are damaged"))?;
        let mut other = recogniser.clone();
        let taught = lessons.change(&mut other);
        taught.ok_or_else(|| unusable(RECOGNISER)("its lessons do not fit it"))?;
        let plain = Recogniser::of(recogniser)?;
        let mut worn = Recogniser::of(other)?;
        lessons.change_head(&mut worn.head);
        Ok(Self {
            detector: model(DETECTOR, detector)?,
            plain,
            worn,
        })
    }
}

impl Recogniser {
    fn of(bytes: Vec<u8>) -> Result<Self, ModelError> {
        let model = model(RECOGNISER, bytes)?;
        let features = model.node_id(FEATURES).map_err(unusable(RECOGNISER))?;
        let head = Head::of(&model, features)?;
        Ok(Self {
            model,
            features,
            head,
        })
    }
}

impl Head {
    /// A layer is linear, and a softmax keeps differences: what it makes of no feature are its biases, and of one alone the
    /// weights of that, all but for a summand that is the same for every class and so changes nothing.
    fn of(recogniser: &Model, features: NodeId) -> Result<Self, ModelError> {
        let mut probe = vec![0.0; WIDTH * (WIDTH + 1)];
        probe
            .iter_mut()
            .step_by(WIDTH + 2)
            .take(WIDTH)
            .for_each(|place| *place = PROBE);
        let probe = NdTensor::from_data([1, WIDTH, WIDTH + 1], probe);
        let made = recogniser.output_ids().first().copied();
        let made = made.ok_or_else(|| unusable(RECOGNISER)("it has no output"))?;
        let [made] = recogniser
            .run_n(vec![(features, probe.view().into())], [made], None)
            .map_err(unusable(RECOGNISER))?;
        let ([_, rows, classes], made) = made.into_shape_vec::<f32, 3>().map_err(unusable(RECOGNISER))?;
        let dictionary = recogniser.metadata().get("character").unwrap_or_default();
        let known: Vec<char> = dictionary
            .lines()
            .filter_map(|line| line.chars().next())
            .collect();
        // The first class is the blank, the last one a space.
        if rows != WIDTH + 1 || dictionary.lines().count() + 2 != classes || known.len() + 2 != classes {
            return Err(unusable(RECOGNISER)("its dictionary does not fit its last layer"));
        }
        let named = std::iter::once('\0').chain(known).chain(std::iter::once(' '));
        let kept: Vec<(usize, char)> = named
            .enumerate()
            .filter(|(_, c)| *c == '\0' || stands_on_plates(*c))
            .collect();
        let column =
            |row: usize, class: usize| made.get(row * classes + class).copied().unwrap_or_default().ln();
        Ok(Self {
            characters: kept.iter().map(|(_, c)| *c).collect(),
            biases: kept.iter().map(|(class, _)| column(WIDTH, *class)).collect(),
            weights: kept
                .iter()
                .map(|(class, _)| {
                    let bias = column(WIDTH, *class);
                    std::array::from_fn(|feature| (column(feature, *class) - bias) / PROBE)
                })
                .collect(),
        })
    }
}

/// Latin letters, digits and the signs that plates use.
fn stands_on_plates(c: char) -> bool {
    // From the space to ~, and from the signs before À to ÿ: º, ª, °, ±, ², ³, · are among these.
    matches!(c, ' '..='~' | '¡'..='ÿ' | '№' | 'Ω' | '–' | '—')
}

fn pinned(folder: &Path, file: &'static str, sum: &str) -> Result<Vec<u8>, ModelError> {
    let bytes = std::fs::read(folder.join(file)).map_err(|reason| ModelError::File { file, reason })?;
    if hex::encode(Sha256::digest(&bytes)) == sum {
        Ok(bytes)
    } else {
        Err(ModelError::Checksum(file))
    }
}

fn model(file: &'static str, bytes: Vec<u8>) -> Result<Model, ModelError> {
    ModelOptions::with_all_ops().load(bytes).map_err(unusable(file))
}

fn unusable<E: std::fmt::Display>(file: &'static str) -> impl FnOnce(E) -> ModelError {
    move |reason| ModelError::Unusable {
        file,
        reason: reason.to_string(),
    }
}
