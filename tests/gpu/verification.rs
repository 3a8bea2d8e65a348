//! `docs/verification.md` on the adapter: every subject passes with slack 1. `-- --nocapture` prints the table.

use crate::support;

#[test]
fn every_subject_is_proven_on_the_adapter() {
    if let Some(device) = support::adapter::adapter() {
        support::proof::verify_all(device);
    }
}
