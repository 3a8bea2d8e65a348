//! The tables of training steps: which rows a step takes, and their weights.

use crate::model::{index_table_name, weight_table};

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
    let mut shares = Vec::with_capacity(rows.len());
    add_shares(&mut shares, rows, weights);
    shares
}

fn add_shares(shares: &mut Vec<f64>, rows: &[u32], weights: &[f64]) {
    if weights.is_empty() {
        shares.extend(rows.iter().map(|_| 1.0 / rows.len() as f64));
        return;
    }
    let weight = |row: &u32| weights[*row as usize];
    let all: f64 = rows.iter().map(weight).sum();
    shares.extend(rows.iter().map(|row| if all > 0.0 { weight(row) / all } else { 0.0 }));
}

/// What the rows of several steps, `batch` of them each, count in the losses of their steps; `weights` as in [`shares`].
pub fn shares_of_steps(batch: usize, rows: &[u32], weights: &[f64]) -> Vec<f64> {
    let mut shares = Vec::with_capacity(rows.len());
    rows.chunks(batch).for_each(|step| add_shares(&mut shares, step, weights));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Optimizer, UpdateRule};

    fn batch_tables(rule: &UpdateRule, batch: usize, rows: &[u32], weights: &[f64]) -> BatchTables {
        divided(rule.parts(batch), batch, rows, &shares_of_steps(batch, rows, weights))
    }

    #[test]
    fn a_batch_in_parts_has_the_rows_and_weights_of_the_whole() {
        let rule = UpdateRule { accumulate: 3, ..Optimizer::sgd(0.1).into() };
        // A step of 7 rows and one of 2, in parts of 3, 3 and 1.
        let rows: Vec<u32> = (10..19).collect();
        let tables = batch_tables(&rule, 7, &rows, &[]);
        let (a, b) = (1.0 / 7.0, 0.5);
        let index = |name: &str, rows: &[u32]| (name.to_string(), rows.to_vec());
        assert_eq!(
            tables.indices,
            [
                index("index", &[10, 11, 12, 17, 18, 0]),
                index("index.1", &[13, 14, 15, 0, 0, 0]),
                index("index.2", &[16, 0, 0, 0, 0, 0])
            ]
        );
        let weight = |name: &str, weights: &[f64]| (name.to_string(), weights.to_vec());
        assert_eq!(
            tables.weights,
            [
                weight("weight.0", &[a, a, a, b, b, 0.0]),
                weight("weight.1", &[a, a, a, 0.0, 0.0, 0.0]),
                weight("weight.2", &[a, 0.0, 0.0, 0.0, 0.0, 0.0]),
                weight("weight", &[a, a, a, a, a, a, a, 0.0, 0.0, b, b, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
            ]
        );
    }

    /// The whole of a step is shared out, whatever its parts; a row of weight 0 stands among the others.
    #[test]
    fn weights_are_shares_of_their_step() {
        let rule = UpdateRule { accumulate: 2, ..Optimizer::sgd(0.1).into() };
        let tables = batch_tables(&rule, 3, &[3, 1, 0, 2], &[1.0, 0.0, 0.0, 3.0]);
        let weights: Vec<&[f64]> = tables.weights.iter().map(|(_, w)| &w[..]).collect();
        // Step 1 has the rows 3, 1 and 0, of which 1 is weightless, step 2 nothing that counts.
        assert_eq!(weights[..2], [&[0.75, 0.0, 0.0, 0.0][..], &[0.25, 0.0, 0.0, 0.0]]);
        assert_eq!(tables.indices[0].1, [3, 1, 2, 0]);
    }

    /// More parts than rows: a part a row.
    #[test]
    fn a_batch_has_no_more_parts_than_rows() {
        let rule = UpdateRule { accumulate: 100, ..Optimizer::sgd(0.1).into() };
        assert_eq!(rule.parts(3), (1, 3));
        assert_eq!(batch_tables(&rule, 3, &[5, 6, 7], &[]).indices.len(), 3);
        assert_eq!(UpdateRule { accumulate: 4, ..rule }.parts(10), (3, 4));
        assert_eq!(UpdateRule { accumulate: 1, ..rule }.parts(10), (10, 1));
    }
}
