//! Which kernel an operation's choice (activation, loss, optimizer) stands for, and with which constants.

use crate::graph::optimizer::HYPER_COLUMNS;
use crate::graph::{self, Activation, Loss, Optimizer};
use crate::kernels::{Act, Dtype, Kernel, Param};

/// Override constants of a dispatch, by name.
pub(super) type Constants = Vec<(&'static str, f64)>;

/// The kernel table's name for an element type.
pub(super) fn element(dtype: graph::Dtype) -> Dtype {
    match dtype {
        graph::Dtype::F32 => Dtype::F32,
        graph::Dtype::U32 => Dtype::U32,
    }
}

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

/// The constant of label smoothing, where there is any.
pub(super) fn smoothing(loss: Loss) -> Option<(&'static str, f64)> {
    Some(("SMOOTHING", loss.smoothing())).filter(|(_, smoothing)| *smoothing != 0.0)
}

/// The kernel of a loss.
pub(super) fn loss_kernel(loss: Loss) -> Kernel {
    match loss {
        Loss::HalfSquaredError => Kernel::half_squared_error,
        Loss::Mse => Kernel::mse,
        Loss::Mae => Kernel::mae,
        Loss::Huber { .. } => Kernel::huber,
        Loss::BinaryCrossEntropy => Kernel::binary_cross_entropy,
        Loss::BceWithLogits => Kernel::bce_with_logits,
        Loss::CrossEntropy { .. } => Kernel::cross_entropy,
        Loss::Hinge => Kernel::hinge,
    }
}

/// The optimizer's kernel and its weight decay.
pub(super) fn update_kernel(optimizer: Optimizer) -> (Kernel, f64) {
    match optimizer {
        Optimizer::Sgd { momentum: 0.0, weight_decay, .. } => (Kernel::sgd_step, weight_decay),
        Optimizer::Sgd { weight_decay, .. } => (Kernel::sgd_momentum_step, weight_decay),
        Optimizer::Adam(a) => (Kernel::adam_step, a.weight_decay),
        Optimizer::AdamW(a) => (Kernel::adamw_step, a.weight_decay),
        Optimizer::NAdam { adam, .. } => (Kernel::nadam_step, adam.weight_decay),
        Optimizer::RmsProp(r) if r.centered => (Kernel::rmsprop_centered_step, r.weight_decay),
        Optimizer::RmsProp(r) if r.momentum != 0.0 => (Kernel::rmsprop_momentum_step, r.weight_decay),
        Optimizer::RmsProp(r) => (Kernel::rmsprop_step, r.weight_decay),
        Optimizer::Adagrad(a) => (Kernel::adagrad_step, a.weight_decay),
        Optimizer::Lion { weight_decay, .. } => (Kernel::lion_step, weight_decay),
    }
}

/// The `Params` struct of the optimizer's kernel: what does not change from step to step.
pub(super) fn update_params(optimizer: Optimizer, len: usize, decay: f64) -> Vec<Param> {
    let head = [Param::U(len as u32), Param::U(HYPER_COLUMNS as u32)];
    let tail = match optimizer {
        Optimizer::Sgd { momentum: 0.0, .. } => vec![Param::F(decay)],
        Optimizer::Sgd { nesterov, .. } => vec![Param::U(u32::from(nesterov)), Param::F(decay)],
        // 1 - beta is taken in f64: in f32 it would lose the digits that beta's rounding cost.
        Optimizer::Adam(a) | Optimizer::AdamW(a) | Optimizer::NAdam { adam: a, .. } => {
            [a.beta2, 1.0 - a.beta2, a.eps, decay].map(Param::F).to_vec()
        }
        Optimizer::RmsProp(r) => [r.alpha, 1.0 - r.alpha, r.eps, decay].map(Param::F).to_vec(),
        Optimizer::Adagrad(a) => [a.eps, decay].map(Param::F).to_vec(),
        Optimizer::Lion { beta2, .. } => [beta2, 1.0 - beta2, decay].map(Param::F).to_vec(),
    };
    head.into_iter().chain(tail).collect()
}
