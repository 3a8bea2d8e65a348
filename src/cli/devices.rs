//! `wgrad devices`

mod measure;

use super::{args, out};
use serde::Serialize;

#[derive(Serialize)]
struct Listing {
    /// What `--device auto` would take.
    default: String,
    reason: String,
    cpu_threads: usize,
    adapters: Vec<Adapter>,
}

#[derive(Serialize)]
struct Adapter {
    index: usize,
    name: String,
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
        return measure::run(&args);
    }
    if let Some(adapter) = &args.device.adapter {
        anyhow::bail!(
            "--adapter {adapter} chooses what is measured. Add --numerics or --kernels, or leave it out for the list"
        );
    }
    let device = pollster::block_on(crate::exec::open_device(&crate::exec::Choice::Auto, false))?;
    let listing = Listing {
        default: device.name().to_string(),
        reason: device.reason().to_string(),
        cpu_threads: rayon::current_num_threads(),
        adapters: adapters(),
    };
    match &args.json {
        Some(target) => out::json(target, &listing)?,
        None => out::result(&text(&listing))?,
    }
    Ok(true)
}

#[cfg(feature = "gpu")]
fn adapters() -> Vec<Adapter> {
    let listed = pollster::block_on(crate::exec::gpu::adapter::list());
    let one = |l: crate::exec::gpu::adapter::Listed| {
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
            features: compute_features(l.adapter.features()),
            name: l.info.name,
        }
    };
    listed.into_iter().map(one).collect()
}

/// The features that matter for training; wgrad requires none of them.
#[cfg(feature = "gpu")]
fn compute_features(features: wgpu::Features) -> Vec<String> {
    let wanted = [
        (wgpu::Features::SHADER_F16, "shader-f16"),
        (wgpu::Features::SUBGROUP, "subgroups"),
        (wgpu::Features::TIMESTAMP_QUERY, "timestamp-query"),
        (wgpu::Features::PIPELINE_CACHE, "pipeline-cache"),
    ];
    wanted.iter().filter(|(f, _)| features.contains(*f)).map(|(_, name)| (*name).to_string()).collect()
}

#[cfg(not(feature = "gpu"))]
fn adapters() -> Vec<Adapter> {
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
