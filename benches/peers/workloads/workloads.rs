// Workload definitions shared by the Rust peers: same data, same initial weights, same
// minibatch order as workloads.py, bit for bit, so the losses can be compared between peers.
#![allow(dead_code)]

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Loss {
    HalfSumSquares, // 1/2 sum (y-t)^2, sigmoid output
    CrossEntropy,   // softmax + negative log likelihood, mean over the batch
    Mse,            // mean over all elements, linear output
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Opt {
    Sgd(f64),
    Adam(f64),
}

#[derive(Clone, Debug)]
pub struct Workload {
    pub name: &'static str,
    pub dims: &'static [usize],
    pub loss: Loss,
    pub opt: Opt,
    pub batch: usize,
    pub samples: usize,
    pub stride: usize,      // minibatch order: sample i of the stream is (i*stride) % samples
    pub check_steps: usize, // the loss of this step is comparable between peers
}

pub const NAMES: [&str; 6] = ["seed", "digits", "mnist", "mnist-adam", "wide", "square"];

pub fn workload(name: &str) -> Option<Workload> {
    let w = |name, dims, loss, opt, batch, samples, stride, check_steps| Workload {
        name,
        dims,
        loss,
        opt,
        batch,
        samples,
        stride,
        check_steps,
    };
    use Loss::*;
    use Opt::*;
    Some(match name {
        "seed" => w("seed", &[2, 2, 2], HalfSumSquares, Sgd(0.6), 1, 4, 3, 100),
        "digits" => w("digits", &[64, 32, 10], CrossEntropy, Sgd(0.1), 32, 1797, 1009, 100),
        "mnist" => w("mnist", &[784, 128, 10], CrossEntropy, Sgd(0.1), 64, 60000, 7919, 100),
        "mnist-adam" => w("mnist-adam", &[784, 128, 10], CrossEntropy, Adam(1e-3), 64, 60000, 7919, 100),
        "wide" => w("wide", &[784, 1024, 1024, 10], CrossEntropy, Sgd(0.1), 256, 60000, 7919, 10),
        "square" => w("square", &[1024, 1024, 1024, 1024], Mse, Sgd(0.1), 1024, 8192, 7919, 3),
        _ => return None,
    })
}

/// Counter random numbers: uniform in [0,1), exact in f32.
pub fn uniform(stream: u64, k: u64) -> f32 {
    let mut z = (stream << 40).wrapping_add(k).wrapping_add(1).wrapping_mul(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D049BB133111EB);
    z ^= z >> 31;
    (z >> 40) as f32 / 16777216.0
}

pub struct Data {
    pub x: Vec<f32>,
    pub labels: Vec<i32>, // cross entropy
    pub t: Vec<f32>,      // the others
}

impl Workload {
    pub fn params(&self) -> usize {
        self.dims.windows(2).map(|d| d[0] * d[1] + d[1]).sum()
    }
    pub fn flop_per_step(&self) -> f64 {
        6.0 * self.params() as f64 * self.batch as f64
    }
    pub fn d_in(&self) -> usize {
        self.dims[0]
    }
    pub fn d_out(&self) -> usize {
        *self.dims.last().unwrap()
    }

    /// Weights of layer l as [in][out], row by row; the biases are zero.
    pub fn weights(&self, l: usize) -> Vec<f32> {
        let (i, o) = (self.dims[l], self.dims[l + 1]);
        let lim = (6.0 / (i + o) as f64).sqrt() as f32;
        (0..(i * o) as u64).map(|k| (uniform(10 + l as u64, k) * 2.0 - 1.0) * lim).collect()
    }

    pub fn data(&self) -> Data {
        let (n, di, dout) = (self.samples, self.d_in(), self.d_out());
        if self.name == "seed" {
            return Data {
                x: vec![0., 0., 0., 1., 1., 0., 1., 1.],
                labels: vec![],
                t: vec![0., 0., 1., 0., 1., 0., 0., 1.],
            };
        }
        if self.loss == Loss::CrossEntropy {
            let proto: Vec<f32> = (0..(10 * di) as u64).map(|k| uniform(1, k)).collect();
            let labels: Vec<i32> = (0..n).map(|i| (i % 10) as i32).collect();
            let mut x = vec![0f32; n * di];
            for i in 0..n {
                let c = i % 10;
                for j in 0..di {
                    x[i * di + j] = 0.5 * uniform(2, (i * di + j) as u64) + 0.5 * proto[c * di + j];
                }
            }
            Data { x, labels, t: vec![] }
        } else {
            Data {
                x: (0..(n * di) as u64).map(|k| uniform(2, k)).collect(),
                labels: vec![],
                t: (0..(n * dout) as u64).map(|k| uniform(3, k)).collect(),
            }
        }
    }
}

/// The minibatch stream: copies rows out of host memory into fresh vectors.
pub struct Stream<'a> {
    w: &'a Workload,
    d: &'a Data,
    i: usize,
}

pub struct Batch {
    pub x: Vec<f32>,
    pub labels: Vec<i32>,
    pub t: Vec<f32>,
}

impl<'a> Stream<'a> {
    pub fn new(w: &'a Workload, d: &'a Data) -> Self {
        Stream { w, d, i: 0 }
    }
    pub fn next(&mut self) -> Batch {
        let (b, di, dout) = (self.w.batch, self.w.d_in(), self.w.d_out());
        let ce = self.w.loss == Loss::CrossEntropy;
        let mut x = Vec::with_capacity(b * di);
        let mut labels = Vec::with_capacity(if ce { b } else { 0 });
        let mut t = Vec::with_capacity(if ce { 0 } else { b * dout });
        for _ in 0..b {
            let s = (self.i % self.w.samples) * self.w.stride % self.w.samples;
            self.i += 1;
            x.extend_from_slice(&self.d.x[s * di..(s + 1) * di]);
            if ce {
                labels.push(self.d.labels[s]);
            } else {
                t.extend_from_slice(&self.d.t[s * dout..(s + 1) * dout]);
            }
        }
        Batch { x, labels, t }
    }
}

