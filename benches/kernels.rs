//! CPU kernels: `cargo bench --bench kernels`. The loop at the end is what `src/kernels/cpu/gemm.rs` is measured against.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use wgrad::kernels::{Args, Call, In, Kernel, Out, Param};

/// Numbers without a pattern that a branch predictor or a denormal could profit from.
fn numbers(n: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 2_654_435_761) % 1000) as f32 / 500.0 - 1.0).collect()
}

fn gemm(c: &mut Criterion) {
    let mut group = c.benchmark_group("gemm");
    for n in [32usize, 128, 512] {
        let (a, b, mut y) = (numbers(n * n), numbers(n * n), vec![0f32; n * n]);
        let args = Args { params: vec![Param::U(n as u32); 3], constants: vec![("TRANS_B", 1.0)] };
        group.throughput(Throughput::Elements(2 * (n * n * n) as u64));
        group.bench_with_input(BenchmarkId::new("matmul", n), &n, |bench, _| {
            bench.iter(|| {
                let inputs = [In::F(&a[..]), In::F(&b[..])];
                let mut call = Call { args: &args, inputs: &inputs, outputs: &mut [Out::F(&mut y)] };
                (Kernel::matmul.row().cpu_f32)(black_box(&mut call));
            });
        });
        group.bench_with_input(BenchmarkId::new("plain loop", n), &n, |bench, _| {
            bench.iter(|| plain_loop(black_box(&a), black_box(&b), &mut y, n));
        });
    }
    group.finish();
}

fn plain_loop(a: &[f32], b: &[f32], y: &mut [f32], n: usize) {
    for (row, y) in a.chunks(n).zip(y.chunks_mut(n)) {
        for (col, y) in b.chunks(n).zip(y) {
            *y = row.iter().zip(col).map(|(a, b)| a * b).sum();
        }
    }
}

fn activations(c: &mut Criterion) {
    let mut group = c.benchmark_group("elementwise");
    let n = 64 * 1024;
    let (x, mut y) = (numbers(n), vec![0f32; n]);
    let args = Args { params: vec![Param::U(n as u32)], constants: vec![] };
    group.throughput(Throughput::Elements(n as u64));
    for kernel in [Kernel::relu, Kernel::sigmoid, Kernel::tanh, Kernel::gelu] {
        group.bench_function(kernel.name(), |bench| {
            bench.iter(|| {
                let inputs = [In::F(&x[..])];
                let mut call = Call { args: &args, inputs: &inputs, outputs: &mut [Out::F(&mut y)] };
                (kernel.row().cpu_f32)(black_box(&mut call));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, gemm, activations);
criterion_main!(benches);
