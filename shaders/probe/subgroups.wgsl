// subgroups: sizes[2 i] = the subgroup size that invocation i is told, sizes[2 i + 1] = invocations it counts there.
// Shapes: sizes [2 * 64 * groups]. Needs the feature subgroups; naga knows the built-ins without `enable subgroups;`.

@group(0) @binding(0) var<storage, read_write> sizes: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(subgroup_size) size: u32) {
    sizes[2u * id.x] = size;
    sizes[2u * id.x + 1u] = subgroupAdd(1u);
}
