//! Formats of run folders: what wgrad 0.1 left (format 1, `tests/fixtures/format-1`) is resumed, evaluated, predicted with and
//! reported as it was then; a format that is not known is refused.

use crate::support::program;

use program::Place;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use wgrad::plan::tuning::Class;
use wgrad::testing::tune::Lock;
use wgrad::train::run_folder::RunFolder;

const CPU: [&str; 2] = ["--device", "cpu"];
/// The folder in which 0.1 trained the fixtures.
const THEN: &str = "/tmp/format-1/";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-1").join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(fixture(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// A folder with a copy of the fixtures.
fn place() -> Place {
    let place = Place::new();
    for folder in ["", "finished", "middle"] {
        std::fs::create_dir_all(place.path(folder)).unwrap();
        for entry in std::fs::read_dir(fixture(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                std::fs::copy(&path, place.path(folder).join(path.file_name().unwrap())).unwrap();
            }
        }
    }
    place
}

/// Metadata of a weight file.
fn metadata(place: &Place, file: &str) -> BTreeMap<String, String> {
    let (_, header) = safetensors::SafeTensors::read_metadata(&place.bytes(file)).unwrap();
    header.metadata().iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Whether two numbers agree but for the processor: with other vector instructions sums round otherwise.
fn near(found: &Value, then: &Value) -> bool {
    let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("{value}"));
    (number(found) - number(then)).abs() <= 1e-5 * number(then).abs().max(1e-3)
}

