//! The CPU device: a product through the kernel table, plain loops over arrays, a kernel on one element.

use super::{Peaks, best_rate};
use crate::kernels::{Args, Call, In, Kernel, Out, Param};
use rayon::prelude::*;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Side of the product: large enough that packing costs little, small enough for half a second.
const SIDE: usize = 1024;
/// Elements of the large array, 64 MiB, and of the one that stays in a cache, 1 MiB.
const LARGE: usize = 1 << 24;
const SMALL: usize = 1 << 18;
/// Elements that one thread takes at a time: pieces of 64 KiB.
const PIECE: usize = 1 << 14;

pub fn measure() -> Peaks {
    let large = vec![1f32; LARGE];
    let mut written = vec![0f32; LARGE];
    let read = rate(|| {
        black_box(large.par_chunks(PIECE).map(sum).sum::<f32>());
    });
    let write = rate(|| {
        written.par_chunks_mut(PIECE).for_each(|piece| piece.fill(2.0));
        black_box(&written);
    });
    let cached = rate(|| {
        black_box(large[..SMALL].par_chunks(PIECE).map(sum).sum::<f32>());
    });
    Peaks {
        gflop_per_s: 2.0 * (SIDE * SIDE * SIDE) as f64 * product() / 1e9,
        read_gb_per_s: 4.0 * LARGE as f64 * read / 1e9,
        write_gb_per_s: 4.0 * LARGE as f64 * write / 1e9,
        cached_gb_per_s: 4.0 * SMALL as f64 * cached / 1e9,
        dispatch_us: 1e6 / one_element(),
        submit_us: None,
        read_back_us: None,
        f16_matrix: "not present: the CPU device computes in f32".into(),
    }
}

/// How often a second `work` is done.
fn rate(mut work: impl FnMut()) -> f64 {
    let timed = |count: usize| {
        let begin = Instant::now();
        (0..count).for_each(|_| work());
        Ok::<Duration, crate::Error>(begin.elapsed())
    };
    best_rate(timed).unwrap_or(f64::NAN)
}

/// In 32 chains, which vectorises: a plain sum waits for each addition.
fn sum(piece: &[f32]) -> f32 {
    let mut chains = [0f32; 32];
    for part in piece.chunks_exact(32) {
        for (chain, v) in chains.iter_mut().zip(part) {
            *chain += v;
        }
    }
    chains.iter().sum()
}

/// Products of two square matrices a second.
fn product() -> f64 {
    let (a, b) = (vec![1f32; SIDE * SIDE], vec![0.5f32; SIDE * SIDE]);
    let args = Args { params: vec![Param::U(SIDE as u32); 3], constants: vec![("TRANS_B", 1.0)] };
    calls(Kernel::matmul, &args, &[In::F(&a), In::F(&b)], SIDE * SIDE)
}

/// Calls a second of a kernel that has next to nothing to do.
fn one_element() -> f64 {
    let args = Args { params: vec![Param::U(1)], constants: vec![] };
    calls(Kernel::identity, &args, &[In::F(&[1.0])], 1)
}

/// Calls of a kernel a second.
fn calls(kernel: Kernel, args: &Args, inputs: &[In<'_, f32>], outputs: usize) -> f64 {
    let mut y = vec![0f32; outputs];
    rate(|| {
        let mut call = Call { args, inputs, outputs: &mut [Out::F(&mut y)] };
        (kernel.cpu_f32)(black_box(&mut call));
    })
}
