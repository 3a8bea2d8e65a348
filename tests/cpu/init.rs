//! Initial parameters: names, shapes, spread and independence of the layers.

use wgrad::graph::Activation;
use wgrad::nn::init::{draw_parameters, initial_parameters, parameter_shapes};
use wgrad::nn::{Init, Layer};

fn layer(inputs: usize, outputs: usize, activation: Activation) -> Layer {
    Layer::dense(inputs, outputs, activation, true)
}

#[test]
fn names_and_shapes_are_those_of_the_parameters() {
    let layers = [layer(3, 4, Activation::Tanh), Layer::dense(4, 2, Activation::Relu, false)];
    let tensors = initial_parameters(&layers, 1);
    let found: Vec<_> = tensors.iter().map(|t| (t.name.clone(), t.shape.clone())).collect();
    assert_eq!(found, parameter_shapes(&layers));
    assert_eq!(found[0], ("layers.0.weight".to_owned(), vec![4, 3]));
    assert_eq!(found[1], ("layers.0.bias".to_owned(), vec![4]));
    assert_eq!(found[2], ("layers.1.weight".to_owned(), vec![2, 4]));
    assert_eq!(found.len(), 3);
    assert!(tensors.iter().all(|t| t.values.len() == t.shape.iter().product::<usize>()));
    assert!(tensors[1].values.iter().all(|&v| v == 0.0));
}

#[test]
fn weights_fill_their_bound_evenly() {
    for (activation, bound) in [
        (Activation::Sigmoid, (6.0_f64 / 300.0).sqrt()),
        (Activation::Relu, (6.0_f64 / 100.0).sqrt()),
        (Activation::LeakyRelu { slope: 2.0 }, (6.0_f64 / 500.0).sqrt()),
    ] {
        let weights = &initial_parameters(&[layer(100, 200, activation)], 3)[0].values;
        assert!(weights.iter().all(|v| v.abs() <= f64::from(bound as f32)));
        assert!(weights.iter().all(|&v| f64::from(v as f32) == v));
        // Mean 0 and variance bound^2 / 3; the standard errors are bound / sqrt(3 n) and bound^2 sqrt(4 / 45 n).
        let n = weights.len() as f64;
        let mean = weights.iter().sum::<f64>() / n;
        let variance = weights.iter().map(|v| v * v).sum::<f64>() / n;
        assert!(mean.abs() < 5.0 * bound / (3.0 * n).sqrt(), "{activation:?}: mean {mean}");
        let error = (variance - bound * bound / 3.0).abs();
        assert!(error < 5.0 * bound * bound * (4.0 / (45.0 * n)).sqrt(), "{activation:?}: variance {variance}");
    }
}

fn drawn(init: Init, inputs: usize, outputs: usize) -> Vec<f64> {
    draw_parameters(&[layer(inputs, outputs, Activation::Relu)], init, 5)[0].values.clone()
}

/// Mean and variance within five standard errors of those that the sources state; kurtosis tells uniform (1.8) from
/// normal (3), its standard error is at most sqrt(24 / n).
#[test]
fn every_method_has_the_spread_that_its_source_states() {
    let (inputs, outputs) = (120, 80);
    let n = (inputs * outputs) as f64;
    for (name, variance, kurtosis) in [
        ("glorot_uniform", 2.0 / 200.0, 1.8),
        ("xavier_normal", 2.0 / 200.0, 3.0),
        ("kaiming_uniform", 2.0 / 120.0, 1.8),
        ("he_normal", 2.0 / 120.0, 3.0),
        ("lecun_uniform", 1.0 / 120.0, 1.8),
        ("lecun_normal", 1.0 / 120.0, 3.0),
        ("uniform", 1.0 / 3.0, 1.8),
        ("normal", 1.0, 3.0),
    ] {
        let Some(init) = Init::by_name(name) else { panic!("no method {name}") };
        let values = drawn(init, inputs, outputs);
        let moment = |p: i32| values.iter().map(|v| v.powi(p)).sum::<f64>() / n;
        let (mean, found) = (moment(1), moment(2));
        assert!(mean.abs() < 5.0 * (variance / n).sqrt(), "{name}: mean {mean}");
        assert!((found - variance).abs() < 5.0 * variance * ((kurtosis - 1.0) / n).sqrt(), "{name}: {found}");
        let shape = moment(4) / (found * found);
        assert!((shape - kurtosis).abs() < 5.0 * (24.0 / n).sqrt(), "{name}: kurtosis {shape}");
    }
    assert!(drawn(Init::Zeros, 3, 4).iter().all(|v| *v == 0.0));
    let narrow = drawn(Init::Uniform { bound: 0.25 }, 50, 50);
    assert!(narrow.iter().all(|v| v.abs() <= 0.25) && narrow.iter().any(|v| v.abs() > 0.24));
}

#[test]
fn orthogonal_rows_or_columns_have_the_length_of_the_gain() {
    for (inputs, outputs) in [(40, 30), (30, 40), (33, 33)] {
        let w = drawn(Init::Orthogonal { gain: 2.0 }, inputs, outputs);
        let at = |i: usize, k: usize| if outputs <= inputs { w[i * inputs + k] } else { w[k * inputs + i] };
        let (count, width) = (inputs.min(outputs), inputs.max(outputs));
        for i in 0..count {
            for j in 0..=i {
                let product: f64 = (0..width).map(|k| at(i, k) * at(j, k)).sum();
                let expected = if i == j { 4.0 } else { 0.0 };
                // Each value was rounded to f32: 2^-24 of it, over sums of absolute products of at most 4.
                assert!((product - expected).abs() < 3.0 * 4.0 * (-24_f64).exp2(), "{i} {j}: {product}");
            }
        }
    }
}

#[test]
fn every_name_has_a_method_and_auto_follows_the_activation() {
    for name in Init::NAMES {
        let Some(init) = Init::by_name(name) else { panic!("no method {name}") };
        assert_eq!(Init::by_name(init.name()), Some(init));
    }
    assert_eq!(Init::by_name("he"), None);
    assert_eq!(Init::Auto.resolve(Activation::Tanh), Init::GlorotUniform);
    assert_eq!(Init::Auto.resolve(Activation::Gelu), Init::HeUniform);
    assert_eq!(Init::Zeros.resolve(Activation::Gelu), Init::Zeros);
}

#[test]
fn a_layer_keeps_its_weights_when_another_changes() {
    let first = layer(5, 6, Activation::Tanh);
    let second = layer(6, 7, Activation::Tanh);
    let both = [first, second.clone()];
    let a = initial_parameters(&both, 1);
    let b = initial_parameters(&[Layer::dense(9, 6, Activation::Tanh, false), second], 1);
    assert_eq!(a[2], b[1]);
    assert_ne!(a[0].values[..30], a[2].values[..30]);
    assert_ne!(a, initial_parameters(&both, 2));
    assert_eq!(a, initial_parameters(&both, 1));
}
