//! The losses of `tests/cpu/pytorch_losses.rs` on the adapter: value and gradient within their derived bounds of those in f64, which
//! are PyTorch's. Weights and label smoothing in steps of several kinds.

use crate::support::adapter;
use crate::support::torch_losses;

use torch_losses::{Problem, cases};
use wgrad::data::Dataset;
use wgrad::graph::{Activation, Loss, Optimizer, UpdateRule};
use wgrad::model::init::initial_parameters;
use wgrad::model::{Layer, Network};
use wgrad::plan::Switches;
use wgrad::verify::{Question, verify};

/// Every loss with weights of rows or of classes, for one number, rows in one lane and rows over 64 lanes; in separate dispatches
/// and as whole steps where the plan has them.
#[test]
fn every_loss_stays_within_its_bounds_of_pytorchs() {
    let Some(device) = adapter::adapter() else { return };
    let mut checked = 0;
    for case in cases("losses.json") {
        let problem = Problem::new(&case);
        let shape = [case["rows"].as_u64(), case["cols"].as_u64()].map(Option::unwrap);
        if problem.data.weights.is_empty() || ![[1, 1], [7, 3], [4, 65]].contains(&shape) {
            continue;
        }
        for switches in [Switches::default(), Switches::without(&["whole"]).unwrap()] {
            let question = Question { switches, ..problem.question() };
            let verdict = pollster::block_on(verify(&question, device)).unwrap();
            assert!(verdict.passed, "{}", problem.name);
            checked += 1;
        }
    }
    // Nine losses and the three of another constant, three shapes, two kinds of numbers; classes have two kinds of weights.
    assert_eq!(checked, 2 * 3 * 2 * (13 + 3));
}

/// A step in parts, some of them without a row that counts, with label smoothing: in the fused end of a classifier, where the
/// adapter has it, and without.
#[test]
fn weighted_steps_in_parts_are_verified() {
    let Some(device) = adapter::adapter() else { return };
    let layers = vec![Layer::dense(3, 8, Activation::Tanh, true), Layer::dense(8, 4, Activation::Identity, true)];
    let network = Network { layers, loss: Loss::CrossEntropy { smoothing: 0.2 } };
    let x: Vec<f64> = (0..33).map(|i| f64::from((i as f32 * 0.7).sin())).collect();
    let classes: Vec<u32> = (0..11).map(|i| i * 7 % 4).collect();
    let weights = [1.0, 0.0, 2.0, 0.5, 0.0, 0.0, 0.0, 3.0, 1.0, 1.0, 0.0];
    let data = Dataset::classes(&x, 3, &classes).weighted(&weights);
    let parameters = initial_parameters(&network.layers, 4);
    for (accumulate, without) in [(1, &["whole"][..]), (1, &["whole", "head"][..]), (3, &[][..])] {
        let question = Question {
            network: &network,
            rule: UpdateRule { accumulate, ..Optimizer::adamw(0.01).into() },
            parameters: &parameters,
            data: (&data).into(),
            batch_size: 4,
            seed: 3,
            steps: 7,
            slack: 1.0,
            unfused: false,
            switches: Switches::without(without).unwrap(),
        };
        let verdict = pollster::block_on(verify(&question, device)).unwrap();
        assert!(verdict.passed, "{accumulate} {without:?}");
    }
}
