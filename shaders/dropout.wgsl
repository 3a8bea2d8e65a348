// dropout: y = scale * x where the element's random word is at least threshold, 0 elsewhere. With threshold = p 2^32 and
// scale = 1 / (1 - p) an element is dropped with probability p and the mean stays. The gradient is the same dispatch on dy:
// the mask is computed again instead of kept.
// Shapes: x, y [n]; random [steps, 4], this step's counter (two upper words) and key. No sums.
// Random numbers: word i % 4 of Philox for the counter (i / 4, layer, random[0], random[1]), i counted from the tensor's start:
// first is where a block begins, a multiple of 4. An invocation computes four elements.
// Numerics: one product; a dropped element is exactly 0, whatever it was.
// Source: N. Srivastava et al., "Dropout", JMLR 15 (2014), in the inverted form; Philox: lib/philox.wgsl.
//#include lib/elementwise.wgsl
//#include lib/philox.wgsl

struct Params {
    n: u32,
    first: u32,
    layer: u32,
    threshold: u32,
    scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> random: array<u32>;
@group(0) @binding(3) var<storage, read> x: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let start = 4u * element_index(group, groups, local);
    if (start >= params.n) {
        return;
    }
    let row = 4u * step[0];
    let counter = vec4<u32>((params.first + start) / 4u, params.layer, random[row], random[row + 1u]);
    let words = philox(counter, vec2<u32>(random[row + 2u], random[row + 3u]));
    let end = min(params.n - start, 4u);
    for (var i = 0u; i < end; i++) {
        y[start + i] = select(0.0, params.scale * x[start + i], words[i] >= params.threshold);
    }
}
