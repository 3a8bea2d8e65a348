// mae: loss_i = mean_j |y_ij - t_ij|; dpred_ij = upstream_i / cols * sign(y_ij - t_ij).
// Numerics: the derivative at the kink y = t is 0; the sign of a rounded difference is exact.
// Source: P. Bloomfield and W. Steiger, "Least Absolute Deviations" (1983).

const MEAN: bool = true;

fn element(y: f32, t: f32) -> ElementLoss {
    let d = y - t;
    return ElementLoss(abs(d), select(select(0.0, -1.0, d < 0.0), 1.0, d > 0.0));
}