/// Measures: `step(want_loss)` runs one training step and, when asked, waits for its loss.
/// Returns the fields of the JSON line.
pub struct Measured {
    pub first_step_s: f64,
    pub warmup_s: f64,
    pub warmup_steps: usize,
    pub loss_check: f32,
    pub final_loss: f32,
    pub steps: usize,
    pub seconds: f64,
    pub slowest_warm_steps_s: Vec<f64>,
}

pub fn measure(w: &Workload, limit_s: f64, mut step: impl FnMut(bool) -> Option<f32>) -> Measured {
    use std::time::Instant;
    let t0 = Instant::now();
    let mut loss_check = f32::NAN;
    let mut n = 0;
    let mut first = 0.0;
    let mut slow: Vec<f64> = vec![];
    // Warm-up: at least the check steps and 2 s, at most 60 s.
    loop {
        n += 1;
        let t = Instant::now();
        let want = n <= 8 || n == w.check_steps || n % 64 == 0;
        let l = step(want);
        let dt = t.elapsed().as_secs_f64();
        slow.push(dt);
        if n == 1 {
            first = t0.elapsed().as_secs_f64();
        }
        if n == w.check_steps {
            loss_check = l.unwrap();
        }
        let e = t0.elapsed().as_secs_f64();
        if n >= w.check_steps && (e > 2.0 + first || e > 60.0) {
            step(true);
            n += 1;
            break;
        }
        if e > 120.0 {
            break;
        }
    }
    let warmup_s = t0.elapsed().as_secs_f64();
    slow.truncate(8);
    // Rate of the last moments of the warm-up, to choose how many steps run between two syncs.
    let t = Instant::now();
    let mut k = 1usize;
    step(true);
    let one = t.elapsed().as_secs_f64();
    if one < 0.25 {
        k = ((0.25 / one) as usize).clamp(1, 20000);
    }
    let t = Instant::now();
    let mut steps = 0;
    let mut final_loss = f32::NAN;
    while t.elapsed().as_secs_f64() < limit_s {
        for _ in 0..k - 1 {
            step(false);
        }
        final_loss = step(true).unwrap();
        steps += k;
    }
    Measured {
        first_step_s: first,
        warmup_s,
        warmup_steps: n,
        loss_check,
        final_loss,
        steps,
        seconds: t.elapsed().as_secs_f64(),
        slowest_warm_steps_s: slow,
    }
}

pub fn report(peer: &str, adapter: &str, w: &Workload, m: &Measured) {
    let sps = m.steps as f64 / m.seconds;
    let first: Vec<String> = m.slowest_warm_steps_s.iter().map(|s| format!("{s:.4}")).collect();
    println!(
        "{{\"peer\":\"{}\",\"adapter\":\"{}\",\"workload\":\"{}\",\"steps_per_s\":{:.4},\"samples_per_s\":{:.3},\"gflop_per_s\":{:.4},\"loss_check\":{:.6},\"final_loss\":{:.6},\"steps\":{},\"first_step_s\":{:.4},\"compile_or_warmup_s\":{:.3},\"warmup_steps\":{},\"first_steps_s\":[{}],\"peak_rss_mib\":{:.1}}}",
        peer,
        adapter,
        w.name,
        sps,
        sps * w.batch as f64,
        sps * w.flop_per_step() / 1e9,
        m.loss_check,
        m.final_loss,
        m.steps,
        m.first_step_s,
        m.warmup_s,
        m.warmup_steps,
        first.join(","),
        peak_rss_mib()
    );
}

pub fn report_matmul(peer: &str, adapter: &str, n: usize, gflops: f64, first_s: f64) {
    println!(
        "{{\"peer\":\"{peer}\",\"adapter\":\"{adapter}\",\"workload\":\"matmul-{n}\",\"gflop_per_s\":{gflops:.3},\"first_s\":{first_s:.4},\"peak_rss_mib\":{:.1}}}",
        peak_rss_mib()
    );
}

/// Times `mul(wait)` for an n x n x n product; returns (GFLOP/s, seconds of the first call).
pub fn measure_matmul(n: usize, limit_s: f64, mut mul: impl FnMut(bool)) -> (f64, f64) {
    use std::time::Instant;
    let t = Instant::now();
    mul(true);
    let first = t.elapsed().as_secs_f64();
    let t = Instant::now();
    while t.elapsed().as_secs_f64() < 1.0 {
        mul(true);
    }
    let t = Instant::now();
    mul(true);
    let one = t.elapsed().as_secs_f64();
    let k = ((0.2 / one) as usize).clamp(1, 1000);
    let t = Instant::now();
    let mut c = 0;
    while t.elapsed().as_secs_f64() < limit_s {
        for _ in 0..k - 1 {
            mul(false);
        }
        mul(true);
        c += k;
    }
    let s = t.elapsed().as_secs_f64() / c as f64;
    (2.0 * (n as f64).powi(3) / s / 1e9, first)
}

pub fn peak_rss_mib() -> f64 {
    let s = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    s.lines()
        .find(|l| l.starts_with("VmHWM"))
        .and_then(|l| l.split_whitespace().nth(1)?.parse::<f64>().ok())
        .unwrap_or(0.0)
        / 1024.0
}