#[test]
fn a_run_stopped_within_an_epoch_goes_on_to_the_bits_of_0_1() {
    let place = place();
    let position = json(&metadata(&place, "middle/checkpoint.safetensors")["wgrad.position"]);
    assert!(position["step_in_epoch"].as_u64() > Some(0), "the fixture was not stopped within an epoch: {position}");
    let printed = place.good(&[&["train", "middle.toml", "--resume", "middle", "--epochs", "12"], &CPU[..]].concat());
    let then = text("results/middle.sha256");
    assert!(printed.contains(&format!("digest               {then}")), "then {then}, now\n{printed}");
    // What is written now states so; a file that stays, as it is read as before, does not.
    assert!(place.bytes("middle/preprocessing.json") == std::fs::read(fixture("middle/preprocessing.json")).unwrap());
    for file in ["run.json", "report.json"] {
        assert_eq!(json(&place.read(&format!("middle/{file}")))["format"], 2, "{file}");
    }
    assert!(place.read("middle/spec.toml").starts_with("format = 2\n"));
    assert_eq!(metadata(&place, "middle/checkpoint.safetensors")["wgrad.format"], "2");
    let trained_by: Vec<Value> = json(&place.read("middle/run.json"))["parts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["version"].clone())
        .collect();
    assert_eq!(trained_by, ["0.1.0", env!("CARGO_PKG_VERSION")]);
    // And it goes on again.
    place.good(&[&["train", "middle.toml", "--resume", "middle", "--epochs", "13"], &CPU[..]].concat());
}

#[test]
fn a_finished_run_gives_the_results_of_0_1() {
    let place = place();
    let digest = place.good(&["digest", "finished"]);
    assert_eq!(digest.split_whitespace().next(), Some(text("results/finished.sha256").trim()));

    let (then, found) =
        (json(&text("results/eval.json")), &[&["eval", "finished", "--data", "data.csv", "--json"], &CPU[..]]);
    let found = json(&place.good(&found.concat()));
    for key in ["rows", "accuracy", "confusion", "top_k", "precision_macro", "recall_macro", "f1_macro"] {
        assert_eq!(found[key], then[key], "{key}");
    }
    assert!(near(&found["loss"], &then["loss"]), "{found}");

    let found = place.good(&[&["predict", "finished", "--data", "data.csv"], &CPU[..]].concat());
    let then = text("results/predictions.csv");
    assert_eq!(found.lines().count(), then.lines().count());
    assert_eq!(found.lines().next(), then.lines().next());
    for (found, then) in found.lines().zip(then.lines()).skip(1) {
        let (mut a, mut b) = (found.split(','), then.split(','));
        assert_eq!(a.next(), b.next(), "{found} | {then}");
        let number = |text: &str| text.parse::<f64>().map(Value::from).unwrap();
        assert!(a.zip(b).all(|(a, b)| near(&number(a), &number(b))), "{found} | {then}");
    }

    let found = json(&place.good(&["report", "finished", "middle", "--out", "c.html", "--json"]));
    assert_eq!(found, json(&text("results/report.json")));
}

/// A run states where its data lie; after a move a user corrects that as this test does.
#[test]
fn a_finished_run_of_0_1_verifies() {
    let place = place();
    place.write("finished/spec.toml", &place.read("finished/spec.toml").replace(THEN, "../"));
    let printed = place.good(&[&["verify", "finished"], &CPU[..]].concat());
    assert!(printed.contains("passed: cpu (f32) against cpu (f64): 54 values in 1 step"), "{printed}");
    place.good(&[&["train", "--resume", "finished", "--epochs", "2"], &CPU[..]].concat());
}

#[test]
fn absent_keys_mean_for_ever_what_they_meant_in_0_1() {
    let cases = json(&text("absent.json"));
    for case in cases.as_array().unwrap() {
        let place = Place::new();
        place.write("spec.toml", case["written"].as_str().unwrap());
        let spec = RunFolder::open(&place.path("")).unwrap().spec().unwrap();
        let resolved = case["resolved"].as_str().unwrap();
        assert_eq!(spec.to_toml(), format!("format = 2\n\n{resolved}"), "of {}", case["written"]);
    }
    assert_eq!(cases.as_array().unwrap().len(), 17);
}

#[test]
fn a_tuning_of_0_1_is_read() {
    let place = place();
    let lock = Lock::read(&place.path("tuning.toml")).unwrap();
    assert_eq!(lock.to_toml(), text("tuning.toml"), "it is written as it was then");
    let of = |sizes, trans| lock.table().get(&Class { sizes, trans, words: false }).map(ToString::to_string);
    assert_eq!(of([32, 4, 8], [false, true]).as_deref(), Some("direct 4"));
    assert_eq!(lock.table().len(), 7);
    let train = ["train", "finished.toml", "--tuning", "tuning.toml"];
    place.refused(&[&train[..], &CPU].concat(), &["tuning.toml", "a tuning of llvmpipe (LLVM 15.0.6, 256 bits)"]);
}

#[test]
fn a_format_that_is_not_known_is_refused() {
    let place = Place::new();
    place.good(&[&["train", "iris.toml", "--run", "r"], &CPU[..]].concat());
    let (resume, eval) = (["train", "--resume", "r", "--epochs", "9"], ["eval", "r", "--data", "iris.csv"]);
    for (file, from, to, args) in [
        ("r/spec.toml", "format = 2", "format = 3", &resume[..]),
        ("r/run.json", "\"format\": 2", "\"format\": 3", &resume),
        ("r/preprocessing.json", "\"format\": 2", "\"format\": 3", &eval),
    ] {
        let kept = place.read(file);
        place.write_edited(file, &kept, from, to);
        let parts = [file, "format 3 is not known", "reads formats 1 to 2", "a later one"];
        place.refused(&[args, &CPU].concat(), &parts);
        place.write(file, &kept);
    }
    let spec = place.read("r/spec.toml");
    place.write_edited("r/spec.toml", &spec, "format = 2", "format = 0");
    place.refused(&[&resume[..], &CPU].concat(), &["r/spec.toml:1:10", "`format`", "found 0"]);
    place.write("r/spec.toml", &spec);

    let (at, later) = (b"\"wgrad.format\":\"2\"", b"\"wgrad.format\":\"3\"");
    for file in ["r/checkpoint.safetensors", "r/checkpoint.previous.safetensors"] {
        let mut bytes = place.bytes(file);
        let start = bytes.windows(at.len()).position(|part| part == at).expect("a checkpoint states its format");
        bytes[start..start + at.len()].copy_from_slice(later);
        std::fs::write(place.path(file), bytes).unwrap();
    }
    place.refused(&[&resume[..], &CPU].concat(), &["r/checkpoint.safetensors", "format 3 is not known"]);
}
