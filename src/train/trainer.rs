//! The trainer: the library's blocking interface. A network, a loss, an optimizer and a device in one value.

use super::engine::{Engine, Roles};
use crate::data::{Dataset, epoch_order};
use crate::error::{Error, Result};
use crate::exec::{Choice, Counters, Device, Flow, open_device};
use crate::graph::{Activation, Clip, Loss, Optimizer, Schedule, UpdateRule};
use crate::nn::init::draw_parameters;
use crate::nn::weights::{self, Precision};
use crate::nn::{BatchNorm, Dense, Dropout, GroupNorm, Init, Layer, LayerNorm, Module, Network, Tensor, chain};
use std::collections::BTreeMap;
use std::path::Path;

/// Builds a [`Trainer`]; see the crate's front page for an example.
#[derive(Debug, Clone)]
pub struct TrainerBuilder {
    layers: Vec<Layer>,
    inputs: usize,
    loss: Loss,
    rule: UpdateRule,
    batch_size: usize,
    init: Init,
    seed: u64,
    device: Choice,
}

/// Trains a network of layers.
///
/// Every method blocks until the device is done. Parameters live on the device between calls and are read back when
/// asked for.
pub struct Trainer {
    device: Device,
    network: Network,
    rule: UpdateRule,
    batch_size: usize,
    seed: u64,
    steps: u64,
    epochs: u32,
    parameters: Vec<Tensor>,
    states: Vec<Tensor>,
    engine: Option<(Roles, Engine)>,
    /// The engine's parameters are newer than `parameters`.
    ahead: bool,
}

/// Loss and gradients of one batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradients {
    /// Mean loss over the batch's samples.
    pub loss: f64,
    /// One tensor for each parameter, under the parameter's name and with its shape.
    pub tensors: Vec<Tensor>,
}

impl Default for TrainerBuilder {
    fn default() -> Self {
        TrainerBuilder {
            layers: Vec::new(),
            inputs: 0,
            loss: Loss::Mse,
            rule: Optimizer::sgd(0.1).into(),
            batch_size: 32,
            init: Init::Auto,
            seed: 0,
            device: Choice::Auto,
        }
    }
}

impl TrainerBuilder {
    /// Adds a dense layer with bias: y = activation(x · wᵀ + b).
    #[must_use]
    pub fn dense(self, outputs: usize, activation: Activation) -> Self {
        self.layer(outputs, activation, true)
    }

    /// Adds a dense layer, with or without bias.
    #[must_use]
    pub fn layer(self, outputs: usize, activation: Activation, bias: bool) -> Self {
        self.module(Dense { bias, ..Dense::new(outputs) }, activation)
    }

    /// Adds a dropout layer: in [`Trainer::fit`] and [`Trainer::step`] each number becomes 0 with probability `p`, at least 0
    /// and below 1, and is divided by 1 - p otherwise.
    #[must_use]
    pub fn dropout(self, p: f64) -> Self {
        self.module(Dropout { p }, Activation::Identity)
    }

    /// Adds a layer that normalises the numbers of each sample, PyTorch's `nn.LayerNorm` over them.
    #[must_use]
    pub fn layer_norm(self, activation: Activation) -> Self {
        self.module(LayerNorm, activation)
    }

    /// Adds a layer that normalises each of `groups` groups of neighbouring numbers of each sample, PyTorch's `nn.GroupNorm`.
    #[must_use]
    pub fn group_norm(self, groups: usize, activation: Activation) -> Self {
        self.module(GroupNorm::new(groups), activation)
    }

    /// Adds a layer that normalises each number over the batch, PyTorch's `nn.BatchNorm1d`; [`Trainer::gradients`] and
    /// [`Trainer::predict`] take the running statistics.
    #[must_use]
    pub fn batch_norm(self, activation: Activation) -> Self {
        self.module(BatchNorm, activation)
    }

    /// Adds a layer of any module, a user's own among them; see [the guide](crate::guide#an-operation-of-ones-own).
    #[must_use]
    pub fn module(mut self, module: impl Module, activation: Activation) -> Self {
        self.layers.push(Layer::new(module, activation));
        self
    }

