//! The fixtures of `tests/fixtures/pytorch`: what PyTorch computed, and the same computed here.

use serde_json::Value;
use wgrad::data::Dataset;
use wgrad::exec::{Device, Flow};
use wgrad::graph::{Activation, Loss, UpdateRule};
use wgrad::model::{Layer, Network, Tensor};
use wgrad::plan::Switches;
use wgrad::spec::Spec;
use wgrad::train::{Engine, Roles};
use wgrad::verify::Question;

const ROWS: usize = 12;
const BATCH: usize = 4;
pub const STEPS: usize = 100;

fn file(name: &str) -> Value {
    let path = format!("{}/tests/fixtures/pytorch/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The cases of a fixture.
pub fn cases(name: &str) -> Vec<Value> {
    file(name)["cases"].as_array().unwrap().clone()
}

/// A list of numbers.
pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// A spec with this optimizer and further lines in `[train]`: the fixtures are written as a user writes them.
pub fn spec(optimizer: &str, more: &str) -> Spec {
    let text = format!(
        "[data]\ntrain = \"d.csv\"\ntarget = \"t\"\n[[model.layers]]\ndense = 2\n[train]\nloss = \"mse\"\n\
         batch_size = {BATCH}\nepochs = 34\noptimizer = {optimizer}\n{more}\n"
    );
    Spec::parse(&text, "s.toml").unwrap()
}

/// The optimizer of a case with its schedule, for 100 steps.
pub fn rule(case: &Value) -> UpdateRule {
    let train = spec(case["optimizer"].as_str().unwrap(), case["more"].as_str().unwrap()).train;
    let schedule = train.schedule.schedule.over(STEPS as u64);
    UpdateRule { schedule, ..train.rule(ROWS) }
}

/// Network, samples and first parameters of every case.
pub struct Problem {
    pub network: Network,
    pub data: Dataset,
    pub parameters: Vec<Tensor>,
}

pub fn problem() -> Problem {
    let problem = &file("problem.json")["cases"];
    let layer = |inputs, outputs, activation| Layer::dense(inputs, outputs, activation, true);
    let layers = vec![layer(3, 4, Activation::Tanh), layer(4, 2, Activation::Identity)];
    let network = Network { layers, loss: Loss::Mse };
    let of =
        |(name, shape): (String, Vec<usize>)| Tensor { values: numbers(&problem["parameters"][&name]), name, shape };
    let parameters = network.parameters().into_iter().map(of).collect();
    let data = Dataset::numbers(&numbers(&problem["x"]), 3, &numbers(&problem["t"]), 2);
    Problem { network, data, parameters }
}

/// 100 steps of verification.
pub fn question(problem: &Problem, rule: UpdateRule) -> Question<'_> {
    Question {
        network: &problem.network,
        rule,
        parameters: &problem.parameters,
        data: (&problem.data).into(),
        batch_size: BATCH * rule.accumulate,
        seed: 3,
        steps: STEPS,
        slack: 1.0,
        unfused: false,
        switches: Switches::default(),
    }
}

/// The parameters after 1, 10 and 100 steps on `device`, batch after batch in the order of the rows.
pub fn trained(device: &Device, rule: &UpdateRule) -> Vec<Vec<Tensor>> {
    let problem = problem();
    let batch = BATCH * rule.accumulate;
    let roles = Roles { train: Some((ROWS, batch, *rule)), ..Roles::default() };
    let mut engine = pollster::block_on(Engine::open(device, &problem.network, roles)).unwrap();
    engine.write_parameters(&problem.parameters).unwrap();
    engine.set_training_data(&problem.data).unwrap();
    let mut found = Vec::new();
    let mut done = 0;
    for until in [1, 10, STEPS] {
        let order: Vec<u32> = (done * batch..until * batch).map(|i| (i % ROWS) as u32).collect();
        let ran = pollster::block_on(engine.train(&order, done as u64, &mut |_| Flow::Continue)).unwrap();
        assert_eq!(ran, until - done);
        done = until;
        found.push(pollster::block_on(engine.read_parameters()).unwrap());
    }
    found
}

/// The largest difference from what PyTorch has after `steps` steps.
pub fn distance(found: &[Tensor], case: &Value, steps: usize) -> f64 {
    let kept = &case["after"][[1, 10, 100].iter().position(|s| *s == steps).unwrap()];
    let mut far = 0.0_f64;
    for tensor in found {
        let expected = numbers(&kept[&tensor.name]);
        assert_eq!(expected.len(), tensor.values.len(), "{}", tensor.name);
        for (a, b) in tensor.values.iter().zip(expected) {
            let distance = (a - b).abs();
            far = if distance >= far || distance.is_nan() { distance } else { far };
        }
    }
    far
}
