//! Networks with data and parameters, and one step of them on any device or under error analysis.

use wgrad::exec::{Device, Flow, Session};
use wgrad::graph::{Activation, Adam, Loss, Optimizer};
use wgrad::kernels::Dtype;
use wgrad::model::init::initial_parameters;
use wgrad::model::{Layer, Network, Samples, Tensor};
use wgrad::plan::{Options, Plan, lower};
use wgrad::testing::data::rng::{Philox, random_row};
use wgrad::testing::exec::analysis::Analysis;

pub use super::networks::{ACTIVATIONS, LOSSES};

pub const SGD: Optimizer = Optimizer::Sgd { lr: 0.1, momentum: 0.0, nesterov: false, weight_decay: 0.0 };
pub const MOMENTUM: Optimizer = Optimizer::Sgd { lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.01 };
pub const ADAMW: Optimizer =
    Optimizer::AdamW(Adam { lr: 0.01, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01 });

/// Decides what layers draw at random.
pub const SEED: u64 = 5;

/// A network, what it is trained on and the batch of one step.
#[derive(Clone)]
pub struct Problem {
    pub network: Network,
    pub optimizer: Optimizer,
    pub parameters: Vec<Tensor>,
    /// Rows of the data set.
    pub rows: usize,
    /// Rows of a step.
    pub batch: usize,
    pub x: Vec<f64>,
    pub target: Vec<f64>,
    pub index: Vec<u32>,
    pub weight: Vec<f64>,
}

fn f32_of(v: f64) -> f64 {
    f64::from(v as f32)
}

pub fn normal(rng: &mut Philox) -> f64 {
    // The sum of twelve uniform numbers: near enough to normal for operands.
    f32_of((0..12).map(|_| rng.next_f64()).sum::<f64>() - 6.0)
}

/// Layers of the given widths and activations, `widths[0]` inputs.
pub fn network(widths: &[usize], activations: &[Activation], bias: &[bool], loss: Loss) -> Network {
    let layer = |i: usize| Layer::dense(widths[i], widths[i + 1], activations[i], bias[i % bias.len()]);
    Network { layers: (0..activations.len()).map(layer).collect(), loss }
}

impl Problem {
    /// Random data, parameters (biases too) and batch; the last quarter of the batch is padding.
    pub fn new(network: Network, optimizer: Optimizer, rows: usize, batch: usize, seed: u64) -> Problem {
        let mut rng = Philox::new(seed, 77);
        let x = (0..rows * network.inputs()).map(|_| normal(&mut rng)).collect();
        let outputs = network.outputs();
        let targets = if network.loss.takes_class() { rows } else { rows * outputs };
        let target = (0..targets).map(|_| match network.loss {
            loss if loss.takes_class() => f64::from(rng.below(outputs as u32)),
            Loss::BinaryCrossEntropy | Loss::BceWithLogits => f64::from(rng.below(2)),
            Loss::Hinge => f64::from(rng.below(2)) * 2.0 - 1.0,
            _ => normal(&mut rng),
        });
        let target = target.collect();
        let mut parameters = initial_parameters(&network.layers, seed);
        for p in parameters.iter_mut().filter(|p| p.name.ends_with("bias")) {
            p.values.iter_mut().for_each(|v| *v = 0.3 * normal(&mut rng));
            p.values.iter_mut().for_each(|v| *v = f32_of(*v));
        }
        let real = batch - batch / 4;
        let index = (0..batch).map(|i| if i < real { rng.below(rows as u32) } else { 0 }).collect();
        let weight = (0..batch).map(|i| if i < real { f32_of(1.0 / real as f64) } else { 0.0 }).collect();
        Problem { network, optimizer, parameters, rows, batch, x, target, index, weight }
    }

    /// A random one: 1 to 4 layers of 1 to 40, any activation, bias or none, any loss that takes its output.
    pub fn random(seed: u64) -> Problem {
        let mut rng = Philox::new(seed, 78);
        let layers = 1 + rng.below(4) as usize;
        let widths: Vec<usize> = (0..=layers).map(|_| 1 + rng.below(40) as usize).collect();
        let mut activations: Vec<Activation> = (0..layers).map(|_| ACTIVATIONS[rng.below(10) as usize]).collect();
        let bias: Vec<bool> = (0..layers).map(|_| rng.below(3) > 0).collect();
        let loss = LOSSES[rng.below(8) as usize];
        if loss == Loss::BinaryCrossEntropy {
            activations[layers - 1] = Activation::Sigmoid;
        }
        let optimizer = [SGD, MOMENTUM, ADAMW][rng.below(3) as usize];
        let (rows, batch) = (2 + rng.below(40) as usize, 1 + rng.below(50) as usize);
        Problem::new(network(&widths, &activations, &bias, loss), optimizer, rows, batch, seed)
    }

    pub fn plan(&self, options: &Options) -> Plan {
        let samples = Samples { name: "train", rows: self.rows, batch: self.batch };
        lower(&self.network.train_graph(samples, self.optimizer).unwrap(), options).unwrap()
    }

    /// Names of everything that a step leaves behind, but for the loss.
    pub fn results(&self) -> Vec<String> {
        let of = |(name, shape): (String, Vec<usize>)| {
            let states = self.optimizer.states(&shape).len();
            let states = (0..states).map(|s| format!("state.{s}.{name}")).collect::<Vec<_>>();
            [vec![format!("grad.{name}"), name], states].concat()
        };
        self.network.parameters().into_iter().flat_map(of).collect()
    }

    fn hyper(&self) -> Vec<f64> {
        self.optimizer.hyper(0).to_vec()
    }

