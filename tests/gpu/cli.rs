//! The program on the adapter that `WGRAD_ADAPTER` names.

use crate::support::adapter::name as adapter;
use crate::support::program;

use program::{Ended, IRIS, Place};
use serde_json::Value;

/// The program on the adapter under test.
#[track_caller]
fn good(place: &Place, adapter: &str, args: &[&str]) -> Ended {
    let found = place.run(&[args, &["--adapter", adapter]].concat());
    assert_eq!(found.code, Some(0), "{args:?}: {}", found.stderr);
    found
}

fn report(place: &Place, run: &str) -> Value {
    serde_json::from_str(&place.read(&format!("{run}/report.json"))).unwrap()
}

fn repository(path: &str) -> String {
    format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn digits_reach_the_accuracy_of_the_cpu() {
    let Some(adapter) = adapter() else { return };
    let place = Place::new();
    let digits = repository("examples/digits.toml");
    good(&place, &adapter, &["train", &digits, "--run", "gpu"]);
    place.good(&["train", &digits, "--run", "cpu", "--device", "cpu"]);
    let accuracy = |run: &str| {
        let report = report(&place, run);
        report["epochs"].as_array().unwrap().last().unwrap()["validation_accuracy"].as_f64().unwrap()
    };
    let (gpu, cpu) = (accuracy("gpu"), accuracy("cpu"));
    assert!((gpu - cpu).abs() <= 0.01, "gpu {gpu}, cpu {cpu}");
    assert!(gpu >= 0.97, "{gpu}");
    let device = &report(&place, "gpu")["device"];
    assert_eq!(device["kind"], "gpu");
    assert!(device["name"].as_str().unwrap().to_lowercase().contains(&adapter.to_lowercase()), "{device}");
}

#[test]
fn the_first_twenty_steps_of_digits_are_within_the_propagated_bound() {
    let Some(adapter) = adapter() else { return };
    let place = Place::new();
    let args = ["verify", &repository("examples/digits.toml"), "--steps", "20", "--json", "v.json"];
    good(&place, &adapter, &args);
    let verdict: Value = serde_json::from_str(&place.read("v.json")).unwrap();
    assert_eq!(verdict["passed"], true);
    assert_eq!(verdict["steps"].as_array().unwrap().len(), 20);
    assert!(verdict["device"].as_str().unwrap().to_lowercase().contains(&adapter.to_lowercase()));
}

#[test]
fn a_step_is_right_with_each_optimisation_switched_off() {
    let Some(adapter) = adapter() else { return };
    let place = Place::new();
    for name in wgrad::plan::Switches::NAMES {
        good(&place, &adapter, &["verify", "iris.toml", "--steps", "2", "--without", name]);
    }
    // Control: the switch reaches the plan.
    let plan = |without: &[&str]| place.good(&[&["plan", "iris.toml", "--target", &adapter], without].concat());
    let all = plan(&[]);
    for name in ["whole", "fusion"] {
        assert_ne!(plan(&["--without", name]), all, "{name}");
    }
}

#[test]
fn the_adapter_of_the_environment_is_taken() {
    let Some(adapter) = adapter() else { return };
    let place = Place::new();
    let mut command = place.command(&["train", "iris.toml", "--run", "r"]);
    let found = program::ended(command.env("WGRAD_ADAPTER", &adapter));
    assert_eq!(found.code, Some(0), "{found:?}");
    assert_eq!(report(&place, "r")["device"]["kind"], "gpu");
    // The command line wins over the environment.
    let mut command = place.command(&["train", "iris.toml", "--run", "c", "--device", "cpu"]);
    assert_eq!(program::ended(command.env("WGRAD_ADAPTER", &adapter)).code, Some(0));
    assert_eq!(report(&place, "c")["device"]["kind"], "cpu");
}

#[test]
fn every_command_runs_on_the_adapter() {
    let Some(adapter) = adapter() else { return };
    let place = Place::new();
    good(&place, &adapter, &["train", "iris.toml", "--run", "r"]);
    good(&place, &adapter, &["eval", "r", "--data", "iris.csv"]);
    let gpu = good(&place, &adapter, &["predict", "r", "--data", "iris.csv"]).stdout;
    let cpu = place.good(&["predict", "r", "--data", "iris.csv", "--device", "cpu"]);
    let classes = |text: &str| text.lines().map(|l| l.split(',').next().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(classes(&gpu), classes(&cpu));
    place.good(&["init", "iris.toml", "--out", "w"]);
    good(&place, &adapter, &["grad", "iris.toml", "--weights", "w", "--data", "iris.csv", "--out", "g"]);
    good(&place, &adapter, &["verify", "r"]);
    let plan = place.good(&["plan", "iris.toml", "--target", &adapter]);
    assert!(plan.to_lowercase().contains(&adapter.to_lowercase()) && plan.contains("fits"), "{plan}");
    assert!(place.good(&["devices"]).to_lowercase().contains(&adapter.to_lowercase()));
}

#[test]
fn the_same_run_twice_and_in_parts_has_the_same_bits() {
    let Some(adapter) = adapter() else { return };
    let place = Place::new();
    good(&place, &adapter, &["train", "iris.toml", "--run", "a"]);
    good(&place, &adapter, &["train", "iris.toml", "--run", "b"]);
    good(&place, &adapter, &["train", "iris.toml", "--run", "parts", "--epochs", "1"]);
    good(&place, &adapter, &["train", "--resume", "parts", "--epochs", "3"]);
    for run in ["b", "parts"] {
        for file in ["model.safetensors", "checkpoint.safetensors"] {
            assert!(place.bytes(&format!("a/{file}")) == place.bytes(&format!("{run}/{file}")), "{run}/{file}");
        }
    }
}

#[test]
#[cfg(unix)]
fn an_interrupted_run_goes_on_to_the_same_bits() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    let Some(adapter) = adapter() else { return };
    let place = Place::new();
    let mut command = place.command(&["train", "iris.toml", "--run", "r", "--epochs", "100000", "--adapter", &adapter]);
    let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.by_ref().any(|line| line.unwrap().starts_with("epoch ")), "the run ended before its first epoch");
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let rest = lines.count();
    assert_eq!(child.wait().unwrap().code(), Some(0), "after {rest} more lines");
    assert_eq!(report(&place, "r")["outcome"], "interrupted");
    let done = report(&place, "r")["epochs"].as_array().unwrap().len();
    let planned = (done + 2).to_string();
    good(&place, &adapter, &["train", "--resume", "r", "--epochs", &planned]);
    good(&place, &adapter, &["train", "iris.toml", "--run", "whole", "--epochs", &planned]);
    assert!(place.bytes("r/model.safetensors") == place.bytes("whole/model.safetensors"), "interrupted after {done}");
}

