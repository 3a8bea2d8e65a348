//! Gradients of random networks on the CPU against an independent float64 oracle, which is itself held against finite
//! differences first.

use crate::support;

use support::networks::{ACTIVATIONS, Case, LOSSES, Sketch, Spread, Width};
use support::oracle::{Answer, Batch, Layer, gradients};
use support::oracle_scalar::{activation, erfc};
use support::verdict::{Outcome, judge, property, run_one};
use wgrad::exec::Device;
use wgrad::graph::{Activation, Loss};

#[test]
fn gradients_in_f32_agree_with_the_oracle() {
    property(&Device::cpu(), Width::F32, 300);
}

#[test]
fn gradients_in_f64_agree_with_the_oracle() {
    property(&Device::cpu_f64(), Width::F64, 200);
}

/// Many more, for a long run: both precisions from another seed than the short test's.
#[test]
#[ignore = "takes minutes"]
fn soak() {
    for (device, width) in [(Device::cpu(), Width::F32), (Device::cpu_f64(), Width::F64)] {
        property(&device, width, 5000);
    }
}

/// Controls: what a broken kernel would make of a gradient must be found.
#[test]
fn a_wrong_gradient_is_found() {
    type Fault = fn(&mut [f64]);
    let faults: [(&str, Fault); 4] = [
        ("one sign", |g| {
            let largest = (0..g.len()).max_by(|&a, &b| g[a].abs().total_cmp(&g[b].abs())).unwrap();
            g[largest] = -g[largest];
        }),
        ("last element left out", |g| *g.last_mut().unwrap() = 0.0),
        ("a part in 10,000", |g| g.iter_mut().for_each(|v| *v *= 1.0001)),
        ("NaN", |g| g[0] = f64::NAN),
    ];
    for (loss, last) in [(Loss::Mse, Activation::Tanh), (Loss::cross_entropy(), Activation::Identity)] {
        let layers = vec![(33, Activation::Silu, true), (7, last, true)];
        let sketch = Sketch { inputs: 20, rows: 11, layers, loss, spread: Spread::FanIn, seed: 5 };
        let case = sketch.case(Width::F32);
        let expected = case.expected();
        let good = case.run(&Device::cpu());
        assert_eq!(judge(&case, &expected, &good, Width::F32), Ok(Outcome::Good));
        for tensor in 0..good.gradients.len() {
            for (what, fault) in faults {
                let mut bad = case.run(&Device::cpu());
                fault(&mut bad.gradients[tensor].values);
                let verdict = judge(&case, &expected, &bad, Width::F32);
                assert!(verdict.is_err(), "{what} in {} was not found", good.gradients[tensor].name);
            }
        }
        let mut bad = case.run(&Device::cpu());
        bad.loss *= 1.0001;
        assert!(judge(&case, &expected, &bad, Width::F32).is_err(), "a wrong loss was not found");
    }
}

/// The corners of the space: one of everything, and the largest.
#[test]
fn the_smallest_and_the_largest_networks_agree() {
    for activation in ACTIVATIONS {
        for loss in LOSSES {
            let last = if loss == Loss::BinaryCrossEntropy { Activation::Sigmoid } else { activation };
            let one = vec![(1, activation, true), (1, last, true)];
            let many = vec![(70, activation, true), (69, activation, false), (65, last, true)];
            for (inputs, rows, layers) in [(1, 1, one), (70, 97, many)] {
                let sketch = Sketch { inputs, rows, layers, loss, spread: Spread::FanIn, seed: 11 };
                let verdict = run_one(&sketch, &Device::cpu(), Width::F32);
                assert!(verdict.is_ok(), "{verdict:?}: {sketch:?}");
            }
        }
    }
}

