//! Differential fuzzing: random specs, a device against the CPU in f64 through `wgrad::verify`, shrunk to a minimal case
//! that is written to disk as a run folder, with the command that reproduces it.
//!
//! `WGRAD_FUZZ_CASES` sets the number of cases, `WGRAD_FUZZ_SEED` takes others than the fixed ones.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use std::cell::RefCell;
use std::cmp::Ordering;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use wgrad::compare::Comparison;
use wgrad::data::{Dataset, Scale, Targets, epoch_order};
use wgrad::exec::{Device, Flow};
use wgrad::graph::{Activation, Adagrad, Adam, Clip, Loss, OneCycle, Optimizer, Policy, RmsProp, Schedule, UpdateRule};
use wgrad::model::init::initial_parameters;
use wgrad::model::weights::{Precision, save};
use wgrad::nn::{BatchNorm, Dense, Dropout, GroupNorm, Layer, LayerNorm, Network, Tensor, chain};
use wgrad::plan::Switches;
use wgrad::spec::{CheckpointSpec, DataFile, DataSpec, ModelSpec, Reading, ScheduleSpec, Spec, TrainSpec, Unit};
use wgrad::testing::data::rng::Philox;
use wgrad::train::{Engine, Roles};
use wgrad::verify::{Question, Row, Verdict, report, verify};

/// The seed of the cases that run when nobody asks for others.
const SEED: u64 = 0x5eed;
/// Multiply-adds of a layer's forward product at most: keeps a case in the milliseconds.
const MOST_PRODUCTS: usize = 400_000;
/// Runs of a failing case at most, on the way to a minimal one.
const SHRINKS: u32 = 400;

/// What numbers look like; later ones are stranger, and shrinking goes to the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// Uniform in -1..1 (weights: as they are initialised).
    Plain,
    /// Half of them 0.
    Zeros,
    /// Every one the same.
    Equal,
    /// Thousands.
    Large,
    /// About 1e-20: products of two are denormal or 0.
    Tiny,
    /// Each with an exponent of its own, from 1e-8 to 1e4.
    Mixed,
}

/// What a layer is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    Dense,
    Dropout(f64),
    LayerNorm,
    BatchNorm,
    /// As many groups at most as it says, and with weights where it says so.
    GroupNorm(usize, bool),
}

/// A layer in words; one that is not dense has as many outputs as inputs, whatever it says here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sketch {
    pub kind: Kind,
    pub outputs: usize,
    pub activation: Activation,
    pub bias: bool,
}

/// A spec in words; the seed decides every number in it.
#[derive(Debug, Clone)]
pub struct Case {
    pub layers: Vec<Sketch>,
    pub inputs: usize,
    pub rows: usize,
    /// Rows of a part of a step.
    pub batch: usize,
    pub accumulate: usize,
    pub steps: usize,
    pub loss: Loss,
    pub optimizer: Optimizer,
    pub schedule: Schedule,
    pub clip: Option<Clip>,
    pub features: Values,
    pub weights: Values,
    pub unfused: bool,
    pub seed: u64,
}

/// 1, small numbers, and both sides of the powers of two at which tiles, workgroups, lanes and sums end.
fn size() -> impl Strategy<Value = usize> {
    const EDGES: [usize; 15] = [15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257];
    prop_oneof![3 => 1_usize..=12, 3 => prop::sample::select(&EDGES[..9]), 1 => prop::sample::select(&EDGES[..])]
}

fn activation() -> impl Strategy<Value = Activation> {
    let names = prop::sample::select(Activation::NAMES);
    (names, prop::sample::select(&[0.01, 0.0, 0.3, 1.0, 2.5][..])).prop_map(|(name, slope)| match Activation::by_name(
        name,
    )
    .expect("a listed name")
    {
        Activation::LeakyRelu { .. } => Activation::LeakyRelu { slope },
        other => other,
    })
}

