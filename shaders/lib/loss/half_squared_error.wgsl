// half_squared_error: loss_i = sum_j (t_ij - y_ij)^2 / 2; dpred_ij = upstream_i * (y_ij - t_ij).
// Numerics: one rounding for the difference, which the square doubles.
// Source: Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors", Nature 323 (1986).

const MEAN: bool = false;

fn element(y: f32, t: f32) -> ElementLoss {
    let d = y - t;
    return ElementLoss(0.5 * d * d, d);
}
