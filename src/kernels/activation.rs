//! Activations and their gradients, element by element.

use super::cpu;
use super::definition::{Definition, Follow, kernels, read, write};

const UNARY: Definition = Definition {
    bindings: &[read("x"), write("y")],
    bytes: |a| 8 * a.count(0),
    split: Follow::elements::<2>,
    ..Definition::ELEMENT_WISE
};
const GRADIENT: Definition = Definition {
    bindings: &[read("dy"), read("x"), write("dx")],
    flops: |a| 2 * a.count(0),
    bytes: |a| 12 * a.count(0),
    split: Follow::elements::<3>,
    ..Definition::ELEMENT_WISE
};

kernels! {
    identity: "identity.wgsl", cpu::identity::identity, cpu::identity::bound, "0" { ..UNARY }
    identity_grad: "identity_grad.wgsl", cpu::identity_grad::identity_grad, cpu::identity_grad::bound, "0" { ..GRADIENT }
    sigmoid: "sigmoid.wgsl", cpu::sigmoid::sigmoid, cpu::sigmoid::bound, "SIGMOID * |y|, SIGMOID = 2 EXP + u + DIV" { ..UNARY }
    sigmoid_grad: "sigmoid_grad.wgsl", cpu::sigmoid_grad::sigmoid_grad, cpu::sigmoid_grad::bound, "two sigmoids and two products" { ..GRADIENT }
    tanh: "tanh.wgsl", cpu::tanh::tanh, cpu::tanh::bound, "TANH * |y|" { ..UNARY }
    tanh_grad: "tanh_grad.wgsl", cpu::tanh_grad::tanh_grad, cpu::tanh_grad::bound, "(2 EXP + DIV + 4u) * |y'|, and the product with dy" { ..GRADIENT }
    relu: "relu.wgsl", cpu::relu::relu, cpu::relu::bound, "0" { ..UNARY }
    relu_grad: "relu_grad.wgsl", cpu::relu_grad::relu_grad, cpu::relu_grad::bound, "0; |dy| where x is within its error of 0" { ..GRADIENT }
    leaky_relu: "leaky_relu.wgsl", cpu::leaky_relu::leaky_relu, cpu::leaky_relu::bound, "2u * |slope x| for x < 0" { params: &["n", "slope"], ..UNARY }
    leaky_relu_grad: "leaky_relu_grad.wgsl", cpu::leaky_relu_grad::leaky_relu_grad, cpu::leaky_relu_grad::bound, "2u * |slope dy| for x < 0; |1 - slope| |dy| where x is within its error of 0" { params: &["n", "slope"], ..GRADIENT }
    gelu: "gelu.wgsl", cpu::gelu::gelu, cpu::gelu::bound, "NORMAL_TAIL * |x| Phi(-|x|) + 2u * |y|" { ..UNARY }
    gelu_grad: "gelu_grad.wgsl", cpu::gelu_grad::gelu_grad, cpu::gelu_grad::bound, "NORMAL_TAIL * (Phi(-|x|) + |x| phi(x)) + 2u * |y'|, and the product with dy" { ..GRADIENT }
    gelu_tanh: "gelu_tanh.wgsl", cpu::gelu_tanh::gelu_tanh, cpu::gelu_tanh::bound, "(SIGMOID + u + gamma(6) |v| s(-v)) * |y|, v the argument of the sigmoid s" { ..UNARY }
    gelu_tanh_grad: "gelu_tanh_grad.wgsl", cpu::gelu_tanh_grad::gelu_tanh_grad, cpu::gelu_tanh_grad::bound, "(2 SIGMOID + gamma(8) + gamma(6) |v|) * (s(v) + |x v'| s'(v)), and the product with dy" { ..GRADIENT }
    silu: "silu.wgsl", cpu::silu::silu, cpu::silu::bound, "(SIGMOID + u) * |y|" { ..UNARY }
    silu_grad: "silu_grad.wgsl", cpu::silu_grad::silu_grad, cpu::silu_grad::bound, "(SIGMOID + 2u) * s(x) + (2 SIGMOID + 4u) * |x| s(x) s(-x), and the product with dy" { ..GRADIENT }
    softplus: "softplus.wgsl", cpu::softplus::softplus, cpu::softplus::bound, "(EXP + LOG) * softplus(-|x|) + u * |y|" { ..UNARY }
    softplus_grad: "softplus_grad.wgsl", cpu::softplus_grad::softplus_grad, cpu::softplus_grad::bound, "sigmoid, and the product with dy" { ..GRADIENT }
}