fn loss() -> impl Strategy<Value = Loss> {
    let names = prop::sample::select(Loss::NAMES);
    (names, prop::sample::select(&[1.0, 0.1, 7.0][..])).prop_map(|(name, delta)| {
        match Loss::by_name(name).expect("a listed name") {
            Loss::Huber { .. } => Loss::Huber { delta },
            Loss::Quantile { .. } if delta < 1.0 => Loss::Quantile { q: delta },
            Loss::CrossEntropy { .. } if delta < 1.0 => Loss::CrossEntropy { smoothing: delta },
            other => other,
        }
    })
}

fn optimizer() -> impl Strategy<Value = Optimizer> {
    let decay = prop::sample::select(&[0.0, 0.01, 0.5][..]);
    let lr = prop::sample::select(&[0.1, 0.001, 1.0][..]);
    (0..12_u8, lr, decay).prop_map(|(kind, lr, weight_decay)| match kind {
        0 => Optimizer::Sgd { lr, momentum: 0.0, nesterov: false, weight_decay },
        1 => Optimizer::Sgd { lr, momentum: 0.9, nesterov: false, weight_decay },
        2 => Optimizer::Sgd { lr, momentum: 0.9, nesterov: true, weight_decay },
        3 => Optimizer::Adam(Adam { weight_decay, ..Adam::new(lr) }),
        4 => Optimizer::AdamW(Adam { weight_decay, ..Adam::new(lr) }),
        5 => Optimizer::NAdam { adam: Adam { weight_decay, ..Adam::new(lr) }, momentum_decay: 0.004 },
        6 => Optimizer::RmsProp(RmsProp { weight_decay, ..RmsProp::new(lr) }),
        7 => Optimizer::RmsProp(RmsProp { weight_decay, momentum: 0.9, ..RmsProp::new(lr) }),
        8 => Optimizer::RmsProp(RmsProp { weight_decay, centered: true, ..RmsProp::new(lr) }),
        9 => Optimizer::Adagrad(Adagrad { weight_decay, initial_accumulator: 0.1, ..Adagrad::new(lr) }),
        10 => match Optimizer::adafactor(lr) {
            Optimizer::Adafactor { beta2_decay, eps1, eps2, d, .. } => {
                Optimizer::Adafactor { lr, beta2_decay, eps1, eps2, d, weight_decay }
            }
            other => other,
        },
        _ => Optimizer::Lion { lr, beta1: 0.9, beta2: 0.99, weight_decay },
    })
}

fn kind() -> impl Strategy<Value = Kind> {
    let dropout = prop::sample::select(&[0.5, 0.1, 0.9, 0.0][..]).prop_map(Kind::Dropout);
    let group = (1_usize..=5, any::<bool>()).prop_map(|(most, affine)| Kind::GroupNorm(most, affine));
    prop_oneof![6 => Just(Kind::Dense), 1 => dropout, 1 => Just(Kind::LayerNorm), 1 => Just(Kind::BatchNorm), 1 => group]
}

fn clip() -> impl Strategy<Value = Option<Clip>> {
    let most = || prop::sample::select(&[1.0, 0.01, 1e4][..]);
    prop_oneof![2 => Just(None), 1 => most().prop_map(|m| Some(Clip::Norm(m))), 1 => most().prop_map(|m| Some(Clip::Value(m)))]
}

/// Schedules of a few steps, so that the rates of a case's steps differ.
fn schedule() -> impl Strategy<Value = Schedule> {
    let length = || 1_u64..=5;
    let cycle = (length(), any::<bool>(), any::<bool>(), any::<bool>());
    let policy = prop_oneof![
        4 => Just(Policy::Constant),
        1 => (1_u64..=2).prop_map(|step_size| Policy::Step { step_size, gamma: 0.5 }),
        1 => Just(Policy::Exponential { gamma: 0.9 }),
        1 => length().prop_map(|length| Policy::Linear { start_factor: 1.0, end_factor: 0.0, length }),
        1 => length().prop_map(|length| Policy::Cosine { eta_min: 0.0, length }),
        3 => cycle.prop_map(|(length, linear, three_phase, cycle_momentum)| {
            Policy::OneCycle(OneCycle { length, linear, three_phase, cycle_momentum, ..OneCycle::DEFAULT })
        }),
    ];
    (policy, prop_oneof![3 => Just(0_u64), 1 => 1_u64..=2]).prop_map(|(policy, w)| Schedule::steps(policy).warmup(w))
}

