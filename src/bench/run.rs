//! Timing a workload: the first step, a warm-up, then repetitions of equal length.

use super::peaks::Peaks;
use super::process::{peak_rss_mib, since_start};
use super::profile::StepProfile;
use super::{Spread, Workload};
use crate::data::RowTargets;
use crate::error::Result;
use crate::exec::{Counters, Device, Flow};
use crate::plan::Switches;
use crate::train::{Engine, Roles};
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// Steps of a repetition fill this time. The peers wait for a loss at the same interval, so that the time of a wait has the
/// same share everywhere.
const REPETITION_S: f64 = 0.25;
/// Repetitions at least, where they fit in three times the time asked for: two quartiles need three values.
const FEWEST: usize = 3;
/// Steps that are profiled, where they do not take long: enough for a median.
const PROFILED_STEPS: usize = 9;
/// Rows that are generated and uploaded at once: 6 MiB of the widest data.
const PIECE: usize = 1536;
/// Samples in the tables of one upload, where an epoch has fewer: 64 Ki indices and weights are half a MiB.
const TABLE_ROWS: usize = 1 << 16;

/// How long to measure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Time of the repetitions together, in seconds.
    pub seconds: f64,
    /// Time of the warm-up after the first step at least, in seconds.
    pub warm_up_s: f64,
    /// Whether to time the dispatches of a step afterwards, and the peaks of the device.
    pub profile: bool,
    /// Optimisations of the train step.
    pub switches: Switches,
}

/// What the scheduler did in the timed steps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// Command buffers submitted (0 on the CPU).
    pub submits: u64,
    /// Dispatches executed.
    pub dispatches: u64,
    /// Read-backs from the device.
    pub read_backs: u64,
    /// Bytes host to device.
    pub bytes_up: u64,
    /// Bytes device to host.
    pub bytes_down: u64,
    /// Host time in encoding and submitting, in microseconds a step.
    pub host_us_per_step: f64,
}

/// The result of one workload: the peers' fields, then our own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The program: `wgrad`.
    pub peer: String,
    /// The device.
    pub adapter: String,
    /// Name of the workload.
    pub workload: String,
    /// Steps over time, all repetitions together.
    pub steps_per_s: f64,
    /// The same in samples.
    pub samples_per_s: f64,
    /// The same in 10^9 operations as [`Workload::flop_per_step`] counts them.
    pub gflop_per_s: f64,
    /// Loss of the step that every program reports; `None` where it is no number.
    pub loss_check: Option<f64>,
    /// Loss of the last step.
    pub final_loss: Option<f64>,
    /// Timed steps.
    pub steps: usize,
    /// From the start of the process to the first loss on the host, without the generation of the data.
    pub first_step_s: f64,
    /// From the first upload of parameters to the end of the warm-up.
    pub compile_or_warmup_s: f64,
    /// Steps of the warm-up, the first included.
    pub warmup_steps: usize,
    /// The most memory that the process held, where the system tells.
    pub peak_rss_mib: Option<f64>,
    /// The tuning in use: its file and digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tuning: Option<String>,
    /// Whether `loss_check` is the peers'.
    pub loss_agrees: bool,
    /// Steps per second of the repetitions.
    pub repetitions: Spread,
    /// Generation of the data, on the CPU until it lies in memory, which `first_step_s` leaves out.
    pub data_s: f64,
    /// Memory of all arenas on the device.
    pub device_mib: f64,
    /// What the scheduler did in the timed steps.
    pub work: Work,
    /// The dispatches of a step, where asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<StepProfile>,
}

/// A workload on a device, at some place of its endless stream.
struct Runner {
    workload: Workload,
    engine: Engine,
    steps: u64,
    loss_check: f64,
    last_loss: f64,
    data_s: f64,
}

/// Trains `workload` on `device` and times it.
///
/// # Errors
/// As [`Engine::open`] and [`Engine::train`].
pub async fn measure(device: &Device, workload: Workload, settings: Settings) -> Result<Line> {
    let begin = Instant::now();
    let mut switches = settings.switches;
    // A profile times the step's dispatches one by one.
    switches.whole &= !settings.profile;
    let mut runner = Runner::open(device, workload, switches).await?;
    runner.train(1).await?;
    let first_step_s = since_start().as_secs_f64() - runner.data_s;
    let mut rate = runner.warm_up(settings.warm_up_s).await?;
    let (compile_or_warmup_s, warmup_steps) = (begin.elapsed().as_secs_f64() - runner.data_s, runner.steps as usize);
    let before = runner.engine.counters();
    let (mut rates, mut steps, mut seconds) = (Vec::new(), 0, 0.0);
    while seconds < settings.seconds || (rates.len() < FEWEST && seconds < 3.0 * settings.seconds) {
        let count = ((rate * REPETITION_S) as usize).max(1);
        let took = runner.train(count).await?;
        rate = count as f64 / took;
        rates.push(rate);
        steps += count;
        seconds += took;
    }
    // The peak of memory is that of training: what profiling takes comes after.
    let (peak_rss_mib, work) = (peak_rss_mib(), work(before, runner.engine.counters(), steps));
    let rates = Spread::of(&rates);
    let (loss_check, last_loss) = (runner.loss_check, runner.last_loss);
    let profile = if settings.profile { Some(runner.profile(device, rates.median).await?) } else { None };
    let number = |loss: f64| loss.is_finite().then_some(loss);
    let steps_per_s = steps as f64 / seconds;
    Ok(Line {
        peer: "wgrad".into(),
        adapter: device.name().into(),
        workload: workload.name.into(),
        steps_per_s,
        samples_per_s: steps_per_s * workload.batch as f64,
        gflop_per_s: steps_per_s * workload.flop_per_step() / 1e9,
        loss_check: number(loss_check),
        final_loss: number(last_loss),
        steps,
        first_step_s,
        compile_or_warmup_s,
        warmup_steps,
        peak_rss_mib,
        tuning: device.tuning().map(|tuning| tuning.source.clone()),
        loss_agrees: workload.agrees(loss_check),
        repetitions: rates,
        data_s: runner.data_s,
        device_mib: runner.engine.size_bytes() as f64 / f64::from(1 << 20),
        work,
        profile,
    })
}

