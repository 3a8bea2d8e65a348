//! Pictures of a trained network for its report: the samples that it classifies worst, what it makes of targets that are
//! pictures, and what it says of every point of a plane. They are made by the CPU path on an engine of its own, so that the
//! run's device is left alone.

use super::engine::{Engine, Roles, forward_piece};
use super::metrics::{predicted_class, probabilities};
use super::run_folder::Preprocessing;
use super::samples::SampleSet;
use crate::data::{Dataset, RowTargets, Schema};
use crate::error::Result;
use crate::exec::Device;
use crate::graph::Loss;
use crate::kernels::loss::Output;
use crate::nn::{Network, Tensor};
use crate::report::{Misread, Picture, Portrait, Reconstruction};
use crate::spec::Spec;

mod surface;

/// Rows that are looked at, at most: the report is not to take longer than the training.
const MOST_ROWS: usize = 16_384;
/// Networks beyond this are not depicted: a second copy of them could be too much for the host.
const MOST_PARAMETERS: usize = 1 << 24;
/// Worst samples shown.
pub const WORST: usize = 12;
/// Reconstructions shown.
const RECONSTRUCTIONS: usize = 12;
/// Pixels across and down of a picture in a report; a larger one is drawn smaller.
const PICTURE_SIDE: usize = 32;
/// The least side of a square that a number of features is taken for: below, features are seldom pixels.
const LEAST_SIDE: usize = 8;

/// What is depicted.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The network.
    pub network: &'a Network,
    /// Its parameters.
    pub parameters: &'a [Tensor],
    /// Columns, classes, scaler.
    pub preprocessing: &'a Preprocessing,
    /// Samples to show, scaled.
    pub samples: &'a SampleSet,
    /// Whether they are validation rows.
    pub validation: bool,
    /// Rows and columns of pixels, where samples are pictures.
    pub image: Option<[usize; 2]>,
}

/// Rows and columns of pixels of a sample: those of a folder of pictures; else as the spec says, or a square from 64 numbers
/// on.
pub fn image_of(spec: &Spec, schema: &Schema) -> Option<[usize; 2]> {
    if let Some([rows, columns, _]) = schema.pictures {
        return Some([rows, columns]);
    }
    let features = schema.features.len();
    let side = features.isqrt();
    let square = (side >= LEAST_SIDE && side * side == features).then_some([side, side]);
    spec.data.image.or(square).filter(|[rows, columns]| rows.checked_mul(*columns) == Some(features))
}

impl Subject<'_> {
    fn classes(&self) -> Option<&[String]> {
        self.preprocessing.schema.classes.as_deref()
    }

    /// Whether targets are pictures of the samples' size.
    fn makes_pictures(&self) -> bool {
        self.classes().is_none() && self.image.is_some_and(|[h, w]| h * w == self.network.outputs())
    }
}

/// The pictures that there are to make.
///
/// # Errors
/// What an engine on the CPU fails with; [`crate::Error::Io`] where samples cannot be read.
pub async fn portray(subject: &Subject<'_>) -> Result<Portrait> {
    let network = subject.network;
    let pictures = subject.image.is_some() && (subject.classes().is_some() || subject.makes_pictures());
    let plane = network.inputs() == 2 && (subject.classes().is_some() || network.outputs() == 1);
    if !(pictures || plane) || network.parameter_count() > MOST_PARAMETERS {
        return Ok(Portrait::default());
    }
    let device = Device::cpu();
    let wanted = subject.samples.rows.min(MOST_ROWS).max(if plane { surface::POINTS } else { 1 });
    let piece = forward_piece(network, device.limits()).min(wanted);
    let mut engine = Engine::open(&device, network, Roles { predict: Some(piece), ..Roles::default() }).await?;
    engine.write_parameters(subject.parameters)?;
    let mut gallery = Gallery::default();
    let mut feed = subject.samples.in_order(piece.min(subject.samples.rows.max(1)));
    while gallery.rows < MOST_ROWS {
        let Some(rows) = feed.take()? else { break };
        let predictions = engine.predict_rows(&rows).await?;
        gallery.look(subject, &rows, &predictions);
        feed.give_back(rows);
    }
    let mut portrait = gallery.finish(subject);
    portrait.validation = subject.validation;
    if plane {
        portrait.surface = surface::draw(subject, &gallery.rows_seen, &mut engine).await?;
    }
    Ok(portrait)
}

/// What is worth showing of the rows seen so far.
#[derive(Default)]
pub struct Gallery {
    rows: usize,
    /// The lowest scores, rising; [`WORST`] at most.
    pub worst: Vec<Candidate>,
    /// Targets and outputs of the first rows.
    made: Vec<(Vec<f64>, Vec<f64>)>,
    /// Features, scaled, and classes of the first rows.
    rows_seen: Vec<(Vec<f32>, usize)>,
}

