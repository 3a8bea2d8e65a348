// weighted_sum: log[step] = sum of weight * x with this step's row of the weight table; then the step is over.
// Shapes: x [n], weight [steps, weight_stride], log [steps], step [1]. One workgroup.
// With weights 1 / batch (0 for padding) this is the mean loss of the batch.
// Order of sums: invocation j adds elements j, j + 64, ... in rising order; then a tree over the 64 invocations.
// Numerics: gamma(ceil(n / 64) + 7) * sum|weight||x|.
// Source: Higham, "Accuracy and Stability of Numerical Algorithms", section 4.2.

const LANES: u32 = 64u;

struct Params {
    n: u32,
    weight_stride: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> log: array<f32>;
@group(0) @binding(4) var<storage, read_write> step: array<u32>;

var<workgroup> sums: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    let now = step[0];
    var total = 0.0;
    for (var i = local; i < params.n; i += LANES) {
        let w = weight[now * params.weight_stride + i];
        // A padding sample counts nothing, whatever its loss is: 0 * infinity would be NaN.
        total += select(w * x[i], 0.0, w == 0.0);
    }
    sums[local] = total;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        if (local < half) {
            sums[local] += sums[local + half];
        }
        workgroupBarrier();
    }
    if (local == 0u) {
        log[now] = sums[0];
        step[0] = now + 1u;
    }
}
