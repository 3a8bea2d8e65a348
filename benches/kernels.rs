//! The device `cpu`: products, kernels, whole steps. `cargo bench --bench kernels`, with a filter: `-- gemm`, `-- "train step"`.
//! The plain loop is what `src/kernels/cpu/gemm.rs` is measured against.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use wgrad::data::Dataset;
use wgrad::exec::{Device, Flow};
use wgrad::graph::{Activation, Loss, Optimizer};
use wgrad::kernels::{Args, Call, In, Kernel, Out, Param};
use wgrad::model::{Layer, Network};
use wgrad::train::{Engine, Roles};

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
                (Kernel::matmul.cpu_f32)(black_box(&mut call));
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
    for kernel in [Kernel::relu, Kernel::sigmoid, Kernel::tanh, Kernel::gelu, Kernel::softplus] {
        group.bench_function(kernel.name, |bench| {
            bench.iter(|| {
                let inputs = [In::F(&x[..])];
                let mut call = Call { args: &args, inputs: &inputs, outputs: &mut [Out::F(&mut y)] };
                (kernel.cpu_f32)(black_box(&mut call));
            });
        });
    }
    group.finish();
}

/// A column sum, a loss and an optimizer step, at the sizes of a network of 1,024 outputs.
fn reductions_and_updates(c: &mut Criterion) {
    let mut group = c.benchmark_group("reductions and updates");
    let (rows, cols) = (256usize, 1024usize);
    let n = rows * cols;
    let size = |v: usize| Param::U(v as u32);
    let (x, step) = (numbers(n), [0u32]);
    group.throughput(Throughput::Elements(n as u64));
    let args = Args { params: vec![size(rows), size(cols), size(rows)], constants: vec![] };
    let mut sums = vec![0f32; cols];
    group.bench_function("col_sum", |bench| {
        bench.iter(|| {
            let inputs = [In::F(&x[..])];
            (Kernel::col_sum.cpu_f32)(&mut Call { args: &args, inputs: &inputs, outputs: &mut [Out::F(&mut sums)] });
        });
    });
    let args = Args { params: vec![size(rows), size(cols), size(0)], constants: vec![("LANES", 64.0)] };
    let (classes, upstream) = (vec![3u32; rows], vec![1.0 / rows as f32; rows]);
    let (mut loss, mut dpred) = (vec![0f32; rows], vec![0f32; n]);
    group.bench_function("cross_entropy", |bench| {
        bench.iter(|| {
            let inputs = [In::U(&step[..]), In::F(&x[..]), In::U(&classes[..]), In::F(&upstream[..])];
            let outputs = &mut [Out::F(&mut loss[..]), Out::F(&mut dpred[..])];
            (Kernel::cross_entropy.cpu_f32)(&mut Call { args: &args, inputs: &inputs, outputs });
        });
    });
    let args = Args { params: vec![size(n), size(4), Param::F(0.0)], constants: vec![] };
    let (hyper, mut param) = ([1e-9f32, 0.0, 0.0, 0.0], numbers(n));
    group.bench_function("sgd_step", |bench| {
        bench.iter(|| {
            let inputs = [In::U(&step[..]), In::F(&hyper[..]), In::F(&x[..])];
            (Kernel::sgd_step.cpu_f32)(&mut Call { args: &args, inputs: &inputs, outputs: &mut [Out::F(&mut param)] });
        });
    });
    group.finish();
}

/// Whole steps through the engine. A step of 2-2-2 has next to no arithmetic: what it takes is the scheduler.
fn steps(c: &mut Criterion) {
    let mut group = c.benchmark_group("train step");
    for (name, widths, batch, steps) in [("2-2-2", &[2, 2, 2][..], 1, 1000), ("64-32-10", &[64, 32, 10][..], 32, 100)] {
        let rows = 4 * batch;
        let layer = |w: &[usize]| Layer::dense(w[0], w[1], Activation::Sigmoid, true);
        let network = Network { layers: widths.windows(2).map(layer).collect(), loss: Loss::HalfSquaredError };
        let optimizer = Optimizer::Sgd { lr: 1e-6, momentum: 0.0, nesterov: false, weight_decay: 0.0 };
        let roles = Roles { train: Some((rows, batch, optimizer.into())), table_steps: steps, ..Roles::default() };
        let wide = |n: usize| numbers(n).into_iter().map(f64::from).collect::<Vec<f64>>();
        let data = Dataset::numbers(
            &wide(rows * network.inputs()),
            network.inputs(),
            &wide(rows * network.outputs()),
            network.outputs(),
        );
        let order: Vec<u32> = (0..steps * batch).map(|i| (i % rows) as u32).collect();
        let mut engine = pollster::block_on(Engine::open(&Device::cpu(), &network, roles)).unwrap();
        engine.set_training_data(&data).unwrap();
        group.throughput(Throughput::Elements(steps as u64));
        group.bench_function(name, |bench| {
            bench.iter(|| pollster::block_on(engine.train(black_box(&order), 0, &mut |_| Flow::Continue)));
        });
    }
    group.finish();
}

criterion_group!(benches, gemm, activations, reductions_and_updates, steps);
criterion_main!(benches);
