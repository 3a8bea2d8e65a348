//! Activations and their derivatives against PyTorch: `tests/fixtures/activations`, made by its `make.py`.

use crate::support::torch_losses::numbers;

use serde_json::Value;
use wgrad::graph::Activation;

/// Both sides compute in f64. PyTorch takes some derivatives from the output (`1 - y^2`), which costs a few 1e-16 of 1 + |x|; a
/// wrong constant moves a value by more than 1e-6.
const TOLERANCE: f64 = 1e-13;

const FIXTURE: &str = include_str!("../fixtures/activations/activations.json");

#[test]
fn activations_and_derivatives_are_pytorchs() {
    let file: Value = serde_json::from_str(FIXTURE).unwrap();
    let mut compared = Vec::new();
    for case in file["cases"].as_array().unwrap() {
        let activation = Activation::by_name(case["activation"].as_str().unwrap()).unwrap();
        let (value, slope) = (numbers(&case["y"]), numbers(&case["derivative"]));
        for ((x, y), d) in numbers(&case["x"]).into_iter().zip(value).zip(slope) {
            let (found, derivative): (f64, f64) = (activation.value(x), activation.derivative(x));
            assert!((found - y).abs() <= TOLERANCE * y.abs().max(1.0), "{activation:?} at {x}: {found} {y}");
            assert!((derivative - d).abs() <= TOLERANCE, "{activation:?}' at {x}: {derivative} {d}");
            // In f32, within the bounds that the kernels state.
            let narrow = x as f32;
            let far = |found: f32, exact: f64| (f64::from(found) - exact).abs();
            assert!(far(activation.value(narrow), found) <= activation.value_error(x, 0.0), "{activation:?} at {x}");
            let bound = activation.derivative_error(x, 0.0);
            assert!(far(activation.derivative(narrow), derivative) <= bound, "{activation:?}' at {x}");
        }
        compared.push(activation.name());
    }
    assert_eq!(compared, Activation::element_wise().map(Activation::name).collect::<Vec<_>>());
}

/// Control: no other activation has the numbers of one.
#[test]
fn another_activation_is_told_apart() {
    let file: Value = serde_json::from_str(FIXTURE).unwrap();
    for case in file["cases"].as_array().unwrap() {
        let pairs: Vec<(f64, f64)> = numbers(&case["x"]).into_iter().zip(numbers(&case["y"])).collect();
        let far = |a: &Activation| pairs.iter().map(|(x, y)| (a.value(*x) - y).abs()).fold(0.0, f64::max);
        let near = Activation::element_wise().filter(|a| far(a) < 1e-4).count();
        assert_eq!(near, 1, "{}", case["activation"]);
    }
}
