//! The fixtures of `tests/fixtures/losses`: losses and gradients as PyTorch has them, and the same computed here.
//!
//! The network is one dense layer without a bias, its inputs the rows of a unit matrix: so its predictions are its weights, and
//! the gradient by a weight is that by a prediction, through all that stands between a spec and a device.

use serde_json::Value;
use wgrad::data::Dataset;
use wgrad::exec::Device;
use wgrad::graph::{Activation, Loss, Optimizer};
use wgrad::model::{Layer, Network, Tensor};
use wgrad::plan::Switches;
use wgrad::train::{Engine, Roles};
use wgrad::verify::Question;

/// The cases of a fixture.
pub fn cases(name: &str) -> Vec<Value> {
    let path = format!("{}/tests/fixtures/losses/{name}", env!("CARGO_MANIFEST_DIR"));
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    file["cases"].as_array().unwrap().clone()
}

pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// A case as a network, its samples and its parameters.
pub struct Problem {
    pub name: String,
    pub network: Network,
    pub data: Dataset,
    pub parameters: Vec<Tensor>,
    rows: usize,
    cols: usize,
    value: f64,
    grad: Vec<f64>,
}

impl Problem {
    pub fn new(case: &Value) -> Problem {
        let size = |key: &str| case[key].as_u64().unwrap() as usize;
        let (rows, cols) = (size("rows"), size("cols"));
        let mut loss = Loss::by_name(case["loss"].as_str().unwrap()).unwrap();
        if let Some((known, value)) = loss.parameter() {
            *value = case[known.key].as_f64().unwrap();
        }
        loss = case["smoothing"].as_f64().map_or(loss, |s| loss.smoothed(s).unwrap());
        let layers = vec![Layer::dense(rows, cols, Activation::Identity, false)];
        let unit: Vec<f64> = (0..rows * rows).map(|i| f64::from(u8::from(i % (rows + 1) == 0))).collect();
        let target = numbers(&case["target"]);
        let classes: Vec<u32> = target.iter().map(|t| *t as u32).collect();
        let data = match loss.takes_class() {
            true => Dataset::classes(&unit, rows, &classes),
            false => Dataset::numbers(&unit, rows, &target, cols),
        };
        let data = match (case.get("weights"), case.get("class_weights")) {
            (Some(weights), _) => data.weighted(&numbers(weights)),
            (_, Some(of)) => data.weighted(&classes.iter().map(|c| numbers(of)[*c as usize]).collect::<Vec<_>>()),
            _ => data,
        };
        let pred = numbers(&case["pred"]);
        let values = (0..rows * cols).map(|k| pred[k % rows * cols + k / rows]).collect();
        let weight = Tensor { name: "layers.0.weight".into(), shape: vec![cols, rows], values };
        Problem {
            name: format!("{:?} [{rows}, {cols}], extreme {}, {} weights", loss, case["extreme"], data.weights.len()),
            network: Network { layers, loss },
            data,
            parameters: vec![weight],
            rows,
            cols,
            value: case["value"].as_f64().unwrap(),
            grad: numbers(&case["grad"]),
        }
    }

    /// The largest distance of value and gradient on `device` from PyTorch's, relative to these where they exceed 1.
    pub fn distance(&self, device: &Device) -> f64 {
        let roles = Roles { gradients: Some(self.rows), ..Roles::default() };
        let (value, gradients) = pollster::block_on(async {
            let mut engine = Engine::open(device, &self.network, roles).await.unwrap();
            engine.write_parameters(&self.parameters).unwrap();
            engine.gradients(&self.data).await.unwrap()
        });
        let found = |i: usize, j: usize| gradients[0].values[j * self.rows + i];
        let each = (0..self.rows * self.cols).map(|k| (found(k / self.cols, k % self.cols), self.grad[k]));
        let far = |(a, b): (f64, f64)| (a - b).abs() / b.abs().max(1.0);
        // A NaN is as far as anything can be.
        each.chain([(value, self.value)]).map(far).fold(0.0, |m: f64, d| if d <= m { m } else { d })
    }

    /// One step of verification: the device's values within their derived bounds of those in f64.
    pub fn question(&self) -> Question<'_> {
        Question {
            network: &self.network,
            rule: Optimizer::sgd(0.1).into(),
            parameters: &self.parameters,
            data: (&self.data).into(),
            batch_size: self.rows,
            seed: 3,
            steps: 1,
            slack: 1.0,
            unfused: false,
            switches: Switches::default(),
        }
    }
}
