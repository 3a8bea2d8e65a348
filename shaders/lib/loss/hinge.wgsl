// hinge: loss_i = mean_j max(0, 1 - t_ij y_ij) for targets -1 and 1; dpred_ij = upstream_i / cols * (-t_ij) where
// 1 - t_ij y_ij > 0, else 0.
// Numerics: the derivative at the kink is 0; for targets -1 and 1 the product is exact and the side of the kink too.
// Source: C. Cortes and V. Vapnik, "Support-Vector Networks", Machine Learning 20 (1995).

const MEAN: bool = true;

fn element(y: f32, t: f32) -> ElementLoss {
    let margin = mul_add(-t, y, 1.0);
    let outside = margin <= 0.0;
    return ElementLoss(select(margin, 0.0, outside), select(-t, 0.0, outside));
}
