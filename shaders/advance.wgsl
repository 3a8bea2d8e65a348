// advance: step += 1, the last dispatch of a plan that logs no loss.
// Shapes: step [1]. No sums.
// Numerics: none.
// Source: none needed.

struct Params {
    by: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> step: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    if (local == 0u) {
        step[0] += params.by;
    }
}
