//! Every example reaches the result that its first lines promise, on the CPU.

use crate::support::program;

use program::Place;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// Trains the example `name` and gives the place, and what its last epoch was measured at.
fn trained(name: &str) -> (Place, Value) {
    let place = Place::new();
    let spec = examples().join(format!("{name}.toml"));
    place.good(&["train", spec.to_str().unwrap(), "--run", "r", "--device", "cpu"]);
    let report: Value = serde_json::from_str(&place.read("r/report.json")).unwrap();
    let last = report["epochs"].as_array().unwrap().last().unwrap().clone();
    (place, last)
}

/// The number at `path` of `last`; a name that is not there is a fault of the test.
fn at(last: &Value, path: &str) -> f64 {
    last.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("no {path} in {last}"))
}

/// The promise stands in the example's own words, so that neither changes without the other.
fn promises(name: &str, words: &str) {
    let text = std::fs::read_to_string(examples().join(format!("{name}.toml"))).unwrap();
    let head: String =
        text.lines().take_while(|line| line.starts_with('#')).map(|l| l.trim_start_matches("# ")).collect();
    assert!(head.contains(words), "{name}.toml does not say: {words}");
}

#[test]
fn iris() {
    promises("iris", "28 to 30");
    let (_, last) = trained("iris");
    assert!(at(&last, "/validation_accuracy") >= 28.0 / 30.0, "{last}");
}

#[test]
fn digits_with_dropout() {
    promises("digits_dropout", "98 % of the held-out images or more");
    let (_, last) = trained("digits_dropout");
    assert!(at(&last, "/validation_accuracy") >= 0.98, "{last}");
}

#[test]
fn exclusive_or() {
    promises("xor", "all four rows right");
    promises("xor", "loss below 0.01");
    let (place, last) = trained("xor");
    assert!(at(&last, "/train_loss") < 0.01, "{last}");
    let data = examples().join("data/xor.csv");
    let found = place.good(&["eval", "r", "--data", data.to_str().unwrap(), "--device", "cpu", "--json"]);
    let found: Value = serde_json::from_str(&found).unwrap();
    assert_eq!((at(&found, "/rows"), at(&found, "/accuracy")), (4.0, 1.0));
}

#[test]
fn two_spirals() {
    promises("spirals", "97 % of the held-out points or more");
    let (_, last) = trained("spirals");
    assert!(at(&last, "/validation_accuracy") >= 0.97, "{last}");
}

#[test]
fn the_pendulum_s_law() {
    promises("pendulum", "below 0.015 s");
    promises("pendulum", "R^2 above 0.999");
    let (_, last) = trained("pendulum");
    let loss = at(&last, "/validation_loss");
    // The loss is the mean squared error of the one output.
    assert!(loss.sqrt() < 0.015, "{last}");
    assert!(at(&last, "/metrics/r2") > 0.999, "{last}");
}

#[test]
fn the_autoencoder() {
    promises("autoencoder", "a mean squared error below 0.015");
    let (_, last) = trained("autoencoder");
    assert!(at(&last, "/validation_loss") < 0.015, "{last}");
}

fn numbers(name: &str) -> Vec<Vec<f64>> {
    let text = std::fs::read_to_string(examples().join(name)).unwrap();
    text.lines().skip(1).map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect()).collect()
}

#[test]
fn the_pendulums_obey_the_law_and_the_pixels_are_the_digits() {
    let pendulums = numbers("data/pendulum.csv");
    assert_eq!(pendulums.len(), 1000);
    for row in &pendulums {
        // T = 2 pi sqrt(L / g) / agm(1, cos(amplitude / 2)); the mean of both sequences agrees to the last digits after six rounds.
        let (mut a, mut b) = (1.0, (row[1].to_radians() / 2.0).cos());
        for _ in 0..6 {
            (a, b) = ((a + b) / 2.0, (a * b).sqrt());
        }
        let period = std::f64::consts::TAU * (row[0] / 9.81).sqrt() / a;
        // Half a unit of the sixth decimal, in which the file is written, and what the elementary functions may differ by.
        assert!((period - row[2]).abs() <= 0.51e-6, "{row:?} {period}");
    }
    let digits = numbers("../data/digits.csv");
    let path = examples().join("data/digits_pixels.npy.gz");
    let pixels = wgrad::testing::data::source::open_file(&wgrad::spec::DataFile::at(&path)).unwrap();
    let schema = wgrad::data::Schema {
        features: pixels.header().columns.clone(),
        target: vec![],
        classes: None,
        encoding: None,
        pictures: None,
        sample_weight: None,
    };
    let pixels = schema.read_features(&wgrad::spec::DataFile::at(&path)).unwrap();
    assert_eq!((pixels.rows, pixels.inputs), (digits.len(), 64));
    for (row, digit) in pixels.x.chunks(64).zip(&digits) {
        assert!(row.iter().zip(&digit[..64]).all(|(pixel, level)| pixel * 16.0 == *level), "{row:?} {digit:?}");
    }
}

/// The rare class is found, which it is not where all rows count alike.
#[test]
fn faults() {
    promises("faults", "75 % or more are told rightly");
    promises("faults", "about a third");
    let (place, _) = trained("faults");
    let recalls = |run: &str| -> Vec<f64> {
        let report: Value = serde_json::from_str(&place.read(&format!("{run}/report.json"))).unwrap();
        let scores = report["classes"].as_array().unwrap().iter();
        scores.map(|class| class["recall"].as_f64().unwrap()).collect()
    };
    let weighted = recalls("r");
    assert!(weighted.len() == 2 && weighted.iter().all(|r| *r >= 0.75), "{weighted:?}");
    let spec = std::fs::read_to_string(examples().join("faults.toml")).unwrap();
    let data = examples().join("data/faults.csv");
    let spec = spec.replace("data/faults.csv", data.to_str().unwrap());
    place.write_edited("alike.toml", &spec, "class_weights = \"balanced\"\n", "");
    place.good(&["train", "alike.toml", "--run", "alike", "--device", "cpu"]);
    // "fault" comes before "good".
    let alike = recalls("alike");
    assert!((0.15..0.5).contains(&alike[0]), "{alike:?}");
}
