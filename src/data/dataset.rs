//! Samples in memory: `f32` where they go to a device as they are, `f64` where they are given so or must stay unrounded.

use super::{Scaler, TargetRule};
use crate::kernels::Scalar;
use std::iter::once;
use std::ops::Range;

/// What the network is to learn, one entry (or one row of entries) per sample.
#[derive(Debug, Clone, PartialEq)]
pub enum Targets<T = f64> {
    /// A class index per row, below the number of classes.
    Classes(Vec<u32>),
    /// Numbers, rows x `width`, row-major. `width` 0 means that there are no targets (a file to predict on).
    Numbers {
        /// Numbers per row: the network's outputs.
        width: usize,
        /// rows x width values.
        values: Vec<T>,
    },
}

/// The targets of some rows, in the precision of the device.
#[derive(Debug, Clone, Copy)]
pub enum RowTargets<'a> {
    /// A class index per row.
    Classes(&'a [u32]),
    /// The network's outputs per row, row-major.
    Numbers(&'a [f32]),
}

/// Samples in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset<T = f64> {
    /// Numbers per row of `x`: the network's inputs.
    pub inputs: usize,
    /// Number of samples.
    pub rows: usize,
    /// rows x inputs, row-major.
    pub x: Vec<T>,
    /// What belongs to each row.
    pub targets: Targets<T>,
    /// How much each row counts in a loss that is learnt from, finite and at least 0; empty where all count alike.
    pub weights: Vec<f64>,
}

impl<T: Scalar> Dataset<T> {
    /// No samples yet, of so many inputs; `rule` is what their targets are for, none for samples to predict on.
    pub(crate) fn blank(inputs: usize, rule: Option<TargetRule>) -> Dataset<T> {
        let targets = match rule {
            Some(rule) if rule.loss.takes_class() => Targets::Classes(Vec::new()),
            rule => Targets::Numbers { width: rule.map_or(0, |rule| rule.outputs), values: Vec::new() },
        };
        Dataset { inputs, rows: 0, x: Vec::new(), targets, weights: Vec::new() }
    }

    /// No samples, of the same widths.
    pub(crate) fn blank_like<U: Scalar>(&self) -> Dataset<U> {
        let targets = match &self.targets {
            Targets::Classes(_) => Targets::Classes(Vec::new()),
            Targets::Numbers { width, .. } => Targets::Numbers { width: *width, values: Vec::new() },
        };
        Dataset { inputs: self.inputs, rows: 0, x: Vec::new(), targets, weights: Vec::new() }
    }

    /// Drops all samples and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.take_parts(&self.blank_like(), std::iter::empty());
    }

    /// The rows `order`, in that order. Every index must be below `rows`.
    #[must_use]
    pub fn subset(&self, order: &[u32]) -> Dataset<T> {
        let mut rows = self.blank_like();
        rows.gather(self, order);
        rows
    }

    /// Takes the rows `order` of `all`, in that order, in place of those before.
    pub(crate) fn gather(&mut self, all: &Dataset<T>, order: &[u32]) {
        self.take_parts(all, order.iter().map(|&row| row as usize..row as usize + 1));
    }

    /// Takes the rows `rows` of `all` in place of those before.
    pub(crate) fn copy(&mut self, all: &Dataset<T>, rows: Range<usize>) {
        self.take_parts(all, once(rows));
    }

    fn take_parts(&mut self, all: &Dataset<T>, parts: impl Iterator<Item = Range<usize>> + Clone) {
        take(&mut self.x, &all.x, self.inputs, parts.clone());
        match (&mut self.targets, &all.targets) {
            (Targets::Classes(to), Targets::Classes(from)) => take(to, from, 1, parts.clone()),
            (Targets::Numbers { width, values: to }, Targets::Numbers { values: from, .. }) => {
                take(to, from, *width, parts.clone());
            }
            (to, from) => *to = from.clone(),
        }
        take(&mut self.weights, &all.weights, 1, parts.clone());
        self.rows = parts.map(|part| part.len()).sum();
    }

    /// The same samples in another precision.
    pub(crate) fn cast<U: Scalar>(&self) -> Dataset<U> {
        let round = |values: &[T]| values.iter().map(|v| U::of(v.widen())).collect();
        let targets = match &self.targets {
            Targets::Classes(classes) => Targets::Classes(classes.clone()),
            Targets::Numbers { width, values } => Targets::Numbers { width: *width, values: round(values) },
        };
        Dataset { inputs: self.inputs, rows: self.rows, x: round(&self.x), targets, weights: self.weights.clone() }
    }

    /// Adds the features of a row.
    pub(crate) fn push_features(&mut self, x: &[f64]) {
        self.x.extend(x.iter().map(|v| T::of(*v)));
        self.rows += 1;
    }

    /// Bytes of the samples.
    pub(crate) fn size_bytes(&self) -> usize {
        size_of_val(&self.x[..])
            + match &self.targets {
                Targets::Classes(classes) => size_of_val(&classes[..]),
                Targets::Numbers { values, .. } => size_of_val(&values[..]),
            }
    }

    /// The class of a row whose target is one: an index, or the numbers that stand for it.
    pub(crate) fn class_of(&self, row: usize) -> usize {
        match &self.targets {
            Targets::Classes(classes) => classes[row] as usize,
            Targets::Numbers { width, values } => true_class(&values[row * width..][..*width]),
        }
    }

    /// Multiplies the weight of each row by that of its class; `class_weights` are empty where all count alike.
    pub(crate) fn weigh(&mut self, class_weights: &[f64]) {
        if !class_weights.is_empty() {
            self.weights.resize(self.rows, 1.0);
            (0..self.rows).for_each(|row| self.weights[row] *= class_weights[self.class_of(row)]);
        }
    }

    /// Words of 4 bytes per row, without its weight.
    pub(crate) fn plain_words(&self) -> usize {
        let per_number = size_of::<T>() / 4;
        match &self.targets {
            Targets::Classes(_) => self.inputs * per_number + 1,
            Targets::Numbers { width, .. } => (self.inputs + width) * per_number,
        }
    }

    /// Makes room for `count` rows of `words` words; what they hold is to be written.
    pub(crate) fn resize(&mut self, count: usize, words: usize) {
        let weights = if words > self.plain_words() { count } else { 0 };
        self.rows = count;
        self.x.resize(count * self.inputs, T::default());
        match &mut self.targets {
            Targets::Classes(classes) => classes.resize(count, 0),
            Targets::Numbers { width, values } => values.resize(count * *width, T::default()),
        }
        self.weights.resize(weights, 0.0);
    }

    /// The words of a row as a [`RowCache`](super::RowCache) holds them: features, then numbers or a class, then the weight
    /// where rows have one.
    pub(crate) fn words(&self, row: usize, words: &mut Vec<u32>) {
        words.clear();
        words.extend_from_slice(bytemuck::cast_slice(&self.x[row * self.inputs..][..self.inputs]));
        match &self.targets {
            Targets::Classes(classes) => words.push(classes[row]),
            Targets::Numbers { width, values } => {
                words.extend_from_slice(bytemuck::cast_slice(&values[row * width..][..*width]));
            }
        }
        words.extend(self.weights.get(row).map(|weight| (*weight as f32).to_bits()));
    }

    /// Writes a row from its [`Dataset::words`].
    pub(crate) fn set_words(&mut self, row: usize, words: &[u32]) {
        let (plain, weight) = words.split_at(self.plain_words());
        let (x, target) = plain.split_at(self.inputs * (size_of::<T>() / 4));
        let copy = |to: &mut [T], from: &[u32]| bytemuck::cast_slice_mut(to).copy_from_slice(from);
        copy(&mut self.x[row * self.inputs..][..self.inputs], x);
        match &mut self.targets {
            Targets::Classes(classes) => classes[row] = target[0],
            Targets::Numbers { width, values } => copy(&mut values[row * *width..][..*width], target),
        }
        weight.iter().for_each(|bits| self.weights[row] = f64::from(f32::from_bits(*bits)));
    }
}

