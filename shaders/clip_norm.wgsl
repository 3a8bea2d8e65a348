// clip_norm: y = x * min(1, max_norm / (sqrt(total) + 1e-6)), total the sum of the squares of all gradients.
// Shapes: x, y [n], total [1]. No sums.
// Numerics: the factor is within SQRT + DIV + 2u of itself, and 1 exactly where it is greater; the comparison lets NaN through.
// sqrt is the built-in; 0 is kept out of it, because 1 / inverseSqrt(0) divides by an infinity.
// Source: R. Pascanu, T. Mikolov and Y. Bengio, "On the difficulty of training recurrent neural networks" (2013); PyTorch,
// torch.nn.utils.clip_grad_norm_.
//#include lib/arithmetic.wgsl
//#include lib/elementwise.wgsl

// PyTorch's, against a norm of 0.
const EPS: f32 = 1e-6;

struct Params {
    n: u32,
    max_norm: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> total: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = element_index(group, groups, local);
    if (i < params.n) {
        let squares = total[0];
        let norm = root(squares);
        let factor = quotient(params.max_norm, norm + EPS);
        y[i] = x[i] * select(factor, 1.0, factor > 1.0);
    }
}
