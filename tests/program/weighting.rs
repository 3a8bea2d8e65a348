//! Class weights, sample weights and label smoothing in runs: what they are the same as, what is measured, what is refused.

use crate::support::interruptions;
use crate::support::program;

use interruptions::assert_same_run;
use program::{IRIS, Place, REGRESSION};
use serde_json::Value;
use wgrad::data::Dataset;
use wgrad::exec::{Device, Flow};
use wgrad::graph::{Activation, Loss, Optimizer, UpdateRule};
use wgrad::model::init::initial_parameters;
use wgrad::model::{Layer, LayerKind, Network};
use wgrad::plan::Switches;
use wgrad::spec::Spec;
use wgrad::train::replay::{Bundle, Origin, replay};
use wgrad::train::{Engine, Roles, Trainer};
use wgrad::verify::{Question, verify};

const CPU: [&str; 2] = ["--device", "cpu"];

/// 50 of setosa, 20 of versicolor, 10 of virginica; the column `w` is what `weight` says of a class and a row.
fn flowers(weight: impl Fn(&str, usize) -> f64) -> String {
    let iris = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/data/iris.csv")).unwrap();
    let mut lines = iris.lines();
    let mut text = format!("{},w\n", lines.next().unwrap());
    for (i, line) in lines.enumerate() {
        let (class, place) = (line.rsplit(',').next().unwrap(), i % 50);
        if place < [50, 20, 10][i / 50] {
            text.push_str(&format!("{line},{}\n", weight(class, place)));
        }
    }
    text
}

/// The weights that make the classes of [`flowers`] count alike: 80 / (3 * rows).
fn balance(class: &str) -> f64 {
    80.0 / (3.0
        * [50.0, 20.0, 10.0][["setosa", "versicolor", "virginica"].iter().position(|c| class.contains(c)).unwrap()])
}

/// A spec on `w.csv`, validated on all of iris; `data` and `train` are further lines.
fn spec(data: &str, train: &str) -> String {
    let spec = IRIS.replace("train = \"iris.csv\"", "train = \"w.csv\"");
    let spec = spec.replace("validation = 0.2", &format!("validation = \"iris.csv\"\n{data}"));
    spec.replace("seed = 1\n", &format!("seed = 1\n{train}\n"))
}

fn trained(place: &Place, run: &str, data: &str, train: &str) -> Vec<u8> {
    place.write("w.toml", &spec(data, train));
    place.good(&[&["train", "w.toml", "--run", run], &CPU[..]].concat());
    place.bytes(&format!("{run}/model.safetensors"))
}

/// The names of the classes as the file has them, with weights.
fn by_name(of: impl Fn(&str) -> f64) -> String {
    let text = flowers(|_, _| 1.0);
    let mut names: Vec<&str> = text.lines().skip(1).map(|l| l.split(',').nth(4).unwrap()).collect();
    names.dedup();
    let each: Vec<String> = names.iter().map(|name| format!("\"{name}\" = {:?}", of(name))).collect();
    format!("class_weights = {{ {} }}", each.join(", "))
}

#[test]
fn weights_of_classes_are_weights_of_their_rows() {
    let place = Place::new();
    let round = |v: f64| f64::from(v as f32);
    place.write("w.csv", &flowers(|class, _| round(balance(class))));
    for (way, memory) in [("memory", ""), ("file", "memory = \"1 KiB\"")] {
        let column = format!("sample_weight = \"w\"\n{memory}");
        let run = |name: &str| format!("{name}-{way}");
        let by_column = trained(&place, &run("column"), &column, "");
        // A column of the same numbers everywhere changes nothing, and a row in a file is as long.
        place.write("w.csv", &flowers(|_, _| 3.0));
        let named = trained(&place, &run("named"), &column, &by_name(|class| round(balance(class))));
        assert!(named == by_column, "{way}: by name");
        let plain = trained(&place, &run("plain"), &column, "");
        assert!(plain != named, "{way}: no weights at all");
        place.write("w.csv", &flowers(|class, _| round(balance(class))));
    }
    // To the rounding of the column, and to all bits where no column rounds.
    place.write("w.csv", &flowers(|_, _| 3.0));
    let ignored = "ignore = \"w\"";
    let balanced = trained(&place, "balanced", ignored, "class_weights = \"balanced\"");
    let report: Value = serde_json::from_str(&place.read("balanced/report.json")).unwrap();
    let shown: Vec<f64> = report["class_weights"].as_array().unwrap().iter().map(|w| w[1].as_f64().unwrap()).collect();
    assert_eq!(shown, ["setosa", "versicolor", "virginica"].map(balance));
    assert!(balanced == trained(&place, "balanced-named", ignored, &by_name(balance)));
    let list =
        format!("class_weights = [{:?}, {:?}, {:?}]", balance("setosa"), balance("versicolor"), balance("virginica"));
    assert!(balanced == trained(&place, "balanced-listed", ignored, &list));
    assert!(trained(&place, "equal", ignored, "") == trained(&place, "equal-column", "sample_weight = \"w\"", ""));
}

