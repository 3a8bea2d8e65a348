//! `wgrad devices`: a list, and with `--numerics` and `--kernels` what a device really does.

use super::{args, out};
use crate::exec::{Choice, Device, open_device};
use crate::kernels::Kernel;
use crate::verify::kernels::{KernelReport, check_kernel};
#[cfg(feature = "gpu")]
use crate::verify::numerics::{self, Numerics};
use serde::Serialize;
use std::fmt::Write;

#[derive(Serialize)]
struct Listing {
    /// What `--device auto` would take.
    default: String,
    reason: String,
    cpu_threads: usize,
    adapters: Vec<Adapter>,
}

/// A GPU adapter as it is listed.
#[derive(Serialize)]
pub struct Adapter {
    /// What `--adapter` takes.
    pub index: usize,
    pub name: String,
    kind: String,
    backend: String,
    driver: String,
    max_buffer_size_bytes: u64,
    max_storage_buffer_binding_size_bytes: u64,
    max_storage_buffers_per_shader_stage: u32,
    max_compute_invocations_per_workgroup: u32,
    max_compute_workgroup_storage_size_bytes: u32,
    subgroup_size: [u32; 2],
    features: Vec<String>,
}

pub fn run(args: args::Devices) -> anyhow::Result<bool> {
    if args.numerics || args.kernels {
        return measured(&args);
    }
    if let Some(adapter) = &args.device.adapter {
        anyhow::bail!(
            "--adapter {adapter} chooses what is measured. Add --numerics or --kernels, or leave it out for the list"
        );
    }
    let device = pollster::block_on(open_device(&Choice::Auto, false))?;
    let listing = Listing {
        default: device.name().to_string(),
        reason: device.reason().to_string(),
        cpu_threads: rayon::current_num_threads(),
        adapters: adapters(),
    };
    out::json_or_text(&args.json, &listing, || text(&listing))?;
    Ok(true)
}

/// Every adapter, by its index.
#[cfg(feature = "gpu")]
pub fn adapters() -> Vec<Adapter> {
    let listed = pollster::block_on(crate::exec::gpu::adapter::list());
    // The features that matter for training; wgrad requires none of them.
    let wanted = [
        (wgpu::Features::SHADER_F16, "shader-f16"),
        (wgpu::Features::SUBGROUP, "subgroups"),
        (wgpu::Features::TIMESTAMP_QUERY, "timestamp-query"),
        (wgpu::Features::PIPELINE_CACHE, "pipeline-cache"),
    ];
    let one = |l: crate::exec::gpu::adapter::Listed| {
        let features = wanted.iter().filter(|(feature, _)| l.adapter.features().contains(*feature));
        let limits = l.adapter.limits();
        let driver = format!("{} {}", l.info.driver, l.info.driver_info);
        Adapter {
            index: l.index,
            kind: match l.info.device_type {
                wgpu::DeviceType::DiscreteGpu => "discrete GPU",
                wgpu::DeviceType::IntegratedGpu => "integrated GPU",
                wgpu::DeviceType::VirtualGpu => "virtual GPU",
                wgpu::DeviceType::Cpu => "software rasteriser",
                wgpu::DeviceType::Other => "other",
            }
            .into(),
            backend: l.info.backend.to_string(),
            driver: driver.trim().to_string(),
            max_buffer_size_bytes: limits.max_buffer_size,
            max_storage_buffer_binding_size_bytes: limits.max_storage_buffer_binding_size,
            max_storage_buffers_per_shader_stage: limits.max_storage_buffers_per_shader_stage,
            max_compute_invocations_per_workgroup: limits.max_compute_invocations_per_workgroup,
            max_compute_workgroup_storage_size_bytes: limits.max_compute_workgroup_storage_size,
            subgroup_size: [l.info.subgroup_min_size, l.info.subgroup_max_size],
            features: features.map(|(_, name)| name.to_string()).collect(),
            name: l.info.name,
        }
    };
    listed.into_iter().map(one).collect()
}

#[cfg(not(feature = "gpu"))]
pub fn adapters() -> Vec<Adapter> {
    Vec::new()
}

fn text(listing: &Listing) -> String {
    let mut text = format!("cpu: the CPU path, {} threads\n", listing.cpu_threads);
    for a in &listing.adapters {
        text.push_str(&format!("{}: {} ({}, {}, {})\n", a.index, a.name, a.kind, a.backend, a.driver));
        text.push_str(&format!(
            "   buffers up to {}, bindings up to {}, {} storage buffers a stage, {} invocations and {} of workgroup memory\n",
            out::bytes(a.max_buffer_size_bytes),
            out::bytes(a.max_storage_buffer_binding_size_bytes),
            a.max_storage_buffers_per_shader_stage,
            a.max_compute_invocations_per_workgroup,
            out::bytes(u64::from(a.max_compute_workgroup_storage_size_bytes))
        ));
        let features = if a.features.is_empty() { "none of interest".into() } else { a.features.join(", ") };
        text.push_str(&format!("   optional features: {features}\n"));
    }
    if listing.adapters.is_empty() {
        text.push_str("no GPU adapter\n");
    }
    text.push_str(&format!("--device auto takes {} ({})", listing.default, listing.reason));
    text
}

/// Without the GPU executor there is none.
#[cfg(not(feature = "gpu"))]
type Numerics = ();

#[derive(Serialize)]
struct Findings {
    device: String,
    passed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    numerics: Option<Numerics>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kernels: Option<Vec<KernelReport>>,
}

/// Measures what is asked for; false where a kernel is outside its bound or something that kernels rely on does not hold.
fn measured(args: &args::Devices) -> anyhow::Result<bool> {
    let device = open(args)?;
    out::device(&device);
    let mut measured = Findings { device: device.name().into(), passed: true, numerics: None, kernels: None };
    let mut words = Vec::new();
    if args.numerics {
        let (numerics, passed, table) = numerics(&device)?;
        measured.passed &= passed;
        measured.numerics = Some(numerics);
        words.push(table);
    }
    if args.kernels {
        let check = |kernel: &Kernel| Ok(pollster::block_on(check_kernel(&device, *kernel, args.seed))?);
        let reports: Vec<KernelReport> = Kernel::ALL.iter().map(check).collect::<anyhow::Result<_>>()?;
        measured.passed &= reports.iter().all(|r| r.passed);
        words.push(table(&reports, device.name(), args.seed));
        measured.kernels = Some(reports);
    }
    out::json_or_text(&args.json, &measured, || words.join("\n"))?;
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
    let numerics = pollster::block_on(numerics::measure(gpu))?;
    let (passed, table) = (numerics.passed, numerics::text(&numerics));
    Ok((numerics, passed, table))
}

#[cfg(not(feature = "gpu"))]
fn numerics(_: &Device) -> anyhow::Result<(Numerics, bool, String)> {
    anyhow::bail!("--numerics measures a GPU adapter, but this wgrad was built without the feature gpu")
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
