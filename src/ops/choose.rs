//! Which kernel an operation's choice (activation) stands for, and with which constants.

use crate::graph::Activation;
use crate::graph::launch::sizes;
use crate::kernels::{Act, Kernel, Param, row_lanes};
use crate::target::Constants;

/// The override constants of a fused epilogue.
pub(super) fn act_constants(act: Act) -> Constants {
    vec![("ACT", f64::from(act.code())), ("SLOPE", act.slope())]
}

/// The epilogue's form of an activation.
pub(crate) fn elementwise(activation: Activation) -> Act {
    match activation {
        Activation::Identity => Act::Identity,
        Activation::Sigmoid => Act::Sigmoid,
        Activation::Tanh => Act::Tanh,
        Activation::Relu => Act::Relu,
        Activation::LeakyRelu { slope } => Act::LeakyRelu(slope),
        Activation::Gelu => Act::Gelu,
        Activation::GeluTanh => Act::GeluTanh,
        Activation::Silu => Act::Silu,
        Activation::Softplus => Act::Softplus,
        Activation::Softmax => unreachable!("softmax works on rows and is never part of an epilogue"),
    }
}

/// The kernel of an activation or of its gradient.
pub(super) fn activation_kernel(activation: Activation, grad: bool) -> Kernel {
    let (value, gradient) = match activation {
        Activation::Identity => (Kernel::identity, Kernel::identity_grad),
        Activation::Sigmoid => (Kernel::sigmoid, Kernel::sigmoid_grad),
        Activation::Tanh => (Kernel::tanh, Kernel::tanh_grad),
        Activation::Relu => (Kernel::relu, Kernel::relu_grad),
        Activation::LeakyRelu { .. } => (Kernel::leaky_relu, Kernel::leaky_relu_grad),
        Activation::Gelu => (Kernel::gelu, Kernel::gelu_grad),
        Activation::GeluTanh => (Kernel::gelu_tanh, Kernel::gelu_tanh_grad),
        Activation::Silu => (Kernel::silu, Kernel::silu_grad),
        Activation::Softplus => (Kernel::softplus, Kernel::softplus_grad),
        Activation::Softmax => (Kernel::softmax, Kernel::softmax_grad),
    };
    if grad { gradient } else { value }
}

/// Parameters and constants of an activation's kernel, or of its gradient's, over a matrix.
pub(super) fn activation_constants(activation: Activation, (rows, cols): (usize, usize)) -> (Vec<Param>, Constants) {
    match activation {
        Activation::Softmax => (sizes(&[rows, cols]), vec![("LANES", row_lanes(cols) as f64)]),
        Activation::LeakyRelu { slope } => (vec![Param::U((rows * cols) as u32), Param::F(slope)], vec![]),
        _ => (sizes(&[rows * cols]), vec![]),
    }
}
