//! Runs that are killed at random moments end as runs that nothing disturbed do, on the adapter of `WGRAD_ADAPTER`; and
//! where checkpoints fall, which cuts the steps into other submits, leaves no trace in the bits.
#![cfg(unix)]

use crate::support::adapter::name as adapter;
use crate::support::interruptions;
use crate::support::program;

use interruptions::stop_again_and_again;
use program::Place;

fn kills(stops: usize, epochs: usize) {
    let Some(adapter) = adapter() else { return };
    let figures = stop_again_and_again(&Place::new(), &["--adapter", &adapter], "KILL", stops, epochs);
    println!("{adapter}: {figures:?}");
    assert!(figures.stopped >= stops);
}

#[test]
fn a_run_that_is_killed_again_and_again_ends_as_an_undisturbed_one() {
    kills(4, 10);
}

/// `WGRAD_STOPS=200 cargo test --test gpu kill:: -- --ignored --nocapture`
#[test]
#[ignore = "a soak test of some minutes"]
fn soak_of_kills() {
    kills(std::env::var("WGRAD_STOPS").ok().and_then(|n| n.parse().ok()).unwrap_or(200), 30);
}

#[test]
fn the_number_of_steps_a_submit_has_no_influence() {
    let Some(adapter) = adapter() else { return };
    let place = Place::new();
    for without in [&[][..], &["--without", "whole"]] {
        let train = |run: &str, every: &str| {
            let args = ["train", "iris.toml", "--run", run, "--adapter", &adapter, "--checkpoint-steps", every];
            place.good(&[&args, without].concat());
            // The number stands in the spec, and is the one difference.
            place.write(&format!("{run}/spec.toml"), "");
        };
        let runs = ["0", "1", "2", "13", "30"].map(|every| (format!("{every}{}", without.len()), every));
        runs.iter().for_each(|(run, every)| train(run, every));
        for (run, _) in &runs[1..] {
            for file in ["model.safetensors", "checkpoint.safetensors", "metrics.jsonl"] {
                let same =
                    interruptions::compared(&place, run, file) == interruptions::compared(&place, &runs[0].0, file);
                assert!(same, "{file} with a checkpoint every {run} steps");
            }
        }
    }
}
