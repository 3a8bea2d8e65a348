//! The GPU executor: everything is made when the session opens; a run only encodes, submits and reads the log back.

pub mod adapter;
mod arenas;
mod build;
pub mod fault;
pub mod pace;
mod pipelines;
pub mod probe;
mod profile;
mod read_back;
pub mod stopwatch;
mod whole;

use super::backend::{Executor, Sink, Task};
use super::profile::Profile;
use super::{Counters, Flow};
use crate::error::Result;
use crate::plan::{Plan, Range};
use adapter::GpuDevice;
pub use arenas::allocate;
use arenas::{DeviceArena, Place};
use build::{Program, encode};
use bytemuck::Pod;
use pace::{Pace, cut};
use read_back::ReadBack;
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use wgpu::CommandEncoder;

/// Submits in flight: while one runs the next is encoded.
const IN_FLIGHT: usize = 2;

/// Arenas and programs on a device.
struct Gpu {
    device: GpuDevice,
    arenas: Vec<DeviceArena>,
    programs: Vec<Program>,
    /// Submits whose losses have not been read, the oldest first.
    pending: VecDeque<Pending>,
    /// When the last submit was found done.
    last_done: Instant,
    nonfinite: Option<std::ops::Range<usize>>,
    counters: Counters,
}

/// A submit whose log is on its way.
struct Pending {
    read_back: ReadBack,
    plan: usize,
    /// Its first step, counted since the last drain.
    first: usize,
    pace: Pace,
    submitted: Instant,
}

impl Gpu {
    /// Allocates the arenas of `plans` and builds their pipelines and bind groups.
    async fn new(device: &GpuDevice, plans: &[Plan]) -> Result<Gpu> {
        let (arenas, programs) =
            build::build(device, plans).await.map_err(|e| device.explain("while it was set up", e))?;
        Ok(Gpu {
            device: device.clone(),
            arenas,
            programs,
            pending: VecDeque::new(),
            last_done: Instant::now(),
            nonfinite: None,
            counters: Counters::default(),
        })
    }

    /// The elements of a range, buffer by buffer.
    fn places(&self, plan: usize, range: Range) -> Vec<Place> {
        self.arenas[self.programs[plan].map[range.arena]].places(range.offset, range.len)
    }

    /// Writes the bytes of a range, ordered before the next submit.
    fn upload(&mut self, plan: usize, range: Range, bytes: &[u8]) -> Result<()> {
        let mut rest = bytes;
        for place in self.places(plan, range) {
            let (part, after) = rest.split_at(4 * place.len);
            self.device.queue.write_buffer(&place.buffer, place.offset_bytes, part);
            rest = after;
        }
        self.counters.bytes_up += bytes.len() as u64;
        self.device.check("while data was uploaded")
    }

    /// Reads buffer by buffer, since a staging buffer is no larger than what it is copied from; `convert` gives the values of
    /// each part's words.
    async fn read_by<W: Pod, V>(&mut self, plan: usize, range: Range, convert: fn(&[W]) -> Vec<V>) -> Result<Vec<V>> {
        let mut values = Vec::with_capacity(range.len);
        for Place { buffer, offset_bytes, len } in self.places(plan, range) {
            let read_back = ReadBack::new(&self.device, 4 * len as u64);
            let mut encoder = self.encoder();
            encoder.copy_buffer_to_buffer(&buffer, offset_bytes, read_back.buffer(), 0, read_back.size_bytes());
            self.submit(encoder);
            values.extend(self.finish(read_back, convert).await?);
        }
        Ok(values)
    }

