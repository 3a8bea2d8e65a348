//! The engine: a network's plans on a device, with its data, parameters and tables. The async core of training.

use crate::data::{Dataset, RowTargets, TargetRule};
use crate::error::{Error, Result};
use crate::exec::memory::check_host_memory;
use crate::exec::profile::Profile;
use crate::exec::{Counters, Device, Flow, Session};
use crate::graph::{Optimizer, RANDOM_COLUMNS, Role, UpdateRule};
use crate::nn::{Mode, Network, Samples, Tensor};
use crate::optim::HYPER_COLUMNS;
use crate::plan::tuning::Table;
use crate::plan::{Limits, Options, Plan, Products, Switches, lower};

use super::forecast::without_memory;
use super::inputs::fill_samples;
use super::samples::{Order, SampleSet};
use super::tables::shares;
use std::sync::Arc;
use std::time::Instant;

mod stream;

/// Rows of the tables at most; a longer epoch uploads its tables in pieces.
const MAX_TABLE_STEPS: usize = 8192;
/// Samples that stream go to a GPU in pieces of this size: larger ones only take more memory, on the device and in the
/// driver's staging buffers, and put off the first step.
const STREAM_BYTES: u64 = 32 << 20;
/// The same for the CPU: a piece that the caches hold is copied and read at their speed.
const CPU_STREAM_BYTES: u64 = 2 << 20;
/// Rows of an evaluation step at most.
const EVAL_BATCH: usize = 1024;

/// Which plans an engine holds, and for how many rows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Roles {
    /// Training: rows of the data set, rows of a step, the optimizer with its schedule.
    pub train: Option<(usize, usize, UpdateRule)>,
    /// Evaluation with a loss: rows of the data set.
    pub evaluate: Option<usize>,
    /// Prediction: rows of the data set.
    pub predict: Option<usize>,
    /// Gradients of one batch: its rows.
    pub gradients: Option<usize>,
    /// Steps that one upload of the training tables holds at least, where an epoch is shorter; 0 for an epoch's.
    pub table_steps: usize,
    /// Let training samples stream even where the device could hold them: there are more than the host does.
    pub stream: bool,
    /// The host holds a second copy of the parameters, those of the best validation.
    pub keeps_best: bool,
    /// Give every value of the training plan a place of its own, so that all can be read after a step.
    pub keep_all: bool,
    /// Lower the training plan without fusion, to bisect a fault.
    pub unfused: bool,
    /// Optimisations of the training plan.
    pub switches: Switches,
    /// Decides what layers draw at random in training: the masks of dropout.
    pub seed: u64,
    /// Whether [`Engine::gradients`] are those of a training step, masks included, or of the network as it is used.
    pub gradient_mode: Mode,
}

/// A network on a device.
pub struct Engine {
    session: Session,
    network: Network,
    roles: Roles,
    /// The training set, when it does not fit the device and streams through it.
    streamed: Option<Arc<Dataset<f32>>>,
    /// How much each row of a training set on the device counts; nothing where all count alike.
    weights: Arc<[f64]>,
    /// The samples of [`Engine::evaluate_set`].
    evaluated: Option<SampleSet>,
    /// See [`Engine::nonfinite`].
    nonfinite: Option<std::ops::Range<usize>>,
    /// Time spent on tables and streamed samples, in nanoseconds.
    tables_ns: u64,
    /// Time spent in waiting for samples, in nanoseconds.
    data_ns: u64,
}

/// Names of the plans, by role.
const TRAIN: &str = "train";
const EVALUATE: &str = "eval";
const PREDICT: &str = "predict";
const GRADIENTS: &str = "grad";

impl Engine {
    /// Builds the plans that `roles` ask for and opens them on `device`.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::Limit`], [`Error::Gpu`].
    pub async fn open(device: &Device, network: &Network, roles: Roles) -> Result<Engine> {
        Engine::open_within(device, device.limits(), network, roles).await
    }

