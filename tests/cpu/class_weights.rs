//! Weights of classes.

use wgrad::spec::ClassWeights;

/// sklearn.utils.class_weight.compute_class_weight("balanced", classes=[0, 1, 2], y=[0, 0, 0, 1, 2, 2]) gives
/// 2/3, 2 and 1.
#[test]
fn balanced_weights_are_scikit_learns() {
    let names = ["a", "b", "c"].map(String::from);
    let balanced = ClassWeights::Balanced.resolve(Some(&names), &[3, 1, 2]).unwrap();
    assert_eq!(balanced, [6.0 / 9.0, 2.0, 1.0]);
    // A class without rows is no class of the training rows.
    assert_eq!(ClassWeights::Balanced.resolve(Some(&names), &[3, 0, 1]).unwrap(), [4.0 / 6.0, 0.0, 2.0]);
}

#[test]
fn weights_by_name_leave_the_others_at_one() {
    let names = ["a", "b", "c"].map(String::from);
    let named = |name: &str| ClassWeights::Named([(name.to_string(), 3.0)].into());
    assert_eq!(named("b").resolve(Some(&names), &[1, 1, 1]).unwrap(), [1.0, 3.0, 1.0]);
    let message = named("d").resolve(Some(&names), &[1, 1, 1]).unwrap_err().to_string();
    assert!(message.contains("train.class_weights") && message.contains("\"d\" is no class"), "{message}");
    let message = named("a").resolve(None, &[3]).unwrap_err().to_string();
    assert!(message.contains("numbers") && message.contains("sample_weight"), "{message}");
    let message = ClassWeights::Listed(vec![1.0]).resolve(Some(&names), &[1, 1, 1]).unwrap_err().to_string();
    assert!(message.contains("1 weights for the 3 classes a, b, c"), "{message}");
}
