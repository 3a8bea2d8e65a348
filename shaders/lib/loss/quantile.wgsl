// quantile: loss_i = mean_j max(q (t_ij - y_ij), (q - 1) (t_ij - y_ij)), the pinball loss; dpred_ij = upstream_i / cols * s with
// s = -q where y_ij < t_ij, 1 - q where y_ij > t_ij.
// Numerics: at the kink y = t the derivative is the mean of both, 1/2 - q; the sign of a rounded difference is exact.
// Source: R. Koenker and G. Bassett, "Regression Quantiles", Econometrica 46 (1978).

const MEAN: bool = true;
override QUANTILE: f32 = 0.5;

fn element(y: f32, t: f32) -> ElementLoss {
    let d = y - t;
    let above = 1.0 - QUANTILE;
    let slope = select(select(0.5 - QUANTILE, -QUANTILE, d < 0.0), above, d > 0.0);
    return ElementLoss(select(QUANTILE, above, d > 0.0) * abs(d), slope);
}