    /// The same with plans that fit `limits`, which may be below the device's own: plans as a smaller adapter has them.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub async fn open_within(device: &Device, limits: Limits, network: &Network, roles: Roles) -> Result<Engine> {
        let plans = planned(&Target { limits, ..Target::of(device) }, network, roles)?;
        let session = match Session::open(device, plans).await {
            Err(Error::OutOfMemory(message)) => {
                return Err(without_memory(message, device, limits, network, roles).await);
            }
            opened => opened?,
        };
        let mut engine = Engine {
            session,
            network: network.clone(),
            roles,
            streamed: None,
            weights: Arc::default(),
            evaluated: None,
            nonfinite: None,
            tables_ns: 0,
            data_ns: 0,
        };
        if let Some((rows, _, rule)) = roles.train {
            engine.write_first_states(rule)?;
            if roles.stream || engine.room(TRAIN)? < rows {
                let rule = TargetRule { loss: network.loss, outputs: network.outputs() };
                engine.streamed = Some(Arc::new(Dataset::blank(network.inputs(), Some(rule))));
            }
        }
        Ok(engine)
    }

    /// Number of the plan `role`.
    fn plan(&self, role: &str) -> Result<usize> {
        let found = self.session.plans().iter().position(|p| p.name == role);
        found.ok_or_else(|| Error::Internal(format!("the engine has no plan {role}")))
    }

    /// The plans.
    pub fn plans(&self) -> &[Plan] {
        self.session.plans()
    }

    /// Memory of the session's arenas on the device, in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.session.size_bytes()
    }

    /// What the session did so far.
    pub fn counters(&self) -> Counters {
        Counters { tables_ns: self.tables_ns, data_ns: self.data_ns, ..self.session.counters() }
    }

    /// Writes parameters by name.
    ///
    /// # Errors
    /// [`Error::Internal`] for an unknown name; [`Error::Gpu`].
    pub fn write_parameters(&mut self, parameters: &[Tensor]) -> Result<()> {
        parameters.iter().try_for_each(|p| self.session.write(0, &p.name, &p.values))
    }

    /// Reads every parameter, and what layers keep beside them.
    ///
    /// # Errors
    /// [`Error::Gpu`], [`Error::Device`].
    pub async fn read_parameters(&mut self) -> Result<Vec<Tensor>> {
        self.read_all(0, self.network.tensors(), Role::Tensor).await
    }

    /// Reads every arena of the training plan, in the plan's order.
    ///
    /// # Errors
    /// [`Error::Gpu`], [`Error::Device`].
    pub async fn read_arenas(&mut self) -> Result<Vec<Vec<f64>>> {
        let plan = self.plan(TRAIN)?;
        read_arenas(&mut self.session, plan).await
    }

    /// Writes optimizer states: tensors named `state.<slot>.<parameter>`.
    ///
    /// # Errors
    /// As [`Engine::write_parameters`].
    pub fn write_states(&mut self, states: &[Tensor]) -> Result<()> {
        let plan = self.plan(TRAIN)?;
        states.iter().try_for_each(|s| self.session.write(plan, &s.name, &s.values))
    }

    /// Puts the optimizer's states where they begin; arenas begin with zeros.
    fn write_first_states(&mut self, rule: UpdateRule) -> Result<()> {
        let value = rule.optimizer.initial_state();
        if value == 0.0 {
            return Ok(());
        }
        let plan = self.plan(TRAIN)?;
        for (name, shape) in self.network.states(rule.optimizer) {
            self.session.write(plan, name.as_str(), &vec![value; shape.iter().product()])?;
        }
        Ok(())
    }

    /// Reads every optimizer state; tensors are named `state.<slot>.<parameter>`.
    ///
    /// # Errors
    /// [`Error::Gpu`], [`Error::Device`].
    pub async fn read_states(&mut self) -> Result<Vec<Tensor>> {
        let Some((_, _, rule)) = self.roles.train else { return Ok(Vec::new()) };
        let plan = self.plan(TRAIN)?;
        self.read_all(plan, self.network.states(rule.optimizer), |name| Role::from(&name)).await
    }

    /// The gradients of the last training step: tensors named `grad.<parameter>`.
    ///
    /// # Errors
    /// [`Error::Gpu`], [`Error::Device`].
    pub async fn read_gradients(&mut self) -> Result<Vec<Tensor>> {
        let plan = self.plan(TRAIN)?;
        self.read_named(plan, Role::Gradient).await
    }

    /// A tensor of each parameter, named by its role.
    async fn read_named(&mut self, plan: usize, role: impl Fn(String) -> Role + Copy) -> Result<Vec<Tensor>> {
        let mut tensors = self.read_all(plan, self.network.parameters(), role).await?;
        tensors.iter_mut().for_each(|t| t.name = role(std::mem::take(&mut t.name)).to_string());
        Ok(tensors)
    }

    /// The tensors of a role, named as what they belong to.
    async fn read_all(
        &mut self,
        plan: usize,
        named: Vec<(String, Vec<usize>)>,
        role: impl Fn(String) -> Role,
    ) -> Result<Vec<Tensor>> {
        let mut tensors = Vec::with_capacity(named.len());
        for (name, shape) in named {
            let values = self.session.read(plan, role(name.clone())).await?;
            tensors.push(Tensor { name, shape, values });
        }
        Ok(tensors)
    }

    /// Puts the training set on the device, or keeps it for streaming when it does not fit.
    ///
    /// # Errors
    /// [`Error::Gpu`], [`Error::Device`].
    pub fn set_training_data(&mut self, data: &Dataset) -> Result<()> {
        if let Some(rows) = &mut self.streamed {
            *rows = Arc::new(data.cast());
            return Ok(());
        }
        self.weights = Arc::from(&data.weights[..]);
        self.write_samples(TRAIN, data)
    }

    /// Puts rows of the training set in place, from row `first` on: `x` is row-major. A large set comes in pieces, each
    /// one rising, and never exists in `f64`.
    ///
    /// # Errors
    /// As [`Engine::set_training_data`].
    pub fn write_training_rows(&mut self, first: usize, x: &[f32], targets: RowTargets<'_>) -> Result<()> {
        if let Some(rows) = &mut self.streamed {
            Arc::make_mut(rows).put(first, x, targets);
            return Ok(());
        }
        self.write_rows(TRAIN, first, x, targets)
    }

    /// The same into the data arena of the plan `role`.
    fn write_rows(&mut self, role: &str, first: usize, x: &[f32], targets: RowTargets<'_>) -> Result<()> {
        let plan = self.plan(role)?;
        self.session.write_f32(plan, Samples::x(role), first * self.network.inputs(), x)?;
        let target = Samples::target(role);
        match targets {
            _ if role == PREDICT => Ok(()),
            RowTargets::Classes(classes) => self.session.write_u32_from(plan, target, first, classes),
            RowTargets::Numbers(values) => self.session.write_f32(plan, target, first * self.network.outputs(), values),
        }
    }

    /// Whether training samples stream through the device, which does not hold all of them.
    pub(crate) fn streams(&self) -> bool {
        self.streamed.is_some()
    }

    /// Rows that the data arena of the plan `role` holds.
    fn room(&self, role: &str) -> Result<usize> {
        let x = self.session.plans()[self.plan(role)?].buffer(Samples::x(role));
        Ok(x.map_or(0, |b| b.range.len / self.network.inputs().max(1)))
    }

    /// Writes one parameter by name, row-major in the parameter's shape.
    ///
    /// # Errors
    /// As [`Engine::write_parameters`].
    pub fn write_parameter(&mut self, name: &str, values: &[f32]) -> Result<()> {
        self.session.write_f32(0, name, 0, values)
    }

    /// All samples of the plan `role`, in f64, which nothing rounds.
    fn write_samples(&mut self, role: &str, data: &Dataset) -> Result<()> {
        let plan = self.plan(role)?;
        fill_samples(&mut (&mut self.session, plan), role, &data.x, &data.targets)
    }

    /// Trains on the rows `order` (part of an epoch or all of it), batch by batch. `first` is the number of optimizer
    /// steps done before. Losses go to `sink` as they come. Returns how many steps ran.
    ///
    /// # Errors
    /// [`Error::Gpu`], [`Error::Device`].
    pub async fn train(&mut self, order: &[u32], first: u64, sink: &mut dyn FnMut(&[f64]) -> Flow) -> Result<usize> {
        if let Some(rows) = &self.streamed {
            let set = SampleSet::in_memory(Arc::clone(rows));
            return self.train_streamed(&set, &Order::Rows(order.to_vec()), 0..usize::MAX, first, sink).await;
        }
        let (plan, batch) = (self.plan(TRAIN)?, self.batch()?);
        let piece = self.session.plans()[plan].steps * batch;
        self.nonfinite = None;
        let mut done = 0;
        let mut flow = Flow::Continue;
        for rows in order.chunks(piece) {
            let begin = Instant::now();
            let weights = Arc::clone(&self.weights);
            self.write_steps(rows, first + done as u64, &weights)?;
            self.tables_ns += begin.elapsed().as_nanos() as u64;
            let mut relay = |losses: &[f64]| {
                flow = sink(losses);
                flow
            };
            let ran = self.session.run(plan, rows.len().div_ceil(batch), &mut relay).await?;
            self.nonfinite = self.session.nonfinite().map(|steps| done + steps.start..done + steps.end);
            done += ran;
            if flow == Flow::Stop || self.nonfinite.is_some() {
                break;
            }
        }
        Ok(done)
    }

    /// The steps, of those that the last [`Engine::train`] ran, among which a parameter or an optimizer state stopped being a
    /// finite number. The engine then ran no further, and what it holds is of no use.
    pub fn nonfinite(&self) -> Option<std::ops::Range<usize>> {
        self.nonfinite.clone()
    }

    /// Rows of a training step.
    fn batch(&self) -> Result<usize> {
        let batch = self.roles.train.map(|(_, batch, _)| batch);
        batch.ok_or_else(|| Error::Internal("this engine does not train".into()))
    }

    /// Goes on with another learning rate under the schedule. It takes effect with the next call of [`Engine::train`], whose
    /// tables hold the rates.
    pub fn set_lr(&mut self, lr: f64) {
        if let Some((_, _, rule)) = &mut self.roles.train {
            *rule = rule.with_lr(lr);
        }
    }

    /// Times the dispatches of up to `steps` training steps, on the tables that the last [`Engine::train`] left: it must have
    /// trained that many. The parameters are of no use afterwards.
    ///
    /// # Errors
    /// As [`Engine::train`].
    pub async fn profile(&mut self, steps: usize) -> Result<Profile> {
        let plan = self.plan(TRAIN)?;
        self.session.profile(plan, steps).await
    }

    /// The plan of a training step.
    ///
    /// # Errors
    /// [`Error::Internal`] for an engine that does not train.
    pub fn training_plan(&self) -> Result<&Plan> {
        Ok(&self.session.plans()[self.plan(TRAIN)?])
    }

    /// Loss and every parameter's gradient (named as the parameter) on `data` as one batch.
    ///
    /// # Errors
    /// [`Error::Gpu`], [`Error::Device`].
    pub async fn gradients(&mut self, data: &Dataset) -> Result<(f64, Vec<Tensor>)> {
        let plan = self.plan(GRADIENTS)?;
        self.write_samples(GRADIENTS, data)?;
        let rows: Vec<u32> = (0..data.rows as u32).collect();
        self.write_batches(GRADIENTS, &rows, data.rows, &shares(&rows, &data.weights))?;
        let mut loss = f64::NAN;
        let mut sink = |losses: &[f64]| {
            loss = losses.first().copied().unwrap_or(f64::NAN);
            Flow::Continue
        };
        self.session.run(plan, 1, &mut sink).await?;
        Ok((loss, self.read_all(plan, self.network.parameters(), Role::Gradient).await?))
    }
}

