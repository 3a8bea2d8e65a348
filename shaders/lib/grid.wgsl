// Grids are one-dimensional in meaning and folded over x, y and z, because a dimension holds at most 65,535 groups.
// The last rows of the fold may be incomplete: the caller compares the index with its own count.
fn group_index(group: vec3<u32>, groups: vec3<u32>) -> u32 {
    return (group.z * groups.y + group.y) * groups.x + group.x;
}