impl Dataset {
    /// The rows `order` in that order, their features scaled, in another precision.
    pub(crate) fn scaled<T: Scalar>(&self, order: &[u32], scaler: &Scaler) -> Dataset<T> {
        let mut rows = self.blank_like();
        rows.x.reserve_exact(order.len() * self.inputs);
        let mut x = Vec::with_capacity(self.inputs);
        for &row in order {
            let row = row as usize;
            x.clear();
            x.extend_from_slice(&self.x[row * self.inputs..][..self.inputs]);
            scaler.apply(&mut x);
            rows.push_features(&x);
            rows.weights.extend(self.weights.get(row));
            match (&mut rows.targets, &self.targets) {
                (Targets::Classes(to), Targets::Classes(from)) => to.push(from[row]),
                (Targets::Numbers { width, values: to }, Targets::Numbers { values: from, .. }) => {
                    to.extend(from[row * *width..][..*width].iter().map(|v| T::of(*v)));
                }
                _ => {}
            }
        }
        rows
    }
}

impl Dataset<f32> {
    /// Targets of every row.
    pub(crate) fn row_targets(&self) -> RowTargets<'_> {
        self.part(0..self.rows).1
    }

    /// Features and targets of some rows.
    pub(crate) fn part(&self, rows: Range<usize>) -> (&[f32], RowTargets<'_>) {
        let targets = match &self.targets {
            Targets::Classes(classes) => RowTargets::Classes(&classes[rows.clone()]),
            Targets::Numbers { width, values } => RowTargets::Numbers(&values[rows.start * width..rows.end * width]),
        };
        (&self.x[rows.start * self.inputs..rows.end * self.inputs], targets)
    }

    /// Puts rows in place from row `first` on.
    pub(crate) fn put(&mut self, first: usize, x: &[f32], targets: RowTargets<'_>) {
        put(&mut self.x, first * self.inputs, x);
        match (&mut self.targets, targets) {
            (Targets::Classes(all), RowTargets::Classes(part)) => put(all, first, part),
            (Targets::Numbers { width, values }, RowTargets::Numbers(part)) => put(values, first * *width, part),
            _ => {}
        }
        self.rows = self.x.len() / self.inputs.max(1);
    }
}

/// The class behind an encoded target: the largest of a one-hot row, the positive side of a single 0/1 or -1/+1.
pub(crate) fn true_class<T: Scalar>(target: &[T]) -> usize {
    match target {
        [t] => usize::from(*t >= T::of(0.5)),
        many => (0..many.len()).fold(0, |best, i| if many[i] > many[best] { i } else { best }),
    }
}

fn put<T: Copy + Default>(all: &mut Vec<T>, at: usize, part: &[T]) {
    let end = at + part.len();
    if all.len() < end {
        all.resize(end, T::default());
    }
    all[at..end].copy_from_slice(part);
}

/// Rows of `width` elements. A set without such elements has none to take.
fn take<T: Copy>(taken: &mut Vec<T>, values: &[T], width: usize, parts: impl Iterator<Item = Range<usize>>) {
    taken.clear();
    if !values.is_empty() {
        parts.for_each(|part| taken.extend_from_slice(&values[part.start * width..part.end * width]));
    }
}
