//! A training step on the CPU allocates nothing by itself: counted by an allocator that counts.
//!
//! A run has costs that do not grow with its steps (the losses handed to the sink, the first use of a thread). So two runs
//! over the same tables are compared, one with more steps: the difference is what the steps allocate. The crate `gemm`
//! packs its operands into memory that it asks for at each call; how often, is measured by calling it alone.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};
use support::problem::{ADAMW, Problem, SGD, network};
use wgrad::exec::{Device, Flow};
use wgrad::graph::{Activation, Loss};
use wgrad::kernels::Args;
use wgrad::kernels::cpu::gemm::gemm;
use wgrad::plan::{Options, Plan};

struct Counting;

static COUNT: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations while `work` runs, on all threads: the tests of this file run one after the other.
fn count(work: impl FnOnce()) -> u64 {
    let before = COUNT.load(Ordering::Relaxed);
    work();
    COUNT.load(Ordering::Relaxed) - before
}

/// Steps of the longer run beyond those of the shorter one.
const MORE: usize = 8;

/// What `MORE` steps of `problem` allocate.
fn of_steps(problem: &Problem, plan: &Plan) -> u64 {
    let mut session = problem.steps(&Device::cpu(), plan, plan.steps);
    let mut run = |steps: usize| {
        pollster::block_on(session.run(0, steps, &mut |_| Flow::Continue)).unwrap();
    };
    // Threads come to work in any order: each has its first work behind it after some runs. The losses of a run are handed
    // over once in a while, by the clock, so that the least of several counts is that of the steps.
    (0..10).for_each(|_| run(plan.steps));
    let mut least = |steps: usize| (0..20).map(|_| count(|| run(steps))).min().unwrap_or(u64::MAX);
    let (short, long) = (least(plan.steps - MORE), least(plan.steps));
    long.checked_sub(short).expect("more steps allocate less")
}

/// What the matrix products of `MORE` steps allocate inside `gemm`.
fn of_products(plan: &Plan) -> u64 {
    let product = |args: &Args, transposed: [bool; 2]| {
        let sizes @ [m, n, k] = args.sizes();
        let (mut y, a, b) = (vec![0f32; m * n], vec![0f32; m * k], vec![0f32; k * n]);
        let mut call = || gemm(&mut y, &a, &b, sizes, transposed[0], transposed[1]);
        rayon::scope(|_| {
            (0..10).for_each(|_| call());
            (0..20).map(|_| count(&mut call)).min().unwrap_or(u64::MAX)
        })
    };
    let of = |d: &wgrad::plan::Dispatch| match d.kernel.name {
        "matmul_bias_act" => product(&d.args, [false, true]),
        "matmul_act_grad" => product(&d.args, [false, false]),
        "matmul_col_sum" => product(&d.args, [true, false]),
        _ => 0,
    };
    MORE as u64 * plan.dispatches.iter().map(of).sum::<u64>()
}

fn plan(widths: &[usize], batch: usize, adam: bool) -> (Problem, Plan) {
    let acts = [Activation::Sigmoid, Activation::Identity];
    let net = network(widths, &acts, &[true], Loss::cross_entropy());
    let problem = Problem::new(net, if adam { ADAMW } else { SGD }, 64, batch, 1);
    let plan = problem.plan(&Options::new("train", 24));
    (problem, plan)
}

#[test]
fn steps_on_the_cpu_allocate_nothing_of_their_own() {
    // Without the crate's products; with them, on one thread; with everything cut into parts for several threads.
    for (widths, batch, adam) in [(&[2, 4, 2][..], 4, false), (&[64, 32, 10], 32, true), (&[784, 128, 10], 64, false)] {
        let (problem, plan) = plan(widths, batch, adam);
        let (steps, products) = (of_steps(&problem, &plan), of_products(&plan));
        println!("{widths:?}: {MORE} steps allocate {steps} times, their products alone {products} times");
        assert_eq!(steps, products, "{widths:?}");
        assert_eq!(products == 0, widths == [2, 4, 2], "{widths:?}: the crate's products are counted");
    }
    // The control: an allocation is seen.
    assert_eq!(count(|| drop(std::hint::black_box(vec![1u8; 100]))), 1);
}
