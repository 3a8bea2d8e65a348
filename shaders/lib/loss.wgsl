// Rows of the loss kernels: who works on which row, the sum over a row, the product with the upstream gradient.
// A row belongs to one invocation (LANES = 1, 64 rows a workgroup) or to a workgroup of 64 (LANES = 64), whose lanes
// stride over the columns.
// Order of sums: LANES = 1: by column. LANES = 64: each lane by column, then a fixed tree of halves over the lanes.
// Numerics: NaN is tested and made by bits, since naga writes x != x as an ordered comparison and WGSL refuses constant NaNs.
//#include grid.wgsl
//#include math.wgsl
//#include element.wgsl

override LANES: u32 = 1u;
const ROW_GROUP: u32 = 64u;

struct RowLane {
    row: u32,
    lane: u32,
}

fn row_lane(group: vec3<u32>, groups: vec3<u32>, local: u32) -> RowLane {
    let rows_per_group = ROW_GROUP / LANES;
    return RowLane(group_index(group, groups) * rows_per_group + local / LANES, local % LANES);
}

var<workgroup> row_partial: array<f32, ROW_GROUP>;

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
    return row_partial[0];
}

// slope * scale, exactly 0 for scale = 0: padding rows may hold anything, and 0 * inf is NaN.
fn scaled(slope: f32, scale: f32) -> f32 {
    return select(slope * scale, 0.0, scale == 0.0);
}
