//! A training set on the host, in `f32`: what streams through a device that cannot hold it.

use crate::data::{Dataset, Targets};
use crate::model::Network;

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
}

impl Rows {
    /// No rows yet, of the widths of `network`.
    pub fn new(network: &Network) -> Rows {
        Rows { inputs: network.inputs(), outputs: network.outputs(), ..Rows::default() }
    }

    /// Takes the samples of `data` in place of those before.
    pub fn set(&mut self, data: &Dataset) {
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

    /// The rows `order`, in that order. Every index must be that of a row put in place.
    pub fn take(&self, order: &[u32]) -> Rows {
        Rows {
            inputs: self.inputs,
            outputs: self.outputs,
            x: take(&self.x, self.inputs, order),
            classes: take(&self.classes, 1, order),
            numbers: take(&self.numbers, self.outputs, order),
        }
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
fn take<T: Copy>(values: &[T], width: usize, order: &[u32]) -> Vec<T> {
    let mut taken = Vec::with_capacity(if values.is_empty() { 0 } else { order.len() * width });
    for &i in order.iter().take_while(|_| !values.is_empty()) {
        taken.extend_from_slice(&values[i as usize * width..][..width]);
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Activation, Loss};
    use crate::model::DenseShape;

    #[test]
    fn pieces_make_the_same_rows_as_the_whole_set() {
        let layer = DenseShape { inputs: 2, outputs: 1, activation: Activation::Identity, bias: true };
        let network = Network { layers: vec![layer], loss: Loss::Mse };
        let mut pieces = Rows::new(&network);
        pieces.put(0, &[0.0, 1.0], RowTargets::Numbers(&[0.5]));
        pieces.put(1, &[10.0, 11.0, 20.0, 21.0], RowTargets::Numbers(&[1.5, 2.5]));
        let mut whole = Rows::new(&network);
        whole.set(&Dataset::numbers(&[0.0, 1.0, 10.0, 11.0, 20.0, 21.0], 2, &[0.5, 1.5, 2.5], 1));
        for rows in [&pieces, &whole] {
            let part = rows.take(&[2, 0]);
            assert_eq!(part.x(), [20.0, 21.0, 0.0, 1.0]);
            assert!(matches!(part.targets(), RowTargets::Numbers([2.5, 0.5])));
        }
        let mut classes = Rows::new(&network);
        classes.put(0, &[0.0, 1.0, 10.0, 11.0], RowTargets::Classes(&[4, 7]));
        assert!(matches!(classes.take(&[1, 1]).targets(), RowTargets::Classes([7, 7])));
    }
}