/// The derivative of the loss by parameter `p` of layer `layer`, from five points around it: the error is
/// h^4 / 30 times the fifth derivative, and 1.5 / h times the rounding of the loss.
fn finite_difference(case: &Case, layer: usize, bias: bool, p: usize, h: f64) -> f64 {
    let at = |step: f64| {
        let mut layers: Vec<Layer> = case.layers.clone();
        match &mut layers[layer].bias {
            Some(values) if bias => values[p] += step * h,
            _ => layers[layer].weight[p] += step * h,
        }
        gradients(&layers, case.network.loss, &case.batch).loss
    };
    (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / (12.0 * h)
}

/// A small network whose loss is smooth around its parameters: no jump of the gradient, nor of the second derivative
/// (huber), within reach of the finite differences.
fn smooth_case(hidden: Activation, last: Activation, loss: Loss) -> (Case, Answer) {
    let layers = vec![(4, hidden, true), (3, last, true)];
    let cases = (0..).map(|seed| {
        let sketch = Sketch { inputs: 3, rows: 3, layers: layers.clone(), loss, spread: Spread::FanIn, seed };
        let case = sketch.case(Width::F64);
        let answer = case.expected();
        (case, answer)
    });
    let smooth = |(case, answer): &(Case, Answer)| {
        let near_delta = match (&case.batch.target, loss) {
            (support::oracle::Target::Numbers(t), Loss::Huber { delta }) => {
                answer.predictions.iter().zip(t).any(|(y, t)| ((y - t).abs() - delta).abs() < 0.03)
            }
            _ => false,
        };
        answer.jump_distance > 0.03 && !near_delta
    };
    cases.take(1000).find(smooth).expect("one smooth network in a thousand")
}

#[test]
fn the_oracle_agrees_with_finite_differences() {
    // h^4 / 30 is 3e-14 and 1.5 / h times the rounding of a loss of 10 is 3e-12; fifth derivatives stay below 10^4.
    let (h, tolerance) = (1e-3, 1e-9);
    let mut compared = 0;
    for (i, last) in ACTIVATIONS.into_iter().enumerate() {
        for (j, loss) in LOSSES.into_iter().enumerate() {
            if loss == Loss::BinaryCrossEntropy && !matches!(last, Activation::Sigmoid | Activation::Softmax) {
                continue;
            }
            let hidden = ACTIVATIONS[(i + j + 1) % ACTIVATIONS.len()];
            let (case, answer) = smooth_case(hidden, last, loss);
            for (t, (name, values)) in answer.gradients.iter().enumerate() {
                for (p, value) in values.iter().enumerate() {
                    let slope = finite_difference(&case, t / 2, t % 2 == 1, p, h);
                    let off = (value - slope).abs();
                    assert!(
                        off <= tolerance * value.abs().max(1.0),
                        "{hidden:?}, {last:?}, {loss:?}: {name}[{p}] is {value:e}, finite differences say {slope:e}"
                    );
                    // Control: a part in a million would be seen, wherever the gradient is not tiny.
                    assert!(value.abs() < 2e-3 || (1.000_001 * value - slope).abs() > tolerance * value.abs());
                    compared += 1;
                }
            }
        }
    }
    assert_eq!(compared, (11 * 9 + 2) * (4 * 3 + 4 + 3 * 4 + 3));
}

/// The oracle's loss, against numbers that can be worked by hand.
#[test]
fn the_oracle_knows_the_losses() {
    let layer = |n: usize| Layer {
        inputs: n,
        outputs: n,
        activation: Activation::Identity,
        weight: (0..n * n).map(|i| if i % (n + 1) == 0 { 1.0 } else { 0.0 }).collect(),
        bias: None,
    };
    let numbers = |t: &[f64]| support::oracle::Target::Numbers(t.to_vec());
    let cases = [
        // Two outputs with residuals 0.5 and -2.
        (Loss::HalfSquaredError, numbers(&[0.5, 3.0]), 0.125 + 2.0),
        (Loss::Mse, numbers(&[0.5, 3.0]), (0.25 + 4.0) / 2.0),
        (Loss::Mae, numbers(&[0.5, 3.0]), 2.5 / 2.0),
        (Loss::Huber { delta: 1.0 }, numbers(&[0.5, 3.0]), (0.125 + 1.5) / 2.0),
        (Loss::Quantile { q: 0.25 }, numbers(&[0.5, 3.0]), (0.75 * 0.5 + 0.25 * 2.0) / 2.0),
        (Loss::Hinge, numbers(&[1.0, -1.0]), (0.0 + 2.0) / 2.0),
        (Loss::BceWithLogits, numbers(&[1.0, 0.0]), (2.0 * (1.0 + 1f64.exp()).ln() - 1.0) / 2.0),
        (Loss::cross_entropy(), support::oracle::Target::Classes(vec![1]), 2f64.ln()),
    ];
    for (loss, target, expected) in cases {
        let found = gradients(&[layer(2)], loss, &Batch { rows: 1, x: vec![1.0, 1.0], target }).loss;
        assert!((found - expected).abs() <= 1e-15, "{loss:?}: {found}, by hand {expected}");
    }
}

/// Values of erfc and of two activations from tables (Abramowitz and Stegun, table 7.1; the others by hand).
#[test]
fn the_oracle_knows_erfc_and_the_gelus() {
    for (x, expected) in [(0.0, 1.0), (0.5, 0.479_500_122_186_953_5), (1.0, 0.157_299_207_050_285_1)] {
        assert!((erfc(x) - expected).abs() <= 1e-15, "erfc({x})");
        assert!((erfc(-x) - (2.0 - expected)).abs() <= 1e-15, "erfc(-{x})");
    }
    // The two expansions meet at 2; the series has lost three digits to 1 - erf there.
    let (below, above) = (erfc(2.0 - 1e-15), erfc(2.0));
    assert!((below / above - 1.0).abs() <= 2e-13, "{below} {above}");
    assert!((erfc(3.0) / 2.209_049_699_858_544e-5 - 1.0).abs() <= 1e-14);
    assert!((activation(Activation::Gelu, 1.0) - 0.841_344_746_068_542_9).abs() <= 1e-15);
    assert!((activation(Activation::GeluTanh, 1.0) - 0.841_191_990_608_276_3).abs() <= 1e-15);
}