/// Two classes for one output, coded as numbers, have class weights too.
#[test]
fn weights_of_two_classes_for_one_output() {
    let place = Place::new();
    for loss in ["bce_with_logits", "hinge"] {
        let words = |weight: &dyn Fn(bool) -> f64| -> String {
            let row = |i: i32| {
                let yes = (i * 7) % 10 > 6;
                format!("{},{},{},{}\n", i % 7, i % 5, if yes { "yes" } else { "no" }, weight(yes))
            };
            format!("a,b,y,w\n{}", (0..40).map(row).collect::<String>())
        };
        let spec = |data: &str, train: &str| {
            let text = REGRESSION.replace("line.csv", "two.csv").replace("\"mse\"", &format!("\"{loss}\""));
            text.replace("target = \"y\"", &format!("target = \"y\"\n{data}")) + train
        };
        let run = |name: &str, data: &str, train: &str| {
            place.write("two.toml", &spec(data, train));
            let run = format!("{loss}-{name}");
            place.good(&[&["train", "two.toml", "--run", &run], &CPU[..]].concat());
            place.bytes(&format!("{run}/model.safetensors"))
        };
        place.write("two.csv", &words(&|yes| if yes { 2.5 } else { 0.5 }));
        let by_column = run("column", "sample_weight = \"w\"", "");
        let named = run("named", "ignore = \"w\"", "class_weights = { yes = 2.5, no = 0.5 }\n");
        assert!(by_column == named, "{loss}");
        assert!(named != run("plain", "ignore = \"w\"", ""), "{loss}");
    }
}

#[test]
fn a_weighted_run_goes_on_to_the_same_bits() {
    let layers = "[[model.layers]]\nbatch_norm = true\n\n[[model.layers]]\ndense = 3";
    for (memory, more) in [("", "label_smoothing = 0.1"), ("memory = \"1 KiB\"", ""), ("", "accumulate = 3")] {
        let place = Place::new();
        // Every seventh row does not count, and among them are last rows of batches.
        place.write("w.csv", &flowers(|_, i| if i % 7 == 3 { 0.0 } else { 1.0 + (i % 3) as f64 }));
        let data = format!("sample_weight = \"w\"\n{memory}");
        let text = spec(&data, &format!("class_weights = \"balanced\"\n{more}"));
        let accumulates = more.starts_with("acc");
        let text = if accumulates { text } else { text.replacen("[[model.layers]]\ndense = 3", layers, 1) };
        place.write("w.toml", &text);
        let train = |args: &[&str]| place.good(&[&["train"], args, &CPU].concat());
        train(&["w.toml", "--run", "whole"]);
        train(&["w.toml", "--run", "resumed", "--epochs", "2"]);
        train(&["--resume", "resumed", "--epochs", "3"]);
        assert_same_run(&place, "resumed", "whole");
        place.good(&[&["verify", "whole"], &CPU[..]].concat());
        place.good(&["gradcheck", "w.toml"]);
        let kept: String = place.read("whole/spec.toml");
        assert!(kept.contains("class_weights = \"balanced\"") && kept.contains("sample_weight = \"w\""), "{kept}");
    }
}

