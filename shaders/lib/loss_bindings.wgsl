// Where a loss kernel finds its operands: in the bindings step, pred, upstream and dpred that the including shader declares.
// The upstream gradient of sample `row`: a row of a table for each training step, or one tensor (stride 0).
fn row_upstream(row: u32) -> f32 {
    return upstream[step[0] * params.upstream_stride + row];
}

fn pred_at(i: u32) -> f32 {
    return pred[i];
}

fn dpred_at(i: u32) -> f32 {
    return dpred[i];
}

fn set_dpred(i: u32, value: f32) {
    dpred[i] = value;
}
