// operations: y = f(a, b, c), with f the operation, built-in or library function that `code` selects.
// Shapes: code, a, b, c, y [n]. No sums.
// Numerics: whatever the driver makes of it; that is what is measured. The codes are those of
// `src/verify/numerics/operation.rs`. The operands come from memory, so that nothing is folded at compile time.
//#include lib/elementwise.wgsl
//#include lib/activation.wgsl

@group(0) @binding(0) var<storage, read> code: array<u32>;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read> c: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

fn arithmetic(op: u32, p: f32, q: f32, r: f32) -> f32 {
    switch op {
        case 0u: { return p + q; }
        case 1u: { return p - q; }
        case 2u: { return p * q; }
        case 3u: { return p / q; }
        case 4u: { return fma(p, q, r); }
        case 5u: { return p * q + r; }
        case 6u: { return min(p, q); }
        case 7u: { return max(p, q); }
        case 8u: { return clamp(p, q, r); }
        default: { return p; }
    }
}

fn built_in(op: u32, x: f32) -> f32 {
    switch op {
        case 16u: { return sqrt(x); }
        case 17u: { return exp(x); }
        case 18u: { return log(x); }
        case 19u: { return tanh(x); }
        case 20u: { return log(1.0 + x); }
        case 21u: { return 1.0 / (1.0 + exp(-x)); }
        case 22u: { return floor(x); }
        case 23u: { return abs(x); }
        default: { return x; }
    }
}

fn library(op: u32, x: f32) -> f32 {
    switch op {
        case 32u: { return exp_safe(x); }
        case 33u: { return log_safe(x); }
        case 34u: { return log1p_safe(x); }
        case 35u: { return tanh_safe(x); }
        case 36u: { return normal_cdf(x); }
        case 37u: { return sigmoid_value(x); }
        case 38u: { return relu_value(x); }
        default: { return x; }
    }
}

// Tests of a number, each 0 or 1.
fn predicate(op: u32, x: f32) -> bool {
    switch op {
        case 48u: { return x != x; }
        case 49u: { return !(x == x); }
        case 50u: { return is_nan_bits(x); }
        case 51u: { return is_finite_bits(x); }
        case 52u: { return abs(x) <= 3.4028234e38; }
        case 53u: { return x <= 0.0; }
        case 54u: { return x > 0.0; }
        default: { return false; }
    }
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = element_index(group, groups, local);
    if (i >= arrayLength(&y)) {
        return;
    }
    let op = code[i];
    switch op >> 4u {
        case 0u: { y[i] = arithmetic(op, a[i], b[i], c[i]); }
        case 1u: { y[i] = built_in(op, a[i]); }
        case 2u: { y[i] = library(op, a[i]); }
        case 3u: { y[i] = select(0.0, 1.0, predicate(op, a[i])); }
        // A plain copy: what loads and stores do to the bits.
        default: { y[i] = a[i]; }
    }
}
