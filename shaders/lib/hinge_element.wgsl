// hinge of one output and its derivative; formula, numerics and source stand in hinge.wgsl.
//#include element.wgsl

fn hinge_element(y: f32, t: f32) -> ElementLoss {
    let margin = 1.0 - t * y;
    let outside = margin <= 0.0;
    return ElementLoss(select(margin, 0.0, outside), select(-t, 0.0, outside));
}
