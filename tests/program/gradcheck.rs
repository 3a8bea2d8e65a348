//! `wgrad gradcheck`: what it prints, what it exits with, how sampling is stated.

use crate::support::program;

use program::{IRIS, Place};
use serde_json::Value;

#[test]
fn gradients_of_a_spec_agree_and_the_table_says_what_was_checked() {
    let place = Place::new();
    let text = place.good(&["gradcheck", "iris.toml"]);
    for part in [
        "over 4 samples, in f64",
        "layers.0.weight",
        "[8, 4]",
        "32 of 32",
        "layers.1.bias",
        "3 of 3",
        "kinks",
        "error/bound",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(text.lines().last().unwrap().starts_with("passed: checked 67 of 67 gradients"), "{text}");
    assert_eq!(text.lines().filter(|l| l.ends_with(" ok")).count(), 4, "{text}");
    // The same answer every time.
    assert_eq!(text, place.good(&["gradcheck", "iris.toml"]));
    place.good(&["gradcheck", "line.toml"]);
}

#[test]
fn sampling_is_seeded_and_stated() {
    let place = Place::new();
    let text = place.good(&["gradcheck", "iris.toml", "--samples", "5", "--seed", "9"]);
    assert!(text.contains("5 of 32") && text.contains("3 of 3"), "{text}");
    assert!(text.contains("checked 18 of 67 gradients (up to 5 a tensor, drawn with seed 9"), "{text}");
    let worst = |seed: &str| {
        let json = place.good(&["gradcheck", "iris.toml", "--samples", "5", "--seed", seed, "--json"]);
        serde_json::from_str::<Value>(&json).unwrap()["tensors"][0]["comparison"]["worst"]["index"].clone()
    };
    assert!(
        ["1", "2", "3", "4", "5"].iter().any(|seed| worst(seed) != worst("9")),
        "every seed draws the same elements"
    );
}

#[test]
fn json_goes_to_stdout_or_to_a_file() {
    let place = Place::new();
    let json: Value = serde_json::from_str(&place.good(&["gradcheck", "iris.toml", "--json"])).unwrap();
    assert_eq!(json["passed"], true);
    assert_eq!(json["tensors"].as_array().unwrap().len(), 4);
    assert_eq!(json["tensors"][0]["checked"], 32);
    assert_eq!(json["tensors"][0]["kinks"], 0);
    assert_eq!(json["tensors"][0]["comparison"]["name"], "layers.0.weight");
    assert_eq!(place.good(&["gradcheck", "iris.toml", "--json", "g.json"]), "");
    assert_eq!(serde_json::from_str::<Value>(&place.read("g.json")).unwrap(), json);
}

/// Control: a check that could compare nothing has not passed. Every pre-activation of this network is exactly 0.
#[test]
fn a_check_without_an_answer_exits_with_1() {
    let place = Place::new();
    let zeros: String = (0..20).map(|i| format!("0,0,{}\n", i % 3)).collect();
    place.write("zeros.csv", &format!("a,b,species\n{zeros}"));
    let spec = IRIS.replace("iris.csv", "zeros.csv").replace("standard", "none").replace("tanh", "relu");
    place.write("zeros.toml", &spec);
    let found = place.run(&["gradcheck", "zeros.toml"]);
    assert_eq!(found.code, Some(1), "{found:?}");
    // The weights do not move a pre-activation, whose inputs are all 0; the biases do.
    assert!(found.stdout.contains("none of 8 elements could be checked: 8 at kinks"), "{}", found.stdout);
    assert!(found.stdout.lines().last().unwrap().starts_with("FAILED: "), "{}", found.stdout);
    assert!(found.stdout.contains("layers.0.bias"), "{}", found.stdout);
}

#[test]
fn what_cannot_be_checked_exits_with_2() {
    let place = Place::new();
    place.refused(&["gradcheck", "missing.toml"], &["missing.toml", "no such spec"]);
    place.refused(&["gradcheck", "iris.toml", "--samples", "0"], &["--samples", "0"]);
    // Probabilities outside of 0 to 1 have no cross-entropy.
    let spec = IRIS
        .replace("\"cross_entropy\"", "\"binary_cross_entropy\"")
        .replace("dense = 3", "dense = 3\nactivation = \"tanh\"");
    place.write("nan.toml", &spec);
    place.refused(&["gradcheck", "nan.toml"], &["loss of the batch is NaN", "no derivative"]);
}
