//! How much each training row counts in the loss: its own weight times that of its class.

use super::samples::SampleSet;
use crate::error::{Error, Result};
use crate::kernels::Scalar;
use crate::spec::{ClassWeights, Spec};

/// Rows that are looked through at a time.
const PIECE: usize = 4096;

/// What is known of the rows of a class.
#[derive(Debug, Clone, Copy, Default)]
struct ClassRows {
    rows: usize,
    /// Whether one of them has a weight of its own above 0.
    counts: bool,
}

/// Gives the training rows `set` the weights of their classes, and returns these: nothing where all count alike. `classes` are
/// the names of the classes, where there are any.
///
/// # Errors
/// [`Error::Spec`] for weights of classes that are not there; [`Error::Data`] where no row counts; [`Error::Io`].
pub(super) fn weigh<T: Scalar>(set: &mut SampleSet<T>, spec: &Spec, classes: Option<&[String]>) -> Result<Vec<f64>> {
    let wish = &spec.train.class_weights;
    if *wish == ClassWeights::Equal && !set.is_weighted() {
        return Ok(Vec::new());
    }
    let found = look_through(set, classes.map_or(1, <[String]>::len))?;
    let rows: Vec<usize> = found.iter().map(|f| f.rows).collect();
    let weights = wish.resolve(classes, &rows)?;
    let counts = |(class, found): (usize, &ClassRows)| found.counts && weights.get(class).is_none_or(|w| *w > 0.0);
    if !found.iter().enumerate().any(counts) {
        let message = "every training row has weight 0, so that there is nothing to learn. Correct the column named in \
                       data.sample_weight, or train.class_weights";
        return Err(Error::data(spec.data.train.path.display().to_string(), message));
    }
    set.weigh(&weights);
    Ok(weights)
}

fn look_through<T: Scalar>(set: &SampleSet<T>, classes: usize) -> Result<Vec<ClassRows>> {
    let mut found = vec![ClassRows::default(); classes.max(1)];
    let mut feed = set.in_order(PIECE);
    while let Some(rows) = feed.take()? {
        for row in 0..rows.rows {
            let class = if classes > 1 { rows.class_of(row) } else { 0 };
            if let Some(of) = found.get_mut(class) {
                of.rows += 1;
                of.counts |= rows.weights.get(row).is_none_or(|weight| *weight > 0.0);
            }
        }
        feed.give_back(rows);
    }
    Ok(found)
}