fn work(before: Counters, after: Counters, steps: usize) -> Work {
    Work {
        submits: after.submits - before.submits,
        dispatches: after.dispatches - before.dispatches,
        read_backs: after.read_backs - before.read_backs,
        bytes_up: after.bytes_up - before.bytes_up,
        bytes_down: after.bytes_down - before.bytes_down,
        host_us_per_step: (after.host_ns - before.host_ns) as f64 / 1e3 / steps as f64,
    }
}

impl Runner {
    async fn open(device: &Device, workload: Workload, switches: Switches) -> Result<Runner> {
        let network = workload.network();
        let roles = Roles {
            train: Some((workload.samples, workload.batch, workload.optimizer.into())),
            table_steps: TABLE_ROWS / workload.batch,
            switches,
            ..Roles::default()
        };
        let mut engine = Engine::open(device, &network, roles).await?;
        let mut data_s = 0.0;
        for l in 0..network.layers.len() {
            let begin = Instant::now();
            let weights = workload.weights(l);
            data_s += begin.elapsed().as_secs_f64();
            engine.write_parameter(&format!("layers.{l}.weight"), &weights)?;
        }
        for first in (0..workload.samples).step_by(PIECE) {
            let begin = Instant::now();
            let piece = workload.samples(first, PIECE.min(workload.samples - first));
            data_s += begin.elapsed().as_secs_f64();
            let classes = workload.loss.takes_class();
            let targets =
                if classes { RowTargets::Classes(&piece.classes) } else { RowTargets::Numbers(&piece.numbers) };
            let begin = Instant::now();
            engine.write_training_rows(first, &piece.x, targets)?;
            // On the CPU this is where the data set comes to lie in memory, as the peers' does when it is generated; to an
            // adapter it is an upload, which the peers do batch by batch in their steps.
            if device.kind() == "cpu" {
                data_s += begin.elapsed().as_secs_f64();
            }
        }
        Ok(Runner { workload, engine, steps: 0, loss_check: f64::NAN, last_loss: f64::NAN, data_s })
    }

    /// Takes the next `count` steps of the stream; returns their time in seconds.
    async fn train(&mut self, count: usize) -> Result<f64> {
        let begin = Instant::now();
        let batch = self.workload.batch;
        let order = self.workload.order(self.steps * batch as u64, count * batch);
        let mut done = self.steps;
        let (check, mut loss_check, mut last_loss) = (self.workload.check_steps as u64, self.loss_check, f64::NAN);
        let mut sink = |losses: &[f64]| {
            if let Some(loss) = check.checked_sub(done + 1).and_then(|at| losses.get(at as usize)) {
                loss_check = *loss;
            }
            done += losses.len() as u64;
            last_loss = losses.last().copied().unwrap_or(last_loss);
            Flow::Continue
        };
        self.engine.train(&order, self.steps, &mut sink).await?;
        (self.steps, self.loss_check, self.last_loss) = (done, loss_check, last_loss);
        Ok(begin.elapsed().as_secs_f64())
    }

    /// Trains on to the step of the check and for the time of a warm-up, in growing pieces; returns steps per second.
    async fn warm_up(&mut self, seconds: f64) -> Result<f64> {
        let begin = Instant::now();
        let (mut count, mut rate) = (1, 1.0);
        while self.steps < self.workload.check_steps as u64 || begin.elapsed().as_secs_f64() < seconds {
            rate = count as f64 / self.train(count).await?;
            // A piece may be twice as long as the last: the first steps of a device can be slower by far.
            count = ((rate * REPETITION_S) as usize).clamp(1, 2 * count);
        }
        Ok(rate)
    }

    /// Times the dispatches of a few steps; `rate` is what training reached.
    async fn profile(&mut self, device: &Device, rate: f64) -> Result<StepProfile> {
        // A few steps, but no more than a repetition takes.
        let steps = ((rate * REPETITION_S) as usize).clamp(1, PROFILED_STEPS);
        self.train(steps).await?;
        let profile = self.engine.profile(steps).await?;
        let peaks = Peaks::measure(device).await?;
        Ok(StepProfile::new(self.engine.training_plan()?, profile, peaks, 1e6 / rate))
    }
}