    fn encoder(&self) -> CommandEncoder {
        self.device.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("wgrad") })
    }

    /// Encodes the copy of a range to byte `at` of the staging buffer, and gives where it ends there.
    fn copy(&self, encoder: &mut CommandEncoder, plan: usize, range: Range, to: &ReadBack, mut at: u64) -> u64 {
        for place in self.places(plan, range) {
            let size_bytes = 4 * place.len as u64;
            encoder.copy_buffer_to_buffer(&place.buffer, place.offset_bytes, to.buffer(), at, size_bytes);
            at += size_bytes;
        }
        at
    }

    /// Submits, and counts what that took the host.
    fn submit(&mut self, encoder: CommandEncoder) {
        let commands = encoder.finish();
        let begin = Instant::now();
        self.device.queue.submit([commands]);
        self.counters.submit_ns += begin.elapsed().as_nanos() as u64;
        self.counters.submits += 1;
    }

    /// Waits for a read-back and gives what `convert` makes of its words.
    async fn finish<W: Pod, R>(&mut self, read_back: ReadBack, convert: impl FnOnce(&[W]) -> R) -> Result<R> {
        self.counters.read_backs += 1;
        self.counters.bytes_down += read_back.size_bytes();
        let begin = Instant::now();
        let values = read_back.finish(&self.device, convert).await;
        self.counters.wait_ns += begin.elapsed().as_nanos() as u64;
        let at = "while a result was read back";
        match values {
            Ok(values) => self.device.check(at).map(|()| values),
            Err(error) => Err(self.device.explain(at, error)),
        }
    }

    /// What must be written before a submit whose passes are of `each` steps and which ends before step `end`.
    fn prepare(&self, plan: usize, each: usize, end: usize) {
        if let Some(whole) = &self.programs[plan].whole {
            whole.set_steps(&self.device, each, end);
        }
    }

    /// Back to the first row of the tables, with all numbers taken for finite.
    fn reset(&mut self, plan: usize) -> Result<()> {
        if let Some(found) = self.programs[plan].nonfinite {
            self.upload(plan, found, &[0; 4])?;
        }
        // The step counter is the plan's first arena. This write is ordered before the next submit and after the last.
        let step = Range { arena: 0, offset: 0, len: 1 };
        self.upload(plan, step, &[0; 4])
    }

    /// Waits for the oldest submit and hands its losses to `sink`.
    async fn land(&mut self, sink: Sink<'_>) -> Result<Flow> {
        let Some(Pending { read_back, plan, first, pace, submitted }) = self.pending.pop_front() else {
            return Ok(Flow::Continue);
        };
        let guarded = self.programs[plan].nonfinite.is_some();
        let (losses, found) = match self.finish(read_back, |words| split_log(words, guarded)).await {
            Ok(read) => read,
            Err(e) => {
                // Nothing that was submitted after a failure will be of use.
                self.pending.clear();
                return Err(e);
            }
        };
        let took = self.last_done.max(submitted).elapsed();
        self.last_done = Instant::now();
        self.counters.device_ns += took.as_nanos() as u64;
        self.programs[plan].pace = pace.adapt(took, self.device.submit_target);
        let flow = sink(&losses);
        if found && self.nonfinite.is_none() {
            self.nonfinite = Some(first..first + pace.steps);
        }
        Ok(if found { Flow::Stop } else { flow })
    }

    /// Encodes and submits the steps of `pace` from step `first` on, and the read-back of their log entries. Most often that
    /// is one submit; a long step is spread over several, between its launches.
    fn submit_steps(&mut self, plan: usize, first: usize, pace: Pace) -> Pending {
        let begin = Instant::now();
        let count = pace.steps;
        self.prepare(plan, count, first + count);
        let program = &self.programs[plan];
        // Whole steps in one dispatch cannot be cut, and are small.
        let cuts = pace.parts > 1 && program.whole.is_none();
        let ends = if cuts { cut(&program.weights, pace.parts) } else { Vec::new() };
        // All parts but the last, which goes with what follows the step.
        let mut from = 0;
        for &end in &ends[..ends.len().saturating_sub(1)] {
            let mut encoder = self.encoder();
            encode(&mut encoder, &self.programs[plan].launches[from..end]);
            self.submit(encoder);
            from = end;
        }
        let program = &self.programs[plan];
        let mut encoder = self.encoder();
        match from {
            0 => encode(&mut encoder, program.steps(count).chain(&program.guard)),
            _ => encode(&mut encoder, program.launches[from..].iter().chain(&program.guard)),
        }
        let entries = program.log.map(|log| Range { offset: log.offset + first, len: count, ..log });
        // A plan without a log still needs something to wait for: its step counter.
        let entries = entries.unwrap_or(Range { arena: 0, offset: 0, len: 1 });
        let dispatches = program.steps(count).count() + program.guard.len();
        // The log, and behind it the word of the guard.
        let ranges = || [entries].into_iter().chain(program.nonfinite);
        let read_back = ReadBack::new(&self.device, ranges().map(|r| 4 * r.len as u64).sum());
        let mut at = 0;
        for range in ranges() {
            at = self.copy(&mut encoder, plan, range, &read_back, at);
        }
        self.submit(encoder);
        self.counters.steps += count as u64;
        self.counters.dispatches += dispatches as u64;
        self.counters.host_ns += begin.elapsed().as_nanos() as u64;
        Pending { read_back: read_back.start(), plan, first, pace, submitted: begin }
    }
}

