//! Runs that are killed or interrupted at random moments end as runs that nothing disturbed do, on the CPU.
#![cfg(unix)]

mod interruptions;
mod program;

use interruptions::{assert_same_run, stop_again_and_again};
use program::Place;

const CPU: [&str; 2] = ["--device", "cpu"];

fn stops(default: usize) -> usize {
    std::env::var("WGRAD_STOPS").ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

#[test]
fn a_run_that_is_killed_again_and_again_ends_as_an_undisturbed_one() {
    let figures = stop_again_and_again(&Place::new(), &CPU, "KILL", 6, 20);
    println!("{figures:?}");
    assert!(figures.stopped >= 6);
}

#[test]
fn ctrl_c_at_any_time_leaves_a_run_that_goes_on_to_the_same_bits() {
    let figures = stop_again_and_again(&Place::new(), &CPU, "INT", 6, 20);
    println!("{figures:?}");
    assert!(figures.stopped >= 6);
}

/// `WGRAD_STOPS=200 cargo test --test kill -- --ignored --nocapture kill`
#[test]
#[ignore = "a soak test of some minutes"]
fn soak_of_kills() {
    println!("{:?}", stop_again_and_again(&Place::new(), &CPU, "KILL", stops(200), 60));
}

/// The same for `kill -INT` and `kill -TERM`.
#[test]
#[ignore = "a soak test of some minutes"]
fn soak_of_interruptions() {
    for name in ["INT", "TERM"] {
        println!("{name}: {:?}", stop_again_and_again(&Place::new(), &CPU, name, stops(200), 60));
    }
}

/// The comparison by itself: another seed is another run, and a curve of which a loss differs is another curve.
#[test]
fn the_comparison_finds_what_differs() {
    let place = Place::new();
    place.good(&["train", "iris.toml", "--run", "a", "--device", "cpu"]);
    place.good(&["train", "iris.toml", "--run", "b", "--device", "cpu"]);
    place.good(&["train", "iris.toml", "--run", "c", "--seed", "2", "--device", "cpu"]);
    assert_same_run(&place, "a", "b");
    assert!(std::panic::catch_unwind(|| assert_same_run(&place, "a", "c")).is_err());
    let metrics = place.read("b/metrics.jsonl");
    let at = metrics.find("\"train_loss\":").unwrap() + "\"train_loss\":".len() + 6;
    let digit = if metrics.as_bytes()[at] == b'1' { "2" } else { "1" };
    let mut changed = metrics;
    changed.replace_range(at..=at, digit);
    place.write("b/metrics.jsonl", &changed);
    assert!(std::panic::catch_unwind(|| assert_same_run(&place, "a", "b")).is_err());
}
