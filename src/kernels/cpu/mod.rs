//! What the CPU functions of several families share, and those of losses, optimizers and activations.

pub mod carried;
pub mod elementwise;
pub mod gelu;
pub mod gelu_grad;
pub mod gelu_tanh;
pub mod gelu_tanh_grad;
pub mod gemm;
pub mod identity;
pub mod identity_grad;
pub mod leaky_relu;
pub mod leaky_relu_grad;
pub mod log_sum;
pub mod moments;
pub mod quotient;
pub mod relu;
pub mod relu_grad;
pub mod sigmoid;
pub mod sigmoid_grad;
pub mod silu;
pub mod silu_grad;
pub mod softplus;
pub mod softplus_grad;
pub mod tanh;
pub mod tanh_grad;
pub mod vector;
