//! Gradients of random networks on the adapter that `WGRAD_ADAPTER` names, against an independent float64 oracle.

use crate::support;

use support::networks::Width;
use support::verdict::property;

/// Building a network's pipelines takes a third of a second on SwiftShader: a few here, many with
/// `WGRAD_ORACLE_CASES`.
const CASES: u32 = 30;

#[test]
fn gradients_agree_with_the_oracle() {
    let Some(device) = support::adapter::adapter() else { return };
    property(device, Width::F32, CASES);
}

#[test]
#[ignore = "takes minutes"]
fn soak() {
    let Some(device) = support::adapter::adapter() else { return };
    property(device, Width::F32, 20 * CASES);
}
