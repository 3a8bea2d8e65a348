//! An operation that the crate does not have, made with its public interface alone: y = x sin(a x), with a number a for each column
//! that is learned. Two kernels (WGSL, CPU function, error bound), their operations, a module.

use wgrad::Result;
use wgrad::data::Dataset;
use wgrad::exec::Device;
use wgrad::graph::launch::sizes;
use wgrad::graph::{
    Activation, Backward, Gradients, Launches, Loss, Misfit, Operation, Optimizer, Place, TensorType, Value,
};
use wgrad::kernels::bound::{TINY, U, gamma};
use wgrad::kernels::definition::{read, write};
use wgrad::kernels::{Args, BoundCall, Call, Carried, Definition, Kernel, Scalar};
use wgrad::nn::init::initial_parameters;
use wgrad::nn::{Dense, Layer, Module, Network, Scope, Stored, Tensor, chain};
use wgrad::ops::ColumnSum;
use wgrad::plan::Switches;
use wgrad::verify::{Question, verify};

/// Sine and cosine. |z| is at most 2^13; beyond, the bound is infinite, so that verification refuses the value.
///
/// z is reduced by k pi, k its nearest multiple: pi = 201/64 + LOW, and k 201/64 is exact, as is z less it (Sterbenz; for k = 0
/// there is nothing to subtract). Then Taylor's polynomials on |r| <= pi/2 and a little, and the sign of k.
const SIN_COS: &str = "
fn sin_cos(z: f32) -> vec2<f32> {
    let k = round(z * 0.31830987);
    let r = (z - k * 3.140625) - k * 0.00096765358979;
    let t = r * r;
    let s = r * (1.0 + t * (-0.16666667 + t * (0.008333333 + t * (-0.0001984127 + t * (2.7557319e-6 + t * -2.5052108e-8)))));
    let c = 1.0 + t * (-0.5 + t * (0.041666667 + t * (-0.0013888889 + t * (2.4801587e-5
        + t * (-2.7557319e-7 + t * 2.0876757e-9)))));
    let sign = 1.0 - 2.0 * (abs(k) - 2.0 * floor(0.5 * abs(k)));
    return sign * vec2<f32>(s, c);
}
";

const MAIN: &str = "
struct Params { rows: u32, cols: u32 }
@group(0) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = ((group.z * groups.y + group.y) * groups.x + group.x) * 64u + local;
    if (i < params.rows * params.cols) {
        element(i, i % params.cols);
    }
}
";

/// The text of the kernel of the values.
pub fn value_wgsl() -> String {
    let own = "
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> a: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

fn element(i: u32, j: u32) {
    y[i] = x[i] * sin_cos(a[j] * x[i]).x;
}
";
    format!("{SIN_COS}{MAIN}{own}")
}

/// The text of the kernel of the gradients: with z = a x, dx = dy (sin z + z cos z), and each = dy x^2 cos z, whose column sums are
/// the gradient of a.
pub fn gradient_wgsl() -> String {
    let own = "
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> a: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;
@group(0) @binding(5) var<storage, read_write> each: array<f32>;

fn element(i: u32, j: u32) {
    let z = a[j] * x[i];
    let w = sin_cos(z);
    dx[i] = dy[i] * (w.x + z * w.y);
    each[i] = dy[i] * (x[i] * x[i] * w.y);
}
";
    format!("{SIN_COS}{MAIN}{own}")
}

fn sin_cos_f32(z: f32) -> (f32, f32) {
    let k = (z * 0.318_309_87).round_ties_even();
    let r = (z - k * 3.140_625) - k * 0.000_967_653_6;
    let t = r * r;
    let horner = |coefficients: &[f32]| coefficients.iter().rev().fold(0.0, |sum, c| c + t * sum);
    let s = r * horner(&[1.0, -1.0 / 6.0, 1.0 / 120.0, -1.0 / 5040.0, 1.0 / 362_880.0, -1.0 / 39_916_800.0]);
    let even = [1.0, -0.5, 1.0 / 24.0, -1.0 / 720.0, 1.0 / 40_320.0, -1.0 / 3_628_800.0, 1.0 / 479_001_600.0];
    let sign = 1.0 - 2.0 * (k.abs() - 2.0 * (0.5 * k.abs()).floor());
    (sign * s, sign * horner(&even))
}

fn values<T: Scalar>(call: &mut Call<'_, '_, T>, sin_cos: fn(T) -> (T, T)) {
    let [_, cols] = call.args.sizes();
    let (x, a) = (call.inputs[0].f(), call.inputs[1].f());
    let [y] = call.outputs();
    for (i, y) in y.iter_mut().enumerate() {
        *y = x[i] * sin_cos(a[i % cols] * x[i]).0;
    }
}

