// find_nonfinite: found[0] = 1 if an element of x is NaN or an infinity; else found[0] stays as it is.
// Shapes: x [n], found [1]. No sums. What lies between n and the next multiple of four is read and not judged.
// Numerics: exact, by bits: `x != x` is optimised away on some drivers (docs/numerics.md).
// Source: IEEE 754-2019, section 3.4: an exponent of ones is an infinity or NaN.
//#include lib/elementwise.wgsl
//#include lib/word4.wgsl

struct Params {
    n: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Word>;
// Atomic because many invocations may write; whoever is first, the result is the same.
@group(0) @binding(2) var<storage, read_write> found: array<atomic<u32>>;

const EXPONENT: vec4<u32> = vec4<u32>(0x7f800000u);

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = element_index(group, groups, local);
    if (4u * i < params.n) {
        let inside = 4u * i + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(params.n);
        let bad = (bitcast<vec4<u32>>(x[i]) & EXPONENT) == EXPONENT;
        if (any(inside & bad)) {
            atomicOr(&found[0], 1u);
        }
    }
}
