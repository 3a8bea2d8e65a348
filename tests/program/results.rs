//! What the commands compute, as the files and the text that a user gets.

use crate::support::program;

use program::{IRIS, Place, REGRESSION};
use serde_json::Value;

const CPU: [&str; 2] = ["--device", "cpu"];

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// The last line of `metrics.jsonl`.
fn last_epoch(place: &Place, run: &str) -> Value {
    json(place.read(&format!("{run}/metrics.jsonl")).lines().last().unwrap())
}

fn eval(place: &Place, run: &str, data: &str) -> Value {
    json(&place.good(&["eval", run, "--data", data, "--json", "--device", "cpu"]))
}

fn train(place: &Place, spec: &str, run: &str) -> String {
    place.good(&["train", spec, "--run", run, "--device", "cpu"])
}

/// Rows of a CSV text without its header.
fn rows(text: &str) -> Vec<Vec<String>> {
    text.lines().skip(1).map(|l| l.split(',').map(str::to_owned).collect()).collect()
}

#[test]
fn eval_on_the_validation_file_agrees_with_the_run() {
    let place = Place::new();
    let iris = place.read("iris.csv");
    let (mut train_rows, mut validation_rows) = (vec![], vec![]);
    for (i, line) in iris.lines().skip(1).enumerate() {
        if i % 5 == 0 { validation_rows.push(line) } else { train_rows.push(line) }
    }
    let header = iris.lines().next().unwrap();
    place.write("t.csv", &format!("{header}\n{}\n", train_rows.join("\n")));
    place.write("v.csv", &format!("{header}\n{}\n", validation_rows.join("\n")));
    let spec = IRIS.replace("iris.csv", "t.csv").replace("validation = 0.2", "validation = \"v.csv\"");
    place.write("s.toml", &spec);
    train(&place, "s.toml", "r");
    let last = last_epoch(&place, "r");
    let found = eval(&place, "r", "v.csv");
    assert_eq!(found["rows"], 30);
    // The same plan on the same rows with the same parameters: the same bits.
    assert_eq!(found["loss"], last["validation_loss"]);
    assert_eq!(found["accuracy"], last["validation_accuracy"]);
    let report = json(&place.read("r/report.json"));
    assert_eq!(found["confusion"], report["confusion"]);
    let counted: u64 = found["confusion"]["counts"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|r| r.as_array().unwrap())
        .map(|c| c.as_u64().unwrap())
        .sum();
    assert_eq!(counted, 30);
}

#[test]
fn classes_have_names_and_probabilities() {
    let place = Place::new();
    train(&place, "iris.toml", "r");
    let iris = place.read("iris.csv");
    let printed = place.good(&["predict", "r", "--data", "iris.csv", "--device", "cpu"]);
    assert_eq!(printed.lines().next(), Some("class,p(setosa),p(versicolor),p(virginica)"));
    let found = rows(&printed);
    assert_eq!(found.len(), 150);
    let names = ["setosa", "versicolor", "virginica"];
    let mut right = 0;
    for (row, truth) in found.iter().zip(rows(&iris)) {
        let p: Vec<f64> = row[1..].iter().map(|v| v.parse().unwrap()).collect();
        // Three numbers in f64, divided by their sum: each rounds once.
        assert!((p.iter().sum::<f64>() - 1.0).abs() <= 3.0 * f64::EPSILON, "{row:?}");
        let best = (0..3).max_by(|&a, &b| p[a].total_cmp(&p[b])).unwrap();
        assert_eq!(row[0], names[best]);
        right += usize::from(row[0] == truth[4]);
    }
    let accuracy = eval(&place, "r", "iris.csv")["accuracy"].as_f64().unwrap();
    assert_eq!(accuracy, right as f64 / 150.0);
    assert!(accuracy > 0.9, "{accuracy}");

    // The labels are not needed, and neither is the order of the columns.
    let turned: Vec<String> = iris
        .lines()
        .map(|l| {
            let cells: Vec<&str> = l.split(',').collect();
            format!("{},{},{},{}", cells[3], cells[2], cells[1], cells[0])
        })
        .collect();
    place.write("turned.csv", &turned.join("\n"));
    assert_eq!(place.good(&["predict", "r", "--data", "turned.csv", "--device", "cpu"]), printed);
    place.good(&["predict", "r", "--data", "iris.csv", "--out", "p.csv", "--device", "cpu"]);
    assert_eq!(place.read("p.csv"), printed);
}

