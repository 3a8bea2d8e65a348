// mse of one output and its derivative; formula, numerics and source stand in mse.wgsl.
//#include element.wgsl

fn mse_element(y: f32, t: f32) -> ElementLoss {
    let d = y - t;
    return ElementLoss(d * d, 2.0 * d);
}
