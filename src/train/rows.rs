//! A training set on the host, in `f32`: what streams through a device that cannot hold it.

use crate::data::{Dataset, Scaler, Targets};
use crate::model::Network;
use crate::train::metrics::true_class;
use std::sync::Arc;

/// Targets of rows, in the precision of the device.
#[derive(Debug, Clone, Copy)]
pub enum RowTargets<'a> {
    /// A class index a row.
    Classes(&'a [u32]),
    /// The network's outputs a row, row-major.
    Numbers(&'a [f32]),
}

/// Samples by row. Half of what a [`Dataset`] takes, and no conversion when a batch goes to the device.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    inputs: usize,
    outputs: usize,
    x: Vec<f32>,
    classes: Vec<u32>,
    numbers: Vec<f32>,
    /// Whether rows have weights of their own.
    weighted: bool,
    weights: Vec<f64>,
    /// Weights of the classes; none where all count alike.
    class_weights: Arc<[f64]>,
}

impl Rows {
    /// No rows yet, of the widths of `network`.
    pub fn new(network: &Network) -> Rows {
        Rows { inputs: network.inputs(), outputs: network.outputs(), ..Rows::default() }
    }

    /// No rows yet, with weights of their own or none.
    #[must_use]
    pub fn with_weights(self, weighted: bool) -> Rows {
        Rows { weighted, ..self }
    }

    /// No rows, but of the same widths and with the same weights of classes.
    pub fn blank(&self) -> Rows {
        let &Rows { inputs, outputs, weighted, .. } = self;
        Rows { inputs, outputs, weighted, class_weights: Arc::clone(&self.class_weights), ..Rows::default() }
    }

    /// Whether rows have weights of their own.
    pub fn is_weighted(&self) -> bool {
        self.weighted
    }

    /// Lets the rows of each class count as `weights` says.
    pub fn set_class_weights(&mut self, weights: &Arc<[f64]>) {
        self.class_weights = Arc::clone(weights);
    }

    /// How much each of `count` rows from `first` on counts: its own weight times that of its class. Nothing where all count
    /// alike.
    pub fn weights(&self, first: usize, count: usize) -> Vec<f64> {
        if !self.weighted && self.class_weights.is_empty() {
            return Vec::new();
        }
        let of_class = |row| if self.class_weights.is_empty() { 1.0 } else { self.class_weights[self.class_of(row)] };
        (first..first + count).map(|row| self.own_weight(row) * of_class(row)).collect()
    }

    /// The weight of a row without that of its class.
    pub fn own_weight(&self, row: usize) -> f64 {
        self.weights.get(row).copied().unwrap_or(1.0)
    }

    /// The class of a row whose target is one: an index, or the numbers that stand for it.
    pub fn class_of(&self, row: usize) -> usize {
        match self.targets() {
            RowTargets::Classes(classes) => classes[row] as usize,
            RowTargets::Numbers(values) => true_class(&values[row * self.outputs..][..self.outputs]),
        }
    }

    /// Takes the samples of `data` in place of those before.
    pub fn set(&mut self, data: &Dataset) {
        self.weighted = !data.weights.is_empty();
        self.weights.clone_from(&data.weights);
        let round = |values: &[f64]| values.iter().map(|v| *v as f32).collect();
        self.x = round(&data.x);
        match &data.targets {
            Targets::Classes(classes) => self.classes.clone_from(classes),
            Targets::Numbers { values, .. } => self.numbers = round(values),
        }
    }

    /// Puts rows in place from row `first` on.
    pub fn put(&mut self, first: usize, x: &[f32], targets: RowTargets<'_>) {
        put(&mut self.x, first * self.inputs, x);
        match targets {
            RowTargets::Classes(classes) => put(&mut self.classes, first, classes),
            RowTargets::Numbers(values) => put(&mut self.numbers, first * self.outputs, values),
        }
    }

    /// Takes the rows `order` of `all`, in that order, in place of those before. Every index must be that of a row of `all`.
    pub fn gather(&mut self, all: &Rows, order: &[u32]) {
        take(&mut self.x, &all.x, self.inputs, order);
        take(&mut self.classes, &all.classes, 1, order);
        take(&mut self.numbers, &all.numbers, self.outputs, order);
        take(&mut self.weights, &all.weights, 1, order);
    }

    /// The samples `order` of `data`, in that order, their features scaled.
    pub fn scaled(data: &Dataset, order: &[u32], scaler: &Scaler, network: &Network) -> Rows {
        let mut rows = Rows::new(network).with_weights(!data.weights.is_empty());
        let (inputs, outputs) = (rows.inputs, rows.outputs);
        rows.x.reserve_exact(order.len() * inputs);
        let mut x = Vec::with_capacity(inputs);
        for &row in order {
            let row = row as usize;
            x.clear();
            x.extend_from_slice(&data.x[row * inputs..][..inputs]);
            scaler.apply(&mut x);
            rows.x.extend(x.iter().map(|v| *v as f32));
            rows.weights.extend(data.weights.get(row));
            match &data.targets {
                Targets::Classes(classes) => rows.classes.push(classes[row]),
                Targets::Numbers { values, .. } => {
                    rows.numbers.extend(values[row * outputs..][..outputs].iter().map(|v| *v as f32));
                }
            }
        }
        rows
    }

    /// Takes `count` rows of `all` from `first` on in place of those before.
    pub fn copy(&mut self, all: &Rows, first: usize, count: usize) {
        let (x, targets) = all.part(first, count);
        self.x.clear();
        self.classes.clear();
        self.numbers.clear();
        self.put(0, x, targets);
        self.weights.clear();
        self.weights.extend(all.weights.iter().skip(first).take(count));
    }

