//! A guide for those who use wgrad as a library. Every piece of code below is compiled and run by the tests.
//!
//! 1. [Train](#train)
//! 2. [A loop of one's own](#a-loop-of-ones-own)
//! 3. [Read gradients](#read-gradients)
//! 4. [Verify](#verify)
//! 5. [An operation of one's own](#an-operation-of-ones-own)
//! 6. [Train a spec](#train-a-spec)
//! 7. [Embed a trained network](#embed-a-trained-network)
//! 8. [Hand it to other programs](#hand-it-to-other-programs)
//! 9. [Without a GPU, without the program](#without-a-gpu-without-the-program)
//! 10. [From 0.1 to 0.2](#from-01-to-02)
//!
//! # Train
//!
//! [`Trainer`](crate::Trainer) holds a network, a loss, an optimizer and a device. [`Dataset`](crate::data::Dataset) holds samples:
//! features row by row, and targets, numbers or classes.
//!
//! ```
//! use wgrad::Trainer;
//! use wgrad::data::{Dataset, Targets};
//! use wgrad::exec::Choice;
//! use wgrad::graph::{Activation, Loss, Optimizer};
//!
//! # fn main() -> wgrad::Result<()> {
//! // Points of the plane; the class says whether one lies within the unit circle.
//! let points: Vec<f64> = (0..200).map(|i| (f64::from(i) * 0.7).sin() * 1.5).collect();
//! let inside = |p: &[f64]| u32::from(p[0] * p[0] + p[1] * p[1] < 1.0);
//! let data = Dataset {
//!     inputs: 2,
//!     rows: 100,
//!     targets: Targets::Classes(points.chunks(2).map(inside).collect()),
//!     x: points,
//!     weights: Vec::new(),
//! };
//! let mut trainer = Trainer::builder(2)
//!     .dense(16, Activation::Tanh)
//!     .dense(2, Activation::Identity) // cross_entropy takes logits
//!     .loss(Loss::cross_entropy())
//!     .optimizer(Optimizer::adam(0.02))
//!     .device(Choice::Cpu)
//!     .build()?;
//! let losses = trainer.fit(&data, 100)?;
//! assert!(losses[99] < 0.5 * losses[0]);
//! # Ok(())
//! # }
//! ```
//!
//! [`Choice::Auto`](crate::exec::Choice::Auto), the default, takes a hardware GPU where there is one. `fit` keeps the device busy:
//! the host sees it once in many steps. The same seed on the same device gives the same bits.
//!
//! # A loop of one's own
//!
//! [`Trainer::step`](crate::Trainer::step) takes one optimizer step on one batch, whatever it is: for data that are made on the way,
//! for curricula, for a learning rate that follows a rule of one's own.
//!
//! ```
//! # use wgrad::Trainer;
//! # use wgrad::data::Dataset;
//! # use wgrad::exec::Choice;
//! # use wgrad::graph::{Activation, Loss, Optimizer};
//! # fn main() -> wgrad::Result<()> {
//! let mut trainer = Trainer::builder(1)
//!     .dense(16, Activation::Tanh)
//!     .dense(1, Activation::Identity)
//!     .loss(Loss::Mse)
//!     .optimizer(Optimizer::adam(0.02))
//!     .device(Choice::Cpu)
//!     .build()?;
//! let mut last = f64::INFINITY;
//! for step in 0..400 {
//!     // A fresh batch each time: 16 points of the curve y = sin 2x.
//!     let x: Vec<f64> = (0..16).map(|i| f64::from((step * 16 + i) * 37 % 300) / 100.0 - 1.5).collect();
//!     let y: Vec<f64> = x.iter().map(|x| (2.0 * x).sin()).collect();
//!     last = trainer.step(&Dataset::numbers(&x, 1, &y, 1))?;
//!     if step == 300 {
//!         trainer.set_lr(0.002);
//!     }
//! }
//! assert!(last < 0.02, "{last}");
//! # Ok(())
//! # }
//! ```
//!
//! # Read gradients
//!
//! [`Trainer::gradients`](crate::Trainer::gradients) computes loss and gradients of a batch without taking a step. Parameters are named as
//! in a weight file, `layers.0.weight` \[out, in\], `layers.0.bias` \[out\].
//!
//! ```
//! # use wgrad::Trainer;
//! # use wgrad::data::Dataset;
//! # use wgrad::exec::Choice;
//! # use wgrad::graph::{Activation, Loss};
//! # use wgrad::model::Tensor;
//! # fn main() -> wgrad::Result<()> {
//! // y = w x, loss (w x - t)^2 at x = 3, t = 5, w = 2: dL/dw = 2 (w x - t) x = 6.
//! let mut trainer =
//!     Trainer::builder(1).layer(1, Activation::Identity, false).loss(Loss::Mse).device(Choice::Cpu).build()?;
//! trainer.set_parameters(vec![Tensor { name: "layers.0.weight".into(), shape: vec![1, 1], values: vec![2.0] }])?;
//! let found = trainer.gradients(&Dataset::numbers(&[3.0], 1, &[5.0], 1))?;
//! assert_eq!((found.loss, &found.tensors[0].values[..]), (1.0, &[6.0][..]));
//! # Ok(())
//! # }
//! ```
//!
//! # Verify
//!
//! [`verify`](crate::verify) takes train steps on a device and on the CPU in `f64` and compares every value that the step computes,
//! each with a bound on its rounding error. In a test of one's own, [`assert_gradients`](crate::verify::assert_gradients) does it in
//! one line; [`gradcheck`](crate::verify::gradcheck) compares gradients with finite differences.
//!
//! ```
//! use wgrad::data::Dataset;
//! use wgrad::exec::Device;
//! use wgrad::graph::{Activation, Loss};
//! use wgrad::model::{Layer, Network};
//!
//! let layers = vec![Layer::dense(2, 8, Activation::Gelu, true), Layer::dense(8, 1, Activation::Identity, true)];
//! let network = Network { layers, loss: Loss::Huber { delta: 1.0 } };
//! let data = Dataset::numbers(&[0.1, 0.5, -1.0, 2.0], 2, &[0.0, 3.0], 1);
//! // Panics with the node at fault. Open a GPU with `open_device` and pass that to verify it.
//! wgrad::verify::assert_gradients(&network, None, &data, &Device::cpu());
//! ```
//!
//! # An operation of one's own
//!
//! The operations of this crate have no privilege: a type that implements [`Operation`](crate::graph::Operation) is planned, run on
//! every device, verified and differentiated as they are. What it needs is a [`Kernel`](crate::kernels::Kernel): WGSL, the same on the
//! CPU (generic over `f32` and `f64`), and a bound on its rounding error, which [`Carried`](crate::kernels::Carried) derives from the
//! formula. A [`Module`](crate::nn::Module) makes a layer of it. Here is the product of two tensors, element by element, and a
//! layer that squares:
//!
//! ```
//! use wgrad::Trainer;
//! use wgrad::data::Dataset;
//! use wgrad::exec::{Choice, Device};
//! use wgrad::graph::launch::sizes;
//! use wgrad::graph::{Activation, Backward, Gradients, Launches, Misfit, Operation, Optimizer, TensorType, Value};
//! use wgrad::kernels::definition::{read, write};
//! use wgrad::kernels::{BoundCall, Call, Carried, Definition, Kernel, Scalar};
//! use wgrad::nn::{Module, Scope};
//!
//! const WGSL: &str = "
//! //#include lib/elementwise.wgsl
//! struct Params { n: u32 }
//! @group(0) @binding(0) var<uniform> params: Params;
//! @group(0) @binding(1) var<storage, read> a: array<f32>;
//! @group(0) @binding(2) var<storage, read> b: array<f32>;
//! @group(0) @binding(3) var<storage, read_write> y: array<f32>;
//!
//! @compute @workgroup_size(64)
//! fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
//!         @builtin(local_invocation_index) local: u32) {
//!     let i = element_index(group, groups, local);
//!     if (i < params.n) { y[i] = a[i] * b[i]; }
//! }";
//!
//! fn on_cpu<T: Scalar>(call: &mut Call<'_, '_, T>) {
//!     let (a, b) = (call.inputs[0].f(), call.inputs[1].f());
//!     let [y] = call.outputs();
//!     y.iter_mut().zip(a.iter().zip(b)).for_each(|(y, (a, b))| *y = *a * *b);
//! }
//!
//! /// The formula over values that carry errors: what the operands may be off, and one rounding.
//! fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
//!     let at = |input: usize, i: usize| Carried::input(&call.inputs[input], i);
//!     vec![(0..call.args.size(0)).map(|i| (at(0, i) * at(1, i)).error).collect()]
//! }
//!
//! /// `(a, b) -> a b`
//! #[derive(Debug, Clone)]
//! struct Product;
//!
//! impl Operation for Product {
//!     fn name(&self) -> String {
//!         "product".into()
//!     }
//!
//!     fn results(&self, operands: &[&TensorType]) -> Result<Vec<TensorType>, Misfit> {
//!         let [a, b] = operands else { return Err(Misfit::Count("2".into())) };
//!         if a == b { Ok(vec![(*a).clone()]) } else { Err(Misfit::Needs("two operands of the same shape")) }
//!     }
//!
//!     /// da = dy b, db = dy a: products again.
//!     fn gradient(&self, at: &mut Backward<'_, '_>) -> Gradients {
//!         let (dy, a, b) = (at.dy()?, at.operand(0), at.operand(1));
//!         Ok(vec![Some(at.push(Product, &[dy, b], ".grad")?), Some(at.push(Product, &[dy, a], ".grad")?)])
//!     }
//!
//!     fn launches(&self, out: &mut Launches<'_>) -> wgrad::Result<()> {
//!         let kernel = Kernel::define(Definition {
//!             name: "product",
//!             wgsl: WGSL,
//!             bindings: const { &[read("a"), read("b"), write("y")] },
//!             bound_formula: "u |y|",
//!             bound,
//!             cpu_f32: on_cpu::<f32>,
//!             cpu_f64: on_cpu::<f64>,
//!             ..Definition::ELEMENT_WISE
//!         });
//!         let (n, places) = (out.operands[0].len(), out.in_order());
//!         out.push(kernel, sizes(&[n]), vec![], places);
//!         Ok(())
//!     }
//! }
//!
//! /// y = x^2
//! #[derive(Debug)]
//! struct Square;
//!
//! impl Module for Square {
//!     fn name(&self) -> &'static str {
//!         "square"
//!     }
//!
//!     fn keys(&self) -> Vec<(&'static str, String)> {
//!         vec![("square", "true".into())]
//!     }
//!
//!     fn forward(&self, scope: &mut Scope<'_>, x: Value) -> wgrad::Result<Value> {
//!         scope.push(Product, &[x, x])
//!     }
//! }
//!
//! # fn main() -> wgrad::Result<()> {
//! let data = Dataset::numbers(&[-1.0, -0.5, 0.0, 0.5, 1.0], 1, &[2.0, 0.5, 0.0, 0.5, 2.0], 1);
//! let mut trainer = Trainer::builder(1)
//!     .dense(4, Activation::Identity)
//!     .module(Square, Activation::Identity)
//!     .dense(1, Activation::Identity)
//!     .optimizer(Optimizer::adam(0.05))
//!     .device(Choice::Cpu)
//!     .build()?;
//! let losses = trainer.fit(&data, 200)?;
//! assert!(losses[199] < 1e-3, "{}", losses[199]);
//! // Every value of a step, the gradients of the product included, on any device.
//! wgrad::verify::assert_gradients(trainer.network(), None, &data, &Device::cpu());
//! # Ok(())
//! # }
//! ```
//!
//! [`Stored`](crate::nn::Stored) declares a module's parameters and buffers; the [`Scope`](crate::nn::Scope) gives them to
//! [`Module::forward`](crate::nn::Module::forward), and tells training from use. A bound that lets anything pass is no way out:
//! `verify` refuses a value whose bound exceeds a thousand times all numbers around it. [`gradcheck`](crate::verify::gradcheck) finds a wrong gradient
//! rule; an operation with kinks names them ([`Operation::kinks`](crate::graph::Operation::kinks)).
//!
//! # Train a spec
//!
//! What the program does with a TOML file, [`train::run::train`](crate::train::run::train) does from Rust: data are read, scaled and
//! split, checkpoints and reports written. An [`Observer`](crate::train::run::Observer) hears of every epoch and may stop the run.
//!
//! ```
//! use std::sync::Arc;
//! use wgrad::exec::Device;
//! use wgrad::model::disk::SystemDisk;
//! use wgrad::report::EpochRecord;
//! use wgrad::spec::Spec;
//! use wgrad::train::run::{Job, Observer, Place, train};
//!
//! struct Counting(usize);
//! impl Observer for Counting {
//!     fn epoch(&mut self, _record: &EpochRecord) {
//!         self.0 += 1;
//!     }
//! }
//!
//! # fn main() -> wgrad::Result<()> {
//! let folder = tempfile::tempdir().expect("a folder");
//! let mut spec = Spec::load("examples/iris.toml")?;
//! spec.train.epochs = 10;
//! let job = Job {
//!     spec: spec.with_absolute_paths()?,
//!     spec_name: "iris.toml".into(),
//!     place: Place::New(Some(folder.path().join("run"))),
//!     switches: Default::default(),
//!     disk: Arc::new(SystemDisk),
//!     lose_at: Vec::new(),
//! };
//! let mut epochs = Counting(0);
//! let report = pollster::block_on(train(&job, &Device::cpu(), &mut epochs))?;
//! assert_eq!((epochs.0, report.epochs.len()), (10, 10));
//! # Ok(())
//! # }
//! ```
//!
//! # Embed a trained network
//!
//! An application needs the run's folder, or of it `spec.toml`, `preprocessing.json` and `model.safetensors`.
//! [`RunFolder::trained`](crate::train::run_folder::RunFolder::trained) reads them; columns are found by name, scaled as in training.
//! For single samples in memory a [`Trainer`](crate::Trainer) is made of the same layers:
//!
//! ```
//! use wgrad::Trainer;
//! use wgrad::exec::Choice;
//! use wgrad::train::run_folder::Trained;
//!
//! /// The outputs of `trained` for samples as they stand in a data file.
//! fn predict(trained: &Trained, samples: &[f64]) -> wgrad::Result<Vec<f64>> {
//!     let network = &trained.network;
//!     let builder = Trainer::builder(network.inputs()).layers(&network.layers).loss(network.loss);
//!     let mut trainer = builder.device(Choice::Cpu).build()?;
//!     trainer.set_parameters(trained.parameters.clone())?;
//!     let mut x = samples.to_vec();
//!     trained.preprocessing.scaler.apply(&mut x);
//!     trainer.predict(&x)
//! }
//! # fn main() -> wgrad::Result<()> {
//! # use wgrad::exchange::{Import, Origin, import};
//! # let trained = import("tests/fixtures/onnx/relu_old.onnx".as_ref(), &Import { origin: Origin::File, loss: None, activation: None })?;
//! # assert_eq!(predict(&trained, &[0.0, 1.0, 2.0])?.len(), 2);
//! # Ok(())
//! # }
//! ```
//!
//! Keep the trainer for the next samples. Everything that can go wrong is one enum, [`Error`](crate::Error), whose messages say what to
//! do; the library prints nothing and does not panic on input.
//!
//! # Hand it to other programs
//!
//! `model.safetensors` loads into PyTorch's `nn.Linear` layers as it is. [`exchange::onnx::encode`](crate::exchange::onnx::encode) makes
//! an ONNX file of a trained network, with its scaling if asked, and [`exchange::import`](crate::exchange::import()) reads networks of
//! other programs.
//!
//! ```
//! # fn main() -> wgrad::Result<()> {
//! use wgrad::exchange::onnx::{Export, encode};
//! use wgrad::exchange::{Import, Origin, import};
//!
//! let theirs = "tests/fixtures/onnx/gelu_old.onnx".as_ref();
//! let trained = import(theirs, &Import { origin: Origin::File, loss: None, activation: None })?;
//! let bytes = encode(&trained, Export { with_scaler: true, probabilities: false })?;
//! assert!(bytes.len() > 500);
//! # Ok(())
//! # }
//! ```
//!
//! # Without a GPU, without the program
//!
//! With `default-features = false` neither wgpu nor the program is built; the device `cpu` does everything. The feature `gpu` adds the
//! adapters, `files` CSV, gzip and npz as data. The core from device to
//! read-back is `async`: with an executor of one's own, use [`train::Engine`](crate::train::Engine) and
//! [`exec::open_device`](crate::exec::open_device) in place of the blocking [`Trainer`](crate::Trainer). The oldest compiler
//! that builds wgrad stands in `Cargo.toml` as `rust-version`.
//!
//! # From 0.1 to 0.2
//!
//! The first program of this guide compiles as it is. What does not, or does something else:
//!
//! | 0.1 | 0.2 |
//! |---|---|
//! | run folders and checkpoints state no format | they state [`format = 2`](crate::spec::Format), which 0.1 refuses; those of 0.1 are read, and go on to the same bits |
//! | `default-features = false` reads CSV, gzip and npz | add `features = ["files"]` |
//! | the program is always built | it is the feature `cli`, a default |
//! | messages of [`Error`](crate::Error) name options of the command line | they say "use the CPU": the words of [`Remedy`](crate::Remedy), in whose place a program puts its own |
//! | the reason of a chosen device names an option of the command line | it is "asked for" |
//! | `model`, `model::LayerKind`, `spec::LayerSpec` | [`nn`](crate::nn) (the name `model` stays): a [`Layer`](crate::nn::Layer) is a [`Module`](crate::nn::Module) with an activation, `Layer::new(Dense::new(32), Activation::Tanh)` |
//! | `graph::Op::Dense` and its like | types of [`ops`](crate::ops) that implement [`Operation`](crate::graph::Operation) |
//! | `Loss::SmoothedCrossEntropy { .. }` | `Loss::CrossEntropy { smoothing }`; `Loss::cross_entropy()` has smoothing 0 |
//! | names of outputs and buffers as texts | a [`Role`](crate::graph::Role); texts convert into it |
//! | `data::read_csv`, `data::RawTable` | `data::read`, [`Schema::read`](crate::data::Schema::read) |
//! | `Dataset::features`, `Scaler::fit` | `Dataset::inputs`, [`Fit`](crate::data::Fit) |
//! | `verify::Question::data` is a `&Dataset` | a `train::samples::SampleSet`: `(&dataset).into()` |
//! | `train::tensorboard` | `exchange::tensorboard` |
//! | `graph::Shape`, `Schedule::shape` | `graph::Policy`, `Schedule::policy`: a learning-rate policy |
//! | `train::metrics::Measured` | `train::metrics::Measures` |
//! | `kernels::Engine`, for the tiles of a product | `kernels::Tiling`; an engine is `train::Engine` alone |
