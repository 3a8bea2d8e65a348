// bce_with_logits of one output and its derivative; formula, numerics and source stand in bce_with_logits.wgsl.
//#include element.wgsl
//#include math.wgsl

fn bce_with_logits_element(z: f32, t: f32) -> ElementLoss {
    let e = exp_safe(-abs(z));
    let tail = log1p_safe(e);
    let value = (1.0 - t) * (max(z, 0.0) + tail) + t * (max(-z, 0.0) + tail);
    let larger = 1.0 / (1.0 + e);
    let smaller = e / (1.0 + e);
    let up = select(smaller, larger, z >= 0.0);
    let down = select(larger, smaller, z >= 0.0);
    return ElementLoss(value, (1.0 - t) * up - t * down);
}
