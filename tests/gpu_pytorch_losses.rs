//! The losses of `tests/pytorch_losses.rs` on the adapter: value and gradient within their derived bounds of those in f64, which
//! are PyTorch's.
#![cfg(feature = "gpu")]

#[path = "support/adapter.rs"]
mod adapter;
#[path = "support/torch_losses.rs"]
mod torch_losses;

use torch_losses::{Problem, cases};
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
    // Eight losses and the two of another constant, three shapes, two kinds of numbers; classes have two kinds of weights.
    assert_eq!(checked, 2 * 3 * 2 * (11 + 3));
}
