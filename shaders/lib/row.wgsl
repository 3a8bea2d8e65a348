// Rows that one invocation works on (LANES = 1, 64 rows a workgroup) or a workgroup of 64 (LANES = 64), whose lanes stride over
// the columns.
// Order of sums: LANES = 1: by column. LANES = 64: each lane by column, then a fixed tree of halves over the lanes.
//#include arithmetic.wgsl
//#include grid.wgsl

override LANES: u32 = 1u;
const ROW_GROUP: u32 = 64u;

var<workgroup> row_partial: array<f32, ROW_GROUP>;

fn row_of(group: vec3<u32>, groups: vec3<u32>, local: u32) -> u32 {
    return group_index(group, groups) * (ROW_GROUP / LANES) + local / LANES;
}

// The sum of `value` over the lanes of a row. Every invocation of the workgroup must call this.
fn row_sum(value: f32, local: u32) -> f32 {
    if (LANES == 1u) {
        return value;
    }
    row_partial[local] = value;
    workgroupBarrier();
    for (var width = ROW_GROUP / 2u; width > 0u; width = width / 2u) {
        if (local < width) {
            row_partial[local] += row_partial[local + width];
        }
        workgroupBarrier();
    }
    let total = row_partial[0];
    // The next sum writes where this one is read.
    workgroupBarrier();
    return total;
}
