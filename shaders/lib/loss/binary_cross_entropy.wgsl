// binary_cross_entropy: loss_i = mean_j -(t_ij log p_ij + (1 - t_ij) log(1 - p_ij)), with pred = p in [0, 1];
// dpred_ij = upstream_i / cols * (p_ij - t_ij) / max(p_ij (1 - p_ij), 1e-12).
// Numerics: logs are clamped at -100, so that p = 0 and p = 1 give a finite loss. log p near 1 is -log1p((1 - p) / p),
// where 1 - p is exact; log(1 - p) near 0 is -log1p(p / (1 - p)). A p outside [0, 1], tested by bits, gives NaN.
// Below the smallest normal number p counts as 0, since adapters may flush it.
// Source: PyTorch, torch.nn.BCELoss (the clamp of the logs and of the denominator).
//#include math.wgsl

const MEAN: bool = true;

fn probability_is_valid(p: f32) -> bool {
    let bits = bitcast<u32>(p);
    // Non-negative numbers order as their bits do: 0x3f800000 is 1; 0x80000000 is -0.
    return bits <= 0x3f800000u || bits == 0x80000000u;
}

// min(100, -log p); `complement` is 1 - p.
fn negative_log(p: f32, complement: f32) -> f32 {
    if (p >= 0.5) {
        return log1p_safe(quotient(complement, p));
    }
    if (p < 1.1754943508e-38) {
        return 100.0;
    }
    return min(100.0, -log_safe(p));
}

fn element(p: f32, t: f32) -> ElementLoss {
    if (!probability_is_valid(p)) {
        return ElementLoss(loss_nan(), loss_nan());
    }
    let q = 1.0 - p;
    let value = mul_add(t, negative_log(p, q), (1.0 - t) * negative_log(q, p));
    return ElementLoss(value, quotient(p - t, max(p * q, 1e-12)));
}
