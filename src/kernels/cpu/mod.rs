//! What the CPU functions of several families share.

pub mod carried;
pub mod elementwise;
pub mod gemm;
pub mod log_sum;
pub mod moments;
pub mod vector;