/// The mean of -log p over all rows alike, from the program's own predictions.
#[test]
fn what_is_measured_has_neither_weights_nor_smoothing() {
    let place = Place::new();
    place.write("w.csv", &flowers(|_, i| (i % 4) as f64));
    trained(&place, "run", "sample_weight = \"w\"", "class_weights = \"balanced\"\nlabel_smoothing = 0.3");
    place.good(&["predict", "run", "--data", "iris.csv", "--out", "p.csv", "--device", "cpu"]);
    let (truth, predicted) = (place.read("iris.csv"), place.read("p.csv"));
    let names: Vec<&str> = predicted.lines().next().unwrap().split(',').skip(1).collect();
    let rows = truth.lines().skip(1).zip(predicted.lines().skip(1));
    let losses: Vec<f64> = rows
        .map(|(row, p)| {
            let class = row.rsplit(',').next().unwrap();
            let at = names.iter().position(|n| *n == format!("p({class})")).unwrap();
            -p.split(',').nth(at + 1).unwrap().parse::<f64>().unwrap().ln()
        })
        .collect();
    let mean = losses.iter().sum::<f64>() / losses.len() as f64;
    let found: Value = serde_json::from_str(&place.good(&["eval", "run", "--data", "iris.csv", "--json"])).unwrap();
    let last: Value = serde_json::from_str(place.read("run/metrics.jsonl").lines().last().unwrap()).unwrap();
    // Logits of f32, and a mean of 150 of them: 150 * 2^-24 is 9e-6.
    for loss in [&found["loss"], &last["validation_loss"]] {
        assert!((loss.as_f64().unwrap() - mean).abs() < 1e-5, "{found} {last}: {mean}");
    }
}

fn network(loss: Loss) -> Network {
    let layers = vec![
        Layer::dense(3, 6, Activation::Tanh, true),
        Layer::same_width(6, LayerKind::LayerNorm, Activation::Identity),
        Layer::dense(6, 4, Activation::Identity, true),
    ];
    Network { layers, loss }
}

fn samples(rows: usize) -> Dataset {
    let x: Vec<f64> = (0..rows * 3).map(|i| f64::from((i as f32 * 0.7).sin())).collect();
    let classes: Vec<u32> = (0..rows as u32).map(|i| i * 7 % 4).collect();
    Dataset::classes(&x, 3, &classes)
}

fn gradients(data: &Dataset) -> (f64, Vec<f64>) {
    let network = network(Loss::CrossEntropy { smoothing: 0.1 });
    let roles = Roles { gradients: Some(data.rows), ..Roles::default() };
    pollster::block_on(async {
        let mut engine = Engine::open(&Device::cpu_f64(), &network, roles).await.unwrap();
        engine.write_parameters(&initial_parameters(&network.layers, 4)).unwrap();
        let (loss, gradients) = engine.gradients(data).await.unwrap();
        (loss, gradients.into_iter().flat_map(|g| g.values).collect())
    })
}

/// A row of weight n is n rows, one of weight 0 is none.
#[test]
fn a_weight_is_a_number_of_rows() {
    let data = samples(5);
    let repeated = data.subset(&[0, 0, 1, 3, 3, 3, 4]);
    let (loss, found) = gradients(&data.clone().weighted(&[2.0, 1.0, 0.0, 3.0, 1.0]));
    let (expected_loss, expected) = gradients(&repeated);
    assert!((loss - expected_loss).abs() < 1e-14, "{loss} {expected_loss}");
    assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-14));
    let (_, equal) = gradients(&data);
    assert!(found.iter().zip(&equal).any(|(a, b)| (a - b).abs() > 1e-3));
    // Where nothing counts, nothing is learnt, and nothing is NaN.
    let (loss, found) = gradients(&data.weighted(&[0.0; 5]));
    assert!(loss == 0.0 && found.iter().all(|g| *g == 0.0));
}

#[test]
fn weighted_steps_in_parts_are_verified() {
    let data = samples(11).weighted(&[1.0, 0.0, 2.0, 0.5, 0.0, 0.0, 0.0, 3.0, 1.0, 1.0, 0.0]);
    let network = network(Loss::CrossEntropy { smoothing: 0.2 });
    let parameters = initial_parameters(&network.layers, 4);
    for accumulate in [1, 3] {
        let question = Question {
            network: &network,
            rule: UpdateRule { accumulate, ..Optimizer::adamw(0.01).into() },
            parameters: &parameters,
            data: (&data).into(),
            batch_size: 4,
            seed: 3,
            steps: 7,
            slack: 1.0,
            unfused: false,
            switches: Switches::default(),
        };
        assert!(pollster::block_on(verify(&question, &Device::cpu())).unwrap().passed, "{accumulate}");
    }
}

