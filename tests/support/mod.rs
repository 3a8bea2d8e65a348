//! What several test binaries share.

#![allow(dead_code, reason = "each test binary uses a part")]

pub mod adapter;
pub mod divided;
pub mod networks;
pub mod oracle;
pub mod oracle_scalar;
pub mod patterns;
pub mod problem;
pub mod proof;
pub mod stream;
pub mod verdict;
pub mod worked;
