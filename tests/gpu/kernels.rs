//! Every row of the kernel table on the adapter, against the row's CPU function in f64 within the row's bound.

use crate::support;

use wgrad::kernels::Kernel;
use wgrad::testing::verify::kernels::check_kernel;

/// Decides the operands.
const SEED: u64 = 20;

#[test]
fn every_kernel_lies_within_its_bound_on_the_adapter() {
    let Some(device) = support::adapter::adapter() else { return };
    let mut faults = Vec::new();
    println!("{:<22} {:>6} {:>12} {:>9}", device.name(), "cases", "error/bound", "seconds");
    for &kernel in Kernel::ALL {
        let begin = std::time::Instant::now();
        let report = match pollster::block_on(check_kernel(device, kernel, SEED)) {
            Ok(report) => report,
            Err(error) => panic!("{}: {error}", kernel.name),
        };
        let seconds = begin.elapsed().as_secs_f64();
        println!("{:<22} {:>6} {:>12.4} {seconds:>9.2}", report.kernel, report.cases.len(), report.max_ratio);
        if let Some((case, output)) = report.first_fault() {
            faults.push(format!(
                "{} {case}: {}: {}",
                report.kernel,
                output.name,
                output.fault.clone().unwrap_or_default()
            ));
        }
    }
    assert!(faults.is_empty(), "{} kernels at fault:\n{}", faults.len(), faults.join("\n"));
}
