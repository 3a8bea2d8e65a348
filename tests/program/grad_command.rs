//! `wgrad grad` as a user runs it: spec, CSV and weights in, gradients out, held against the independent oracle; and the
//! example specs, which state the worked examples.

use crate::support;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use support::networks::{Case, Found, Rng, Sketch, Spread, Width};
use support::oracle::{Batch, Target};
use support::verdict::{Outcome, judge};
use wgrad::graph::{Activation, Loss};
use wgrad::model::Tensor;

fn wgrad(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wgrad"));
    // The adapter of a GPU test run must not decide where these run.
    command.args(arguments).env_remove("WGRAD_ADAPTER").env_remove("WGRAD_REQUIRE_GPU");
    command.output().expect("the program starts")
}

/// A weight file, written without wgrad.
fn write_weights(path: &Path, tensors: &[Tensor], width: Width) {
    let bytes = |t: &Tensor| -> Vec<u8> {
        match width {
            Width::F32 => t.values.iter().flat_map(|v| (*v as f32).to_le_bytes()).collect(),
            Width::F64 => t.values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        }
    };
    let dtype = if width == Width::F32 { Dtype::F32 } else { Dtype::F64 };
    let data: Vec<Vec<u8>> = tensors.iter().map(bytes).collect();
    let views = tensors
        .iter()
        .zip(&data)
        .map(|(t, d)| (t.name.clone(), TensorView::new(dtype, t.shape.clone(), d).expect("sizes that fit")));
    std::fs::write(path, safetensors::serialize(views, None).expect("tensors")).expect("a writable folder");
}

/// A gradient file, read without wgrad; the element type must be the one asked for.
fn read_gradients(path: &Path, like: &[Tensor], width: Width) -> Found {
    let bytes = std::fs::read(path).expect("the gradient file is there");
    let file = SafeTensors::deserialize(&bytes).expect("a safetensors file");
    assert_eq!(file.len(), like.len() + 1, "one tensor a parameter, and the loss");
    let read = |name: &str, shape: &[usize]| -> Vec<f64> {
        let view = file.tensor(name).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(view.shape(), shape, "{name}");
        match (width, view.dtype()) {
            (Width::F32, Dtype::F32) => {
                view.data().as_chunks::<4>().0.iter().map(|b| f64::from(f32::from_le_bytes(*b))).collect()
            }
            (Width::F64, Dtype::F64) => view.data().as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect(),
            (_, other) => panic!("{name} has the type {other}"),
        }
    };
    let gradients = like.iter().map(|t| Tensor { values: read(&t.name, &t.shape), ..t.clone() }).collect();
    Found { loss: read("loss", &[1])[0], gradients }
}

/// The samples as CSV: features x0.., then targets t0.. or `label`. Numbers are written so that they read back exactly.
fn write_csv(path: &Path, batch: &Batch, inputs: usize, outputs: usize) {
    let mut columns: Vec<String> = (0..inputs).map(|i| format!("x{i}")).collect();
    match batch.target {
        Target::Numbers(_) => columns.extend((0..outputs).map(|j| format!("t{j}"))),
        Target::Classes(_) => columns.push("label".into()),
    }
    let mut text = columns.join(",");
    for row in 0..batch.rows {
        let mut cells: Vec<String> = batch.x[row * inputs..(row + 1) * inputs].iter().map(f64::to_string).collect();
        match &batch.target {
            Target::Numbers(t) => cells.extend(t[row * outputs..(row + 1) * outputs].iter().map(f64::to_string)),
            Target::Classes(classes) => cells.push(classes[row].to_string()),
        }
        write!(text, "\n{}", cells.join(",")).expect("memory");
    }
    std::fs::write(path, text + "\n").expect("a writable folder");
}

