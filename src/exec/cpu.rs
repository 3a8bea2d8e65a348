//! The CPU executor: runs a plan with the table's CPU functions, in `f32` (the device `cpu`) or `f64` (the judge).

use super::backend::{Backend, Executor, Sink, Task};
use super::layout::{Allocation, join};
use super::memory::check_host_memory;
use super::profile::{Method, Profile, Track};
use super::{Counters, Flow};
use crate::error::{Error, Result};
use crate::kernels::{Access, Args, Call, Dtype, In, Kernel, Out, Scalar};
use crate::plan::{Dispatch, Limits, Plan, Range, Role};
use std::marker::PhantomData;
use std::time::{Duration, Instant};

/// A plan with a launch of more operations or bytes than this may use several threads.
const THREADED_ABOVE_FLOPS: u64 = 1 << 20;
const THREADED_ABOVE_BYTES: u64 = 1 << 17;
/// The sink hears of finished steps about this often.
const REPORT_EVERY: Duration = Duration::from_millis(50);

/// The CPU as a device: `f32`, or `f64` for the judge.
#[derive(Debug, Clone)]
pub struct Host<T> {
    reason: String,
    precision: PhantomData<T>,
}

impl<T> Host<T> {
    /// The CPU, and why.
    pub fn new(reason: impl Into<String>) -> Host<T> {
        Host { reason: reason.into(), precision: PhantomData }
    }
}

impl<T: Precision> Backend for Host<T> {
    fn kind(&self) -> &'static str {
        "cpu"
    }

    fn name(&self) -> &str {
        T::NAME
    }

    fn reason(&self) -> &str {
        &self.reason
    }

    fn is_software(&self) -> bool {
        true
    }

    fn limits(&self) -> Limits {
        Limits::CPU
    }

    fn fits<'a>(&'a self, allocations: &'a [Allocation]) -> Task<'a, bool> {
        let need = allocations.iter().map(|a| u128::from(a.size_bytes())).sum();
        Box::pin(async move { Ok(check_host_memory("the session", need).is_ok()) })
    }

    fn open<'a>(&'a self, plans: &'a [Plan]) -> Task<'a, Box<dyn Executor>> {
        Box::pin(async { Ok(Box::new(Cpu::<T>::new(plans)?) as Box<dyn Executor>) })
    }
}

/// Arenas and programs in host memory.
struct Cpu<T> {
    arenas: Vec<Storage<T>>,
    programs: Vec<Program<T>>,
    nonfinite: Option<std::ops::Range<usize>>,
    counters: Counters,
}

enum Storage<T> {
    F(Vec<T>),
    U(Vec<u32>),
}

struct Program<T> {
    /// The session's arena for each of the plan's.
    map: Vec<usize>,
    step: usize,
    log: Option<Range>,
    launches: Vec<Launch<T>>,
    /// Launches that come before the losses are told, and where they leave what they found.
    guard: Vec<Launch<T>>,
    nonfinite: Option<Range>,
    /// Whether any launch is large enough for several threads.
    threaded: bool,
}

/// Runs a launch on the arenas.
type Launcher<T> = fn(&mut [Storage<T>], &Launch<T>);

struct Launch<T> {
    /// [`run_launch`] for the number of its bindings.
    launch: Launcher<T>,
    run: fn(&mut Call<'_, '_, T>),
    args: Args,
    reads: Vec<Range>,
    writes: Vec<Range>,
    /// The arenas written, each with its writes in rising offset.
    written: Vec<(usize, Vec<usize>)>,
}

/// Chooses the function of the precision.
pub trait Precision: Scalar {
    /// The device's name.
    const NAME: &'static str;

    /// The row's CPU function in this precision.
    fn function(kernel: Kernel) -> fn(&mut Call<'_, '_, Self>);
}

impl Precision for f32 {
    const NAME: &'static str = "cpu (f32)";

    fn function(kernel: Kernel) -> fn(&mut Call<'_, '_, f32>) {
        kernel.cpu_f32
    }
}

impl Precision for f64 {
    const NAME: &'static str = "cpu (f64)";

    fn function(kernel: Kernel) -> fn(&mut Call<'_, '_, f64>) {
        kernel.cpu_f64
    }
}