fn gradients<T: Scalar>(call: &mut Call<'_, '_, T>, sin_cos: fn(T) -> (T, T)) {
    let [_, cols] = call.args.sizes();
    let (dy, x, a) = (call.inputs[0].f(), call.inputs[1].f(), call.inputs[2].f());
    let [dx, each] = call.outputs();
    for i in 0..dx.len() {
        let z = a[i % cols] * x[i];
        let (s, c) = sin_cos(z);
        dx[i] = dy[i] * (s + z * c);
        each[i] = dy[i] * (x[i] * x[i] * c);
    }
}

/// Sine and cosine of a number that carries an error, as `SIN_COS` computes them.
///
/// - What z carries: both functions have derivatives of at most 1.
/// - The reduction: k LOW is rounded once (u of it), LOW is off by 3e-11, the last difference is rounded once (u |r|). A device may
///   round z / pi to the neighbour of the judge's k where both are about as near; then |r| is larger by 1e-3 at most and k by 1.
/// - The polynomials: the highest coefficient passes 20 roundings at most (its own, one for each factor t, two for each step of
///   Horner's scheme, the last product), and the absolute values of all terms sum up to at most sinh |r| and cosh |r|. The first
///   term left out bounds the rest: r^13 / 13! and r^14 / 14!.
fn sin_cos_carried(z: Carried) -> [Carried; 2] {
    let (value, error) = (z.value, z.error);
    if value.abs() + error > 8192.0 {
        return [value.sin(), value.cos()].map(|value| Carried { value, error: f64::INFINITY });
    }
    let k = (value / std::f64::consts::PI).round();
    let distance = (value - k * std::f64::consts::PI).abs();
    let r = (distance + 2.0 * (1e-3 + error)).min(std::f64::consts::FRAC_PI_2 + 2e-3);
    let reduced = error + (k.abs() + 1.0) * (9.7e-4 * U + 3e-11) + U * r;
    let sine = gamma(20) * r.sinh() + r.powi(13) / 6_227_020_800.0;
    let cosine = gamma(20) * r.cosh() + r.powi(14) / 87_178_291_200.0;
    let carried = |value, own: f64| Carried { value, error: reduced + own + TINY };
    [carried(value.sin(), sine), carried(value.cos(), cosine)]
}

pub fn bound_of_values(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [rows, cols] = call.args.sizes();
    let element = |i: usize| {
        let (x, a) = (Carried::input(&call.inputs[0], i), Carried::input(&call.inputs[1], i % cols));
        let [s, _] = sin_cos_carried(a * x);
        (x * s).error
    };
    vec![(0..rows * cols).map(element).collect()]
}

fn bound_of_gradients(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [rows, cols] = call.args.sizes();
    let element = |i: usize| {
        let [dy, x] = [0, 1].map(|input: usize| Carried::input(&call.inputs[input], i));
        let z = Carried::input(&call.inputs[2], i % cols) * x;
        let [s, c] = sin_cos_carried(z);
        ((dy * (s + z * c)).error, (dy * (x * x * c)).error)
    };
    let (dx, each) = (0..rows * cols).map(element).unzip();
    vec![dx, each]
}

fn elements(args: &Args) -> u64 {
    (args.size(0) * args.size(1)) as u64
}

/// The kernel of the values with this text and bound; the name tells kernels of one text apart.
pub fn value_kernel(name: &'static str, wgsl: String, bound: fn(&BoundCall<'_>) -> Vec<Vec<f64>>) -> Kernel {
    Kernel::define(Definition {
        name,
        wgsl: wgsl.leak(),
        bindings: const { &[read("x"), read("a"), write("y")] },
        params: &["rows", "cols"],
        groups: |args| elements(args).div_ceil(64),
        flops: |args| 20 * elements(args),
        bytes: |args| 8 * elements(args),
        bound_formula: "|x| (gamma(20) sinh r + r^13/13! + what a x carries), r its distance from a multiple of pi",
        bound,
        cpu_f32: |call| values(call, sin_cos_f32),
        cpu_f64: |call| values(call, f64::sin_cos),
        ..Definition::NEW
    })
}

/// The kernel of the gradients.
pub fn gradient_kernel(wgsl: String) -> Kernel {
    Kernel::define(Definition {
        name: "sine_gate_grad",
        wgsl: wgsl.leak(),
        bindings: const { &[read("dy"), read("x"), read("a"), write("dx"), write("each")] },
        params: &["rows", "cols"],
        groups: |args| elements(args).div_ceil(64),
        flops: |args| 40 * elements(args),
        bytes: |args| 16 * elements(args),
        bound_formula: "the formula over values with errors, as sine_gate",
        bound: bound_of_gradients,
        cpu_f32: |call| gradients(call, sin_cos_f32),
        cpu_f64: |call| gradients(call, f64::sin_cos),
        ..Definition::NEW
    })
}

/// `(x [m, n], a [n]) -> y [m, n]`
#[derive(Debug, Clone)]
pub struct SineGate {
    pub value: Kernel,
    pub gradient: Kernel,
    /// A wrong gradient rule, for a control: a's gradient is summed up of dx.
    pub wrong: bool,
}