/// The spec of `sketch`; `train` is what it names as its training file.
fn write_spec(path: &Path, sketch: &Sketch, train: &str) {
    let outputs = sketch.last().0;
    let target = match sketch.loss {
        Loss::CrossEntropy { .. } => "\"label\"".to_owned(),
        _ => format!("[{}]", (0..outputs).map(|j| format!("\"t{j}\"")).collect::<Vec<_>>().join(", ")),
    };
    let mut text = format!("[data]\ntrain = \"{train}\"\ntarget = {target}\n");
    for (outputs, activation, bias) in &sketch.layers {
        let name = activation.name();
        write!(text, "\n[[model.layers]]\ndense = {outputs}\nactivation = \"{name}\"\nbias = {bias}\n")
            .expect("memory");
    }
    let loss = sketch.loss.name();
    write!(text, "\n[train]\nloss = \"{loss}\"\noptimizer = {{ sgd = {{ lr = 0.1 }} }}\n").expect("memory");
    std::fs::write(path, text).expect("a writable folder");
}

/// Runs `sketch` through files and the program, and judges the answer.
fn through_files(sketch: &Sketch, case: &Case, width: Width, train: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    let text = |name: &str| path(name).to_str().expect("a UTF-8 path").to_owned();
    write_spec(&path("spec.toml"), sketch, train);
    write_csv(&path("data.csv"), &case.batch, case.network.inputs(), case.network.outputs());
    write_weights(&path("w.safetensors"), &case.parameters, width);
    let precision = if width == Width::F32 { "f32" } else { "f64" };
    let (spec, weights, data, out) =
        (text("spec.toml"), text("w.safetensors"), text("data.csv"), text("g.safetensors"));
    let mut arguments = vec!["grad", &spec, "--weights", &weights, "--data", &data, "--out", &out];
    arguments.extend(["--precision", precision, "--device", "cpu"]);
    let output = wgrad(&arguments);
    assert!(output.status.success(), "{sketch:?}\n{}", String::from_utf8_lossy(&output.stderr));
    let found = read_gradients(&path("g.safetensors"), &case.parameters, width);
    assert_eq!(judge(case, &case.expected(), &found, width), Ok(Outcome::Good), "{sketch:?}");
}

fn three_layers(loss: Loss, last: Activation, outputs: usize, seed: u64) -> Sketch {
    let layers =
        vec![(13, Activation::Tanh, true), (8, Activation::Gelu, seed.is_multiple_of(2)), (outputs, last, true)];
    Sketch { inputs: 5, rows: 17, layers, loss, spread: Spread::FanIn, seed }
}

#[test]
fn every_loss_agrees_with_the_oracle_in_both_precisions() {
    let identity = Activation::Identity;
    let cases = [
        (Loss::HalfSquaredError, identity, 3),
        (Loss::Mse, Activation::Sigmoid, 1),
        (Loss::Mae, identity, 2),
        (Loss::Huber { delta: 1.0 }, identity, 3),
        (Loss::BinaryCrossEntropy, Activation::Sigmoid, 1),
        (Loss::BinaryCrossEntropy, Activation::Softmax, 4),
        (Loss::BceWithLogits, identity, 3),
        (Loss::cross_entropy(), identity, 10),
        (Loss::Quantile { q: 0.5 }, identity, 2),
        (Loss::Hinge, identity, 1),
        (Loss::Hinge, Activation::Tanh, 4),
    ];
    for (seed, (loss, last, outputs)) in cases.into_iter().enumerate() {
        for width in [Width::F32, Width::F64] {
            let sketch = three_layers(loss, last, outputs, seed as u64);
            through_files(&sketch, &sketch.case(width), width, "data.csv");
        }
    }
}

/// A batch need not show every class: class indices are what the labels say, not their rank among those that occur.
#[test]
fn a_class_that_does_not_occur_keeps_its_place() {
    for (seed, classes) in [(1, vec![0, 1, 2, 3, 4, 5, 6, 8, 9]), (2, vec![3]), (3, vec![9, 0])] {
        let sketch = three_layers(Loss::cross_entropy(), Activation::Identity, 10, seed);
        let mut case = sketch.case(Width::F64);
        let mut rng = Rng(seed);
        let labels: Vec<u32> = (0..sketch.rows).map(|_| classes[rng.below(classes.len())]).collect();
        assert!(!labels.contains(&7));
        case = Case::new(case.layers, sketch.loss, Batch { target: Target::Classes(labels), ..case.batch });
        through_files(&sketch, &case, Width::F64, "data.csv");
        // Nor need the spec's training file be there.
        through_files(&sketch, &case, Width::F64, "nowhere.csv");
    }
}