/// Every arena of a plan, in the plan's order.
pub(super) async fn read_arenas(session: &mut Session, plan: usize) -> Result<Vec<Vec<f64>>> {
    let mut arenas = Vec::new();
    for arena in 0..session.plans()[plan].arenas.len() {
        arenas.push(session.read_arena(plan, arena).await?);
    }
    Ok(arenas)
}

/// The plans of `roles` for `network` on `device`.
///
/// # Errors
/// [`Error::Shape`], [`Error::Limit`].
pub fn plans(device: &Device, network: &Network, roles: Roles) -> Result<Vec<Plan>> {
    planned(&Target::of(device), network, roles)
}

/// What plans are made for: a device, opened or only described.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Its name, for people.
    pub name: &'a str,
    /// What plans must fit.
    pub limits: Limits,
    /// How its matrix products work best.
    pub products: Products,
    /// The ways that were measured to be the fastest.
    pub tuned: Option<&'a Arc<Table>>,
    /// Whether it is an adapter rather than the CPU.
    pub adapter: bool,
}

impl<'a> Target<'a> {
    /// An opened device.
    pub fn of(device: &'a Device) -> Target<'a> {
        let adapter = device.kind() == "gpu";
        let tuned = device.tuning().map(|tuning| &tuning.table);
        Target { name: device.name(), limits: device.limits(), products: device.products(), tuned, adapter }
    }
}

/// The plans of `roles` for `network` on `target`.
///
/// # Errors
/// [`Error::Shape`], [`Error::Limit`].
pub fn planned(target: &Target<'_>, network: &Network, roles: Roles) -> Result<Vec<Plan>> {
    let limits = target.limits;
    let rows = [roles.train.map(|(_, batch, rule)| rule.parts(batch).0), roles.gradients];
    let rows = rows.into_iter().flatten().max().unwrap_or(1);
    check_size(target, network, rows, roles)?;
    let products = roles.switches.products(target.products);
    let tuned = target.tuned;
    let options =
        |name: &str, steps: usize| Options { limits, products, tuned: tuned.cloned(), ..Options::new(name, steps) };
    let mut plans = Vec::new();
    if let Some((rows, batch, rule)) = roles.train {
        // A row of the data set in bytes; what does not fit a binding streams through the device in pieces.
        let width = network.inputs().max(network.outputs()).max(1) as u64;
        let fit = (limits.binding_elements() / width as usize).min(rows);
        let resident = fit >= rows && !roles.stream;
        let stream_bytes = if target.adapter { STREAM_BYTES } else { CPU_STREAM_BYTES };
        let piece = fit.min((stream_bytes / (4 * width)) as usize);
        let rows = if resident { rows } else { (piece / batch * batch).max(batch) };
        let longer = if resident { roles.table_steps } else { 0 };
        // A table is a binding, too.
        let (part, parts) = rule.parts(batch);
        let most = (limits.binding_elements() / (part * parts).max(HYPER_COLUMNS).max(RANDOM_COLUMNS))
            .clamp(1, MAX_TABLE_STEPS);
        let steps = rows.div_ceil(batch).max(longer).min(most);
        let rows = if resident { rows } else { steps * batch };
        let graph = network.train_graph(Samples { name: TRAIN, rows, batch }, rule)?;
        let choices = Options {
            keep_all: roles.keep_all,
            fuse: !roles.unfused && roles.switches.fusion,
            extras: roles.switches.extras(target.adapter),
            whole: roles.switches.whole && target.adapter,
            ..options(TRAIN, steps)
        };
        plans.push(lower(&graph, &choices)?);
    }
    if let Some(rows) = roles.evaluate {
        let (rows, batch) = examined_rows(&limits, network, rows);
        let graph = network.evaluate_graph(Samples { name: EVALUATE, rows, batch })?;
        plans.push(lower(&graph, &options(EVALUATE, rows.div_ceil(batch)))?);
    }
    if let Some(rows) = roles.predict {
        let (rows, batch) = examined_rows(&limits, network, rows);
        let graph = network.predict_graph(Samples { name: PREDICT, rows, batch })?;
        plans.push(lower(&graph, &options(PREDICT, rows.div_ceil(batch)))?);
    }
    if let Some(rows) = roles.gradients {
        let graph = network.gradient_graph(Samples { name: GRADIENTS, rows, batch: rows }, roles.gradient_mode)?;
        plans.push(lower(&graph, &options(GRADIENTS, 1))?);
    }
    Ok(plans)
}

/// Rows on the device and rows of a step of an evaluation of `rows` rows: no value of a step is larger than a binding, and
/// what does not fit streams.
fn examined_rows(limits: &Limits, network: &Network, rows: usize) -> (usize, usize) {
    let max = limits.binding_elements();
    let widest = network.layers.iter().map(|l| l.inputs.max(l.outputs)).max().unwrap_or(1).max(1);
    let batch = rows.min(EVAL_BATCH).min(max / widest).max(1);
    let width = network.inputs().max(network.outputs()).max(1);
    let fit = (max / width).min(STREAM_BYTES as usize / (4 * width));
    (if fit >= rows { rows } else { (fit / batch * batch).max(batch) }, batch)
}

/// Rows that are evaluated or predicted on together at most: more go to the device in pieces.
pub fn forward_piece(network: &Network, limits: Limits) -> usize {
    examined_rows(&limits, network, usize::MAX).0
}

/// Refuses a network whose parameters or activations for `batch` rows the device cannot hold.
///
/// # Errors
/// [`Error::Limit`].
fn check_size(target: &Target<'_>, network: &Network, batch: usize, roles: Roles) -> Result<()> {
    if !target.adapter && target.limits == Limits::CPU {
        let [device, host] = copies(network, roles);
        return check_host_memory("it", (device + host) * network.parameter_bytes());
    }
    check_tensors(&target.limits, target.name, network, batch)
}

/// Copies of the parameters, in units of f32. What a device works on: parameters, gradients, optimizer states. And on the
/// host in f64, which is twice as large: parameters as they are read or drawn, states as a checkpoint takes them.
fn copies(network: &Network, roles: Roles) -> [u128; 2] {
    let states = roles.train.map_or(0, |(_, _, rule)| state_copies(network, rule.optimizer));
    let clipped = roles.train.is_some_and(|(_, _, rule)| rule.clip.is_some());
    // A part's gradient, the sum so far and the sum with it.
    let summed = roles.train.is_some_and(|(_, batch, rule)| rule.parts(batch).1 > 1);
    let gradients = u128::from(roles.train.is_some() || roles.gradients.is_some());
    let gradients = gradients + u128::from(clipped) + 2 * u128::from(summed);
    [1 + gradients + states, 2 * (1 + states + u128::from(roles.keeps_best))]
}

/// The states of an optimizer in copies of the parameters, rounded up.
fn state_copies(network: &Network, optimizer: Optimizer) -> u128 {
    let numbers = |shape: Vec<usize>| shape.into_iter().map(|size| size as u128).product::<u128>();
    let states: u128 = network.states(optimizer).into_iter().map(|(_, shape)| numbers(shape)).sum();
    states.div_ceil((network.parameter_bytes() / 4).max(1))
}

/// Refuses what an engine on `device` could not hold, on the device or beside it on the host, in no time and no memory.
///
/// # Errors
/// [`Error::Limit`], [`Error::Shape`].
pub fn check_fits(device: &Device, network: &Network, roles: Roles) -> Result<()> {
    plans(device, network, roles)?;
    let [on_device, host] = copies(network, roles);
    // A software adapter computes in the host's memory.
    let copies = if device.is_software() { on_device + host } else { host };
    check_host_memory("it", copies * network.parameter_bytes())
}

/// Refuses a network whose parameters or activations for `batch` rows exceed `limits`, in no time and no memory.
///
/// # Errors
/// [`Error::Limit`].
pub fn check_tensors(limits: &Limits, target: &str, network: &Network, batch: usize) -> Result<()> {
    // The samples of a batch and their targets come from tables and data sets, each in one binding.
    let targets = if network.loss.takes_class() { 1 } else { network.outputs() };
    limits.check_batch(target, batch, network.inputs().max(targets))?;
    let layers = network.layers.iter().enumerate();
    let outputs = layers.map(|(i, l)| (format!("layers.{i} output"), vec![batch, l.outputs]));
    let tensors: Vec<_> = network.parameters().into_iter().chain(outputs).collect();
    limits.check_tensors(tensors.iter().map(|(name, shape)| (name.as_str(), shape.as_slice())), target)
}
