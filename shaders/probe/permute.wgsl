// permute: after[i] = before[(40503 i + 12345) mod n] * 1664525 + i.
// Shapes: before, after [n], n a power of two, so that the odd factor makes a permutation. Every element comes from
// another workgroup of the dispatch before: a write that is not yet visible changes all that follows.

@group(0) @binding(0) var<storage, read> before: array<u32>;
@group(0) @binding(1) var<storage, read_write> after: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let n = arrayLength(&after);
    if (id.x < n) {
        after[id.x] = before[(id.x * 40503u + 12345u) % n] * 1664525u + id.x;
    }
}
