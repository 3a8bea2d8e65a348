//! What several test binaries share.

#![allow(dead_code, reason = "each test binary uses a part")]

pub mod adapter;
pub mod divided;
pub mod fuzz;
pub mod interruptions;
pub mod networks;
pub mod oracle;
pub mod oracle_scalar;
pub mod patterns;
pub mod problem;
pub mod program;
pub mod proof;
pub mod stream;
pub mod subject;
pub mod torch;
pub mod torch_losses;
pub mod verdict;
pub mod worked;