    /// The rows whose words are `words`, one after the other.
    pub fn of_words(words: &[u32], network: &Network) -> Rows {
        let mut rows = Rows::new(network);
        let classes = network.loss.takes_class();
        let width = rows.inputs + if classes { 1 } else { rows.outputs };
        rows.resize(words.len() / width, classes);
        words.chunks_exact(width).enumerate().for_each(|(i, row)| rows.set_words(i, row));
        rows
    }

    /// Adds a row: features, then numbers or a class, as [`Rows::set_words`] takes them.
    pub fn push_words(&mut self, words: &[u32], classes: bool) {
        let row = self.len();
        self.resize(row + 1, classes);
        self.set_words(row, words);
    }

    /// Makes room for `count` rows of classes or numbers; what they hold is to be written.
    pub fn resize(&mut self, count: usize, classes: bool) {
        self.x.resize(count * self.inputs, 0.0);
        self.classes.resize(if classes { count } else { 0 }, 0);
        self.numbers.resize(if classes { 0 } else { count * self.outputs }, 0.0);
        self.weights.resize(if self.weighted { count } else { 0 }, 0.0);
    }

    /// Writes one row from the words of a [`RowCache`](crate::data::RowCache): features, then numbers or a class,
    /// then the weight where rows have one.
    pub fn set_words(&mut self, row: usize, words: &[u32]) {
        let (x, target) = words.split_at(self.inputs);
        let target = match (self.weights.get_mut(row), target.split_last()) {
            (Some(weight), Some((last, target))) => {
                *weight = f64::from(f32::from_bits(*last));
                target
            }
            _ => target,
        };
        let copy = |to: &mut [f32], from: &[u32]| to.copy_from_slice(bytemuck::cast_slice(from));
        copy(&mut self.x[row * self.inputs..][..self.inputs], x);
        match self.classes.get_mut(row) {
            Some(class) => *class = target[0],
            None => copy(&mut self.numbers[row * self.outputs..][..self.outputs], target),
        }
    }

    /// Adds a row without a target.
    pub fn push_features(&mut self, x: &[f64]) {
        self.x.extend(x.iter().map(|v| *v as f32));
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.x.len() / self.inputs.max(1)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.x.is_empty()
    }

    /// Bytes of the samples.
    pub fn size_bytes(&self) -> u64 {
        4 * (self.x.len() + self.classes.len() + self.numbers.len()) as u64
    }

    /// Features and targets of `count` rows from `first` on.
    pub fn part(&self, first: usize, count: usize) -> (&[f32], RowTargets<'_>) {
        let targets = match self.targets() {
            RowTargets::Classes(classes) => RowTargets::Classes(&classes[first..first + count]),
            RowTargets::Numbers(values) => {
                RowTargets::Numbers(&values[first * self.outputs..(first + count) * self.outputs])
            }
        };
        (&self.x[first * self.inputs..(first + count) * self.inputs], targets)
    }

    /// Features, row-major.
    pub fn x(&self) -> &[f32] {
        &self.x
    }

    /// Targets of every row.
    pub fn targets(&self) -> RowTargets<'_> {
        if self.classes.is_empty() { RowTargets::Numbers(&self.numbers) } else { RowTargets::Classes(&self.classes) }
    }
}

fn put<T: Copy + Default>(all: &mut Vec<T>, at: usize, part: &[T]) {
    let end = at + part.len();
    if all.len() < end {
        all.resize(end, T::default());
    }
    all[at..end].copy_from_slice(part);
}

/// Rows of `width` elements. A set without such targets has none to take.
fn take<T: Copy>(taken: &mut Vec<T>, values: &[T], width: usize, order: &[u32]) {
    taken.clear();
    for &i in order.iter().take_while(|_| !values.is_empty()) {
        taken.extend_from_slice(&values[i as usize * width..][..width]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Activation, Loss};
    use crate::model::Layer;

    #[test]
    fn pieces_make_the_same_rows_as_the_whole_set() {
        let layer = Layer::dense(2, 1, Activation::Identity, true);
        let network = Network { layers: vec![layer], loss: Loss::Mse };
        let mut pieces = Rows::new(&network);
        pieces.put(0, &[0.0, 1.0], RowTargets::Numbers(&[0.5]));
        pieces.put(1, &[10.0, 11.0, 20.0, 21.0], RowTargets::Numbers(&[1.5, 2.5]));
        let mut whole = Rows::new(&network);
        whole.set(&Dataset::numbers(&[0.0, 1.0, 10.0, 11.0, 20.0, 21.0], 2, &[0.5, 1.5, 2.5], 1));
        for rows in [&pieces, &whole] {
            let mut part = Rows::new(&network);
            part.gather(rows, &[2, 0]);
            assert_eq!(part.x(), [20.0, 21.0, 0.0, 1.0]);
            assert!(matches!(part.targets(), RowTargets::Numbers([2.5, 0.5])));
        }
        let mut classes = Rows::new(&network);
        classes.put(0, &[0.0, 1.0, 10.0, 11.0], RowTargets::Classes(&[4, 7]));
        let mut part = Rows::new(&network);
        part.gather(&classes, &[1, 1]);
        assert!(matches!(part.targets(), RowTargets::Classes([7, 7])));
        assert!(matches!(part.part(1, 1), ([10.0, 11.0], RowTargets::Classes([7]))));
    }
}