fn values() -> impl Strategy<Value = Values> {
    use Values::{Equal, Large, Mixed, Plain, Tiny, Zeros};
    prop_oneof![4 => Just(Plain), 1 => Just(Zeros), 1 => Just(Equal), 1 => Just(Large), 1 => Just(Tiny), 1 => Just(Mixed)]
}

/// All cases. Where one would take too long its rows are cut.
pub fn cases() -> impl Strategy<Value = Case> {
    let sketch = (kind(), size(), activation(), any::<bool>());
    let sketch = sketch.prop_map(|(kind, outputs, activation, bias)| Sketch { kind, outputs, activation, bias });
    let shape = (prop::collection::vec(sketch, 1..=4), size(), size(), size(), 1_usize..=3);
    let style = (loss(), optimizer(), values(), values(), any::<bool>(), any::<u64>());
    let update = (prop_oneof![3 => Just(1_usize), 1 => 2_usize..=4], schedule(), clip());
    // Boxed: a strategy of strategies is larger than the stack of a test.
    (shape.boxed(), style.boxed(), update.boxed()).prop_map(
        |((mut layers, inputs, rows, batch, steps), style, update)| {
            let (loss, optimizer, features, weights, unfused, seed) = style;
            let (accumulate, schedule, clip) = update;
            if let (Loss::BinaryCrossEntropy, Some(last)) = (loss, layers.last_mut()) {
                // It takes probabilities.
                if last.activation != Activation::Softmax {
                    last.activation = Activation::Sigmoid;
                }
            }
            let widths: Vec<usize> = std::iter::once(inputs).chain(layers.iter().map(|l| l.outputs)).collect();
            let largest = widths.windows(2).map(|w| w[0] * w[1]).max().unwrap_or(1);
            let rows = rows.min((MOST_PRODUCTS / largest).max(1));
            let case = Case {
                layers,
                inputs,
                rows,
                batch,
                accumulate,
                steps,
                loss,
                optimizer,
                schedule,
                clip,
                features,
                weights,
                unfused,
                seed,
            };
            case.sound()
        },
    )
}

/// `n` numbers in the style of `values`, as f32 holds them; `scale` is the size of plain ones.
fn draw(values: Values, n: usize, scale: f64, rng: &mut Philox) -> Vec<f64> {
    let equal = 2.0 * rng.next_f64() - 1.0;
    let number = |rng: &mut Philox| {
        let plain = 2.0 * rng.next_f64() - 1.0;
        match values {
            Values::Plain => plain * scale,
            Values::Zeros => {
                if rng.below(2) == 0 {
                    0.0
                } else {
                    plain * scale
                }
            }
            Values::Equal => equal * scale,
            Values::Large => plain * 3000.0,
            Values::Tiny => plain * 1e-20,
            Values::Mixed => plain.signum() * 10_f64.powf(12.0 * rng.next_f64() - 8.0),
        }
    };
    (0..n).map(|_| f64::from(number(rng) as f32)).collect()
}

impl Case {
    /// The case with what a spec refuses put right: no dense layer, batch norm in parts of a batch, a momentum to cycle where
    /// there is none.
    fn sound(mut self) -> Case {
        if !self.layers.iter().any(|l| l.kind == Kind::Dense) {
            self.layers[0].kind = Kind::Dense;
        }
        if self.layers.iter().any(|l| l.kind == Kind::BatchNorm) {
            self.accumulate = 1;
        }
        match self.optimizer.under(&self.schedule) {
            Ok(optimizer) => self.optimizer = optimizer,
            Err(_) => self.schedule = Schedule::CONSTANT,
        }
        self
    }