impl Executor for Gpu {
    fn write(&mut self, plan: usize, range: Range, values: &[f64]) -> Result<()> {
        let rounded: Vec<f32> = values.iter().map(|v| *v as f32).collect();
        self.upload(plan, range, bytemuck::cast_slice(&rounded))
    }

    fn write_f32(&mut self, plan: usize, range: Range, values: &[f32]) -> Result<()> {
        self.upload(plan, range, bytemuck::cast_slice(values))
    }

    fn write_u32(&mut self, plan: usize, range: Range, values: &[u32]) -> Result<()> {
        self.upload(plan, range, bytemuck::cast_slice(values))
    }

    fn read(&mut self, plan: usize, range: Range) -> Task<'_, Vec<f64>> {
        Box::pin(self.read_by(plan, range, widen))
    }

    fn read_u32(&mut self, plan: usize, range: Range) -> Task<'_, Vec<u32>> {
        Box::pin(self.read_by(plan, range, <[u32]>::to_vec))
    }

    fn start<'a>(&'a mut self, plan: usize, before: usize, steps: usize, sink: Sink<'a>) -> Task<'a, usize> {
        Box::pin(async move {
            if before == 0 {
                self.nonfinite = None;
            }
            self.reset(plan)?;
            let mut started = 0;
            while started < steps {
                if self.pending.len() >= IN_FLIGHT && self.land(sink).await? == Flow::Stop {
                    break;
                }
                let pace = self.programs[plan].pace;
                let pace = Pace { steps: pace.steps.min(steps - started), ..pace };
                let submitted = self.submit_steps(plan, started, pace);
                self.pending.push_back(Pending { first: before + started, ..submitted });
                started += pace.steps;
            }
            Ok(started)
        })
    }

    fn drain<'a>(&'a mut self, sink: Sink<'a>) -> Task<'a, ()> {
        Box::pin(async move {
            while !self.pending.is_empty() {
                self.land(sink).await?;
            }
            Ok(())
        })
    }

    fn run_collect(&mut self, plan: usize, steps: usize, range: Range) -> Task<'_, Vec<f64>> {
        Box::pin(async move {
            self.reset(plan)?;
            self.prepare(plan, 1, steps);
            let size = 4 * range.len as u64;
            let mut out = Vec::with_capacity(steps * range.len);
            // Results of a submit are gathered in one read-back of at most 16 MiB.
            let per_submit = ((16 << 20) / size.max(1)).clamp(1, 64) as usize;
            let mut done = 0;
            while done < steps {
                let count = per_submit.min(steps - done);
                let mut encoder = self.encoder();
                let read_back = ReadBack::new(&self.device, size * count as u64);
                for i in 0..count {
                    encode(&mut encoder, self.programs[plan].steps(1));
                    self.copy(&mut encoder, plan, range, &read_back, size * i as u64);
                }
                self.submit(encoder);
                self.counters.steps += count as u64;
                self.counters.dispatches += (count * self.programs[plan].steps(1).count()) as u64;
                out.extend(self.finish(read_back.start(), widen).await?);
                done += count;
            }
            Ok(out)
        })
    }

    fn profile<'a>(&'a mut self, plan: usize, steps: usize, most: &'a [usize]) -> Task<'a, Profile> {
        Box::pin(self.profile_steps(plan, steps, most))
    }

    fn time_dispatch(&mut self, plan: usize, dispatch: usize, count: usize) -> Result<Duration> {
        self.repeat(plan, dispatch, count)
    }

    fn nonfinite(&self) -> Option<std::ops::Range<usize>> {
        self.nonfinite.clone()
    }

    fn counters(&self) -> Counters {
        self.counters
    }
}

/// The log entries of a read-back, and whether the word behind them tells of a number that is not finite.
fn split_log(words: &[u32], guarded: bool) -> (Vec<f64>, bool) {
    let (log, found) = words.split_at(words.len() - usize::from(guarded));
    (widen(bytemuck::cast_slice(log)), found.iter().any(|w| *w != 0))
}

fn widen(numbers: &[f32]) -> Vec<f64> {
    numbers.iter().map(|v| f64::from(*v)).collect()
}
