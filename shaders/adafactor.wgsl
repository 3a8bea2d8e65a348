// adafactor: the passes of a step of one parameter. With G the gradient [R, C], w = t^beta2_decay and eps1, eps2, d the optimizer's:
// the means over rows and columns of G^2, R_i and C_j, are averaged, R = (1 - w) R + w mean(G^2); V_ij = R_i C_j / max(mean(R), eps1),
// or, for a vector, the averaged G^2 itself; U = G / sqrt(max(V, eps1^2)); the parameter becomes
// p (1 - lr weight_decay) - max(eps2, rms(p)) rho / max(1, rms(U) / d) U with rho = min(lr, 1 / sqrt(t)).
// Shapes: with each pass. Numerics: w, 1 - w and rho come from the host. Every comparison lets NaN through, which max may not.
// Source: N. Shazeer and M. Stern, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost", ICML (2018), arXiv:1804.04235;
// PyTorch, torch.optim.Adafactor, which takes eps1 where this does.
//#include lib/arithmetic.wgsl
//#include lib/elementwise.wgsl

//#kernel adafactor_moment
// moment_oi = (1 - w) moment_oi + w mean_k(grad_oki^2), over one axis of the gradient.
// Shapes: grad [outer, count, inner], moment [outer, inner]; hyper [steps, hyper_stride]. Order of sums: rising k.
//#include lib/optimizer/hyper.wgsl

struct Params {
    outer: u32,
    hyper_stride: u32,
    count: u32,
    inner: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> hyper: array<f32>;
@group(0) @binding(3) var<storage, read> grad: array<f32>;
@group(0) @binding(4) var<storage, read_write> moment: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = element_index(group, groups, local);
    if (i >= params.outer * params.inner) {
        return;
    }
    let h = hyper_at(step[0] * params.hyper_stride);
    let first = i / params.inner * params.count * params.inner + i % params.inner;
    var sum = 0.0;
    for (var k = 0u; k < params.count; k++) {
        let g = grad[first + k * params.inner];
        sum = mul_add(g, g, sum);
    }
    let mean = quotient(sum, f32(params.count));
    moment[i] = mul_add(h.one_minus_momentum, mean, h.momentum * moment[i]);
}

//#kernel adafactor_direction
// direction = grad / sqrt(max(V, eps1^2)); V from the moments of rows and columns, or, without FACTORED, the moment of each number.
// Shapes: grad, direction [rows, cols]; row [rows]; column [cols]; total [1], the sum of row over all rows of the parameter.

struct Params {
    rows: u32,
    cols: u32,
    all_rows: u32,
    eps1: f32,
    square_eps1: f32,
}

override FACTORED: bool = true;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grad: array<f32>;
@group(0) @binding(2) var<storage, read> row: array<f32>;
@group(0) @binding(3) var<storage, read> column: array<f32>;
@group(0) @binding(4) var<storage, read> total: array<f32>;
@group(0) @binding(5) var<storage, read_write> direction: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = element_index(group, groups, local);
    if (i >= params.rows * params.cols) {
        return;
    }
    var v = row[i / params.cols];
    if (FACTORED) {
        let mean = quotient(total[0], f32(params.all_rows));
        v = quotient(v, select(mean, params.eps1, mean < params.eps1)) * column[i % params.cols];
    }
    direction[i] = grad[i] * inverse_root(select(v, params.square_eps1, v < params.square_eps1));
}

//#kernel adafactor_step
// param = param (1 - lr weight_decay) - max(eps2, rms(param)) rho / max(1, rms(direction) / d) direction.
// Shapes: direction, param [n]; squares, size [1], the sums of the squares of direction and of param over all `count` elements; hyper
// [steps, hyper_stride], rho in the place of step_size. No sums.
//#include lib/optimizer/hyper.wgsl

struct Params {
    n: u32,
    hyper_stride: u32,
    count: u32,
    eps2: f32,
    d: f32,
    weight_decay: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> hyper: array<f32>;
@group(0) @binding(3) var<storage, read> direction: array<f32>;
@group(0) @binding(4) var<storage, read> squares: array<f32>;
@group(0) @binding(5) var<storage, read> size: array<f32>;
@group(0) @binding(6) var<storage, read_write> param: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = element_index(group, groups, local);
    if (i >= params.n) {
        return;
    }
    let h = hyper_at(step[0] * params.hyper_stride);
    let count = f32(params.count);
    let rms = root(quotient(size[0], count));
    let alpha = select(rms, params.eps2, rms < params.eps2) * h.step_size;
    let beyond = quotient(root(quotient(squares[0], count)), params.d);
    let factor = quotient(alpha, select(beyond, 1.0, beyond < 1.0));
    let shrunk = param[i] * mul_add(-h.lr, params.weight_decay, 1.0);
    param[i] = mul_add(-factor, direction[i], shrunk);
}
