//! Training, evaluation and prediction on IDX, npy, npz and safetensors files, held against the same numbers as CSV.

use crate::support::program;

use program::Place;
use serde_json::Value;
use std::path::Path;

const SPEC: &str = r#"[data]
DATA
scale = "minmax"

[[model.layers]]
dense = 5
activation = "tanh"

[[model.layers]]
dense = 3

[train]
loss = "cross_entropy"
optimizer = { sgd = { lr = 0.1, momentum = 0.9 } }
batch_size = 2
epochs = 4
seed = 3
"#;

const FIXTURES: [&str; 8] = [
    "images-idx3-ubyte.gz",
    "images-idx3-ubyte",
    "labels-idx1-ubyte.gz",
    "labels-idx1-ubyte",
    "keras.npz",
    "stored.npz",
    "compressed.npz",
    "tensors.safetensors",
];

/// A folder with the fixtures, and with the images and labels as `images.csv`.
fn place() -> Place {
    let place = Place::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/arrays");
    for name in FIXTURES {
        std::fs::copy(folder.join(name), place.path(name)).unwrap();
    }
    let expected: Value = serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap();
    let values = |file: &str| -> Vec<f64> {
        let found = expected.as_array().unwrap().iter().find(|e| e["file"] == file).unwrap();
        found["values"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
    };
    let (images, labels) = (values("images-idx3-ubyte"), values("labels-idx1-ubyte"));
    let mut text = "a,b,c,d,e,f,label\n".to_owned();
    for (image, label) in images.chunks(6).zip(&labels) {
        text.push_str(&image.iter().map(|v| format!("{v},")).collect::<String>());
        text.push_str(&format!("{label}\n"));
    }
    place.write("images.csv", &text);
    place
}

/// Trains with these lines of `[data]`; the losses of every epoch, as text.
fn losses(place: &Place, run: &str, data: &str) -> Vec<String> {
    place.write("s.toml", &SPEC.replace("DATA", data));
    place.good(&["train", "s.toml", "--run", run, "--device", "cpu"]);
    let metrics = place.read(&format!("{run}/metrics.jsonl"));
    let loss = |line: &str| {
        let record: Value = serde_json::from_str(line).unwrap();
        format!("{} {} {}", record["train_loss"], record["validation_loss"], record["validation_accuracy"])
    };
    metrics.lines().map(loss).collect()
}

#[test]
fn every_format_trains_to_the_bits_of_the_csv_file() {
    let place = place();
    let csv = losses(&place, "csv", "train = \"images.csv\"\ntarget = \"label\"\nvalidation = \"images.csv\"");
    assert_eq!(csv.len(), 4);
    for (i, (x, y)) in [
        ("images-idx3-ubyte.gz", "labels-idx1-ubyte.gz"),
        ("images-idx3-ubyte", "labels-idx1-ubyte.gz"),
        ("keras.npz#x_train", "keras.npz#y_train"),
        ("keras.npz#x_train", "labels-idx1-ubyte"),
    ]
    .iter()
    .enumerate()
    {
        let pair = format!("{{ x = \"{x}\", y = \"{y}\" }}");
        let found = losses(&place, &format!("r{i}"), &format!("train = {pair}\nvalidation = {pair}"));
        assert_eq!(found, csv, "{x} {y}");
    }
    // The float32 images lie between 0 and 1; three files hold the same of them.
    let float = |i: usize, file: &str| {
        let pair = format!("{{ x = \"{file}#x\", y = \"{file}#y\" }}");
        losses(&place, &format!("f{i}"), &format!("train = {pair}\nvalidation = 0.4"))
    };
    let stored = float(0, "stored.npz");
    assert_eq!(float(1, "compressed.npz"), stored);
    assert_eq!(float(2, "tensors.safetensors"), stored);
    // The resolved spec in the run folder means the same files.
    place.good(&["train", "f0/spec.toml", "--run", "again", "--device", "cpu"]);
    assert_eq!(place.read("again/spec.toml"), place.read("f0/spec.toml"));
}

#[test]
fn other_files_are_evaluated_and_predicted_on_by_role() {
    let place = place();
    let pair = "{ x = \"keras.npz#x_train\", y = \"keras.npz#y_train\" }";
    let test = "{ x = \"keras.npz#x_test\", y = \"keras.npz#y_test\" }";
    losses(&place, "r", &format!("train = {pair}\nvalidation = {test}"));
    let eval = |data: &str, labels: &str| -> Value {
        let args = ["eval", "r", "--data", data, "--labels", labels, "--device", "cpu", "--json"];
        serde_json::from_str(&place.good(&args)).unwrap()
    };
    let all = eval("keras.npz#x_train", "keras.npz#y_train");
    assert_eq!(all["rows"], 6);
    assert_eq!(eval("images-idx3-ubyte.gz", "labels-idx1-ubyte")["loss"], all["loss"]);
    let last: Value = serde_json::from_str(place.read("r/metrics.jsonl").lines().last().unwrap()).unwrap();
    assert_eq!(eval("keras.npz#x_test", "keras.npz#y_test")["loss"], last["validation_loss"]);
    // No targets are needed for predictions, which are as many as rows.
    let predict = |data: &str| place.good(&["predict", "r", "--data", data, "--device", "cpu"]);
    let predicted = predict("keras.npz#x_train");
    assert_eq!(predicted.lines().count(), 7);
    assert_eq!(predict("images-idx3-ubyte.gz"), predicted);
}

#[test]
fn an_archive_of_features_and_targets_is_named_like_a_csv_file() {
    let place = place();
    use wgrad::model::Tensor;
    use wgrad::model::weights::{Precision, save};
    let tensor = |name: &str, shape: &[usize], values: &[f64]| Tensor {
        name: name.into(),
        shape: shape.to_vec(),
        values: values.to_vec(),
    };
    let x: Vec<f64> = (0..12).map(f64::from).collect();
    let y = [0.0, 1.0, 2.0, 2.0, 1.0, 0.0];
    let tensors = [tensor("x", &[6, 2], &x), tensor("kind", &[6], &y)];
    save(&place.path("all.safetensors"), &tensors, Precision::F32, &Default::default()).unwrap();
    let named = losses(&place, "a", "train = \"all.safetensors\"\ntarget = \"kind\"\nvalidation = 0.4");
    let rows: Vec<String> = (0..6).map(|i| format!("{},{},{}", x[2 * i], x[2 * i + 1], y[i])).collect();
    place.write("all.csv", &format!("x0,x1,kind\n{}\n", rows.join("\n")));
    assert_eq!(losses(&place, "b", "train = \"all.csv\"\ntarget = \"kind\"\nvalidation = 0.4"), named);
    place.good(&["eval", "a", "--data", "all.safetensors", "--device", "cpu"]);
    // An array of several columns is named as one target.
    let outputs = [tensor("x", &[6, 2], &x), tensor("out", &[6, 3], &[x.clone(), y.to_vec()].concat())];
    save(&place.path("out.safetensors"), &outputs, Precision::F32, &Default::default()).unwrap();
    let spec = SPEC.replace("cross_entropy", "mse").replace("DATA", "train = \"out.safetensors\"\ntarget = \"out\"");
    place.write("out.toml", &spec);
    place.good(&["train", "out.toml", "--run", "out", "--device", "cpu"]);
    place.good(&["eval", "out", "--data", "out.safetensors", "--device", "cpu"]);
}

#[test]
fn what_does_not_fit_is_told_with_shapes_and_what_to_write() {
    let place = place();
    let train = |data: &str, parts: &[&str]| {
        place.write("s.toml", &SPEC.replace("DATA", data));
        place.refused(&["train", "s.toml", "--run", "none", "--device", "cpu"], parts);
    };
    train("train = \"keras.npz\"\ntarget = \"y_train\"", &["6 x 2 x 3 uint8", "2 x 2 x 3 uint8", "#x_train"]);
    train("train = { x = \"keras.npz\", y = \"keras.npz\" }", &["several arrays", "keras.npz#x_train"]);
    train("train = { x = \"keras.npz#x_tran\", y = \"keras.npz#y_train\" }", &["did you mean \"x_train\"?"]);
    train("train = { x = \"keras.npz#x_test\", y = \"keras.npz#y_train\" }", &["has 2 rows", "has 6"]);
    train("train = { x = \"iris.csv\", y = \"keras.npz#y_train\" }", &["this is a table", "`target`"]);
    train("train = { x = \"keras.npz#x_train\" }", &["has no `y`"]);
    train("train = { x = \"a.npy\", y = \"b.npy\" }\ntarget = \"y\"", &["s.toml:3", "Remove one"]);
    train("train = { x = \"a.npy\", y = \"b.npy\" }\nvalidation = \"c.npy\"", &["both { x = .., y = .. }"]);
    train("train = \"images-idx3-ubyte\"\ntarget = \"label\"", &["no target column \"label\"", "x[0,0]"]);
    let pair = "{ x = \"images-idx3-ubyte\", y = \"labels-idx1-ubyte\" }";
    losses(&place, "r", &format!("train = {pair}"));
    place.refused(&["eval", "r", "--data", "images-idx3-ubyte"], &["no target column \"y\"", "--labels"]);
    place.refused(&["predict", "r", "--data", "labels-idx1-ubyte"], &["no feature columns \"x[0,0]\""]);
    place.refused(&["predict", "r", "--data", "keras.npz"], &["#x_train"]);
}
