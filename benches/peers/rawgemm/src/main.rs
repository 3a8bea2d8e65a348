//! usage: peer-rawgemm <sgemm|stream|workload> [seconds]
//! sgemm: `gemm` and `matrixmultiply` crates; stream: memory bandwidth;
//! a workload: a training step written by hand over the `gemm` crate with every buffer
//! allocated once - what a plain CPU path can reach, not a framework.
#[path = "../../workloads/workloads.rs"]
mod workloads;

use gemm::Parallelism;
use rayon::prelude::*;
use std::hint::black_box;
use std::time::Instant;
use workloads::*;

/// C[m,n] = alpha*C + beta * A[m,k] B[k,n], row-major with element strides (rows, columns).
fn mm(
    (m, n, k): (usize, usize, usize),
    c: &mut [f32],
    alpha: Option<f32>,
    a: &[f32],
    (ars, acs): (usize, usize),
    b: &[f32],
    (brs, bcs): (usize, usize),
    beta: f32,
    par: Parallelism,
) {
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            n as isize,
            alpha.is_some(),
            a.as_ptr(),
            acs as isize,
            ars as isize,
            b.as_ptr(),
            bcs as isize,
            brs as isize,
            alpha.unwrap_or(0.0),
            beta,
            false,
            false,
            false,
            par,
        )
    }
}

fn par_for(mnk: usize) -> Parallelism {
    if mnk > 1 << 21 { Parallelism::Rayon(0) } else { Parallelism::None }
}

fn sgemm() {
    for n in [256usize, 512, 1024, 2048] {
        let a: Vec<f32> = (0..(n * n) as u64).map(|k| uniform(1, k) - 0.5).collect();
        let b: Vec<f32> = (0..(n * n) as u64).map(|k| uniform(2, k) - 0.5).collect();
        let mut c = vec![0f32; n * n];
        for (name, p) in [("gemm-1thread", Parallelism::None), ("gemm-rayon", Parallelism::Rayon(0))] {
            let (g, f) = measure_matmul(n, 2.0, |_| {
                mm((n, n, n), &mut c, None, &a, (n, 1), &b, (n, 1), 1.0, p);
                black_box(&c);
            });
            let peer = if cfg!(feature = "x86-v4") { format!("{name}-0.19-x86-v4") } else { format!("{name}-0.19") };
            report_matmul(&peer, "cpu", n, g, f);
        }
        if !cfg!(feature = "x86-v4") {
            let (g, f) = measure_matmul(n, 2.0, |_| {
                unsafe {
                    matrixmultiply::sgemm(
                        n,
                        n,
                        n,
                        1.0,
                        a.as_ptr(),
                        n as isize,
                        1,
                        b.as_ptr(),
                        n as isize,
                        1,
                        0.0,
                        c.as_mut_ptr(),
                        n as isize,
                        1,
                    );
                }
                black_box(&c);
            });
            let t = std::env::var("MATMUL_NUM_THREADS").unwrap_or("1".into());
            report_matmul(&format!("matrixmultiply-0.3.11-{t}threads"), "cpu", n, g, f);
        }
    }
}

fn stream() {
    for (label, threads, len) in [
        ("4 threads, 512 MiB arrays", 4, 128 << 20),
        ("1 thread, 512 MiB arrays", 1, 128 << 20),
        ("4 threads, 4 MiB arrays", 4, 1 << 20),
    ] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let a = vec![1f32; len];
        let mut b = vec![0f32; len];
        let mut c = vec![2f32; len];
        let chunk = len / threads;
        let reps = if len < 1 << 24 { 2000 } else { 10 };
        let (mut copy, mut triad) = (0f64, 0f64);
        pool.install(|| {
            for _ in 0..3 {
                let t = Instant::now();
                for _ in 0..reps {
                    b.par_chunks_mut(chunk).zip(a.par_chunks(chunk)).for_each(|(b, a)| b.copy_from_slice(a));
                    black_box(&b);
                }
                copy = copy.max(8.0 * len as f64 * reps as f64 / t.elapsed().as_secs_f64() / 1e9);
                let t = Instant::now();
                for _ in 0..reps {
                    c.par_chunks_mut(chunk).zip(a.par_chunks(chunk).zip(b.par_chunks(chunk))).for_each(
                        |(c, (a, b))| {
                            for i in 0..c.len().min(a.len()).min(b.len()) {
                                c[i] = a[i] + 3.0 * b[i];
                            }
                        },
                    );
                    black_box(&c);
                }
                triad = triad.max(12.0 * len as f64 * reps as f64 / t.elapsed().as_secs_f64() / 1e9);
            }
        });
        println!(
            "{{\"peer\":\"stream\",\"adapter\":\"cpu\",\"workload\":\"{label}\",\"copy_gb_per_s\":{copy:.1},\"triad_gb_per_s\":{triad:.1}}}"
        );
    }
}

