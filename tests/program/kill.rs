//! Runs that are killed or interrupted at random moments end as runs that nothing disturbed do, on the CPU.
#![cfg(unix)]

use crate::support::interruptions;
use crate::support::program;

use interruptions::{assert_same_run, stop_again_and_again};
use program::Place;
use std::process::{Command, Stdio};
use std::time::Duration;

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

/// Reading a large file takes time, in which there is nothing to save.
#[test]
fn ctrl_c_while_the_data_are_read_stops_at_once_and_leaves_nothing() {
    let place = Place::new();
    let rows: String = place.read("iris.csv").lines().skip(1).map(|line| format!("{line}\n")).collect();
    let head = place.read("iris.csv").lines().next().unwrap().to_string();
    place.write("iris.csv", &format!("{head}\n{}", rows.repeat(8000)));
    // The first moments may be before the program listens.
    let stopped = [50, 100, 200, 400, 800].into_iter().any(|millis| {
        let mut command = place.command(&["train", "iris.toml", "--run", "r", "--device", "cpu"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(millis));
        let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() != Some(130) || stderr.contains("before training began"), "{stderr}");
        output.status.code() == Some(130)
    });
    assert!(stopped, "the program never stopped while it read");
    assert!(!place.path("r").exists(), "a run folder was made");
}

/// `WGRAD_STOPS=200 cargo test --test program soak_of_kills -- --ignored --nocapture`
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