impl<T: Precision> Cpu<T> {
    /// Allocates the arenas of `plans` and prepares their launches.
    fn new(plans: &[Plan]) -> Result<Self> {
        let (allocations, maps) = join(plans)?;
        let arenas = allocations.iter().map(|a| match a.dtype {
            Dtype::F32 => zeros(&a.name, a.len, T::zero()).map(Storage::F),
            Dtype::U32 => zeros(&a.name, a.len, 0).map(Storage::U),
        });
        let arenas = arenas.collect::<Result<_>>()?;
        let programs = plans.iter().zip(maps).map(|(plan, map)| program(plan, map));
        let programs = programs.collect::<Result<_>>()?;
        Ok(Cpu { arenas, programs, nonfinite: None, counters: Counters::default() })
    }

    /// A plan's range in the session's arenas.
    fn resolve(&self, plan: usize, range: Range) -> Range {
        Range { arena: self.programs[plan].map[range.arena], ..range }
    }

    /// Writes numbers to the start of a range.
    fn fill(&mut self, plan: usize, range: Range, values: impl ExactSizeIterator<Item = f64>) -> Result<()> {
        let r = self.resolve(plan, range);
        let Storage::F(arena) = &mut self.arenas[r.arena] else { return Err(mismatch()) };
        let slots = &mut arena[r.offset..r.offset + values.len()];
        slots.iter_mut().zip(values).for_each(|(slot, v)| *slot = T::of(v));
        Ok(())
    }

    /// The numbers of a range of the session's arenas.
    fn values(&self, r: Range) -> Result<Vec<f64>> {
        let Storage::F(arena) = &self.arenas[r.arena] else { return Err(mismatch()) };
        Ok(arena[r.offset..r.offset + r.len].iter().map(|v| v.widen()).collect())
    }

    /// Runs up to `steps` steps, to their end.
    fn run(&mut self, plan: usize, steps: usize, sink: Sink<'_>) -> Result<usize> {
        self.reset(plan);
        let (mut done, mut reported, mut block) = (0, 0, 1);
        let (mut last, mut seen) = (Instant::now(), Duration::ZERO);
        while done < steps {
            let count = block.min(steps - done);
            self.steps(plan, count);
            done += count;
            // The clock is read once a block, and a block takes a small part of the time between two reports: reading it
            // costs a tenth of the smallest step.
            let since = last.elapsed();
            self.counters.device_ns += (since - seen).as_nanos() as u64;
            seen = since;
            if since < REPORT_EVERY / 4 {
                block *= 2;
            }
            if done == steps || since >= REPORT_EVERY {
                self.guard(plan, reported..done);
                if self.report(plan, reported, done, sink)? == Flow::Stop || self.nonfinite.is_some() {
                    return Ok(done);
                }
                reported = done;
                (last, seen) = (Instant::now(), Duration::ZERO);
                block = (block / 4).max(1);
            }
        }
        Ok(steps)
    }

    /// Runs `count` steps. Where kernels use several threads, from a thread of the pool: a hand-off from outside waits for
    /// a wake-up each time, one from inside does not.
    fn steps(&mut self, plan: usize, count: usize) {
        if self.programs[plan].threaded {
            rayon::scope(|_| (0..count).for_each(|_| self.step(plan)));
        } else {
            (0..count).for_each(|_| self.step(plan));
        }
    }

    /// Looks through what outlives a step.
    fn guard(&mut self, plan: usize, steps: std::ops::Range<usize>) {
        let program = &self.programs[plan];
        for launch in &program.guard {
            (launch.launch)(&mut self.arenas, launch);
        }
        self.counters.dispatches += program.guard.len() as u64;
        let Some(Storage::U(words)) = program.nonfinite.map(|r| &self.arenas[r.arena]) else { return };
        if words[0] != 0 {
            self.nonfinite = Some(steps);
        }
    }

    /// Tells the losses of steps `from..to`.
    fn report(&self, plan: usize, from: usize, to: usize, sink: Sink<'_>) -> Result<Flow> {
        let Some(log) = self.programs[plan].log else { return Ok(sink(&[])) };
        let entries = Range { offset: log.offset + from, len: to - from, ..log };
        Ok(sink(&self.values(entries)?))
    }

    /// Times each dispatch of `steps` steps.
    fn time(&mut self, plan: usize, steps: usize) -> Profile {
        let launches = &self.programs[plan].launches;
        let mut profile = Profile::new(Method::Clock, launches.len());
        let begin = Instant::now();
        for _ in 0..steps {
            for (i, launch) in launches.iter().enumerate() {
                let start = begin.elapsed();
                (launch.launch)(&mut self.arenas, launch);
                let took_us = (begin.elapsed() - start).as_secs_f64() * 1e6;
                profile.dispatches_us[i].push(took_us);
                profile.push(Track::Device, i.to_string(), start.as_secs_f64() * 1e6, took_us);
            }
        }
        profile
    }