#[test]
fn a_loss_that_is_no_number_stops_the_run() {
    let Some(adapter) = adapter() else { return };
    let place = Place::new();
    place.write_edited("wild.toml", program::REGRESSION, "lr = 0.1", "lr = 1e9");
    let found = place.run(&["train", "wild.toml", "--run", "r", "--adapter", &adapter]);
    assert_eq!(found.code, Some(1), "{found:?}");
    assert!(found.stderr.contains("the loss became") && found.stderr.contains("last good checkpoint"), "{found:?}");
    let printed = good(&place, &adapter, &["eval", "r", "--data", "line.csv", "--json"]).stdout;
    let value: Value = serde_json::from_str(&printed).unwrap();
    assert!(value["loss"].as_f64().is_some_and(f64::is_finite), "{printed}");
}

#[test]
fn an_unknown_adapter_is_refused_with_what_there_is() {
    let Some(adapter) = adapter() else { return };
    let place = Place::new();
    let listed = place.good(&["devices", "--json"]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let names: Vec<&str> = listed["adapters"].as_array().unwrap().iter().map(|a| a["name"].as_str().unwrap()).collect();
    assert!(names.iter().any(|n| n.to_lowercase().contains(&adapter.to_lowercase())), "{names:?}");
    for wanted in ["no such adapter", "4096"] {
        let parts = [&[wanted, "--adapter"], &names[..]].concat();
        for args in [
            ["train", "iris.toml", "--adapter"],
            ["verify", "iris.toml", "--adapter"],
            ["plan", "iris.toml", "--target"],
        ] {
            place.refused(&[&args[..], &[wanted]].concat(), &parts);
        }
    }
}

#[test]
fn a_model_too_large_for_the_adapter_is_refused_at_once() {
    let Some(adapter) = adapter() else { return };
    let place = Place::new();
    let wide = "dense = 60000\nactivation = \"relu\"\n[[model.layers]]\ndense = 60000\nactivation";
    place.write_edited("large.toml", IRIS, "dense = 8\nactivation", wide);
    place.write("huge.toml", &place.read("large.toml").replace("60000", "2147483647"));
    // A weight of 14 GB would be divided; it is the memory that is too small, here by 57 GB or more.
    for (spec, why) in [("large.toml", "of memory, but"), ("huge.toml", "maxStorageBufferBindingSize is")] {
        let began = std::time::Instant::now();
        place.refused(&["train", spec, "--adapter", &adapter], &["too large for", why, "Reduce"]);
        place.refused(&["verify", spec, "--adapter", &adapter], &["too large for", why]);
        let plan = if spec == "huge.toml" { ["too large for", why] } else { ["out of memory", "No batch size fits"] };
        place.refused(&["plan", spec, "--target", &adapter, "--memory", "16GiB"], &plan);
        // Three starts of a driver; building what is too large would take minutes and tens of gigabytes.
        assert!(began.elapsed().as_secs() < 30, "{:?}", began.elapsed());
    }
}