#[test]
fn a_line_is_learned() {
    let place = Place::new();
    let printed = train(&place, "line.toml", "r");
    assert!(!printed.contains("validation"), "{printed}");
    let found = eval(&place, "r", "line.csv");
    // y = 3 a - 2 b + 5 without noise, y of a variance near 1,300: what is left must be next to nothing.
    assert!(found["loss"].as_f64().unwrap() < 1.0, "{found}");
    assert!(found["accuracy"].is_null() && found["confusion"].is_null());
    let predicted = place.good(&["predict", "r", "--data", "line.csv", "--device", "cpu"]);
    assert_eq!(predicted.lines().next(), Some("y"));
    for (row, truth) in rows(&predicted).iter().zip(rows(&place.read("line.csv"))) {
        let (y, t): (f64, f64) = (row[0].parse().unwrap(), truth[2].parse().unwrap());
        assert!((y - t).abs() < 5.0, "{y} for {t}");
    }
}

#[test]
fn several_target_columns() {
    let place = Place::new();
    let spec = REGRESSION
        .replace("\"y\"", "[\"y\", \"b\"]")
        .replace("dense = 1", "dense = 2")
        .replace("mse", "half_squared_error");
    place.write("s.toml", &spec);
    train(&place, "s.toml", "r");
    let predicted = place.good(&["predict", "r", "--data", "line.csv", "--device", "cpu"]);
    assert_eq!(predicted.lines().next(), Some("y,b"));
    assert_eq!(rows(&predicted)[0].len(), 2);
    place.write("bad.toml", &spec.replace("dense = 2", "dense = 3"));
    place.refused(&["train", "bad.toml"], &["line.csv:1", "2 target column(s)", "3 network outputs", "dense = 2"]);
}

#[test]
fn one_output_tells_two_named_classes_apart() {
    let place = Place::new();
    let iris = place.read("iris.csv");
    let two: Vec<&str> = iris.lines().filter(|l| !l.ends_with("virginica")).collect();
    place.write("iris.csv", &two.join("\n"));
    place.write("s.toml", &IRIS.replace("dense = 3", "dense = 1").replace("cross_entropy", "bce_with_logits"));
    train(&place, "s.toml", "r");
    assert_eq!(eval(&place, "r", "iris.csv")["accuracy"], 1.0);
    let predicted = rows(&place.good(&["predict", "r", "--data", "iris.csv", "--device", "cpu"]));
    assert!(predicted[..50].iter().all(|r| r[0] == "setosa") && predicted[50..].iter().all(|r| r[0] == "versicolor"));
    assert!(predicted.iter().all(|r| (0.0..=1.0).contains(&r[1].parse::<f64>().unwrap())));
}

/// 0 and 1 (for hinge -1 and 1) under a loss over no and yes are classes: such a run has an accuracy.
#[test]
fn numbers_for_no_and_yes_are_classes() {
    let place = Place::new();
    let iris = place.read("iris.csv");
    for (loss, no, yes) in [("bce_with_logits", "0", "1"), ("binary_cross_entropy", "0.0", "1"), ("hinge", "-1", "1")] {
        let coded: Vec<String> = iris
            .lines()
            .filter(|l| !l.ends_with("virginica"))
            .map(|l| l.replace("setosa", no).replace("versicolor", yes))
            .collect();
        place.write("coded.csv", &coded.join("\n"));
        let last = if loss == "binary_cross_entropy" { "dense = 1\nactivation = \"sigmoid\"" } else { "dense = 1" };
        let spec = IRIS.replace("dense = 3", last).replace("cross_entropy", loss).replace("iris.csv", "coded.csv");
        place.write("s.toml", &spec);
        train(&place, "s.toml", loss);
        assert_eq!(eval(&place, loss, "coded.csv")["accuracy"], 1.0, "{loss}");
        let printed = place.good(&["predict", loss, "--data", "coded.csv", "--device", "cpu"]);
        assert_eq!(printed.lines().next(), Some("class,score"));
        let named: f64 = no.parse().unwrap();
        assert!(rows(&printed)[..50].iter().all(|r| r[0].parse::<f64>().unwrap() == named), "{printed}");
    }
    // A soft target among them: numbers, which no accuracy can be stated for.
    place.write("soft.csv", "a,b,y\n0,1,0\n1,0,1\n1,1,0.5\n");
    let spec = REGRESSION.replace("line.csv", "soft.csv").replace("mse", "bce_with_logits");
    place.write("soft.toml", &spec);
    train(&place, "soft.toml", "soft");
    assert!(eval(&place, "soft", "soft.csv")["accuracy"].is_null());
}

/// What the outputs say of classes under a loss that knows no probabilities is not called one.
#[test]
fn scores_are_not_called_probabilities() {
    let place = Place::new();
    place.write("s.toml", &IRIS.replace("cross_entropy", "mse"));
    train(&place, "s.toml", "r");
    let printed = place.good(&["predict", "r", "--data", "iris.csv", "--device", "cpu"]);
    assert_eq!(printed.lines().next(), Some("class,score(setosa),score(versicolor),score(virginica)"));
}