    /// Adds the layers of another network.
    #[must_use]
    pub fn layers(mut self, layers: &[Layer]) -> Self {
        self.layers.extend_from_slice(layers);
        self
    }

    /// The loss; [`Loss::Mse`] by default.
    #[must_use]
    pub fn loss(mut self, loss: Loss) -> Self {
        self.loss = loss;
        self
    }

    /// The optimizer; SGD with learning rate 0.1 by default.
    #[must_use]
    pub fn optimizer(mut self, optimizer: Optimizer) -> Self {
        self.rule.optimizer = optimizer;
        self
    }

    /// How the learning rate goes, over all optimizer steps that the trainer takes; constant by default. Its units are
    /// optimizer steps unless [`Schedule::every`] says otherwise, and its length must be stated. Reduce-on-plateau is a
    /// matter of runs ([`crate::train::run`]); here it is constant, and [`Trainer::set_lr`] changes the rate.
    #[must_use]
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.rule.schedule = schedule;
        self
    }

    /// How gradients are clipped before the optimizer takes them; not at all by default.
    #[must_use]
    pub fn clip(mut self, clip: Clip) -> Self {
        self.rule.clip = Some(clip);
        self
    }

    /// Batches whose gradients are added for one optimizer step in [`Trainer::fit`]; 1 by default. [`Trainer::step`] divides
    /// its batch into so many parts.
    #[must_use]
    pub fn accumulate(mut self, batches: usize) -> Self {
        self.rule.accumulate = batches.max(1);
        self
    }

    /// Samples that go through the network at a time in [`Trainer::fit`]; 32 by default.
    #[must_use]
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.batch_size = batch_size;
        self
    }

    /// How the weights of every layer are drawn that does not say so itself; [`Init::Auto`] by default. Biases start at 0.
    #[must_use]
    pub fn init(mut self, init: Init) -> Self {
        self.init = init;
        self
    }

    /// Decides the initial parameters and the order of the samples; 0 by default.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The device; [`Choice::Auto`] by default.
    #[must_use]
    pub fn device(mut self, device: Choice) -> Self {
        self.device = device;
        self
    }

    /// Opens the device and draws the initial parameters.
    ///
    /// # Errors
    /// [`Error::Shape`] for a network without layers or with a size of zero, or a layer that cannot compute; [`Error::Spec`] for a schedule that cycles the
    /// momentum of an optimizer without one; [`Error::Device`] when the device asked for is not there.
    pub fn build(self) -> Result<Trainer> {
        let layers = chain(self.inputs, &self.layers)?;
        if layers.is_empty() || self.inputs == 0 || layers.iter().any(|l| l.outputs == 0) {
            return Err(Error::Shape(format!(
                "a network needs inputs and at least one layer, all sizes from 1 on; found {} inputs and layers of {:?}",
                self.inputs,
                layers.iter().map(|l| l.outputs).collect::<Vec<_>>()
            )));
        }
        if self.batch_size == 0 {
            return Err(Error::Shape("batch_size is 0; it must be at least 1".into()));
        }
        let optimizer = self.rule.optimizer.under(&self.rule.schedule).map_err(|m| Error::spec("schedule", m))?;
        let device = pollster::block_on(open_device(&self.device, false))?;
        let parameters = draw_parameters(&layers, self.init, self.seed);
        Ok(Trainer {
            device,
            network: Network { layers, loss: self.loss },
            rule: UpdateRule { optimizer, ..self.rule },
            batch_size: self.batch_size,
            seed: self.seed,
            steps: 0,
            epochs: 0,
            parameters,
            states: Vec::new(),
            engine: None,
            ahead: false,
        })
    }
}

impl Trainer {
    /// Starts a network that takes `inputs` numbers a sample.
    pub fn builder(inputs: usize) -> TrainerBuilder {
        TrainerBuilder { inputs, ..TrainerBuilder::default() }
    }

