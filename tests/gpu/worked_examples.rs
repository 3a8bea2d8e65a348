//! The worked examples on the adapter that `WGRAD_ADAPTER` names.

use crate::support;

use support::worked::{NAMES, Runner, check, example, examples, printed};

#[test]
fn every_printed_number_comes_out() {
    let Some(device) = support::adapter::adapter() else { return };
    let all = examples();
    for name in NAMES {
        let example = example(&all, name);
        let report = check(example, &Runner::Engine(device), false);
        assert!(report.faults.is_empty(), "{name} on {}:\n{}", device.name(), report.faults.join("\n"));
        assert_eq!(report.checked, printed(example), "{name}: every printed number is compared");
    }
}
