// mae of one output and its derivative; formula, numerics and source stand in mae.wgsl.
//#include element.wgsl

fn mae_element(y: f32, t: f32) -> ElementLoss {
    let d = y - t;
    return ElementLoss(abs(d), select(select(0.0, -1.0, d < 0.0), 1.0, d > 0.0));
}