struct Layer {
    w: Vec<f32>,
    b: Vec<f32>,
    dw: Vec<f32>,
    db: Vec<f32>,
    m: Vec<f32>,
    v: Vec<f32>,
    mb: Vec<f32>,
    vb: Vec<f32>,
    y: Vec<f32>, // activations [batch][out]
    d: Vec<f32>, // d loss / d pre-activation
}

fn sigmoid(z: &mut [f32]) {
    for x in z {
        *x = 1.0 / (1.0 + (-*x).exp());
    }
}

fn adam(p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32], lr: f32, c1: f32, c2: f32) {
    for i in 0..p.len() {
        m[i] = 0.9 * m[i] + 0.1 * g[i];
        v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
        p[i] -= lr * (m[i] / c1) / ((v[i] / c2).sqrt() + 1e-8);
    }
}

fn layers(w: &Workload) -> Vec<Layer> {
    let layer = |l: usize| {
        let (i, o, b) = (w.dims[l], w.dims[l + 1], w.batch);
        let z = |n: usize| vec![0f32; n];
        let adam = matches!(w.opt, Opt::Adam(_));
        let q = |n: usize| if adam { vec![0f32; n] } else { vec![] };
        Layer {
            w: w.weights(l),
            b: z(o),
            dw: q(i * o),
            db: z(o),
            m: q(i * o),
            v: q(i * o),
            mb: q(o),
            vb: q(o),
            y: z(b * o),
            d: z(b * o),
        }
    };
    (0..w.dims.len() - 1).map(layer).collect()
}

fn forward(w: &Workload, ls: &mut [Layer], x: &[f32]) {
    let b = w.batch;
    for l in 0..ls.len() {
        let (i, o) = (w.dims[l], w.dims[l + 1]);
        let last = l + 1 == ls.len();
        let (prev, rest) = ls.split_at_mut(l);
        let y = &mut rest[0];
        let x: &[f32] = if l == 0 { x } else { &prev[l - 1].y };
        for r in y.y.chunks_exact_mut(o) {
            r.copy_from_slice(&y.b);
        }
        mm((b, o, i), &mut y.y, Some(1.0), x, (i, 1), &y.w, (o, 1), 1.0, par_for(b * o * i));
        if !last || w.loss == Loss::HalfSumSquares {
            if b * o > 1 << 14 {
                y.y.par_chunks_mut(1 << 12).for_each(sigmoid);
            } else {
                sigmoid(&mut y.y);
            }
        }
    }
}

/// The loss; its gradient goes to `last.d`.
fn loss(w: &Workload, last: &mut Layer, bt: &Batch) -> f32 {
    let (b, o) = (w.batch, w.d_out());
    let mut loss = 0f32;
    match w.loss {
        Loss::HalfSumSquares => {
            for i in 0..b * o {
                let e = last.y[i] - bt.t[i];
                loss += 0.5 * e * e;
                last.d[i] = e * last.y[i] * (1.0 - last.y[i]);
            }
        }
        Loss::Mse => {
            let s = 1.0 / (b * o) as f32;
            let row = |(d, (y, t)): (&mut [f32], (&[f32], &[f32]))| {
                let mut l = 0f32;
                for i in 0..o {
                    let e = y[i] - t[i];
                    l += e * e;
                    d[i] = 2.0 * e * s;
                }
                l as f64
            };
            let rows = last.d.par_chunks_mut(o).zip(last.y.par_chunks(o).zip(bt.t.par_chunks(o)));
            let parts: Vec<f64> = rows.map(row).collect();
            loss = (parts.iter().sum::<f64>() * s as f64) as f32;
        }
        Loss::CrossEntropy => {
            let s = 1.0 / b as f32;
            for r in 0..b {
                let (y, d) = (&last.y[r * o..(r + 1) * o], &mut last.d[r * o..(r + 1) * o]);
                let mx = y.iter().cloned().fold(f32::MIN, f32::max);
                let mut sum = 0f32;
                for i in 0..o {
                    d[i] = (y[i] - mx).exp();
                    sum += d[i];
                }
                let lab = bt.labels[r] as usize;
                loss -= (d[lab] / sum).ln() * s;
                for v in d.iter_mut() {
                    *v *= s / sum;
                }
                d[lab] -= s;
            }
        }
    }
    loss
}

