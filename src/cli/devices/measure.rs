//! `wgrad devices --numerics --kernels`: what a device really does.

use crate::cli::{args, out};
use crate::exec::{Choice, Device};
use crate::kernels::Kernel;
use crate::verify::kernels::{KernelReport, check_kernel};
use serde::Serialize;
use std::fmt::Write;

#[cfg(feature = "gpu")]
use crate::verify::numerics::{Numerics, measure, text};

/// Without the GPU executor there is none.
#[cfg(not(feature = "gpu"))]
type Numerics = ();

#[derive(Serialize)]
struct Measured {
    device: String,
    passed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    numerics: Option<Numerics>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kernels: Option<Vec<KernelReport>>,
}

/// Measures what is asked for; false where a kernel is outside its bound or something that kernels rely on does not hold.
pub fn run(args: &args::Devices) -> anyhow::Result<bool> {
    let device = open(args)?;
    out::words(&format!("device    {} ({})", device.name(), device.reason()));
    let mut measured = Measured { device: device.name().into(), passed: true, numerics: None, kernels: None };
    let mut words = Vec::new();
    if args.numerics {
        let (numerics, passed, table) = numerics(&device)?;
        measured.passed &= passed;
        measured.numerics = Some(numerics);
        words.push(table);
    }
    if args.kernels {
        let reports = kernels(&device, args.seed)?;
        measured.passed &= reports.iter().all(|r| r.passed);
        words.push(table(&reports, device.name(), args.seed));
        measured.kernels = Some(reports);
    }
    match &args.json {
        Some(target) => out::json(target, &measured)?,
        None => out::result(&words.join("\n"))?,
    }
    Ok(measured.passed)
}

#[cfg(feature = "gpu")]
fn numerics(device: &Device) -> anyhow::Result<(Numerics, bool, String)> {
    let Some(gpu) = device.gpu() else {
        anyhow::bail!(
            "--numerics measures a GPU adapter, and {} is none. Give --adapter NAME; `wgrad devices` lists what there is",
            device.name()
        )
    };
    let numerics = pollster::block_on(measure(gpu))?;
    let (passed, table) = (numerics.passed, text(&numerics));
    Ok((numerics, passed, table))
}

#[cfg(not(feature = "gpu"))]
fn numerics(_: &Device) -> anyhow::Result<(Numerics, bool, String)> {
    anyhow::bail!("--numerics measures a GPU adapter, but this wgrad was built without the feature gpu")
}

/// Every row of the kernel table.
fn kernels(device: &Device, seed: u64) -> anyhow::Result<Vec<KernelReport>> {
    Kernel::ALL.iter().map(|&kernel| Ok(pollster::block_on(check_kernel(device, kernel, seed))?)).collect()
}

fn table(reports: &[KernelReport], device: &str, seed: u64) -> String {
    let mut out = format!("kernels on {device}, seed {seed}: largest error / bound over all cases\n");
    for r in reports {
        let mark = if r.passed { "ok" } else { "FAILED" };
        let _ = writeln!(out, "  {:<22} {:>4} cases {:>10.4}  {mark}", r.kernel, r.cases.len(), r.max_ratio);
        if let Some((case, output)) = r.first_fault() {
            let fault = output.fault.as_deref().unwrap_or("outside its bound");
            let _ = writeln!(out, "      {case}: {}: {fault}", output.name);
        }
    }
    let cases: usize = reports.iter().map(|r| r.cases.len()).sum();
    let failed = reports.iter().filter(|r| !r.passed).count();
    let total = reports.len();
    let _ = match failed {
        0 => writeln!(out, "passed: {total} kernels, {cases} cases"),
        n => writeln!(out, "FAILED: {n} of {total} kernels, {cases} cases"),
    };
    out
}

/// Opens what is to be measured. Without a choice, the best adapter, software included: it is measured, not trained on.
#[cfg(feature = "gpu")]
fn open(args: &args::Devices) -> anyhow::Result<Device> {
    use crate::exec::gpu::adapter::{Selection, select};
    let choice = match args.device.choice()? {
        Choice::Cpu => return Ok(Device::cpu()),
        Choice::Auto => Choice::Gpu,
        choice => choice,
    };
    match pollster::block_on(select(&choice, true))? {
        Selection::Adapter(mut adapter) => {
            if choice == Choice::Gpu {
                adapter.reason = "the best adapter; --adapter chooses another".into();
            }
            // Subgroups are measured where there are any; no kernel asks for them.
            let opened = pollster::block_on(adapter.open_with(wgpu::Features::SUBGROUP))?;
            Ok(Device::new(opened))
        }
        Selection::Cpu(reason) => Ok(Device::new(crate::exec::cpu::Host::<f32>::new(reason))),
    }
}

#[cfg(not(feature = "gpu"))]
fn open(args: &args::Devices) -> anyhow::Result<Device> {
    match args.device.choice()? {
        Choice::Cpu | Choice::Auto => Ok(Device::cpu()),
        _ => args.device.open(),
    }
}
