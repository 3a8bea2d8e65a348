//! `wgrad devices --numerics`: what an adapter really does.

use crate::cli::{args, out};
use crate::exec::gpu::adapter::{GpuDevice, Selection, select};
use crate::exec::{Choice, Device};
use crate::verify::numerics::{self, Numerics};
use serde::Serialize;

#[derive(Serialize)]
struct Measured {
    #[serde(skip_serializing_if = "Option::is_none")]
    numerics: Option<Numerics>,
}

/// Measures what is asked for; false where something that the kernels rely on does not hold.
pub fn run(args: &args::Devices) -> anyhow::Result<bool> {
    let device = open(args)?;
    out::words(&format!("device    {} ({})", device.name(), device.reason()));
    let mut measured = Measured { numerics: None };
    let mut passed = true;
    let mut text = Vec::new();
    if args.numerics {
        let numerics = pollster::block_on(numerics::measure(gpu(&device)?))?;
        passed &= numerics.passed;
        text.push(numerics::text(&numerics));
        measured.numerics = Some(numerics);
    }
    match &args.json {
        Some(target) => out::json(target, &measured)?,
        None => out::result(&text.join("\n"))?,
    }
    Ok(passed)
}

fn gpu(device: &Device) -> anyhow::Result<&GpuDevice> {
    match device {
        Device::Gpu(gpu) => Ok(gpu),
        _ => anyhow::bail!(
            "--numerics measures a GPU adapter, and {} is none. Give --adapter NAME; `wgrad devices` lists what there is",
            device.name()
        ),
    }
}

/// Opens what is to be measured. Without a choice, the best adapter, software included: it is measured, not trained on.
fn open(args: &args::Devices) -> anyhow::Result<Device> {
    let choice = match args.device.choice()? {
        Choice::Auto => Choice::Gpu,
        choice => choice,
    };
    if choice == Choice::Cpu {
        return Ok(Device::cpu());
    }
    match pollster::block_on(select(&choice, true))? {
        Selection::Adapter(mut adapter) => {
            if choice == Choice::Gpu {
                adapter.reason = "the best adapter; --adapter chooses another".into();
            }
            // Subgroups are measured where there are any; no kernel asks for them.
            let opened = pollster::block_on(adapter.open_with(wgpu::Features::SUBGROUP))?;
            Ok(Device::Gpu(Box::new(opened)))
        }
        Selection::Cpu(reason) => Ok(Device::Cpu { reason }),
    }
}