fn backward(w: &Workload, ls: &mut [Layer], x: &[f32], step: i32) {
    let b = w.batch;
    for l in (0..ls.len()).rev() {
        let (i, o) = (w.dims[l], w.dims[l + 1]);
        let (prev, rest) = ls.split_at_mut(l);
        let y = &mut rest[0];
        if l > 0 {
            let p = &mut prev[l - 1];
            mm((b, i, o), &mut p.d, None, &y.d, (o, 1), &y.w, (1, o), 1.0, par_for(b * o * i));
            let f = |(d, y): (&mut [f32], &[f32])| {
                for (d, y) in d.iter_mut().zip(y) {
                    *d *= y * (1.0 - y);
                }
            };
            if b * i > 1 << 14 {
                p.d.par_chunks_mut(1 << 12).zip(p.y.par_chunks(1 << 12)).for_each(f);
            } else {
                f((&mut p.d, &p.y));
            }
        }
        let x: &[f32] = if l == 0 { x } else { &prev[l - 1].y };
        y.db.fill(0.0);
        for r in y.d.chunks_exact(o) {
            for (s, v) in y.db.iter_mut().zip(r) {
                *s += v;
            }
        }
        update(w, y, x, (i, o), step);
    }
}

fn update(w: &Workload, y: &mut Layer, x: &[f32], (i, o): (usize, usize), step: i32) {
    let b = w.batch;
    match w.opt {
        Opt::Sgd(lr) => {
            let lr = lr as f32;
            mm((i, o, b), &mut y.w, Some(1.0), x, (1, i), &y.d, (o, 1), -lr, par_for(b * o * i));
            for (p, g) in y.b.iter_mut().zip(&y.db) {
                *p -= lr * g;
            }
        }
        Opt::Adam(lr) => {
            mm((i, o, b), &mut y.dw, None, x, (1, i), &y.d, (o, 1), 1.0, par_for(b * o * i));
            let (c1, c2) = (1.0 - 0.9f32.powi(step), 1.0 - 0.999f32.powi(step));
            adam(&mut y.w, &y.dw, &mut y.m, &mut y.v, lr as f32, c1, c2);
            adam(&mut y.b, &y.db, &mut y.mb, &mut y.vb, lr as f32, c1, c2);
        }
    }
}

fn train(w: &Workload, limit: f64) {
    let d = w.data();
    let mut ls = layers(w);
    let mut stream = Stream::new(w, &d);
    let mut step = 0;
    let m = measure(w, limit, |want| {
        let bt = stream.next();
        step += 1;
        forward(w, &mut ls, &bt.x);
        let l = loss(w, ls.last_mut().unwrap(), &bt);
        backward(w, &mut ls, &bt.x, step);
        want.then_some(l)
    });
    report(if cfg!(feature = "x86-v4") { "handwritten-gemm-x86-v4" } else { "handwritten-gemm" }, "cpu", w, &m);
}

fn main() {
    let a: Vec<String> = std::env::args().collect();
    let limit: f64 = a.get(2).map(|s| s.parse().unwrap()).unwrap_or(5.0);
    match a[1].as_str() {
        "sgemm" => sgemm(),
        "stream" => stream(),
        n => train(&workload(n).expect("workload name"), limit),
    }
}
