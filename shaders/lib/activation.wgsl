// The activation of a fused epilogue and its derivative, chosen by a constant of the pipeline, so that the compiler keeps one
// branch. `activate_as` and `derivative_as` switch over all activations (`Activation::code`); their text is made from the rows in
// src/kernels/activation.rs.
//#include activations

override ACT: u32 = 0u;
override SLOPE: f32 = 0.0;

fn activate(x: f32) -> f32 {
    return activate_as(ACT, SLOPE, x);
}

fn activate_derivative(x: f32) -> f32 {
    return derivative_as(ACT, SLOPE, x);
}
