// The loop of the losses that treat each output by itself. The including shader declares the bindings, the constant
// MEAN (mean over the outputs, or sum) and `fn element(y: f32, t: f32) -> ElementLoss`.
// Numerics: a NaN in y or t makes loss and gradient NaN, also where a comparison or a clamp would have eaten it.
//#include loss.wgsl

struct ElementLoss {
    loss: f32,
    slope: f32,
}

fn element_loss_rows(group: vec3<u32>, groups: vec3<u32>, local: u32) {
    let at = row_lane(group, groups, local);
    let inside = at.row < params.rows;
    var partial = 0.0;
    if (inside) {
        let given = row_upstream(at.row);
        let scale = select(given, given / f32(params.cols), MEAN);
        for (var j = at.lane; j < params.cols; j += LANES) {
            let i = at.row * params.cols + j;
            let y = pred[i];
            let t = expected[i];
            var e = element(y, t);
            if (is_nan_bits(y) || is_nan_bits(t)) {
                e = ElementLoss(loss_nan(), loss_nan());
            }
            partial += e.loss;
            dpred[i] = scaled(e.slope, scale);
        }
    }
    let total = row_sum(partial, local);
    if (inside && at.lane == 0u) {
        loss[at.row] = select(total, total / f32(params.cols), MEAN);
    }
}