/// `(dy, x, a) -> (dx, each [m, n])`
#[derive(Debug)]
struct SineGateGrad(Kernel);

impl Default for SineGate {
    fn default() -> SineGate {
        let value = value_kernel("sine_gate", value_wgsl(), bound_of_values);
        SineGate { value, gradient: gradient_kernel(gradient_wgsl()), wrong: false }
    }
}

impl Operation for SineGate {
    fn name(&self) -> String {
        "sine_gate".into()
    }

    fn results(&self, types: &[&TensorType]) -> std::result::Result<Vec<TensorType>, Misfit> {
        let [x, a] = types else { return Err(Misfit::Count("2".into())) };
        if x.shape.len() != 2 || a.shape != [x.shape[1]] {
            return Err(Misfit::Needs("a matrix and one number for each of its columns"));
        }
        Ok(vec![(*x).clone()])
    }

    fn gradient(&self, at: &mut Backward<'_, '_>) -> Gradients {
        let operands = [at.dy()?, at.operand(0), at.operand(1)];
        let dx = at.push(SineGateGrad(self.gradient), &operands, ".grad")?;
        let each = Value { result: usize::from(!self.wrong), ..dx };
        Ok(vec![Some(dx), Some(at.push(ColumnSum, &[each], ".a.grad")?)])
    }

    fn launches(&self, out: &mut Launches<'_>) -> Result<()> {
        let (rows, cols) = out.operands[0].rows_cols();
        let places = vec![Place::Operand(0), Place::Operand(1), Place::Result(0)];
        out.push(self.value, sizes(&[rows, cols]), vec![], places);
        Ok(())
    }
}

impl Operation for SineGateGrad {
    fn name(&self) -> String {
        "sine_gate_grad".into()
    }

    fn results(&self, types: &[&TensorType]) -> std::result::Result<Vec<TensorType>, Misfit> {
        let [_, x, _] = types else { return Err(Misfit::Count("3".into())) };
        Ok(vec![(*x).clone(); 2])
    }

    fn launches(&self, out: &mut Launches<'_>) -> Result<()> {
        let (rows, cols) = out.operands[0].rows_cols();
        let places = (0..3).map(Place::Operand).chain((0..2).map(Place::Result)).collect();
        out.push(self.0, sizes(&[rows, cols]), vec![], places);
        Ok(())
    }
}

/// The module: a gate with one learned number for each column.
#[derive(Debug, Clone, Default)]
pub struct SineGateModule {
    pub operation: SineGate,
}

impl Module for SineGateModule {
    fn name(&self) -> &'static str {
        "sine_gate"
    }

    fn keys(&self) -> Vec<(&'static str, String)> {
        vec![("sine_gate", "true".into())]
    }

    fn stored(&self, inputs: usize) -> Vec<Stored> {
        vec![Stored::constant("a", &[inputs], 1.0)]
    }

    fn forward(&self, scope: &mut Scope<'_>, x: Value) -> Result<Value> {
        let a = scope.stored("a")?;
        scope.push(self.operation.clone(), &[x, a])
    }
}

/// The module with its right kernels.
pub fn gate() -> SineGateModule {
    SineGateModule::default()
}

/// 3 -> 7, the gate, 7 -> 2.
pub fn network(module: SineGateModule) -> Network {
    let layers = [
        Layer::new(Dense::new(7), Activation::Identity),
        Layer::new(module, Activation::Identity),
        Layer::new(Dense::new(2), Activation::Identity),
    ];
    Network { layers: chain(3, &layers).expect("layers that fit"), loss: Loss::Mse }
}

/// 16 samples for it, some of them so large that the gate's arguments lie beyond its first period.
pub fn data() -> Dataset {
    let number = |i: usize| ((i * 7919 + 13) % 1009) as f64 / 252.0 - 2.0;
    let x: Vec<f64> = (0..16 * 3).map(number).collect();
    let y: Vec<f64> = (0..16 * 2).map(|i| number(i + 500)).collect();
    Dataset::numbers(&x, 3, &y, 2)
}

/// Two steps of all samples by Adam.
pub fn question<'a>(network: &'a Network, parameters: &'a [Tensor], data: &'a Dataset) -> Question<'a> {
    Question {
        network,
        rule: Optimizer::adam(0.01).into(),
        parameters,
        data: data.into(),
        batch_size: data.rows,
        seed: 1,
        steps: 2,
        slack: 1.0,
        unfused: false,
        switches: Switches::default(),
    }
}

/// What `verify` finds wrong: the kernel and the fault of the first row that fails.
pub fn failure(network: &Network, device: &Device) -> Option<String> {
    let (parameters, data) = (initial_parameters(&network.layers, 2), data());
    let verdict = pollster::block_on(verify(&question(network, &parameters, &data), device)).expect("steps that run");
    assert_eq!(verdict.passed, verdict.first_fault().is_none());
    verdict.first_fault().map(|(_, row)| format!("{}: {}", row.kernel, row.fault().unwrap_or_default()))
}
