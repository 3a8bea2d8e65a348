// write_rate: y[i] = i, in vectors of four.
// Shapes: y [n] vectors; each of STRIDE invocations writes every STRIDE-th vector. Neighbours write neighbouring vectors.

override STRIDE: u32 = 64u;

@group(0) @binding(0) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let n = arrayLength(&y);
    for (var i = id.x; i < n; i += STRIDE) {
        y[i] = vec4<f32>(f32(i));
    }
}