    /// Back to the first row of the tables, with all numbers taken for finite.
    fn reset(&mut self, plan: usize) {
        self.nonfinite = None;
        let program = &self.programs[plan];
        for arena in [Some(program.step), program.nonfinite.map(|r| r.arena)].into_iter().flatten() {
            if let Storage::U(words) = &mut self.arenas[arena] {
                words[0] = 0;
            }
        }
    }

    fn step(&mut self, plan: usize) {
        let program = &self.programs[plan];
        for launch in &program.launches {
            (launch.launch)(&mut self.arenas, launch);
        }
        self.counters.steps += 1;
        self.counters.dispatches += program.launches.len() as u64;
    }
}

impl<T: Precision> Executor for Cpu<T> {
    fn write(&mut self, plan: usize, range: Range, values: &[f64]) -> Result<()> {
        self.fill(plan, range, values.iter().copied())
    }

    fn write_f32(&mut self, plan: usize, range: Range, values: &[f32]) -> Result<()> {
        self.fill(plan, range, values.iter().map(|v| f64::from(*v)))
    }

    fn write_u32(&mut self, plan: usize, range: Range, values: &[u32]) -> Result<()> {
        let r = self.resolve(plan, range);
        let Storage::U(arena) = &mut self.arenas[r.arena] else { return Err(mismatch()) };
        arena[r.offset..r.offset + values.len()].copy_from_slice(values);
        Ok(())
    }

    fn read(&mut self, plan: usize, range: Range) -> Task<'_, Vec<f64>> {
        Box::pin(std::future::ready(self.values(self.resolve(plan, range))))
    }

    fn read_u32(&mut self, plan: usize, range: Range) -> Task<'_, Vec<u32>> {
        let r = self.resolve(plan, range);
        let words = match &self.arenas[r.arena] {
            Storage::U(arena) => Ok(arena[r.offset..r.offset + r.len].to_vec()),
            Storage::F(_) => Err(mismatch()),
        };
        Box::pin(std::future::ready(words))
    }

    /// The CPU has done what it was told when it returns.
    fn start<'a>(&'a mut self, plan: usize, before: usize, steps: usize, sink: Sink<'a>) -> Task<'a, usize> {
        let ran = self.run(plan, steps, sink);
        self.nonfinite = self.nonfinite.take().map(|found| before + found.start..before + found.end);
        Box::pin(std::future::ready(ran))
    }

    fn drain<'a>(&'a mut self, _: Sink<'a>) -> Task<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn run_collect(&mut self, plan: usize, steps: usize, range: Range) -> Task<'_, Vec<f64>> {
        Box::pin(async move {
            self.reset(plan);
            let r = self.resolve(plan, range);
            let mut out = Vec::with_capacity(steps * r.len);
            for _ in 0..steps {
                self.steps(plan, 1);
                out.extend(self.values(r)?);
            }
            Ok(out)
        })
    }

    fn profile<'a>(&'a mut self, plan: usize, steps: usize, _: &'a [usize]) -> Task<'a, Profile> {
        Box::pin(async move {
            self.reset(plan);
            let threaded = self.programs[plan].threaded;
            Ok(if threaded { rayon::scope(|_| self.time(plan, steps)) } else { self.time(plan, steps) })
        })
    }

    fn nonfinite(&self) -> Option<std::ops::Range<usize>> {
        self.nonfinite.clone()
    }

    fn counters(&self) -> Counters {
        self.counters
    }
}

/// `len` zeros, or an error where memory for them cannot be had: a failed `vec!` would abort the program.
fn zeros<E: Copy>(name: &str, len: usize, zero: E) -> Result<Vec<E>> {
    // Asked for first, and then taken from the system already zeroed: pages that nothing writes to are never made, and
    // those of a data set are not written twice. The black box keeps the request, which nothing else uses.
    let mut probe: Vec<E> = Vec::new();
    probe.try_reserve_exact(len).map_err(|_| {
        Error::Limit(format!(
            "the model is too large for this machine's memory: {name} needs {} bytes. Reduce the layers' sizes or \
             batch_size",
            len * size_of::<E>()
        ))
    })?;
    drop(std::hint::black_box(probe));
    Ok(vec![zero; len])
}

fn mismatch() -> Error {
    Error::Internal("a buffer was used with another element type than it has".into())
}

