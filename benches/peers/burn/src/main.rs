//! usage: peer-burn <workload|matmul> [wgpu|webgpu|vulkan|flex|cpu|ndarray] [seconds]
#[path = "../../workloads/workloads.rs"]
mod workloads;

use burn::module::Param;
use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig, MseLoss, Reduction};
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig};
use burn::prelude::*;
use burn::tensor::{TensorData, activation::sigmoid};
use workloads::*;

#[derive(Module, Debug)]
struct Mlp {
    layers: Vec<Linear>,
}

impl Mlp {
    fn new(w: &Workload, device: &Device) -> Self {
        let layers = w
            .dims
            .windows(2)
            .enumerate()
            .map(|(l, d)| {
                let mut lin = LinearConfig::new(d[0], d[1]).init(device);
                lin.weight = Param::from_data(TensorData::new(w.weights(l), [d[0], d[1]]), device);
                lin.bias = Some(Param::from_data(TensorData::new(vec![0f32; d[1]], [d[1]]), device));
                lin
            })
            .collect();
        Mlp { layers }
    }
    fn forward(&self, mut x: Tensor<2>) -> Tensor<2> {
        let last = self.layers.len() - 1;
        for (i, l) in self.layers.iter().enumerate() {
            x = l.forward(x);
            if i < last {
                x = sigmoid(x);
            }
        }
        x
    }
}

fn device(kind: &str) -> Device {
    match kind {
        #[cfg(feature = "wgpu")]
        "wgpu" => Device::wgpu(Default::default()),
        #[cfg(feature = "webgpu")]
        "webgpu" => Device::webgpu(Default::default()),
        #[cfg(feature = "vulkan")]
        "vulkan" => Device::vulkan(Default::default()),
        #[cfg(feature = "flex")]
        "flex" => Device::flex(),
        #[cfg(feature = "cpu")]
        "cpu" => Device::cpu(),
        #[cfg(feature = "ndarray")]
        "ndarray" => Device::ndarray(),
        k => panic!("backend {k} is not in this build"),
    }
}

fn adapter(d: &Device, kind: &str) -> String {
    #[cfg(any(feature = "wgpu", feature = "cpu"))]
    if let Some(i) = d.identity() {
        return format!("{} [{}]", i.name, i.fingerprint);
    }
    let _ = d;
    kind.to_string()
}

fn main() {
    let a: Vec<String> = std::env::args().collect();
    let name = a[1].as_str();
    let kind = a.get(2).map(String::as_str).unwrap_or("wgpu");
    let limit: f64 = a.get(3).map(|s| s.parse().unwrap()).unwrap_or(5.0);
    let peer = format!("burn-0.22.1-{kind}{}", if cfg!(feature = "x86-v4") { "-x86-v4" } else { "" });

    if name == "matmul" { products(&peer, kind) } else { train(&peer, name, kind, limit) }
}

fn products(peer: &str, kind: &str) {
    let dev = device(kind);
    let ad = adapter(&dev, kind);
    for n in [256usize, 512, 1024] {
        let m = |s: u64| {
            let v: Vec<f32> = (0..(n * n) as u64).map(|k| uniform(s, k) - 0.5).collect();
            Tensor::<2>::from_data(TensorData::new(v, [n, n]), &dev)
        };
        let (x, y) = (m(1), m(2));
        let mut c = None;
        let (g, first) = measure_matmul(n, 2.0, |wait| {
            let r = x.clone().matmul(y.clone());
            if wait {
                // Reading one element forces the product to be computed.
                let _: f32 = r.clone().slice([0..1, 0..1]).into_scalar::<f32>();
            }
            c = Some(r);
        });
        let r: Vec<f32> = c.unwrap().into_data().to_vec().unwrap();
        let (xv, yv): (Vec<f32>, Vec<f32>) = (x.into_data().to_vec().unwrap(), y.into_data().to_vec().unwrap());
        let mut err = 0f64;
        for i in [0, n / 3, n - 1] {
            for j in [0, n / 2, n - 1] {
                let e: f64 = (0..n).map(|k| xv[i * n + k] as f64 * yv[k * n + j] as f64).sum();
                err = err.max((e - r[i * n + j] as f64).abs());
            }
        }
        if err > 1e-3 {
            eprintln!("WRONG: matmul {n} differs by {err}");
        }
        report_matmul(peer, &ad, n, g, first);
    }
}

fn train(peer: &str, name: &str, kind: &str, limit: f64) {
    let w = workload(name).expect("workload name");
    let d = w.data();
    let start = std::time::Instant::now();
    let dev = device(kind).autodiff();
    let ad = adapter(&dev, kind);
    eprintln!("device init {:.3} s", start.elapsed().as_secs_f64());
    let mut model = Some(Mlp::new(&w, &dev));
    let (lr, mut optim): (f64, ModuleOptimizer) = match w.opt {
        Opt::Sgd(lr) => (lr, SgdConfig::new().init()),
        Opt::Adam(lr) => (lr, AdamConfig::new().with_epsilon(1e-8).init()),
    };
    let ce: CrossEntropyLoss = CrossEntropyLossConfig::new().init(&dev);
    let mut stream = Stream::new(&w, &d);
    let (b, di, dout) = (w.batch, w.d_in(), w.d_out());
    let m = measure(&w, limit, |want| {
        let bt = stream.next();
        let x = Tensor::<2>::from_data(TensorData::new(bt.x, [b, di]), &dev);
        let mdl = model.take().unwrap();
        let out = mdl.forward(x);
        let loss = match w.loss {
            Loss::CrossEntropy => {
                let t = Tensor::<1, Int>::from_data(TensorData::new(bt.labels, [b]), &dev);
                ce.forward(out, t)
            }
            Loss::HalfSumSquares => {
                let t = Tensor::<2>::from_data(TensorData::new(bt.t, [b, dout]), &dev);
                MseLoss::new().forward(sigmoid(out), t, Reduction::Sum).mul_scalar(0.5)
            }
            Loss::Mse => {
                let t = Tensor::<2>::from_data(TensorData::new(bt.t, [b, dout]), &dev);
                MseLoss::new().forward(out, t, Reduction::Mean)
            }
        };
        let grads = GradientsParams::from_grads(loss.backward(), &mdl);
        model = Some(optim.step(lr, mdl, grads));
        // The update of the last step must be done too, so wait for the whole device.
        want.then(|| {
            let l: f32 = loss.into_scalar::<f32>();
            dev.sync().unwrap();
            l
        })
    });
    report(peer, &ad, &w, &m);
}
