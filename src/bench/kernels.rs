//! Every kernel of the table by itself, at sizes as they occur in training.

use super::peaks::Peaks;
use super::profile::DispatchLine;
use crate::error::Result;
use crate::exec::{Device, Session};
use crate::kernels::{Dtype, Kernel};
use crate::verify::kernels::{Case, sized};

/// Times that a dispatch is profiled.
const TIMES: usize = 7;

/// Times `kernel` on `device` at each of its sizes.
///
/// # Errors
/// [`crate::Error::Gpu`], [`crate::Error::Device`].
pub async fn measure_kernel(device: &Device, kernel: Kernel, peaks: &Peaks) -> Result<Vec<DispatchLine>> {
    let mut lines = Vec::new();
    for sizes in kernel.timed {
        let case = sized(kernel, sizes, device.products());
        lines.push(time(device, &case, peaks).await?);
    }
    Ok(lines)
}

async fn time(device: &Device, case: &Case, peaks: &Peaks) -> Result<DispatchLine> {
    let mut session = Session::open(device, vec![case.plan("kernel")]).await?;
    write(&mut session, case, Dtype::F32)?;
    let mut times = Vec::new();
    for _ in 0..=TIMES {
        // A kernel that counts steps starts at the tables' first row.
        write(&mut session, case, Dtype::U32)?;
        times.push(session.profile(0, 1).await?.dispatches_us.concat());
    }
    // The first run pays for page faults and the driver's lazy work.
    let times = times.split_off(1).concat();
    Ok(DispatchLine::new(&session.plans()[0].dispatches[0], &times, peaks))
}

/// The operands of one element type.
fn write(session: &mut Session, case: &Case, dtype: Dtype) -> Result<()> {
    for ((i, values), _) in case.values.iter().enumerate().zip(&case.dtypes).filter(|(_, d)| **d == dtype) {
        match dtype {
            Dtype::F32 => session.write(0, case.role(i), values)?,
            Dtype::U32 => session.write_u32(0, case.role(i), &values.iter().map(|v| *v as u32).collect::<Vec<_>>())?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Products;

    #[test]
    fn every_kernel_of_the_table_has_sizes_and_a_time() {
        for &kernel in Kernel::ALL {
            assert!(!kernel.timed.is_empty());
            let sizes: Vec<usize> = kernel.timed[0].iter().map(|s| (*s).min(16)).collect();
            let case = sized(kernel, &sizes, Products::default());
            let peaks = Peaks { gflop_per_s: 1.0, read_gb_per_s: 1.0, dispatch_us: 1.0, ..Peaks::default() };
            let line = pollster::block_on(time(&Device::cpu(), &case, &peaks)).unwrap();
            assert_eq!((line.kernel.as_str(), line.time_us.count), (kernel.name, TIMES));
            assert!(line.bytes > 0 && line.time_us.median >= 0.0, "{line:?}");
        }
    }
}