    /// The device and why it was chosen: `device().name()`, `device().reason()`.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Optimizer steps done so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The learning rate of the next step.
    pub fn lr(&self) -> f64 {
        self.rule.lr(self.steps)
    }

    /// Goes on with another learning rate under the schedule.
    pub fn set_lr(&mut self, lr: f64) {
        self.rule = self.rule.with_lr(lr);
        if let Some((roles, engine)) = &mut self.engine {
            roles.train.iter_mut().for_each(|(_, _, rule)| *rule = rule.with_lr(lr));
            engine.set_lr(lr);
        }
    }

    /// What the device did for the plan in use: submits, dispatches, read-backs.
    pub fn counters(&self) -> Counters {
        self.engine.as_ref().map(|(_, e)| e.counters()).unwrap_or_default()
    }

    /// Trains for `epochs` passes over `data`, shuffled anew each time, and returns the mean loss of each.
    ///
    /// # Errors
    /// [`Error::Shape`] for data that do not fit the network; [`Error::NonFinite`] when the loss stops being a finite
    /// number; [`Error::Gpu`], [`Error::Limit`], [`Error::Device`] from the device.
    pub fn fit(&mut self, data: &Dataset, epochs: usize) -> Result<Vec<f64>> {
        let batch = self.batch_size.saturating_mul(self.rule.accumulate).min(data.rows);
        self.take_up(data, batch)?;
        let mut means = Vec::with_capacity(epochs);
        for _ in 0..epochs {
            let order = epoch_order(self.seed, self.epochs, data.rows);
            let losses = self.train(&order)?;
            self.epochs += 1;
            let weight = |i: usize| batch.min(data.rows - i * batch) as f64;
            let sum: f64 = losses.iter().enumerate().map(|(i, l)| l * weight(i)).sum();
            means.push(sum / data.rows as f64);
        }
        Ok(means)
    }

    /// One optimizer step on `batch` as it is; returns its mean loss before the step.
    ///
    /// # Errors
    /// As [`Trainer::fit`].
    pub fn step(&mut self, batch: &Dataset) -> Result<f64> {
        self.take_up(batch, batch.rows)?;
        let order: Vec<u32> = (0..batch.rows as u32).collect();
        let losses = self.train(&order)?;
        losses.first().copied().ok_or_else(|| Error::Internal("a step gave no loss".into()))
    }

    /// Makes the engine one that trains on `data` in steps of `batch` rows.
    fn take_up(&mut self, data: &Dataset, batch: usize) -> Result<()> {
        self.check(data, true)?;
        let roles = Roles { train: Some((data.rows, batch, self.rule)), seed: self.seed, ..Roles::default() };
        self.open(roles)?.set_training_data(data)
    }

    /// Trains on the rows `order`; their losses.
    fn train(&mut self, order: &[u32]) -> Result<Vec<f64>> {
        let first = self.steps;
        let mut losses = Vec::new();
        let mut sink = |part: &[f64]| {
            losses.extend_from_slice(part);
            if part.iter().all(|l| l.is_finite()) { Flow::Continue } else { Flow::Stop }
        };
        let engine = self.engine()?;
        let done = pollster::block_on(engine.train(order, first, &mut sink))?;
        // A step whose update left the numbers shows in its own submit, a loss in the step itself.
        let left = engine.nonfinite().map(|steps| steps.end - 1);
        self.ahead = true;
        self.steps += done as u64;
        match losses.iter().position(|l| !l.is_finite()).or(left) {
            None => Ok(losses),
            Some(i) => Err(Error::NonFinite {
                step: (first as usize) + i + 1,
                epoch: self.epochs as usize + 1,
                value: losses[i],
                cause: String::new(),
            }),
        }
    }

    /// Loss and gradients on `batch`; changes nothing.
    ///
    /// # Errors
    /// [`Error::Shape`] for data that do not fit the network; [`Error::Gpu`], [`Error::Limit`], [`Error::Device`].
    pub fn gradients(&mut self, batch: &Dataset) -> Result<Gradients> {
        self.check(batch, true)?;
        let engine = self.open(Roles { gradients: Some(batch.rows), ..Roles::default() })?;
        let (loss, tensors) = pollster::block_on(engine.gradients(batch))?;
        Ok(Gradients { loss, tensors })
    }

