//! Samples in memory: parts of them, rows as words, weights.

use wgrad::data::{Dataset, RowTargets, TargetRule, Targets};
use wgrad::graph::Loss;
use wgrad::kernels::Scalar;
use wgrad::testing::data as inner;

fn blank(loss: Loss) -> Dataset<f32> {
    inner::blank(2, Some(TargetRule { loss, outputs: 1 }))
}

#[test]
fn a_subset_takes_features_targets_and_weights_of_the_same_rows() {
    let data = Dataset::numbers(&[0.0, 1.0, 10.0, 11.0, 20.0, 21.0], 2, &[0.5, 1.5, 2.5], 1);
    let part = data.clone().weighted(&[1.0, 0.0, 4.0]).subset(&[2, 0]);
    assert_eq!(part, Dataset::numbers(&[20.0, 21.0, 0.0, 1.0], 2, &[2.5, 0.5], 1).weighted(&[4.0, 1.0]));
    let classes = Dataset { targets: Targets::Classes(vec![4, 5, 6]), ..data };
    assert_eq!(classes.subset(&[1, 1]).targets, Targets::Classes(vec![5, 5]));
}

#[test]
fn pieces_make_the_same_rows_as_the_whole_set() {
    let mut pieces = blank(Loss::Mse);
    inner::put(&mut pieces, 0, &[0.0, 1.0], RowTargets::Numbers(&[0.5]));
    inner::put(&mut pieces, 1, &[10.0, 11.0, 20.0, 21.0], RowTargets::Numbers(&[1.5, 2.5]));
    let whole = Dataset::numbers(&[0.0, 1.0, 10.0, 11.0, 20.0, 21.0], 2, &[0.5, 1.5, 2.5], 1);
    assert_eq!(pieces, inner::cast(&whole));
    let mut classes = blank(Loss::cross_entropy());
    inner::put(&mut classes, 0, &[0.0, 1.0, 10.0, 11.0], RowTargets::Classes(&[4, 7]));
    assert!(matches!(inner::part(&classes, 1..2), ([10.0, 11.0], RowTargets::Classes([7]))));
}

#[test]
fn words_hold_a_row_whole() {
    let data = Dataset::classes(&[0.5, -1.0, 3.0, 4.0], 2, &[7, 9]).weighted(&[0.25, 2.0]);
    let numbers = Dataset::numbers(&[0.1, -1.0, 3.0, 4.0], 2, &[1.5, 2.5], 1);
    there_and_back(&data);
    there_and_back(&numbers);
    there_and_back(&inner::cast::<f32>(&data));
    there_and_back(&inner::cast::<f32>(&numbers));

    fn there_and_back<T: Scalar>(data: &Dataset<T>) {
        let (mut words, mut back) = (Vec::new(), inner::blank_like(data));
        inner::words(data, 0, &mut words);
        inner::resize(&mut back, 2, words.len());
        for row in [1, 0] {
            inner::words(data, row, &mut words);
            inner::set_words(&mut back, row, &words);
        }
        assert_eq!(back, *data);
    }
}

#[test]
fn a_row_has_the_product_of_its_own_weight_and_its_class_s() {
    let mut data = Dataset::classes(&[0.0; 3], 1, &[1, 0, 1]);
    inner::weigh(&mut data, &[]);
    assert!(data.weights.is_empty());
    inner::weigh(&mut data, &[3.0, 0.5]);
    assert_eq!(data.weights, [0.5, 3.0, 0.5]);
    let mut data = data.weighted(&[2.0, 1.0, 4.0]);
    inner::weigh(&mut data, &[3.0, 0.5]);
    assert_eq!(data.weights, [1.0, 3.0, 2.0]);
}
