//! When whole steps in one dispatch pay, and how they are spread over the invocations.
//!
//! One workgroup runs on one core of the device, so that the work counts as the workgroup's: turns of the loop over the terms
//! of a product, and turns over elements. The constants of `SOFTWARE` are measured, those of `HARDWARE` are not.

use super::super::Plan;
use super::super::lower::Options;
use super::chain::{Chain, Instruction};

/// Estimated times of a step, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// In separate dispatches.
    pub separate_ns: f64,
    /// In one dispatch.
    pub whole_ns: f64,
}

/// What things cost on a kind of device, in nanoseconds.
#[derive(Debug, Clone, Copy)]
struct Rates {
    /// A dispatch of its own with the barrier before it.
    dispatch: f64,
    /// A floating-point operation of a separate dispatch.
    flop: f64,
    /// A step of nothing: barriers, loops over short lists.
    step: f64,
    /// A term of a product, one output an invocation.
    single: f64,
    /// A term of a product, 8 x 8 outputs an invocation.
    block: f64,
    /// An element of anything else.
    element: f64,
}

/// llvmpipe (Mesa 22.3, LLVM 15, one core of 4), workgroups of one SIMD vector. A gather of 8 lanes takes 25 ns, and so a
/// term takes 60 ns (2 gathers) or 460 ns (16 gathers, 64 multiply-adds). Fitted to 2-2-2 and 64-32-10 networks of either
/// kind of product: within a third of 6, 270 and 1,360 microseconds a step. SwiftShader takes 1.7 to 4 times as long.
const SOFTWARE: Rates =
    Rates { dispatch: 34_000.0, flop: 0.2, step: 5_000.0, single: 60.0, block: 460.0, element: 100.0 };

/// Hardware: not measured. A dispatch with its barrier takes some microseconds, a load that misses the first cache some
/// hundreds of nanoseconds; loads of neighbouring terms overlap. Guessed on the side of separate dispatches.
const HARDWARE: Rates =
    Rates { dispatch: 4_000.0, flop: 1e-3, step: 5_000.0, single: 100.0, block: 1_000.0, element: 1_000.0 };

/// How the step is spread over a workgroup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    /// Invocations of the workgroup.
    pub workgroup: usize,
    /// An invocation computes 8 x 8 outputs of a product, not one.
    pub blocks: bool,
}

impl Spread {
    /// Passes of the workgroup over `n` elements.
    fn turns(self, n: usize) -> usize {
        n.div_ceil(self.workgroup)
    }

    /// Terms of a product, one pass of the workgroup each.
    fn terms(self, i: &Instruction) -> usize {
        let outputs = if self.blocks { i.m.div_ceil(8) * i.n.div_ceil(8) } else { i.m * i.n };
        self.turns(outputs) * i.k
    }
}

/// The better spread for the device, and the times of a step of `plan` with it.
pub fn estimate(plan: &Plan, chain: &Chain, options: &Options) -> (Spread, Cost) {
    let rates = if options.products.direct { SOFTWARE } else { HARDWARE };
    // On a software rasteriser one SIMD vector: more invocations of a workgroup take turns on the same core.
    let widest = options.limits.max_compute_invocations_per_workgroup.min(256) as usize;
    let workgroup = if options.products.direct { widest.min(8) } else { widest };
    let separate_ns = rates.dispatch * plan.dispatches.len() as f64 + rates.flop * plan.flops() as f64;
    let of = |blocks: bool| {
        let spread = Spread { workgroup, blocks };
        let terms: usize = products(chain).map(|i| spread.terms(i)).sum();
        let term = if blocks { rates.block } else { rates.single };
        let whole_ns = rates.step + term * terms as f64 + rates.element * elements(chain, spread) as f64;
        (spread, Cost { separate_ns, whole_ns })
    };
    let (single, blocks) = (of(false), of(true));
    if blocks.1.whole_ns < single.1.whole_ns { blocks } else { single }
}

fn products(chain: &Chain) -> impl Iterator<Item = &Instruction> {
    chain.forwards.iter().chain(&chain.inputs).chain(&chain.weights)
}

/// Passes of the workgroup over elements, products' sums left out.
fn elements(chain: &Chain, spread: Spread) -> usize {
    let outputs = products(chain).map(|i| spread.turns(i.m * i.n));
    let gathers = chain.gathers.iter().map(|i| spread.turns(i.m * i.n));
    let columns = chain.biases.iter().map(|i| spread.turns(i.n) * i.m);
    let updates = chain.updates.iter().map(|i| spread.turns(i.n));
    let [rows, cols] = chain.loss.as_ref().map_or([0, 0], |d| d.args.sizes());
    let losses = 3 * spread.turns(rows) * cols;
    outputs.chain(gathers).chain(columns).chain(updates).sum::<usize>() + losses
}

/// Loop iterations of one invocation in a dispatch, over all its loops. llvmpipe leaves every loop once it has counted
/// 65,535 of them (`LP_MAX_TGSI_LOOP_ITERATIONS` in Mesa's `lp_bld_limits.h`), without a word.
pub const MAX_ITERATIONS: usize = 65_000;

/// Loop iterations of an invocation in one step at most, as the shader's loops are written; the check that ends a loop
/// counts as one.
pub fn iterations(chain: &Chain, spread: Spread) -> usize {
    let walk = |n: usize| spread.turns(n) + 1;
    let product = |i: &Instruction| {
        let sums = if spread.blocks { i.m.div_ceil(8) * i.n.div_ceil(8) } else { i.m * i.n };
        spread.terms(i) + spread.turns(sums) + walk(sums) + walk(i.m * i.n)
    };
    let products: usize = products(chain).map(product).sum();
    let gathers: usize = chain.gathers.iter().map(|i| walk(i.m * i.n)).sum();
    let columns: usize = chain.biases.iter().map(|i| spread.turns(i.n) * (i.m + 1) + walk(i.n)).sum();
    let updates: usize = chain.updates.iter().map(|i| walk(i.n)).sum();
    let [rows, cols] = chain.loss.as_ref().map_or([0, 0], |d| d.args.sizes());
    let losses = spread.turns(rows) * 3 * (cols + 1) + walk(rows);
    let last = walk(chain.last.as_ref().map_or(0, |l| l.0));
    let mean = spread.turns(64) * (rows.div_ceil(64) + 1) + walk(64) + 6 * walk(32) + 7;
    // Every list has a loop, and so have the steps.
    let loops = chain.code().len() + 6 + 1;
    products + gathers + columns + updates + losses + last + mean + loops
}