    pub fn network(&self) -> Network {
        let layers = chain(self.inputs, &self.unsized_layers()).expect("layers that can compute");
        Network { layers, loss: self.loss }
    }

    /// The layers as a spec has them.
    fn unsized_layers(&self) -> Vec<Layer> {
        let mut width = self.inputs;
        let layer = |l: &Sketch| match l.kind {
            Kind::Dense => {
                width = l.outputs;
                Layer::new(Dense { bias: l.bias, ..Dense::new(l.outputs) }, l.activation)
            }
            Kind::Dropout(p) => Layer::new(Dropout { p }, l.activation),
            Kind::LayerNorm => Layer::new(LayerNorm, l.activation),
            Kind::BatchNorm => Layer::new(BatchNorm, l.activation),
            Kind::GroupNorm(most, affine) => {
                let groups = (1..=most).rev().find(|groups| width.is_multiple_of(*groups)).unwrap_or(1);
                Layer::new(GroupNorm { groups, affine }, l.activation)
            }
        };
        self.layers.iter().map(layer).collect()
    }

    /// Optimizer, schedule, clipping, parts.
    pub fn rule(&self) -> UpdateRule {
        UpdateRule { optimizer: self.optimizer, schedule: self.schedule, clip: self.clip, accumulate: self.accumulate }
    }

    /// Rows of a step.
    fn step_rows(&self) -> usize {
        (self.batch * self.accumulate).min(self.rows)
    }

    pub fn parameters(&self) -> Vec<Tensor> {
        let network = self.network();
        let mut rng = Philox::new(self.seed, 1 << 40);
        let mut parameters = initial_parameters(&network.layers, self.seed);
        for p in &mut parameters {
            let scale = if p.shape.len() == 1 { 0.5 } else { (3.0 / p.shape[1] as f64).sqrt() };
            p.values = draw(self.weights, p.values.len(), scale, &mut rng);
            if p.name.ends_with("running_var") {
                p.values.iter_mut().for_each(|v| *v = v.abs());
            }
        }
        parameters
    }

    pub fn data(&self) -> Dataset {
        let mut rng = Philox::new(self.seed, 2 << 40);
        let x = draw(self.features, self.rows * self.inputs, 1.0, &mut rng);
        let outputs = self.network().outputs();
        if self.loss.takes_class() {
            let classes: Vec<u32> = (0..self.rows).map(|_| rng.below(outputs as u32)).collect();
            Dataset::classes(&x, self.inputs, &classes)
        } else {
            let n = self.rows * outputs;
            let targets = match self.loss {
                Loss::BinaryCrossEntropy | Loss::BceWithLogits => {
                    (0..n).map(|_| [0.0, 1.0, f64::from(rng.next_f64() as f32)][rng.below(3) as usize]).collect()
                }
                Loss::Hinge => (0..n).map(|_| [-1.0, 1.0][rng.below(2) as usize]).collect(),
                _ => draw(self.features, n, 1.0, &mut rng),
            };
            Dataset::numbers(&x, self.inputs, &targets, outputs)
        }
    }

    /// Verifies the case on `device`.
    pub fn verdict(&self, device: &Device) -> wgrad::Result<Verdict> {
        let (network, parameters, data) = (self.network(), self.parameters(), self.data());
        let question = Question {
            network: &network,
            rule: self.rule(),
            parameters: &parameters,
            data: (&data).into(),
            batch_size: self.step_rows(),
            seed: self.seed >> 1,
            steps: self.steps,
            slack: 1.0,
            unfused: self.unfused,
            switches: Switches::default(),
        };
        pollster::block_on(verify(&question, device))
    }

    /// Names of the target columns.
    fn targets(&self) -> Vec<String> {
        let columns = if self.loss.takes_class() { 1 } else { self.network().outputs() };
        (0..columns).map(|i| format!("t{i}")).collect()
    }

