// huber of one output and its derivative; formula, numerics and source stand in huber.wgsl.
//#include element.wgsl

fn huber_element(y: f32, t: f32, delta: f32) -> ElementLoss {
    let d = y - t;
    let a = abs(d);
    let value = select(delta * (a - 0.5 * delta), 0.5 * d * d, a <= delta);
    return ElementLoss(value, clamp(d, -delta, delta));
}
