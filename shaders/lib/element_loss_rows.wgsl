// The rows of a loss kernel that treats each output by itself. The including shader declares the bindings, the constant
// MEAN and `fn element`.
//#include grid.wgsl
//#include element_loss.wgsl
//#include loss_bindings.wgsl

fn expected_at(i: u32) -> f32 {
    return expected[i];
}

fn element_loss_rows(group: vec3<u32>, groups: vec3<u32>, local: u32) {
    let at = row_lane(group, groups, local);
    let inside = at.row < params.rows;
    var partial = 0.0;
    if (inside) {
        partial = element_loss_lane(at, params.cols, row_upstream(at.row));
    }
    let total = row_sum(partial, local);
    if (inside && at.lane == 0u) {
        loss[at.row] = element_loss_mean(total, params.cols);
    }
}
