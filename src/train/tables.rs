//! The tables of training steps: which rows a step takes, and their weights.

use crate::nn::{index_table_name, weight_table};

/// Index and weight tables of some steps, by name, without the plan's prefix.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BatchTables {
    /// Rows of the data set.
    pub indices: Vec<(String, Vec<u32>)>,
    /// Weights of these rows in the loss.
    pub weights: Vec<(String, Vec<f64>)>,
}

/// What each of the rows of a step counts in its loss: its share of their weights together, PyTorch's mean of losses with
/// weights. `weights` are those of all rows, or nothing where all count alike. A step of weight 0 has no loss and no gradient.
pub fn shares(rows: &[u32], weights: &[f64]) -> Vec<f64> {
    shares_of_steps(rows.len().max(1), rows, weights)
}

/// What the rows of several steps, `batch` of them each, count in the losses of their steps; `weights` as in [`shares`].
pub fn shares_of_steps(batch: usize, rows: &[u32], weights: &[f64]) -> Vec<f64> {
    let weight = |row: &u32| if weights.is_empty() { 1.0 } else { weights[*row as usize] };
    let mut shares = Vec::with_capacity(rows.len());
    for step in rows.chunks(batch) {
        let all: f64 = step.iter().map(weight).sum();
        shares.extend(step.iter().map(|row| if all > 0.0 { weight(row) / all } else { 0.0 }));
    }
    shares
}

/// The tables for the steps that take `rows`, `batch` of them each, in `count` parts of `size`. What a step or a part of it has to
/// spare is filled up with row 0 at weight 0, which contributes exactly nothing.
pub fn divided((size, count): (usize, usize), batch: usize, rows: &[u32], shares: &[f64]) -> BatchTables {
    let mut tables = BatchTables::default();
    for part in 0..count {
        let mut indices = Vec::new();
        let mut weights = Vec::new();
        for (step, shares) in rows.chunks(batch).zip(shares.chunks(batch)) {
            let mine = (part * size).min(step.len())..((part + 1) * size).min(step.len());
            let end = indices.len() + size;
            indices.extend_from_slice(&step[mine.clone()]);
            indices.resize(end, 0);
            weights.extend_from_slice(&shares[mine]);
            weights.resize(end, 0.0);
        }
        tables.indices.push((index_table_name(part), indices));
        let name = if count == 1 { "weight".to_string() } else { weight_table(part) };
        tables.weights.push((name, weights));
    }
    if count > 1 {
        // All parts of a step one behind the other, as their losses lie.
        let steps = rows.len().div_ceil(batch);
        let of = |step: usize| tables.weights.iter().flat_map(move |(_, w)| w[step * size..][..size].iter().copied());
        let all = (0..steps).flat_map(of).collect();
        tables.weights.push(("weight".into(), all));
    }
    tables
}