    /// The spec that says the same, with its data in `data.csv` beside it.
    pub fn spec(&self, folder: &Path) -> Spec {
        Spec {
            data: DataSpec {
                train: DataFile::new("data.csv", folder),
                columns: wgrad::data::Columns::default(),
                target: self.targets(),
                validation: None,
                scale: Scale::None,
                image: None,
                reading: Reading::default(),
            },
            model: ModelSpec { inputs: Some(self.inputs), weights: None, layers: self.unsized_layers() },
            train: TrainSpec {
                loss: self.loss,
                class_weights: wgrad::spec::ClassWeights::Equal,
                optimizer: self.optimizer,
                schedule: ScheduleSpec { schedule: self.schedule, unit: Unit::Step },
                clip: self.clip,
                accumulate: self.accumulate,
                batch_size: self.batch,
                epochs: 1,
                // TOML's integers are signed.
                seed: self.seed >> 1,
                validate_every: 1,
                early_stopping: None,
                checkpoint: CheckpointSpec::default(),
            },
        }
    }

    fn csv(&self) -> String {
        let data = self.data();
        let features = (0..self.inputs).map(|i| format!("x{i}"));
        let mut text = features.chain(self.targets()).collect::<Vec<_>>().join(",");
        for row in 0..self.rows {
            let x = data.x[row * self.inputs..][..self.inputs].iter().map(f64::to_string);
            let t: Vec<String> = match &data.targets {
                Targets::Classes(classes) => vec![classes[row].to_string()],
                Targets::Numbers { width, values } => {
                    values[row * width..][..*width].iter().map(f64::to_string).collect()
                }
            };
            let _ = write!(text, "\n{}", x.chain(t).collect::<Vec<_>>().join(","));
        }
        text + "\n"
    }

    /// Writes the case as a folder that `wgrad verify` takes for a run: spec, data, weights.
    pub fn write(&self, folder: &Path) {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("spec.toml"), self.spec(folder).to_toml()).unwrap();
        std::fs::write(folder.join("data.csv"), self.csv()).unwrap();
        save(&folder.join("model.safetensors"), &self.parameters(), Precision::F32, &Default::default()).unwrap();
    }

    /// The options that go with the folder.
    pub fn options(&self, device: &Device) -> String {
        let place = match device.kind() {
            "cpu" => "--device cpu".to_owned(),
            _ => format!("--adapter \"{}\"", device.name()),
        };
        format!("{place} --steps {}{}", self.steps, if self.unfused { " --unfused" } else { "" })
    }
}

/// What became of the cases.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    pub cases: usize,
    pub steps: usize,
    pub values: usize,
    /// Cases that left the range of f32; see [`out_of_range`].
    pub excluded: usize,
    /// Compared values whose worst element has no finite bound: nothing is proven about it.
    pub unbounded: usize,
    pub worst: f64,
    pub worst_case: String,
}

/// Intermediates of a kernel may be larger than its results by this: the square of a gradient before its factor
/// 1 - beta2 = 1 / 1000 (Adam), the sum over up to 257 outputs before the division by their number (losses).
const HEADROOM: f64 = 1024.0;

/// The rule for leaving a case out: some value of the same steps in f64, up to the one that failed and without fusion, comes
/// closer to the largest f32 than a kernel's intermediates need. There infinity or NaN is the right answer, which no bound
/// describes. A device that overflows where the judge does not has failed.
fn out_of_range(case: &Case, verdict: &Verdict) -> bool {
    let failed = verdict.steps.iter().take_while(|s| s.rows.iter().all(Row::passed)).count();
    let Ok(trajectory) = pollster::block_on(trajectory(case)) else { return false };
    let largest = f64::from(f32::MAX) / HEADROOM;
    let steps = trajectory.iter().take(failed + 1);
    // Written so that NaN counts as beyond.
    let beyond = |v: &f64| !matches!(v.abs().partial_cmp(&largest), Some(Ordering::Less));
    steps.flatten().flatten().any(beyond)
}

