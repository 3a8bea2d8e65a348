//! The optimizer steps of `tests/cpu/pytorch.rs` on the adapter: 100 steps, each within its derived bound of the f64 trajectory,
//! which is PyTorch's.

use crate::support::adapter;
use crate::support::torch;

use wgrad::graph::UpdateRule;
use wgrad::plan::Switches;
use wgrad::verify::{Question, verify};

/// Every case, in separate dispatches and as whole steps where the plan has them.
#[test]
fn a_hundred_steps_of_every_rule_stay_within_their_bounds() {
    let Some(device) = adapter::adapter() else { return };
    let problem = torch::problem();
    for case in torch::cases("steps.json") {
        for switches in [Switches::default(), Switches::without(&["whole"]).unwrap()] {
            let question = Question { switches, ..torch::question(&problem, torch::rule(&case)) };
            let verdict = pollster::block_on(verify(&question, device)).unwrap();
            assert!(verdict.passed, "{} {}", case["optimizer"], case["more"]);
        }
    }
}

/// The rates that the device trains with are those of the schedule: the end lies where PyTorch's does, to what f32 leaves of
/// it, and farther from that of a constant rate.
#[test]
fn the_device_follows_the_schedule() {
    let Some(device) = adapter::adapter() else { return };
    let all = torch::cases("steps.json");
    let case = all.iter().find(|c| c["more"].as_str().unwrap().contains("cosine")).unwrap();
    let far = |rule: &UpdateRule| torch::distance(&torch::trained(device, rule)[2], case, 100);
    let rule = torch::rule(case);
    let (scheduled, constant) = (far(&rule), far(&rule.optimizer.into()));
    assert!(1e3 * scheduled < constant, "{scheduled} {constant}");
}