/// The step of a run whose last rows do not count is replayed as it was: all rows are samples for batch norm.
#[test]
fn a_step_with_rows_of_weight_zero_is_replayed() {
    for more in ["", "accumulate = 2\n"] {
        let place = Place::new();
        let rows: String =
            (0..40).map(|i| format!("{i},{},{},{}\n", i * 7 % 11, 3 * i, u8::from(i % 5 == 0))).collect();
        place.write("line.csv", &format!("a,b,y,w\n{rows}"));
        let text = REGRESSION
            .replace("lr = 0.1", "lr = 1e15")
            .replace("target = \"y\"", "target = \"y\"\nsample_weight = \"w\"");
        let norm = "[[model.layers]]\ndense = 4\n[[model.layers]]\nbatch_norm = true\n[[model.layers]]\ndense = 1";
        let text = if more.is_empty() { text.replacen("[[model.layers]]\ndense = 1", norm, 1) } else { text };
        place.write("wild.toml", &format!("{text}{more}"));
        let found = place.run(&[&["train", "wild.toml", "--run", "r"], &CPU[..]].concat());
        assert_eq!(found.code, Some(1), "{found:?}");
        let replayed = place.run(&["replay", "r/fault.safetensors", "--device", "cpu", "--json"]);
        let value: Value = serde_json::from_str(&replayed.stdout).unwrap();
        assert_eq!(value["reproduced"], true, "{value:#}");
        // The operation that the run named when it failed, on the run's own tables.
        let label = value["culprit"]["label"].as_str().unwrap();
        assert!(found.stderr.contains(label), "{label}: {}", found.stderr);
    }
}

/// Rows of weight 0 at the end of a batch are samples, those that fill it up are not: batch norm tells them apart, and so does a
/// bundle. The loss of a step as it was trained, and as its bundle has it.
#[test]
fn a_bundle_knows_samples_of_weight_zero_from_rows_that_fill_the_batch_up() {
    let text = "[data]\ntrain = 'd.csv'\ntarget = 't'\n[[model.layers]]\ndense = 5\n[[model.layers]]\nbatch_norm = true\n\
                [[model.layers]]\ndense = 4\n[train]\nloss = 'cross_entropy'\noptimizer = { sgd = { lr = 0.1 } }\nbatch_size = 6\n";
    let spec = Spec::parse(text, "s.toml").unwrap();
    let network = Network { layers: spec.model.layers(3).unwrap(), loss: spec.train.loss };
    let parameters = initial_parameters(&network.layers, 4);
    let weights = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 0.0, 1.0, 0.0];
    let data = samples(11).weighted(&weights);
    let rule = spec.train.rule(11);
    let roles = Roles { train: Some((11, 6, rule)), unfused: true, ..Roles::default() };
    let mut engine = pollster::block_on(Engine::open(&Device::cpu_f64(), &network, roles)).unwrap();
    engine.write_parameters(&parameters).unwrap();
    engine.set_training_data(&data).unwrap();
    let mut loss = f64::NAN;
    let last = [6, 7, 8, 9, 10];
    let mut sink = |losses: &[f64]| {
        loss = losses[0];
        Flow::Continue
    };
    pollster::block_on(engine.train(&last, 0, &mut sink)).unwrap();
    // The first row fills the batch up to six.
    let batch = data.subset(&[6, 7, 8, 9, 10, 6]);
    let bundle = Bundle {
        spec,
        network,
        origin: Origin { step: 1, ..Origin::default() },
        parameters,
        states: Vec::new(),
        x: batch.x,
        targets: batch.targets,
        weights: vec![0.25, 0.5, 0.0, 0.25, 0.0, 0.0],
        rows: 5,
        hyper: rule.hyper(0).to_vec(),
    };
    let place = Place::new();
    let path = place.path("b.safetensors");
    let kept = |bundle: &Bundle| {
        bundle.save(&path).unwrap();
        Bundle::load(&path)
    };
    let replayed =
        |bundle: &Bundle| pollster::block_on(replay(&kept(bundle).unwrap(), &Device::cpu_f64())).unwrap().loss;
    // The bundle holds f32, of which samples and parameters are made.
    assert!((replayed(&bundle) - loss).abs() < 1e-12, "{} {loss}", replayed(&bundle));
    let with_rows = |rows| Bundle { rows, ..bundle.clone() };
    for rows in [4, 6] {
        let other = replayed(&with_rows(rows));
        assert!((other - loss).abs() > 1e-4, "{rows} rows: {other} {loss}");
    }
    for rows in [0, 3, 7] {
        let message = kept(&with_rows(rows)).unwrap_err().to_string();
        assert!(message.contains(&format!("{rows} rows of 6 are samples, 4 have a weight")), "{message}");
    }
}