#[test]
fn one_row_and_one_of_everything() {
    let sketch = Sketch { rows: 1, inputs: 1, ..three_layers(Loss::cross_entropy(), Activation::Identity, 1, 4) };
    through_files(&sketch, &sketch.case(Width::F64), Width::F64, "data.csv");
    let sketch = Sketch { rows: 1, inputs: 1, ..three_layers(Loss::Mse, Activation::Sigmoid, 1, 5) };
    through_files(&sketch, &sketch.case(Width::F32), Width::F32, "data.csv");
}

/// The specs of the worked examples give the numbers that their comments promise.
#[test]
fn the_example_specs_give_their_numbers() {
    let examples = [
        ("half_squared_error", "f32", "layers.0.bias", 0, 0.7, 1e-6),
        ("two_two_two", "f32", "layers.0.weight", 0, 0.00110, 2e-5),
        ("three_four_one", "f32", "loss", 0, 0.652, 6e-4),
        ("output_weight_gradient", "f64", "layers.1.weight", 0, -0.059_693_437_674_795, 1e-12),
        ("single_neuron", "f32", "layers.0.weight", 1, -0.20049, 5e-6),
    ];
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, precision, tensor, index, printed, tolerance) in examples {
        let file = |path: &str| format!("{}/examples/{path}", env!("CARGO_MANIFEST_DIR"));
        let out = folder.path().join(name);
        let (spec, weights) = (file(&format!("{name}.toml")), file(&format!("data/{name}.safetensors")));
        let data = file(&format!("data/{name}.csv"));
        let mut arguments = vec!["grad", &spec, "--weights", &weights, "--data", &data];
        arguments.extend(["--out", out.to_str().expect("UTF-8"), "--precision", precision, "--device", "cpu"]);
        let output = wgrad(&arguments);
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        let bytes = std::fs::read(&out).expect("the gradient file is there");
        let file = SafeTensors::deserialize(&bytes).expect("a safetensors file");
        let view = file.tensor(tensor).expect("the tensor is there");
        let found = match view.dtype() {
            Dtype::F32 => f64::from(f32::from_le_bytes(view.data().as_chunks::<4>().0[index])),
            _ => f64::from_le_bytes(view.data().as_chunks::<8>().0[index]),
        };
        assert!(
            (found - printed).abs() <= tolerance,
            "{name}: {tensor}[{index}] is {found}, the comment says {printed}"
        );
    }
}

/// Every example spec trains, and iris learns its flowers.
#[test]
fn the_example_specs_train() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let names =
        ["two_two_two", "three_four_one", "half_squared_error", "output_weight_gradient", "single_neuron", "iris"];
    for name in names {
        let spec = format!("{}/examples/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        let run = folder.path().join(name);
        let output = wgrad(&["train", &spec, "--device", "cpu", "--run", run.to_str().expect("UTF-8")]);
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        let metrics = std::fs::read_to_string(run.join("metrics.jsonl")).expect("the run's metrics");
        let line = |text: Option<&str>| -> serde_json::Value {
            serde_json::from_str(text.expect("an epoch")).expect("JSON lines")
        };
        let (first, last) = (line(metrics.lines().next()), line(metrics.lines().last()));
        let loss = |of: &serde_json::Value| of["train_loss"].as_f64().expect("a loss");
        assert!(loss(&last) < 0.5 * loss(&first), "{name}: the loss went from {first} to {last}");
        if name == "iris" {
            let accuracy = last["validation_accuracy"].as_f64().expect("an accuracy");
            assert!(accuracy >= 0.95, "iris: {last}");
        }
    }
}
