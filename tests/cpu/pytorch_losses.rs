//! Losses, with weights and label smoothing, and initial weights against PyTorch: `tests/fixtures/losses`, made by its
//! `make.py`.

use crate::support::torch_losses;

use torch_losses::{Problem, cases};
use wgrad::exec::Device;
use wgrad::graph::{Activation, Loss};
use wgrad::model::init::draw_parameters;
use wgrad::model::{Init, Layer};
use wgrad::spec::{LayerKindSpec, Spec};
use wgrad::verify::verify;

/// Both sides compute in f64, at most 65 columns in some dozen roundings each, which is 1e-13 of the largest term; means of
/// logits of 1e4 are among them. A wrong constant moves a case by more than 1e-4 (the control).
const TOLERANCE: f64 = 1e-11;

#[test]
fn losses_and_gradients_are_pytorchs() {
    let mut names = std::collections::BTreeSet::new();
    for case in cases("losses.json") {
        let problem = Problem::new(&case);
        let far = problem.distance(&Device::cpu_f64());
        assert!(far <= TOLERANCE, "{}: {far}", problem.name);
        names.insert(problem.network.loss.name());
    }
    assert_eq!(names.into_iter().collect::<Vec<_>>(), {
        let mut all = Loss::NAMES.to_vec();
        all.sort_unstable();
        all
    });
}

/// The other half of the proof in f32: value and gradient lie within their derived bounds of those in f64, which are
/// PyTorch's by the test above.
#[test]
fn losses_in_f32_stay_within_their_bounds() {
    for case in cases("losses.json") {
        let problem = Problem::new(&case);
        let verdict = pollster::block_on(verify(&problem.question(), &Device::cpu())).unwrap();
        assert!(verdict.passed, "{}", problem.name);
    }
}

/// Control: another smoothing, weights left out and weights of the wrong rows are told apart.
#[test]
fn other_losses_are_told_apart() {
    let mut told = [0; 3];
    for case in cases("losses.json") {
        if case["extreme"] == true || case["rows"] != 7 {
            continue;
        }
        let differs = |problem: &Problem| problem.distance(&Device::cpu_f64()) > 1e-4;
        let smoothing = Problem::new(&case).network.loss.smoothing();
        if smoothing > 0.0 {
            let mut other = Problem::new(&case);
            other.network.loss = Loss::cross_entropy().smoothed(smoothing * 0.5).unwrap();
            assert!(differs(&other), "{}", other.name);
            told[0] += 1;
        }
        if !Problem::new(&case).data.weights.is_empty() {
            let (mut equal, mut turned) = (Problem::new(&case), Problem::new(&case));
            equal.data.weights.clear();
            turned.data.weights.rotate_left(1);
            told[1] += u32::from(differs(&equal));
            told[2] += u32::from(differs(&turned));
            assert!(differs(&equal) && differs(&turned), "{}", equal.name);
        }
    }
    assert!(told.iter().all(|n| *n > 1), "{told:?}");
}

/// A draw is a random number times a scale, and the random numbers do not depend on the scale: against those of scale 1 it shows,
/// to the rounding of both to f32.
#[test]
fn initial_weights_have_the_scales_of_torch_nn_init() {
    let mut compared = 0;
    for case in cases("init.json") {
        let size = |key: &str| case[key].as_u64().unwrap() as usize;
        let written = case["init"].as_str().unwrap();
        let init = of_spec(written);
        let activation = match case["activation"].as_str().unwrap() {
            "leaky_relu" => Activation::LeakyRelu { slope: 0.2 },
            name => Activation::by_name(name).unwrap(),
        };
        let layer = Layer::dense(size("inputs"), size("outputs"), activation, true);
        let draw = |init| draw_parameters(&[layer], &[init], 9)[0].values.clone();
        let (scale, of_one) = match (case.get("high"), case.get("std")) {
            (Some(high), _) => {
                assert_eq!(case["low"].as_f64().unwrap(), -high.as_f64().unwrap());
                (high.as_f64().unwrap(), draw(Init::Uniform { bound: 1.0 }))
            }
            (_, Some(std)) => {
                assert_eq!(case["mean"].as_f64().unwrap(), 0.0);
                (std.as_f64().unwrap(), draw(Init::Normal { std: 1.0 }))
            }
            _ => panic!("{case}"),
        };
        for (found, one) in draw(init).into_iter().zip(of_one) {
            let expected = scale * one;
            // Two roundings to f32, 2^-24 each.
            assert!((found - expected).abs() <= 2.1 / 16_777_216.0 * expected.abs(), "{case}: {found} {expected}");
            compared += 1;
        }
    }
    assert_eq!(compared, 10 * (1 + 21 + 640 + 40_000));
}

/// The method that a spec's text means.
fn of_spec(written: &str) -> Init {
    let written = if written.starts_with('{') { written.to_owned() } else { format!("\"{written}\"") };
    let text = format!(
        "[data]\ntrain = 'd.csv'\ntarget = 't'\n[[model.layers]]\ndense = 2\ninit = {written}\n[train]\nloss = 'mse'\n\
         optimizer = 'adam'\n"
    );
    let spec = Spec::parse(&text, "s.toml").unwrap();
    let LayerKindSpec::Dense { init, .. } = spec.model.layers[0].kind else { panic!("{text}") };
    init
}
