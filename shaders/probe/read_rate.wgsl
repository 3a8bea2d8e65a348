// read_rate: y[i] = the sum of every STRIDE-th vector of x from the i-th on, PASSES times over.
// Shapes: x [n] vectors of four, y [STRIDE], one invocation an element of y. Neighbours read neighbouring vectors.

override STRIDE: u32 = 64u;
override PASSES: u32 = 1u;

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let n = arrayLength(&x);
    var sum = vec4<f32>();
    for (var pass_index = 0u; pass_index < PASSES; pass_index++) {
        for (var i = id.x; i < n; i += STRIDE) {
            sum += x[i];
        }
    }
    y[id.x] = sum.x + sum.y + sum.z + sum.w;
}