#[test]
fn init_writes_what_grad_takes() {
    let place = Place::new();
    place.good(&["init", "iris.toml", "--out", "w.safetensors"]);
    place.good(&["init", "iris.toml", "--out", "again.safetensors"]);
    place.good(&["init", "iris.toml", "--out", "other.safetensors", "--seed", "9"]);
    assert!(place.bytes("w.safetensors") == place.bytes("again.safetensors"));
    assert!(place.bytes("w.safetensors") != place.bytes("other.safetensors"));
    let expected: [(&str, Vec<usize>); 4] = [
        ("layers.0.weight", vec![8, 4]),
        ("layers.0.bias", vec![8]),
        ("layers.1.weight", vec![3, 8]),
        ("layers.1.bias", vec![3]),
    ];
    let bytes = place.bytes("w.safetensors");
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.len(), 4);
    for (name, shape) in &expected {
        assert_eq!(file.tensor(name).unwrap().shape(), shape, "{name}");
    }
    for (precision, dtype, size) in [("f32", safetensors::Dtype::F32, 4), ("f64", safetensors::Dtype::F64, 8)] {
        let args = ["grad", "iris.toml", "--weights", "w.safetensors", "--data", "iris.csv", "--out", "g.safetensors"];
        let printed = place.good(&[&args[..], &["--precision", precision], &CPU].concat());
        let bytes = place.bytes("g.safetensors");
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(file.len(), 5);
        for (name, shape) in &expected {
            let tensor = file.tensor(name).unwrap();
            assert_eq!((tensor.shape(), tensor.dtype()), (&shape[..], dtype), "{name}");
            assert!(tensor.data().iter().any(|&b| b != 0), "{name} has no gradient");
        }
        let loss = file.tensor("loss").unwrap();
        assert_eq!((loss.shape(), loss.data().len()), (&[1][..], size));
        let value = match precision {
            "f32" => f64::from(f32::from_le_bytes(loss.data().try_into().unwrap())),
            _ => f64::from_le_bytes(loss.data().try_into().unwrap()),
        };
        assert_eq!(printed, format!("loss      {value}\n"));
    }
}

#[test]
fn a_weight_that_starts_a_run_is_that_of_init() {
    // A learning rate of next to nothing leaves f32 weights where they were.
    let place = Place::new();
    place.write_edited("s.toml", IRIS, "lr = 0.1, momentum = 0.9", "lr = 1e-30");
    place.good(&["init", "s.toml", "--out", "w.safetensors"]);
    train(&place, "s.toml", "r");
    let tensors = |file: &str| -> Vec<(String, Vec<u8>)> {
        let bytes = place.bytes(file);
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let mut all: Vec<_> = file.tensors().into_iter().map(|(n, t)| (n, t.data().to_vec())).collect();
        all.sort();
        all
    };
    let weights = |file| tensors(file).into_iter().filter(|(n, _)| n.ends_with("weight")).collect::<Vec<_>>();
    assert!(weights("w.safetensors") == weights("r/model.safetensors"));
}

#[test]
fn verify_passes_and_says_what_it_did() {
    let place = Place::new();
    train(&place, "iris.toml", "r");
    for subject in ["iris.toml", "r"] {
        let files = ["--json", "v.json", "--junit", "v.xml", "--markdown", "v.md"];
        place.good(&[&["verify", subject, "--steps", "3"], &files[..], &CPU].concat());
        let verdict = json(&place.read("v.json"));
        assert_eq!(verdict["passed"], true);
        assert_eq!(verdict["steps"].as_array().unwrap().len(), 3);
        let rows = verdict["steps"][0]["rows"].as_array().unwrap();
        let names: Vec<&str> = rows.iter().map(|r| r["name"].as_str().unwrap()).collect();
        for name in ["loss", "grad.layers.0.weight", "grad.layers.1.bias", "layers.0.weight", "state.0.layers.1.bias"] {
            assert!(names.contains(&name), "{name} is not in {names:?}");
        }
        assert!(roxmltree::Document::parse(&place.read("v.xml")).is_ok());
        assert!(place.read("v.md").contains('|'));
    }
}

#[test]
fn plan_and_devices_say_what_there_is() {
    let place = Place::new();
    let text = place.good(&["plan", "iris.toml"]);
    assert!(text.contains("fits") && text.contains("layers.0.weight"), "{text}");
    let plan = json(&place.good(&["plan", "iris.toml", "--json"]));
    assert_eq!(plan["parameters"], 67);
    assert!(plan["memory_bytes"].as_u64().unwrap() > 4 * 67);
    // A network this small has its steps in one dispatch.
    assert_eq!(plan["dispatches"], 1);
    let separate = json(&place.good(&["plan", "iris.toml", "--json", "--without", "whole"]));
    assert!(separate["dispatches"].as_u64().unwrap() > 5);
    let devices = json(&place.good(&["devices", "--json"]));
    assert!(devices["cpu_threads"].as_u64().unwrap() > 0 && devices["adapters"].is_array());
    place.good(&["devices", "--json", "d.json"]);
    assert_eq!(json(&place.read("d.json"))["adapters"], devices["adapters"]);
}
