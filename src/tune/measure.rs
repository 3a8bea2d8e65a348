//! Timing the ways in which products may be computed.
//!
//! Each way of each product is a dispatch of one plan, over numbers that no driver can know. The first round takes every way
//! once; what is far behind the best is left, and the others go on in turns until the time is up, so that whatever else
//! the machine does falls on all. The least time counts: what disturbs a run only makes it slower. Of a large product only
//! as many tiles are computed as the time allows.

use crate::error::{Error, Remedy, Result};
use crate::exec::{Device, Session};
use crate::kernels::{Access, Args, Binding, Dtype, Kernel, Param};
use crate::plan::lower::fold_grid;
use crate::plan::tuning::{Class, Way};
use crate::plan::{Arena, Buffer, Dispatch, Holds, Lifetime, Plan, Products, Range, Role};
use crate::target::aligned;
use serde::Serialize;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Time of the rounds where the user says nothing: with pipelines and first round below a second for a small network.
pub const SECONDS: f64 = 0.3;
/// A way is taken instead of that of the rules only where it is faster by this share: less is within the noise of some rounds.
const MARGIN: f64 = 0.1;
/// After the first round a way goes on only if it took at most this many times as long as the best.
const FAR_BEHIND: f64 = 2.0;
/// A submit is of as many repetitions as fill this time, so that its own cost, some 100 us and the same for all, is small.
const SUBMIT: Duration = Duration::from_millis(2);
/// Operations of a dispatch at most, as far as tiles can be left out: 2 ms at 30 GFLOP/s.
const MOST_FLOPS: u64 = 1 << 26;
/// Tiles at least: one a thread of the machines that software adapters run on, and some.
const FEWEST_TILES: u64 = 16;
/// Numbers that operands are made of.
const PATTERN: usize = 1 << 16;
/// Constants that the way of a product decides.
const WAYS: [&str; 6] = ["DIRECT", "SIDE", "LANES", "BLOCKS", "VEC_A", "VEC_B"];

/// A way with its time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Timing {
    /// The way.
    pub way: Way,
    /// One dispatch of each of the class's products together, in microseconds: the least of all rounds.
    pub time_us: f64,
    /// The same in 10^9 operations a second.
    pub gflop_per_s: f64,
    /// Whether it was left after the first round, whose time this is.
    pub left: bool,
}

/// A class of products with what was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TimedClass {
    /// What its products compute.
    pub labels: Vec<String>,
    /// m, n, k of its products.
    pub sizes: Vec<[usize; 3]>,
    /// The class.
    #[serde(skip)]
    pub class: Class,
    /// Every way that the adapter can take, the fastest first.
    pub timings: Vec<Timing>,
    /// The way by the rules (of the first product).
    pub rule: Way,
    /// The way that the table says.
    pub chosen: Way,
}

