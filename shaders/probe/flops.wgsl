// flops: y[i] = the sum of 12 chains s <- a s + b of 8 ROUNDS steps each, which no compiler can shorten.
// Shapes: y [n], one invocation an element: 192 FLOPs a round. Twelve independent chains hide the latency of a multiply-add
// (4 or 5 cycles, two a cycle on a CPU) and leave registers free even where a processor has only 16. Eight steps a round,
// because a software rasteriser keeps the variables of a loop in memory between its rounds.

override ROUNDS: u32 = 128u;
// 1: fma(), one rounding; 0: a product and a sum, for drivers that emulate fma().
override FUSED: u32 = 1u;

@group(0) @binding(0) var<storage, read_write> y: array<f32>;

fn step(s: vec4<f32>, a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
    if (FUSED == 1u) {
        return fma(s, a, b);
    }
    return s * a + b;
}

fn eight(s: vec4<f32>, a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
    let half = step(step(step(step(s, a, b), a, b), a, b), a, b);
    return step(step(step(step(half, a, b), a, b), a, b), a, b);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    // From memory, so that nothing is known when the shader is compiled; |a| < 1 keeps the sums finite.
    let a = vec4<f32>(y[id.x] + 0.5);
    let b = vec4<f32>(y[id.x] + 0.25);
    var s0 = b;
    var s1 = b + 1.0;
    var s2 = b + 2.0;
    for (var round = 0u; round < ROUNDS; round++) {
        s0 = eight(s0, a, b);
        s1 = eight(s1, a, b);
        s2 = eight(s2, a, b);
    }
    let s = s0 + s1 + s2;
    y[id.x] = (s.x + s.y + s.z + s.w) * 1e-30;
}
