// binary_cross_entropy of one output and its derivative; formula, numerics and source stand in binary_cross_entropy.wgsl.
//#include element.wgsl
//#include math.wgsl

fn probability_is_valid(p: f32) -> bool {
    let bits = bitcast<u32>(p);
    // Non-negative numbers order as their bits do: 0x3f800000 is 1; 0x80000000 is -0.
    return bits <= 0x3f800000u || bits == 0x80000000u;
}

// min(100, -log p); `complement` is 1 - p.
fn negative_log(p: f32, complement: f32) -> f32 {
    if (p >= 0.5) {
        return log1p_safe(complement / p);
    }
    if (p < 1.1754943508e-38) {
        return 100.0;
    }
    return min(100.0, -log_safe(p));
}

fn binary_cross_entropy_element(p: f32, t: f32) -> ElementLoss {
    if (!probability_is_valid(p)) {
        return ElementLoss(loss_nan(), loss_nan());
    }
    let q = 1.0 - p;
    let value = t * negative_log(p, q) + (1.0 - t) * negative_log(q, p);
    return ElementLoss(value, (p - t) / max(p * q, 1e-12));
}
