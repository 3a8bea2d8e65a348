// half_squared_error of one output and its derivative; formula, numerics and source stand in half_squared_error.wgsl.
//#include element.wgsl

fn half_squared_error_element(y: f32, t: f32) -> ElementLoss {
    let d = y - t;
    return ElementLoss(0.5 * d * d, d);
}
