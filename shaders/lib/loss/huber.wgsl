// huber: loss_i = mean_j h(y_ij - t_ij), h(d) = d^2 / 2 for |d| <= delta, delta (|d| - delta / 2) outside;
// dpred_ij = upstream_i / cols * clamp(y_ij - t_ij, -delta, delta).
// Numerics: h and h' are continuous where the branches meet, so a rounded |d| on the wrong side costs nothing.
// Source: P. J. Huber, "Robust Estimation of a Location Parameter", Ann. Math. Statist. 35 (1964).

const MEAN: bool = true;
override DELTA: f32 = 1.0;

fn element(y: f32, t: f32) -> ElementLoss {
    let d = y - t;
    let a = abs(d);
    let value = select(DELTA * mul_add(-0.5, DELTA, a), 0.5 * d * d, a <= DELTA);
    return ElementLoss(value, clamp(d, -DELTA, DELTA));
}
