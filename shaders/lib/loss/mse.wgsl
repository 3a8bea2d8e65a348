// mse: loss_i = mean_j (y_ij - t_ij)^2; dpred_ij = upstream_i / cols * 2 (y_ij - t_ij).
// Numerics: one rounding for the difference, which the square doubles.
// Source: C. M. Bishop, "Pattern Recognition and Machine Learning" (2006), section 1.1 (sum-of-squares error).

const MEAN: bool = true;

fn element(y: f32, t: f32) -> ElementLoss {
    let d = y - t;
    return ElementLoss(d * d, 2.0 * d);
}
