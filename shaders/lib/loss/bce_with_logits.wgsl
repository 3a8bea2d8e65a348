// bce_with_logits: loss_i = mean_j (1 - t_ij) softplus(z_ij) + t_ij softplus(-z_ij), with pred = z the logits;
// dpred_ij = upstream_i / cols * ((1 - t_ij) s(z_ij) - t_ij s(-z_ij)), s the sigmoid.
// Numerics: softplus(z) = max(z, 0) + log1p(exp(-|z|)): exp never overflows; for t in [0, 1] both terms of the loss are
// positive, so it keeps full relative precision where max(z, 0) - z t + log1p(exp(-|z|)) cancels. s(-z) is computed by
// itself: 1 - s(z) loses all digits where s(z) rounds to 1.
// Source: P. Blanchard, D. J. Higham and N. J. Higham, "Accurately computing the log-sum-exp and softmax functions",
// IMA J. Numer. Anal. 41 (2021), for two terms; PyTorch, torch.nn.BCEWithLogitsLoss (the definition).
//#include math.wgsl

const MEAN: bool = true;

fn element(z: f32, t: f32) -> ElementLoss {
    let e = exp_safe(-abs(z));
    let tail = log1p_safe(e);
    let value = mul_add(1.0 - t, max(z, 0.0) + tail, t * (max(-z, 0.0) + tail));
    let larger = quotient(1.0, 1.0 + e);
    let smaller = quotient(e, 1.0 + e);
    let up = select(smaller, larger, z >= 0.0);
    let down = select(larger, smaller, z >= 0.0);
    return ElementLoss(value, mul_add(1.0 - t, up, -(t * down)));
}
