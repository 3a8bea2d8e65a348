//! The tables of training steps: which rows a step takes, in parts, and what each counts.

use wgrad::graph::{Optimizer, UpdateRule};
use wgrad::testing::train::tables::{BatchTables, divided, shares_of_steps};

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