/// Every arena after each step on the CPU in f64, each node with a value of its own.
async fn trajectory(case: &Case) -> wgrad::Result<Vec<Vec<Vec<f64>>>> {
    let data = case.data();
    let batch = case.step_rows();
    let train = Some((data.rows, batch, case.rule()));
    let roles = Roles { train, keep_all: true, unfused: true, seed: case.seed >> 1, ..Roles::default() };
    let mut engine = Engine::open(&Device::cpu_f64(), &case.network(), roles).await?;
    engine.write_parameters(&case.parameters())?;
    engine.set_training_data(&data)?;
    let orders = (0..).flat_map(|epoch| {
        epoch_order(case.seed >> 1, epoch, data.rows).chunks(batch).map(<[u32]>::to_vec).collect::<Vec<_>>()
    });
    let mut steps = Vec::new();
    for (t, rows) in orders.take(case.steps).enumerate() {
        engine.train(&rows, t as u64, &mut |_: &[f64]| Flow::Continue).await?;
        steps.push(engine.read_arenas().await?);
    }
    Ok(steps)
}

/// Cases to run: `WGRAD_FUZZ_CASES`, or `default`.
pub fn case_count(default: u32) -> u32 {
    std::env::var("WGRAD_FUZZ_CASES").ok().map_or(default, |n| n.parse().expect("WGRAD_FUZZ_CASES is a number"))
}

fn seed() -> u64 {
    std::env::var("WGRAD_FUZZ_SEED").ok().map_or(SEED, |n| n.parse().expect("WGRAD_FUZZ_SEED is a number"))
}

/// Verifies a case.
///
/// # Errors
/// What is wrong; `Ok(None)` for a case that is left out.
fn judge(device: &Device, case: &Case) -> Result<Option<Verdict>, String> {
    let verdict = case.verdict(device).map_err(|e| format!("could not run: {e}"))?;
    match verdict.passed {
        true => Ok(Some(verdict)),
        false if out_of_range(case, &verdict) => Ok(None),
        false => Err(report::text(&verdict)),
    }
}

/// Runs `count` cases that `keep` lets through, or stops at the first failure, shrunk.
///
/// # Errors
/// The minimal case and what is wrong with it.
pub fn run(device: &Device, count: u32, keep: fn(&Case) -> bool) -> Result<Tally, (Box<Case>, String)> {
    let config = Config { cases: count, max_shrink_iters: SHRINKS, failure_persistence: None, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed().to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let tally = RefCell::new(Tally::default());
    let outcome = runner.run(&cases().prop_filter("asked for", keep), |case| {
        let verdict = judge(device, &case).map_err(TestCaseError::fail)?;
        tally.borrow_mut().count(&case, verdict.as_ref());
        Ok(())
    });
    match outcome {
        Ok(()) => Ok(tally.into_inner()),
        Err(TestError::Fail(reason, case)) => Err(minimal(device, Box::new(case), reason.to_string(), keep)),
        Err(TestError::Abort(reason)) => panic!("the fuzz could not go on: {reason}"),
    }
}

/// Goes on where proptest's bisection stops: takes any simpler case that fails as well, until none does.
fn minimal(device: &Device, mut case: Box<Case>, mut reason: String, keep: fn(&Case) -> bool) -> (Box<Case>, String) {
    let mut left = SHRINKS;
    'simpler: loop {
        for candidate in case.simpler().into_iter().filter(&keep) {
            if left == 0 {
                return (case, reason);
            }
            left -= 1;
            if let Err(found) = judge(device, &candidate) {
                (*case, reason) = (candidate, found);
                continue 'simpler;
            }
        }
        return (case, reason);
    }
}

/// Smaller sizes than `n`, the boldest first.
fn smaller(n: usize) -> Vec<usize> {
    let mut sizes = vec![1, n / 2, n - n / 4, n - n / 8, n.saturating_sub(1)];
    sizes.retain(|&s| s > 0 && s < n);
    sizes.dedup();
    sizes
}

