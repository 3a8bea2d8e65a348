// One lane's part of a row, for the losses that treat each output by itself. The including shader defines where operands
// lie (`pred_at`, `expected_at`, `set_dpred`), the constant MEAN (mean over the outputs, or sum) and
// `fn element(y: f32, t: f32) -> ElementLoss`.
// Numerics: a NaN in y or t makes loss and gradient NaN, also where a comparison or a clamp would have eaten it.
//#include loss.wgsl
//#include element.wgsl

// Writes the gradients of the lane's columns and returns the sum of their losses.
fn element_loss_lane(at: RowLane, cols: u32, given: f32) -> f32 {
    let scale = select(given, quotient(given, f32(cols)), MEAN);
    var partial = 0.0;
    for (var j = at.lane; j < cols; j += LANES) {
        let i = at.row * cols + j;
        let y = pred_at(i);
        let t = expected_at(i);
        var e = element(y, t);
        if (is_nan_bits(y) || is_nan_bits(t)) {
            e = ElementLoss(loss_nan(), loss_nan());
        }
        partial += e.loss;
        set_dpred(i, scaled(e.slope, scale));
    }
    return partial;
}

// The row's loss from the sum over its columns.
fn element_loss_mean(total: f32, cols: u32) -> f32 {
    return select(total, quotient(total, f32(cols)), MEAN);
}