    /// The network's outputs for `x`, rows of the network's inputs; row-major, rows x outputs.
    ///
    /// # Errors
    /// As [`Trainer::gradients`].
    pub fn predict(&mut self, x: &[f64]) -> Result<Vec<f64>> {
        let data = Dataset::features_only(x, self.network.inputs());
        self.check(&data, false)?;
        let engine = self.open(Roles { predict: Some(data.rows), ..Roles::default() })?;
        pollster::block_on(engine.predict(&data))
    }

    /// The parameters, read back from the device: `layers.N.weight` `[out, in]`, `layers.N.bias` `[out]`.
    ///
    /// # Errors
    /// [`Error::Gpu`], [`Error::Device`].
    pub fn parameters(&mut self) -> Result<&[Tensor]> {
        self.sync()?;
        Ok(&self.parameters)
    }

    /// Replaces the parameters; the optimizer's states start anew.
    ///
    /// # Errors
    /// [`Error::Shape`] naming the parameter and both shapes.
    pub fn set_parameters(&mut self, parameters: Vec<Tensor>) -> Result<()> {
        let expected = self.network.tensors();
        let found: Vec<(String, Vec<usize>)> = parameters.iter().map(|p| (p.name.clone(), p.shape.clone())).collect();
        let fits = |p: &Tensor| p.values.len() == p.shape.iter().product::<usize>();
        if found != expected || !parameters.iter().all(fits) {
            return Err(Error::Shape(format!("the network has the parameters {expected:?}, found {found:?}")));
        }
        self.engine = None;
        self.ahead = false;
        self.states.clear();
        self.steps = 0;
        self.parameters = parameters;
        Ok(())
    }

    /// Writes the parameters as safetensors, which PyTorch loads into `nn.Linear` layers as they are.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Weights`] when a parameter is no finite number.
    pub fn save(&mut self, path: impl AsRef<Path>) -> Result<()> {
        self.sync()?;
        weights::save(path.as_ref(), &self.parameters, Precision::F32, &BTreeMap::new())
    }

    /// Reads parameters that [`Trainer::save`] or another program wrote.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Weights`] for a file that does not hold exactly this network's parameters.
    pub fn load(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let parameters = weights::load(path.as_ref(), &self.network.tensors(), false)?;
        self.set_parameters(parameters)
    }

    /// Refuses data that do not fit the network.
    fn check(&self, data: &Dataset, with_target: bool) -> Result<()> {
        data.check(self.network.inputs(), with_target.then(|| (self.network.loss, self.network.outputs())))
    }

    /// An engine that holds `roles`; parameters and states are moved over from the one before.
    fn open(&mut self, roles: Roles) -> Result<&mut Engine> {
        if self.engine.as_ref().is_none_or(|(have, _)| *have != roles) {
            self.sync()?;
            self.engine = None;
            let mut engine = pollster::block_on(Engine::open(&self.device, &self.network, roles))?;
            engine.write_parameters(&self.parameters)?;
            if roles.train.is_some() {
                engine.write_states(&self.states)?;
            }
            self.engine = Some((roles, engine));
        }
        self.engine()
    }

    /// The engine that is open.
    fn engine(&mut self) -> Result<&mut Engine> {
        let open = self.engine.as_mut().map(|(_, engine)| engine);
        open.ok_or_else(|| Error::Internal("no engine is open".into()))
    }

    /// Reads parameters and states back if the device has newer ones.
    fn sync(&mut self) -> Result<()> {
        if let (true, Some((_, engine))) = (self.ahead, &mut self.engine) {
            self.parameters = pollster::block_on(engine.read_parameters())?;
            self.states = pollster::block_on(engine.read_states())?;
            self.ahead = false;
        }
        Ok(())
    }
}
