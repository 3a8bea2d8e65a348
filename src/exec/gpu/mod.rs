//! The GPU executor: everything is made when the session opens; a run only encodes, submits and reads the log back.

pub mod adapter;
mod arenas;
mod build;
pub mod fault;
mod pace;
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
use arenas::DeviceArena;
pub use arenas::allocate;
use build::Program;
pub use pace::SUBMIT_TARGET;
use pace::{Pace, cut};
use read_back::ReadBack;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

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

    fn arena(&self, plan: usize, range: Range) -> &DeviceArena {
        &self.arenas[self.programs[plan].map[range.arena]]
    }

    fn upload(&mut self, plan: usize, range: Range, bytes: &[u8]) -> Result<()> {
        let mut rest = bytes;
        for place in self.arena(plan, range).places(range.offset, range.len) {
            let (part, after) = rest.split_at(4 * place.len);
            self.device.queue.write_buffer(place.buffer, place.offset_bytes, part);
            rest = after;
        }
        self.counters.bytes_up += bytes.len() as u64;
        self.device.check("while data was uploaded")
    }

    async fn read_numbers(&mut self, plan: usize, range: Range) -> Result<Vec<f64>> {
        let mut values = Vec::with_capacity(range.len);
        for part in self.parts(plan, range) {
            let mut encoder = self.encoder();
            let read_back = self.copy_back(&mut encoder, plan, &[part]);
            self.submit(encoder);
            values.extend(self.finish(read_back).await?);
        }
        Ok(values)
    }

    /// `range` buffer by buffer: a staging buffer is no larger than what it is copied from.
    fn parts(&self, plan: usize, range: Range) -> Vec<Range> {
        let mut offset = range.offset;
        let places = self.arena(plan, range).places(range.offset, range.len);
        let part = places.iter().map(|place| {
            offset += place.len;
            Range { offset: offset - place.len, len: place.len, ..range }
        });
        part.collect()
    }

    async fn read_words(&mut self, plan: usize, range: Range) -> Result<Vec<u32>> {
        let mut values = Vec::with_capacity(range.len);
        for part in self.parts(plan, range) {
            let mut encoder = self.encoder();
            let read_back = self.copy_back(&mut encoder, plan, &[part]);
            self.submit(encoder);
            values.extend(self.bytes(read_back, |bytes| bytemuck::cast_slice::<u8, u32>(bytes).to_vec()).await?);
        }
        Ok(values)
    }

    fn encoder(&self) -> wgpu::CommandEncoder {
        self.device.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("wgrad") })
    }

    /// Encodes the copy of `ranges`, one behind the other.
    fn copy_back(&self, encoder: &mut wgpu::CommandEncoder, plan: usize, ranges: &[Range]) -> ReadBack {
        let read_back = ReadBack::new(&self.device.device, ranges.iter().map(|r| 4 * r.len as u64).sum());
        let mut at_bytes = 0;
        for range in ranges {
            self.copy(encoder, plan, *range, &read_back, at_bytes);
            at_bytes += 4 * range.len as u64;
        }
        read_back
    }

    /// Copies a range to `at_bytes` of the staging buffer.
    fn copy(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        plan: usize,
        range: Range,
        read_back: &ReadBack,
        mut at_bytes: u64,
    ) {
        for place in self.arena(plan, range).places(range.offset, range.len) {
            let size_bytes = 4 * place.len as u64;
            encoder.copy_buffer_to_buffer(place.buffer, place.offset_bytes, read_back.buffer(), at_bytes, size_bytes);
            at_bytes += size_bytes;
        }
    }

    fn submit(&mut self, encoder: wgpu::CommandEncoder) {
        let commands = encoder.finish();
        let begin = Instant::now();
        self.device.queue.submit([commands]);
        self.counters.submit_ns += begin.elapsed().as_nanos() as u64;
        self.counters.submits += 1;
    }

    async fn finish(&mut self, read_back: ReadBack) -> Result<Vec<f64>> {
        let widen = |bytes: &[u8]| bytemuck::cast_slice::<u8, f32>(bytes).iter().map(|v| f64::from(*v)).collect();
        self.bytes(read_back, widen).await
    }

    async fn bytes<R>(&mut self, read_back: ReadBack, convert: impl FnOnce(&[u8]) -> R) -> Result<R> {
        self.counters.read_backs += 1;
        self.counters.bytes_down += read_back.size_bytes();
        let begin = Instant::now();
        let values = read_back.finish(&self.device.device, convert).await;
        self.counters.wait_ns += begin.elapsed().as_nanos() as u64;
        let at = "while a result was read back";
        match values {
            Ok(values) => self.device.check(at).map(|()| values),
            Err(error) => Err(self.device.explain(at, error)),
        }
    }

    /// Encodes `count` steps.
    fn encode_steps(&self, pass: &mut wgpu::ComputePass<'_>, plan: usize, count: usize) {
        let program = &self.programs[plan];
        if let Some(whole) = &program.whole {
            return whole.encode(pass, count);
        }
        for _ in 0..count {
            for launch in &program.launches {
                launch.encode(pass);
            }
        }
    }

    /// What must be written before a submit whose passes are of `each` steps and which ends before step `end`.
    fn prepare(&self, plan: usize, each: usize, end: usize) {
        if let Some(whole) = &self.programs[plan].whole {
            whole.set_steps(&self.device, each, end);
        }
    }

    fn reset(&mut self, plan: usize) -> Result<()> {
        if let Some(found) = self.programs[plan].nonfinite {
            self.upload(plan, found, &[0; 4])?;
        }
        // The step counter is the plan's first arena. This write is ordered before the next submit and after the last.
        let step = Range { arena: 0, offset: 0, len: 1 };
        self.upload(plan, step, &[0; 4])
    }

    async fn start_steps(&mut self, plan: usize, before: usize, steps: usize, sink: Sink<'_>) -> Result<usize> {
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
    }

    /// Waits for the oldest submit and hands its losses to `sink`.
    async fn land(&mut self, sink: Sink<'_>) -> Result<Flow> {
        let Some(Pending { read_back, plan, first, pace, submitted }) = self.pending.pop_front() else {
            return Ok(Flow::Continue);
        };
        let guarded = self.programs[plan].nonfinite.is_some();
        let (losses, found) = match self.bytes(read_back, |bytes| split_log(bytes, guarded)).await {
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
        for &end in ends.iter().rev().skip(1).rev() {
            let mut encoder = self.encoder();
            self.encode_part(&mut encoder, plan, from..end);
            self.submit(encoder);
            from = end;
        }
        let program = &self.programs[plan];
        let mut encoder = self.encoder();
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            if from == 0 {
                self.encode_steps(&mut pass, plan, count);
            } else {
                program.launches[from..].iter().for_each(|launch| launch.encode(&mut pass));
            }
            program.guard.iter().for_each(|launch| launch.encode(&mut pass));
        }
        let entries = program.log.map(|log| Range { offset: log.offset + first, len: count, ..log });
        // A plan without a log still needs something to wait for: its step counter.
        let entries = entries.unwrap_or(Range { arena: 0, offset: 0, len: 1 });
        let ranges: Vec<Range> = [entries].into_iter().chain(program.nonfinite).collect();
        let dispatches = program.dispatches(count) + program.guard.len();
        let read_back = self.copy_back(&mut encoder, plan, &ranges);
        self.submit(encoder);
        self.counters.steps += count as u64;
        self.counters.dispatches += dispatches as u64;
        self.counters.host_ns += begin.elapsed().as_nanos() as u64;
        Pending { read_back: read_back.start(), plan, first, pace, submitted: begin }
    }

    /// Encodes a part of a step.
    fn encode_part(&self, encoder: &mut wgpu::CommandEncoder, plan: usize, part: std::ops::Range<usize>) {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        self.programs[plan].launches[part].iter().for_each(|launch| launch.encode(&mut pass));
    }

    async fn collect(&mut self, plan: usize, steps: usize, range: Range) -> Result<Vec<f64>> {
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
            let read_back = ReadBack::new(&self.device.device, size * count as u64);
            for i in 0..count {
                {
                    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                    self.encode_steps(&mut pass, plan, 1);
                }
                self.copy(&mut encoder, plan, range, &read_back, size * i as u64);
            }
            self.submit(encoder);
            self.counters.steps += count as u64;
            self.counters.dispatches += (count * self.programs[plan].dispatches(1)) as u64;
            out.extend(self.finish(read_back.start()).await?);
            done += count;
        }
        Ok(out)
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
        Box::pin(self.read_numbers(plan, range))
    }

    fn read_u32(&mut self, plan: usize, range: Range) -> Task<'_, Vec<u32>> {
        Box::pin(self.read_words(plan, range))
    }

    fn start<'a>(&'a mut self, plan: usize, before: usize, steps: usize, sink: Sink<'a>) -> Task<'a, usize> {
        Box::pin(self.start_steps(plan, before, steps, sink))
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
        Box::pin(self.collect(plan, steps, range))
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
fn split_log(bytes: &[u8], guarded: bool) -> (Vec<f64>, bool) {
    let words: &[u32] = bytemuck::cast_slice(bytes);
    let (log, found) = words.split_at(words.len() - usize::from(guarded));
    (log.iter().map(|bits| f64::from(f32::from_bits(*bits))).collect(), found.iter().any(|w| *w != 0))
}