    /// The device's memory after one step of `plan`.
    pub fn step(&self, device: &Device, plan: &Plan) -> Session {
        self.steps(device, plan, 1)
    }

    /// The same after `count` steps on the same batch.
    pub fn steps(&self, device: &Device, plan: &Plan, count: usize) -> Session {
        let mut session = self.open(device, plan);
        let table = |name: &str| format!("{}.table.{name}", plan.name);
        session.write_u32(0, &table("index"), &self.index.repeat(count)).unwrap();
        session.write(0, &table("weight"), &self.weight.repeat(count)).unwrap();
        self.run(&mut session, plan, count);
        session
    }

    /// The same where `index` and `weight` hold the batches of every step of the plan's tables.
    pub fn whole_epoch(&self, device: &Device, plan: &Plan) -> Session {
        let mut session = self.open(device, plan);
        let table = |name: &str| format!("{}.table.{name}", plan.name);
        session.write_u32(0, &table("index"), &self.index).unwrap();
        session.write(0, &table("weight"), &self.weight).unwrap();
        self.run(&mut session, plan, plan.steps);
        session
    }

    fn run(&self, session: &mut Session, plan: &Plan, count: usize) {
        let hyper: Vec<f64> = (0..count).flat_map(|t| self.optimizer.hyper(t as u64)).collect();
        session.write(0, &format!("{}.table.hyper", plan.name), &hyper).unwrap();
        let samples = self.weight.iter().take(self.batch).filter(|w| **w != 0.0).count() as u32;
        let rows = format!("{}.table.count", plan.name);
        if plan.buffer(&rows).is_some() {
            session.write_u32(0, &rows, &vec![samples; count]).unwrap();
        }
        let random = format!("{}.table.random", plan.name);
        if plan.buffer(&random).is_some() {
            let rows: Vec<u32> = (0..count as u64).flat_map(|t| random_row(SEED, t)).collect();
            session.write_u32(0, &random, &rows).unwrap();
        }
        let ran = pollster::block_on(session.run(0, count, &mut |_| Flow::Continue)).unwrap();
        assert_eq!(ran, count);
    }

    /// The device's memory with data and parameters in it.
    fn open(&self, device: &Device, plan: &Plan) -> Session {
        let mut session = pollster::block_on(Session::open(device, vec![plan.clone()])).unwrap();
        session.write(0, "data.train.x", &self.x).unwrap();
        let target = plan.buffer("data.train.target").unwrap().range.arena;
        match plan.arenas[target].dtype {
            Dtype::F32 => session.write(0, "data.train.target", &self.target).unwrap(),
            Dtype::U32 => {
                let classes: Vec<u32> = self.target.iter().map(|t| *t as u32).collect();
                session.write_u32(0, "data.train.target", &classes).unwrap();
            }
        }
        for p in &self.parameters {
            session.write(0, &p.name, &p.values).unwrap();
        }
        session
    }

    /// The judge after one step of `plan`, with bounds.
    pub fn judge(&self, plan: &Plan) -> Analysis {
        let mut judge = Analysis::new(plan);
        let table = |name: &str| format!("{}.table.{name}", plan.name);
        judge.write("data.train.x", &self.x, None).unwrap();
        judge.write("data.train.target", &self.target, None).unwrap();
        for p in &self.parameters {
            judge.write(&p.name, &p.values, None).unwrap();
        }
        let index: Vec<f64> = self.index.iter().map(|i| f64::from(*i)).collect();
        judge.write(&table("index"), &index, None).unwrap();
        judge.write(&table("weight"), &self.weight, None).unwrap();
        let hyper: Vec<f64> = self.hyper().into_iter().map(f32_of).collect();
        judge.write(&table("hyper"), &hyper, None).unwrap();
        if plan.buffer(&table("count")).is_some() {
            let samples = self.weight.iter().filter(|w| **w != 0.0).count();
            judge.write(&table("count"), &[samples as f64], None).unwrap();
        }
        if plan.buffer(&table("random")).is_some() {
            judge.write(&table("random"), &random_row(SEED, 0).map(f64::from), None).unwrap();
        }
        judge.step();
        judge
    }
}

pub fn read(session: &mut Session, name: &str) -> Vec<f64> {
    pollster::block_on(session.read(0, name)).unwrap()
}

/// Pairs of a problem and the same with another padding row, so far out that its loss is not a number of the device.
///
/// Parameters and activations of the padding row stay finite: 0 times a number is 0, and nothing is said of infinities.
pub fn padded() -> Vec<[Problem; 2]> {
    let mut pairs = Vec::new();
    for (seed, loss) in LOSSES.into_iter().enumerate() {
        let last = if loss == Loss::BinaryCrossEntropy { Activation::Sigmoid } else { Activation::Identity };
        let net = network(&[3, 9, 4], &[Activation::Relu, last], &[true], loss);
        let mut clean = Problem::new(net, MOMENTUM, 11, 8, seed as u64);
        clean.index[6..].fill(1);
        let mut junk = clean.clone();
        // Row 0 is in no batch: only padding points at it.
        for problem in [&mut clean, &mut junk] {
            problem.index.iter_mut().for_each(|i| *i = (*i).max(1));
        }
        junk.index[6..].fill(0);
        junk.x[..3].copy_from_slice(&[1e30, -1e30, 3e30].map(f32_of));
        if !loss.takes_class() {
            junk.target[..4].copy_from_slice(&[f64::INFINITY, f64::NAN, 1e30, -1e30].map(f32_of));
        } else {
            // A class that there is not: its loss is NaN.
            junk.target[0] = 1000.0;
        }
        pairs.push([clean, junk]);
    }
    pairs
}