/// A product as it occurs in a plan.
struct Subject {
    kernel: Kernel,
    sizes: [usize; 3],
    trans: [bool; 2],
    label: String,
    /// Constants of its kernel: activation, what is kept.
    own: Vec<(&'static str, f64)>,
}

/// One way of one product: a dispatch of the plan.
struct Trial {
    class: Class,
    way: Way,
    /// Share of the product's tiles that the dispatch computes.
    share: f64,
    flops: u64,
    best_us: f64,
    /// Whether the rules take this way, which then is raced in any case: it is what the others must beat.
    rule: bool,
    left: bool,
}

/// Times every way of the products of `plans` on `device`, for `seconds` after the first round. Plans that run whole steps in
/// one dispatch have no product, and those that gather are measured by their counterparts that do not: leave the switch
/// `gather` out when the plans are made.
///
/// # Errors
/// [`Error::Device`] on the CPU; [`Error::Gpu`], [`Error::Limit`].
pub async fn measure(device: &Device, products: Products, plans: &[Plan], seconds: f64) -> Result<Vec<TimedClass>> {
    if device.kind() != "gpu" {
        return Err(Error::Device(format!(
            "there is nothing to tune on {}: its products come from a library that chooses by itself. {}",
            device.name(),
            Remedy::NameAdapter
        )));
    }
    let subjects = subjects(plans);
    if subjects.is_empty() {
        return Ok(Vec::new());
    }
    let (plan, mut trials) = plan(device, products, &subjects);
    let mut session = Session::open(device, vec![plan]).await?;
    fill(&mut session)?;
    race(&mut session, &mut trials, seconds)?;
    let classes: BTreeSet<Class> = trials.iter().map(|t| t.class).collect();
    Ok(classes.into_iter().map(|class| verdict(products, class, &subjects, &trials)).collect())
}

/// The products of `plans`, each once.
fn subjects(plans: &[Plan]) -> Vec<Subject> {
    let mut found: Vec<Subject> = Vec::new();
    for plan in plans.iter().filter(|plan| plan.whole.is_none()) {
        for d in plan.dispatches.iter().filter(|d| d.kernel.is_product() && !d.kernel.gathers()) {
            let Some(trans) = d.kernel.product.map(|p| p.transposed(&d.args)) else { continue };
            let sizes = d.args.sizes();
            if found.iter().all(|s| (s.sizes, s.trans) != (sizes, trans)) {
                let own = d.args.constants.iter().filter(|(name, _)| !WAYS.contains(name)).copied().collect();
                found.push(Subject { kernel: d.kernel, sizes, trans, label: d.label.clone(), own });
            }
        }
    }
    found
}

const OPERANDS: &str = "tune.operands";

/// Every way of every product as a dispatch. What they read lies in one arena, what they write in others, which all share.
fn plan(device: &Device, products: Products, subjects: &[Subject]) -> (Plan, Vec<Trial>) {
    let limits = device.limits();
    let (mut dispatches, mut trials) = (Vec::new(), Vec::new());
    let mut lens = [1; 3];
    for s in subjects {
        let class = Class::of(s.sizes, s.trans);
        for way in products.ways(&class) {
            let constants = [products.constants_of(way, s.sizes, s.trans), s.own.clone()].concat();
            let args = Args { params: s.sizes.map(|size| Param::U(size as u32)).to_vec(), constants };
            if !limits.ends_loops(s.kernel, &args) {
                continue;
            }
            let (tiles, flops) = ((s.kernel.groups)(&args), (s.kernel.flops)(&args));
            let taken = (MOST_FLOPS * tiles / flops.max(1)).max(FEWEST_TILES).min(tiles);
            let grid = fold_grid(taken, limits.max_compute_workgroups_per_dimension);
            let bindings = bindings(s.kernel, &args, &mut lens);
            dispatches.push(Dispatch { kernel: s.kernel, label: s.label.clone(), args, bindings, grid });
            let share = taken as f64 / tiles as f64;
            let rule = way == products.rule(s.sizes);
            trials.push(Trial { class, way, share, flops, best_us: f64::INFINITY, rule, left: false });
        }
    }
    let mut arenas = vec![Arena::new("tune.step", Dtype::U32, 1, Lifetime::Plan, Holds::Counter)];
    let numbers = [OPERANDS, "tune.results", "tune.more results"].into_iter().zip(lens);
    arenas.extend(numbers.map(|(name, len)| Arena::new(name, Dtype::F32, len, Lifetime::Plan, Holds::Scratch)));
    let buffers = vec![Buffer {
        role: Role::Output(OPERANDS.into()),
        name: OPERANDS.into(),
        shape: vec![lens[0]],
        range: Range { arena: 1, offset: 0, len: lens[0] },
        live: (0, dispatches.len()),
    }];
    (Plan { name: "tune".into(), steps: 1, arenas, buffers, dispatches, guard: vec![], whole: None }, trials)
}

/// Ranges for the bindings of a product; `lens` grows to what the arenas must hold.
fn bindings(kernel: Kernel, args: &Args, lens: &mut [usize; 3]) -> Vec<Range> {
    let mut written = 0;
    let place = |(binding, len): (&Binding, usize)| {
        let reads = binding.access == Access::Read;
        written += usize::from(!reads);
        let arena = if reads { 0 } else { written };
        lens[arena] = lens[arena].max(aligned(len));
        Range { arena: arena + 1, offset: 0, len }
    };
    kernel.bindings.iter().zip(kernel.extents(args, 1)).map(place).collect()
}

/// Numbers in [-1/2, 1/2) without a pattern that a processor could use.
fn fill(session: &mut Session) -> Result<()> {
    let number = |i: usize| (i.wrapping_mul(2_654_435_761) % 65_536) as f32 / 65_536.0 - 0.5;
    let pattern: Vec<f32> = (0..PATTERN).map(number).collect();
    let operands = Role::Output(OPERANDS.into());
    let len = session.range(0, &operands)?.len;
    for first in (0..len).step_by(PATTERN) {
        session.write_f32(0, &operands, first, &pattern[..PATTERN.min(len - first)])?;
    }
    Ok(())
}

/// Times the trials: each once or twice, then those that are not far behind, in turns, until the time is up.
fn race(session: &mut Session, trials: &mut [Trial], seconds: f64) -> Result<()> {
    let mut time = |number: usize, trial: &mut Trial, count: usize| -> Result<()> {
        let took = session.time_dispatch(0, number, count)?;
        trial.best_us = trial.best_us.min(took.as_secs_f64() * 1e6 / count as f64 / trial.share);
        Ok(())
    };
    for (number, trial) in trials.iter_mut().enumerate() {
        time(number, trial, 1)?;
        // The first run may pay for page faults and the driver's lazy work.
        if trial.best_us * trial.share < SUBMIT.as_secs_f64() * 2e6 {
            time(number, trial, 1)?;
        }
    }
    let far = |trial: &Trial| {
        let timings = timings(trials, trial.class);
        let own = timings.iter().find(|t| t.way == trial.way).map_or(f64::INFINITY, |t| t.time_us);
        own > FAR_BEHIND * timings[0].time_us
    };
    let far: Vec<bool> = trials.iter().map(far).collect();
    trials.iter_mut().zip(far).for_each(|(trial, far)| trial.left = far && !trial.rule);
    let begin = Instant::now();
    loop {
        for (number, trial) in trials.iter_mut().enumerate().filter(|(_, trial)| !trial.left) {
            let one = trial.best_us * trial.share;
            let count = (SUBMIT.as_secs_f64() * 1e6 / one.max(1.0)).ceil() as usize;
            time(number, trial, count.clamp(1, 64))?;
        }
        if begin.elapsed().as_secs_f64() >= seconds {
            return Ok(());
        }
    }
}

/// The ways of a class, the fastest first: the time of all its products together, each computed in that way.
fn timings(trials: &[Trial], class: Class) -> Vec<Timing> {
    let mut timings: Vec<Timing> = Vec::new();
    for trial in trials.iter().filter(|t| t.class == class) {
        let same = || trials.iter().filter(|t| t.class == class && t.way == trial.way);
        let time_us: f64 = same().map(|t| t.best_us).sum();
        if timings.iter().all(|t| t.way != trial.way) {
            let gflop_per_s = same().map(|t| t.flops).sum::<u64>() as f64 / time_us / 1e3;
            timings.push(Timing { way: trial.way, time_us, gflop_per_s, left: trial.left });
        }
    }
    timings.sort_by(|a, b| a.time_us.total_cmp(&b.time_us));
    timings
}

/// The times of a class and the way that follows from them.
fn verdict(products: Products, class: Class, subjects: &[Subject], trials: &[Trial]) -> TimedClass {
    let members: Vec<&Subject> = subjects.iter().filter(|s| Class::of(s.sizes, s.trans) == class).collect();
    let rule = products.rule(members[0].sizes);
    let timings = timings(trials, class);
    let of_rule = timings.iter().find(|t| t.way == rule).map_or(f64::INFINITY, |t| t.time_us);
    let faster = timings.iter().find(|t| !t.left && t.time_us < (1.0 - MARGIN) * of_rule);
    TimedClass {
        labels: members.iter().map(|s| s.label.clone()).collect(),
        sizes: members.iter().map(|s| s.sizes).collect(),
        class,
        chosen: faster.map_or(rule, |t| t.way),
        timings,
        rule,
    }
}
