//! Early stopping and validation at intervals: when a run ends, which parameters it hands over, and that stops and resumes
//! show in no bit.

use crate::support::program;

use program::{IRIS, Place, REGRESSION};
use serde_json::Value;

/// The iris spec with `keys` behind those of `[train]`.
fn spec(keys: &str) -> String {
    format!("{}{keys}\n", IRIS.replace("epochs = 3", "epochs = 12"))
}

fn train(place: &Place, args: &[&str]) -> String {
    place.good(&[&["train"][..], args, &["--device", "cpu"]].concat())
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

fn epochs(place: &Place, run: &str) -> Vec<Value> {
    place.read(&format!("{run}/metrics.jsonl")).lines().map(json).collect()
}

/// The lines of the curve without what the clock decides.
fn curve(place: &Place, run: &str) -> Vec<Value> {
    let timeless = |mut line: Value| {
        for key in ["seconds", "samples_per_second"] {
            line.as_object_mut().unwrap().remove(key);
        }
        line
    };
    epochs(place, run).into_iter().map(timeless).collect()
}

fn digest(place: &Place, file: &str) -> String {
    place.good(&["digest", file]).split_whitespace().next().unwrap().to_string()
}

fn stopping(place: &Place, run: &str) -> Value {
    json(&place.read(&format!("{run}/report.json")))["stopping"].clone()
}

/// Nothing is better by more than this, so that the first validation stays the best.
const NEVER_BETTER: &str = "[train.early_stopping]\npatience = 2\nmin_delta = 1e9";

#[test]
fn a_run_ends_after_its_patience_and_hands_over_the_best_epoch() {
    let place = Place::new();
    place.write("s.toml", &spec(NEVER_BETTER));
    let said = train(&place, &["s.toml", "--run", "r"]);
    assert!(said.contains("best validation_loss") && said.contains("in epoch 1"), "{said}");
    assert!(said.contains("no better one in 2 validations; the model is that epoch's"), "{said}");
    assert_eq!(epochs(&place, "r").len(), 3, "epoch 1 is the best, 2 and 3 are waited for");
    let found = stopping(&place, "r");
    assert_eq!((&found["stopped"], &found["best_epoch"], &found["restored"]), (&true.into(), &1.into(), &true.into()));
    train(&place, &["s.toml", "--run", "one", "--epochs", "1"]);
    train(&place, &["s.toml", "--run", "three", "--epochs", "3"]);
    let after_one = digest(&place, "one/checkpoint.safetensors");
    assert_ne!(digest(&place, "r/model.safetensors"), digest(&place, "r/checkpoint.safetensors"));
    assert_eq!(digest(&place, "r/model.safetensors"), digest(&place, "one/model.safetensors"));
    assert_eq!(digest(&place, "r/best.safetensors"), digest(&place, "one/model.safetensors"));
    assert_eq!(digest(&place, "r"), digest(&place, "one"), "digest, eval and predict take the model");
    assert_ne!(after_one, digest(&place, "three/checkpoint.safetensors"));
    // The report's matrix is that of the model.
    let confusion = |run: &str| json(&place.read(&format!("{run}/report.json")))["confusion"].clone();
    assert_eq!(confusion("r"), confusion("one"));
    let again = place.run(&["train", "--resume", "r", "--device", "cpu"]);
    assert!(again.stderr.contains("stopped early after 3 epochs"), "{again:?}");
    assert_eq!(epochs(&place, "r").len(), 3);
}

#[test]
fn without_restoring_the_model_is_the_last_epoch_and_the_best_lies_beside_it() {
    let place = Place::new();
    place.write("s.toml", &spec(&format!("{NEVER_BETTER}\nrestore_best = false")));
    train(&place, &["s.toml", "--run", "r"]);
    place.write("plain.toml", &spec(""));
    train(&place, &["plain.toml", "--run", "three", "--epochs", "3"]);
    train(&place, &["plain.toml", "--run", "one", "--epochs", "1"]);
    assert_eq!(digest(&place, "r/model.safetensors"), digest(&place, "three/model.safetensors"));
    assert_eq!(digest(&place, "r/best.safetensors"), digest(&place, "one/model.safetensors"));
    assert!(!place.path("three/best.safetensors").exists(), "nothing is kept that nobody asked for");
}

#[test]
fn a_run_that_goes_on_stops_where_the_whole_one_does() {
    let place = Place::new();
    // The accuracy of iris stands still soon, so that patience ends the run after some improvements.
    let keys = "validate_every = 2\n[train.early_stopping]\nmonitor = \"validation_accuracy\"\npatience = 3";
    place.write("s.toml", &spec(keys).replace("epochs = 12", "epochs = 60"));
    train(&place, &["s.toml", "--run", "whole"]);
    let whole = curve(&place, "whole");
    let last = whole.len();
    assert!((8..60).contains(&last), "it stops early: {last}");
    for first in ["1", "4", "7"] {
        train(&place, &["s.toml", "--run", first, "--epochs", first]);
        train(&place, &["--resume", first, "--epochs", "60"]);
        for file in ["model.safetensors", "best.safetensors", "checkpoint.safetensors"] {
            assert_eq!(digest(&place, &format!("{first}/{file}")), digest(&place, &format!("whole/{file}")), "{file}");
        }
        assert_eq!(
            place.bytes(&format!("{first}/checkpoint.safetensors")),
            place.bytes("whole/checkpoint.safetensors")
        );
        let mut found = curve(&place, first);
        assert_eq!(found.len(), last);
        // The part's last epoch was validated in passing, and counted only where it was due.
        let end: usize = first.parse().unwrap();
        if end % 2 == 1 {
            assert!(found[end - 1]["validation_loss"].is_f64());
            found[end - 1] = whole[end - 1].clone();
        }
        assert_eq!(found, whole);
    }
    for line in &whole {
        let due = line["epoch"].as_u64().unwrap().is_multiple_of(2);
        assert_eq!(line["validation_loss"].is_f64(), due, "{line}");
        assert_eq!(line["metrics"]["f1_macro"].is_f64(), due, "{line}");
    }
}

#[test]
fn a_stop_within_an_epoch_keeps_the_best_parameters() {
    let place = Place::new();
    place.write("s.toml", &spec(NEVER_BETTER));
    train(&place, &["s.toml", "--run", "whole"]);
    // A checkpoint after step 45 of 90 is within the second epoch; the run is cut off there by taking the later one away.
    train(&place, &["s.toml", "--run", "r", "--checkpoint-steps", "45", "--epochs", "2"]);
    std::fs::rename(place.path("r/checkpoint.previous.safetensors"), place.path("r/checkpoint.safetensors")).unwrap();
    std::fs::remove_file(place.path("r/report.json")).unwrap();
    train(&place, &["--resume", "r", "--epochs", "12"]);
    assert_eq!(place.bytes("r/checkpoint.safetensors"), place.bytes("whole/checkpoint.safetensors"));
    assert_eq!(digest(&place, "r"), digest(&place, "whole"));
    assert_eq!(curve(&place, "r"), curve(&place, "whole"));
    assert_eq!(stopping(&place, "r"), stopping(&place, "whole"));
}

#[test]
fn what_cannot_be_watched_is_refused() {
    let place = Place::new();
    let refused = |keys: &str, parts: &[&str]| {
        place.write("s.toml", &spec(&format!("[train.early_stopping]\n{keys}")));
        place.refused(&["train", "s.toml", "--run", "r", "--device", "cpu"], parts);
        assert!(!place.path("r").exists());
    };
    refused("monitor = \"f1\"", &["s.toml:21:11", "unknown monitor \"f1\"", "f1_macro"]);
    refused("patience = 0", &["s.toml:21:12", "`patience` must be a whole number of at least 1"]);
    refused("min_delta = -1", &["s.toml:21:13", "min_delta", "at least 0"]);
    refused("monitor = \"rmse\"", &["train.early_stopping.monitor", "rmse is not defined", "classes", "f1_macro"]);
    let numbers = REGRESSION.replace("target", "validation = 0.2\ntarget");
    place.write("n.toml", &format!("{numbers}[train.early_stopping]\nmonitor = \"roc_auc\"\n"));
    place.refused(
        &["train", "n.toml", "--device", "cpu"],
        &["roc_auc is not defined", "numbers", "validation_loss, mae"],
    );
    place.write("n.toml", &format!("{REGRESSION}[train.early_stopping]\n"));
    place.refused(
        &["train", "n.toml", "--device", "cpu"],
        &["n.toml:15:1", "watches the validation", "validation = 0.2"],
    );
    place.write("s.toml", &spec("validate_every = 0"));
    place.refused(&["train", "s.toml", "--device", "cpu"], &["s.toml:20:18", "`validate_every`"]);
}
