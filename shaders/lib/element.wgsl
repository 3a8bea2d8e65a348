// Loss of one output and its derivative by that output.
struct ElementLoss {
    loss: f32,
    slope: f32,
}

// A quiet NaN; the variable makes it a run-time value.
fn loss_nan() -> f32 {
    var bits = 0x7fc00000u;
    return bitcast<f32>(bits);
}