#[test]
fn weights_that_are_none_are_refused_by_file_and_line() {
    let place = Place::new();
    let refused = |weight: &str, data: &str, train: &str, parts: &[&str]| {
        place.write("w.csv", &flowers(|_, _| 7.0).replacen(",7\n", &format!(",{weight}\n"), 1));
        place.write("w.toml", &spec(data, train));
        place.refused(&[&["train", "w.toml", "--run", "r"], &CPU[..]].concat(), parts);
    };
    let column = "sample_weight = \"w\"";
    refused("-1", column, "", &["w.csv:2, column \"w\"", "at least 0, found -1"]);
    refused("nan", column, "", &["w.csv:2, column \"w\"", "finite"]);
    refused("1e39", column, "", &["w.csv:2, column \"w\"", "range"]);
    refused("much", column, "", &["w.csv:2, column \"w\"", "\"much\""]);
    refused("-1", &format!("{column}\nmemory = \"1 KiB\""), "", &["w.csv:2, column \"w\"", "at least 0"]);
    refused("7", "sample_weight = \"v\"", "", &["no weight column", "\"v\""]);
    refused("7", "sample_weight = \"species\"", "", &["weights is a target"]);
    refused("7", &format!("{column}\nfeatures = [\"w\"]"), "", &["\"w\" is the weight of the rows and a feature"]);
    refused("7", "", "class_weights = { rose = 2.0 }", &["train.class_weights", "\"rose\" is no class"]);
    refused("7", "", "class_weights = [1.0]", &["1 weights for the 3 classes"]);
    refused("7", "", "class_weights = [0.0, 0.0, 0.0]", &["every training row has weight 0"]);
    for memory in ["", "memory = \"1 KiB\""] {
        place.write("w.csv", &flowers(|_, _| 0.0));
        place.write("w.toml", &spec(&format!("{column}\n{memory}"), ""));
        let parts = ["w.csv", "every training row has weight 0"];
        place.refused(&[&["train", "w.toml", "--run", "r"], &CPU[..]].concat(), &parts);
    }
    place.write_edited("line.toml", REGRESSION, "seed = 1", "seed = 1\nclass_weights = \"balanced\"");
    place.refused(&["train", "line.toml", "--run", "r", "--device", "cpu"], &["numbers and have no classes"]);
    // A malformed row like any other.
    place.write("w.csv", &flowers(|_, i| if i == 5 { -1.0 } else { 1.0 }));
    trained(&place, "skipped", &format!("{column}\nskip_bad_rows = 3"), "");
    // A library's data set.
    let mut trainer = Trainer::builder(3).dense(4, Activation::Identity).loss(Loss::cross_entropy()).build().unwrap();
    for weights in [&[1.0][..], &[1.0, -1.0, 1.0, 1.0, 1.0], &[1.0, f64::NAN, 1.0, 1.0, 1.0]] {
        let message = trainer.fit(&samples(5).weighted(weights), 1).unwrap_err().to_string();
        assert!(message.contains("5 rows need as many weights"), "{message}");
    }
    trainer.fit(&samples(5).weighted(&[0.0, 1.0, 2.0, 0.0, 1.0]), 1).unwrap();
}
