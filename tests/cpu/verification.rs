//! `docs/verification.md` on the CPU in f32: every subject passes with slack 1. `-- --nocapture` prints the table.

use crate::support;

use wgrad::exec::Device;

#[test]
fn every_subject_is_proven_on_the_cpu() {
    support::proof::verify_all(&Device::cpu());
}
