// groups: seen[g] = g + 1, with g the number of the workgroup along the dimension AXIS.
// Shapes: seen [groups]. A workgroup that does not run leaves a zero.

override AXIS: u32 = 0u;

@group(0) @binding(0) var<storage, read_write> seen: array<u32>;

@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) group: vec3<u32>) {
    let g = group[AXIS];
    seen[g] = g + 1u;
}
