//! What a network of two inputs says of every point of the plane in which its samples lie.

use super::{Subject, range};
use crate::data::Dataset;
use crate::error::Result;
use crate::graph::Loss;
use crate::kernels::loss::Output;
use crate::report::{Surface, SurfacePoint};
use crate::train::engine::Engine;
use crate::train::metrics::{predicted_class, probabilities};

/// Samples that are shown, at most: more hide what lies beneath them.
pub(super) const POINTS: usize = 600;
/// Cells across and down.
const SIDE: usize = 72;
/// Room around the samples, as a share of their range.
const MARGIN: f64 = 0.08;

/// Asks the network; `samples` are scaled. None where there are no samples, or a range is no finite number.
pub(super) async fn draw(
    subject: &Subject<'_>,
    samples: &[(Vec<f32>, usize)],
    engine: &mut Engine,
) -> Result<Option<Surface>> {
    let scaler = &subject.preprocessing.scaler;
    let point = |(x, class): &(Vec<f32>, usize)| {
        let mut at = [f64::from(x[0]), f64::from(x[1])];
        scaler.invert(&mut at);
        SurfacePoint { at, class: byte(*class) }
    };
    let points: Vec<SurfacePoint> = samples.iter().map(point).collect();
    let ranges = [0, 1].map(|axis| around(points.iter().map(|p| p.at[axis])));
    if points.is_empty() || !ranges.iter().flatten().all(|end| end.is_finite()) {
        return Ok(None);
    }
    let center = |axis: usize, cell: usize| {
        let [low, high] = ranges[axis];
        low + (high - low) * (cell as f64 + 0.5) / SIDE as f64
    };
    let mut answers = Vec::with_capacity(SIDE * SIDE * subject.network.outputs());
    // A row of cells at a time: the engine is open for more than that.
    for down in 0..SIDE {
        let mut rows = Dataset::blank(subject.network.inputs(), None);
        for across in 0..SIDE {
            let mut x = [center(0, across), center(1, down)];
            scaler.apply(&mut x);
            rows.push_features(&x);
        }
        answers.extend(engine.predict_rows(&rows).await?);
    }
    let mut surface = shade(subject, &answers);
    let name = |i: usize| subject.preprocessing.schema.features.get(i).cloned().unwrap_or_default();
    surface.columns = [name(0), name(1)];
    (surface.ranges, surface.side, surface.points) = (ranges, SIDE, points);
    Ok(Some(surface))
}

/// A class as a report keeps it.
fn byte(class: usize) -> u8 {
    class.min(usize::from(u8::MAX)) as u8
}

/// The range of `values` with room around it.
fn around(values: impl Iterator<Item = f64>) -> [f64; 2] {
    let [low, high] = range(values);
    let room = if high > low { (high - low) * MARGIN } else { 1.0 };
    [low - room, high + room]
}

/// Classes and shades of the cells with these outputs.
fn shade(subject: &Subject<'_>, answers: &[f64]) -> Surface {
    let (outputs, loss) = (subject.network.outputs(), subject.network.loss);
    let level = |share: f64| ((share * f64::from(Surface::LEVELS)) as u8).min(Surface::LEVELS - 1);
    if subject.classes().is_none() {
        let y: Vec<f64> = answers.iter().map(|raw| probabilities(&[*raw], loss)[0]).collect();
        let [low, high] = range(y.iter().copied());
        let share = |v: &f64| if high > low { (v - low) / (high - low) } else { 0.0 };
        return Surface {
            class: vec![0; y.len()],
            level: y.iter().map(|v| level(share(v))).collect(),
            numbers: Some([low, high]),
            ..Surface::default()
        };
    }
    let mut surface = Surface { classes: subject.classes().unwrap_or_default().to_vec(), ..Surface::default() };
    for raw in answers.chunks(outputs) {
        surface.class.push(byte(predicted_class(raw, loss)));
        surface.level.push(level(certainty(&probabilities(raw, loss), loss)));
    }
    surface
}

/// How far from a tie the outputs of a point are, from 0 to 1.
fn certainty(y: &[f64], loss: Loss) -> f64 {
    let distance = match y {
        [margin] if loss.output() == Output::Margin => margin.abs(),
        [p] => (p - 0.5).abs() * 2.0,
        many => {
            let [first, second] = many.iter().fold([f64::NEG_INFINITY; 2], |[first, second], v| {
                if *v > first { [*v, first] } else { [first, second.max(*v)] }
            });
            first - second
        }
    };
    distance.clamp(0.0, 1.0)
}