impl Case {
    /// Cases that are simpler in one respect. A case with fewer steps or rows comes with other numbers too, because what
    /// fails may need a value of a certain sign.
    fn simpler(&self) -> Vec<Case> {
        let mut all = Vec::new();
        let mut add = |edit: &dyn Fn(&mut Case)| {
            let mut case = self.clone();
            edit(&mut case);
            let case = case.sound();
            if format!("{case:?}") != format!("{self:?}") {
                all.push(case);
            }
        };
        for i in 0..self.layers.len() {
            if self.layers.len() > 1 {
                add(&|c| {
                    c.layers.remove(i);
                });
            }
            smaller(self.layers[i].outputs).into_iter().for_each(|n| add(&|c| c.layers[i].outputs = n));
            add(&|c| c.layers[i].bias = false);
            add(&|c| c.layers[i].kind = Kind::Dense);
            // binary_cross_entropy takes probabilities.
            if self.loss != Loss::BinaryCrossEntropy || i + 1 < self.layers.len() {
                add(&|c| c.layers[i].activation = Activation::Identity);
            }
        }
        for seed in [self.seed, 0, 1, 2, 3] {
            smaller(self.steps).into_iter().for_each(|n| add(&|c| (c.steps, c.seed) = (n, seed)));
            smaller(self.rows).into_iter().for_each(|n| add(&|c| (c.rows, c.seed) = (n, seed)));
        }
        smaller(self.batch).into_iter().for_each(|n| add(&|c| c.batch = n));
        smaller(self.inputs).into_iter().for_each(|n| add(&|c| c.inputs = n));
        add(&|c| c.schedule = Schedule::CONSTANT);
        add(&|c| c.optimizer = Optimizer::sgd(0.1));
        add(&|c| c.clip = None);
        add(&|c| c.accumulate = 1);
        add(&|c| c.features = Values::Plain);
        add(&|c| c.weights = Values::Plain);
        add(&|c| c.unfused = false);
        all
    }
}

impl Tally {
    fn count(&mut self, case: &Case, verdict: Option<&Verdict>) {
        self.cases += 1;
        let Some(verdict) = verdict else {
            self.excluded += 1;
            return;
        };
        self.steps += verdict.steps.len();
        for row in verdict.steps.iter().flat_map(|s| &s.rows) {
            self.values += 1;
            let unbounded = |c: &Comparison| c.worst.is_some_and(|w| !w.bound.is_finite());
            self.unbounded += usize::from(unbounded(&row.local) || unbounded(&row.total));
            if row.max_ratio() > self.worst {
                self.worst = row.max_ratio();
                self.worst_case = format!("{} ({}) of {case:?}", row.name, row.kernel);
            }
        }
    }
}

/// Runs cases on `device`; a failure is written to `target/fuzz-failures` and printed as the command that reproduces it.
pub fn property(device: &Device, count: u32) {
    let start = std::time::Instant::now();
    match run(device, count, |_| true) {
        Ok(tally) => {
            eprintln!(
                "{}: {} cases, {} steps, {} values in {:.1?}; {} excluded (out of the range of f32), {} values \
                 without a finite bound; largest error/bound {:.4} at {}",
                device.name(),
                tally.cases,
                tally.steps,
                tally.values,
                start.elapsed(),
                tally.excluded,
                tally.unbounded,
                tally.worst,
                tally.worst_case
            );
            // The rule must not become the rule: most cases prove something.
            assert!(tally.excluded * 5 <= tally.cases, "{} of {} cases were excluded", tally.excluded, tally.cases);
        }
        Err((case, reason)) => panic!("{}", reproduction(device, &case, &reason)),
    }
}

/// Writes the case and says how to run it.
pub fn reproduction(device: &Device, case: &Case, reason: &str) -> String {
    let folder = failures().join(format!("{:016x}", case.seed));
    case.write(&folder);
    format!(
        "{reason}\n{case:?}\n\n{}\nThe case is in {folder}. It is reproduced by\n    cargo run --release -- verify {folder} {}\n",
        case.spec(&folder).to_toml(),
        case.options(device),
        folder = folder.display()
    )
}

fn failures() -> PathBuf {
    // Beside the program's build output, which is never committed.
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("fuzz-failures")
}