/// A sample that may be among the worst.
pub struct Candidate {
    /// What the network gives its class, see [`score`].
    pub score: f64,
    /// Its number, from 1.
    pub row: usize,
    /// Its features, scaled.
    pub x: Vec<f32>,
    /// Its class.
    pub truth: usize,
    /// The class that the network takes it for.
    pub predicted: usize,
}

impl Gallery {
    fn look(&mut self, subject: &Subject<'_>, rows: &Dataset<f32>, predictions: &[f64]) {
        let (inputs, outputs, loss) = (subject.network.inputs(), subject.network.outputs(), subject.network.loss);
        for (i, raw) in predictions.chunks(outputs).enumerate() {
            let x = &rows.x[i * inputs..][..inputs];
            let (truth, y) = (rows.class_of(i), probabilities(raw, loss));
            if subject.classes().is_some() && subject.image.is_some() {
                let (score, predicted) = (score(&y, truth, loss), predicted_class(raw, loss));
                self.consider(Candidate { score, row: self.rows + 1, x: x.to_vec(), truth, predicted });
            }
            let is_shown = subject.makes_pictures() && self.made.len() < RECONSTRUCTIONS;
            if let (RowTargets::Numbers(values), true) = (rows.row_targets(), is_shown) {
                let target = &values[i * outputs..][..outputs];
                self.made.push((target.iter().map(|t| f64::from(*t)).collect(), y));
            }
            if self.rows_seen.len() < surface::POINTS && inputs == 2 {
                self.rows_seen.push((x.to_vec(), truth));
            }
            self.rows += 1;
        }
    }

    /// Keeps a sample if it is among the worst; of equals the first ones stay.
    pub fn consider(&mut self, candidate: Candidate) {
        let at = self.worst.partition_point(|other| other.score <= candidate.score);
        if at < WORST {
            self.worst.insert(at, candidate);
            self.worst.truncate(WORST);
        }
    }

    fn finish(&self, subject: &Subject<'_>) -> Portrait {
        let mut portrait = Portrait { rows: self.rows, ..Portrait::default() };
        let (Some(image), classes) = (subject.image, subject.classes().unwrap_or_default()) else { return portrait };
        let shown = |x: &[f32]| {
            let mut x: Vec<f64> = x.iter().map(|v| f64::from(*v)).collect();
            subject.preprocessing.scaler.invert(&mut x);
            x
        };
        let samples: Vec<Vec<f64>> = self.worst.iter().map(|c| shown(&c.x)).collect();
        let gray = range(samples.iter().flatten().copied());
        let name = |class: usize| classes.get(class).cloned().unwrap_or_else(|| class.to_string());
        portrait.worst = (self.worst.iter().zip(&samples))
            .map(|(c, x)| Misread {
                row: c.row,
                picture: picture(x, image, gray),
                truth: name(c.truth),
                predicted: name(c.predicted),
                score: c.score,
            })
            .collect();
        let gray = range(self.made.iter().flat_map(|(target, _)| target).copied());
        let pair = |(target, output): &(Vec<f64>, Vec<f64>)| Reconstruction {
            target: picture(target, image, gray),
            output: picture(output, image, gray),
        };
        portrait.reconstructions = self.made.iter().map(pair).collect();
        portrait
    }
}

/// What the network gives the class of a row: its probability, or the output where outputs are none.
pub fn score(y: &[f64], truth: usize, loss: Loss) -> f64 {
    match y {
        [y] if truth == 1 => *y,
        [y] if loss.output() == Output::Margin => -y,
        [y] => 1.0 - y,
        many => many.get(truth).copied().unwrap_or(f64::NAN),
    }
}

/// The least and the greatest of `values`.
fn range(values: impl Iterator<Item = f64>) -> [f64; 2] {
    values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], v| [low.min(v), high.max(v)])
}

/// Numbers as gray, the least of `range` black. A picture larger than `PICTURE_SIDE` is drawn by the means of squares.
pub fn picture(values: &[f64], [rows, columns]: [usize; 2], [low, high]: [f64; 2]) -> Picture {
    let block = rows.max(columns).div_ceil(PICTURE_SIDE).max(1);
    let (height, width) = (rows.div_ceil(block), columns.div_ceil(block));
    let gray =
        |mean: f64| if high > low { ((mean - low) / (high - low) * 255.0).round().clamp(0.0, 255.0) as u8 } else { 0 };
    let channels = (values.len() / (rows * columns).max(1)).max(1);
    let brightness = |pixel: usize| values[pixel * channels..][..channels].iter().sum::<f64>() / channels as f64;
    let mut pixels = Vec::with_capacity(height * width);
    for top in (0..rows).step_by(block) {
        for left in (0..columns).step_by(block) {
            let (down, across) = (top..rows.min(top + block), left..columns.min(left + block));
            let count = down.len() * across.len();
            let sum: f64 = down.flat_map(|r| across.clone().map(move |c| brightness(r * columns + c))).sum();
            pixels.push(gray(sum / count as f64));
        }
    }
    Picture { width, pixels }
}