/// Prepares a plan whose arenas are the allocations `map`.
fn program<T: Precision>(plan: &Plan, map: Vec<usize>) -> Result<Program<T>> {
    let resolve = |r: &Range| Range { arena: map[r.arena], ..*r };
    let launch = |d: &Dispatch| {
        let row = d.kernel;
        let pairs = || row.bindings.iter().zip(&d.bindings);
        let reads: Vec<Range> = pairs().filter(|(b, _)| b.access == Access::Read).map(|(_, r)| resolve(r)).collect();
        let writes: Vec<Range> = pairs().filter(|(b, _)| b.access != Access::Read).map(|(_, r)| resolve(r)).collect();
        let mut order: Vec<usize> = (0..writes.len()).collect();
        order.sort_by_key(|i| (writes[*i].arena, writes[*i].offset));
        let by_arena = order.chunk_by(|a, b| writes[*a].arena == writes[*b].arena);
        let written = by_arena.map(|list| (writes[list[0]].arena, list.to_vec())).collect();
        let launch = launcher(reads.len(), writes.len())?;
        Ok(Launch { launch, run: T::function(d.kernel), args: d.args.clone(), reads, writes, written })
    };
    let launches = plan.dispatches.iter().map(launch).collect::<Result<Vec<_>>>()?;
    let guard = plan.guard.iter().map(launch).collect::<Result<Vec<_>>>()?;
    let nonfinite = plan.buffer(Role::NonFinite).map(|b| resolve(&b.range));
    let log = plan.buffer(Role::Loss).map(|b| resolve(&b.range));
    let large = |d: &Dispatch| {
        let row = d.kernel;
        (row.flops)(&d.args) > THREADED_ABOVE_FLOPS || (row.bytes)(&d.args) > THREADED_ABOVE_BYTES
    };
    let threaded = plan.dispatches.iter().any(large);
    Ok(Program { step: map[0], log, launches, guard, nonfinite, map, threaded })
}

/// Runs one kernel of `R` read and `W` written bindings. The written arenas are taken out for its time, so that the borrow
/// checker sees that reads and writes do not meet; the memory pass has made sure that they do not.
fn run_launch<T: Precision, const R: usize, const W: usize>(arenas: &mut [Storage<T>], launch: &Launch<T>) {
    let mut taken: [Storage<T>; W] = std::array::from_fn(|i| match launch.written.get(i) {
        Some((arena, _)) => std::mem::replace(&mut arenas[*arena], Storage::U(Vec::new())),
        None => Storage::U(Vec::new()),
    });
    let inputs: [In<'_, T>; R] = std::array::from_fn(|i| {
        let r = launch.reads[i];
        match &arenas[r.arena] {
            Storage::F(v) => In::F(&v[r.offset..r.offset + r.len]),
            Storage::U(v) => In::U(&v[r.offset..r.offset + r.len]),
        }
    });
    let mut outputs: [Out<'_, T>; W] = std::array::from_fn(|_| Out::U(&mut []));
    for (storage, (_, list)) in taken.iter_mut().zip(&launch.written) {
        match storage {
            Storage::F(v) => split(v, list, &launch.writes, &mut outputs, Out::F),
            Storage::U(v) => split(v, list, &launch.writes, &mut outputs, Out::U),
        }
    }
    (launch.run)(&mut Call { args: &launch.args, inputs: &inputs, outputs: &mut outputs });
    for (slot, (arena, _)) in taken.into_iter().zip(&launch.written) {
        arenas[*arena] = slot;
    }
}

/// [`run_launch`] for the bindings of a kernel.
fn launcher<T: Precision>(reads: usize, writes: usize) -> Result<Launcher<T>> {
    macro_rules! choose {
        ($($r:literal)*) => {
            match (reads, writes) {
                $(($r, 1) => run_launch::<T, $r, 1>,
                ($r, 2) => run_launch::<T, $r, 2>,
                ($r, 3) => run_launch::<T, $r, 3>,
                ($r, 4) => run_launch::<T, $r, 4>,
                ($r, 5) => run_launch::<T, $r, 5>,)*
                _ => return Err(Error::Internal(format!("a kernel reads {reads} and writes {writes} buffers"))),
            }
        };
    }
    Ok(choose!(0 1 2 3 4 5 6 7))
}

/// Cuts one arena into the disjoint ranges of `list`, which is in rising offset.
fn split<'a, E, T>(
    arena: &'a mut [E],
    list: &[usize],
    writes: &[Range],
    outputs: &mut [Out<'a, T>],
    wrap: fn(&'a mut [E]) -> Out<'a, T>,
) {
    let mut rest = arena;
    let mut at = 0;
    for &i in list {
        let r = writes[i];
        let (_, tail) = rest.split_at_mut(r.offset - at);
        let (mine, tail) = tail.split_at_mut(r.len);
        outputs[i] = wrap(mine);
        rest = tail;
        at = r.offset + r.len;
    }
}
