//! Choosing a device. The choice and its reason are part of the device and are shown to the user.

use super::Tuning;
#[cfg(not(feature = "gpu"))]
use crate::error::Error;
use crate::error::Result;
use crate::plan::{Limits, Products};

/// What the user asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Choice {
    /// A hardware GPU where there is one, else the CPU. A software rasteriser is never picked: it is 10 to 100 times
    /// slower than the CPU path.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The best adapter, software included.
    Gpu,
    /// The adapter with this index in the list, or whose name contains this text.
    Adapter(String),
}

/// An opened device.
#[derive(Debug, Clone)]
pub enum Device {
    /// The CPU in `f32`.
    Cpu {
        /// Why the CPU.
        reason: String,
    },
    /// The CPU in `f64`: the judge.
    CpuF64 {
        /// Why the CPU.
        reason: String,
    },
    /// A wgpu adapter.
    #[cfg(feature = "gpu")]
    Gpu(Box<super::gpu::adapter::GpuDevice>),
}

impl Device {
    /// The CPU in `f32`, without a question asked.
    pub fn cpu() -> Device {
        Device::Cpu { reason: "asked for".into() }
    }

    /// The CPU in `f64`.
    pub fn cpu_f64() -> Device {
        Device::CpuF64 { reason: "asked for".into() }
    }

    /// `cpu` or `gpu`.
    pub fn kind(&self) -> &'static str {
        match self {
            Device::Cpu { .. } | Device::CpuF64 { .. } => "cpu",
            #[cfg(feature = "gpu")]
            Device::Gpu(_) => "gpu",
        }
    }

    /// Whether it computes on the host's processors, in the host's memory: the CPU, and software adapters.
    pub fn is_software(&self) -> bool {
        match self {
            Device::Cpu { .. } | Device::CpuF64 { .. } => true,
            #[cfg(feature = "gpu")]
            Device::Gpu(gpu) => super::gpu::adapter::is_software(&gpu.info),
        }
    }

    /// Name for people.
    pub fn name(&self) -> &str {
        match self {
            Device::Cpu { .. } => "cpu (f32)",
            Device::CpuF64 { .. } => "cpu (f64)",
            #[cfg(feature = "gpu")]
            Device::Gpu(gpu) => &gpu.info.name,
        }
    }

    /// Backend and driver; empty on the CPU.
    pub fn backend_driver(&self) -> (String, String) {
        match self {
            Device::Cpu { .. } | Device::CpuF64 { .. } => (String::new(), String::new()),
            #[cfg(feature = "gpu")]
            Device::Gpu(gpu) => {
                let driver = format!("{} {}", gpu.info.driver, gpu.info.driver_info);
                (gpu.info.backend.to_string(), driver.trim().to_string())
            }
        }
    }

    /// Why this device.
    pub fn reason(&self) -> &str {
        match self {
            Device::Cpu { reason } | Device::CpuF64 { reason } => reason,
            #[cfg(feature = "gpu")]
            Device::Gpu(gpu) => &gpu.reason,
        }
    }

    /// How matrix products work best.
    pub fn products(&self) -> Products {
        match self {
            Device::Cpu { .. } | Device::CpuF64 { .. } => Products::default(),
            #[cfg(feature = "gpu")]
            Device::Gpu(gpu) => gpu.products(),
        }
    }

    /// The device with the ways of `tuning`, or by the rules alone. The CPU has nothing to tune and stays as it is.
    #[must_use]
    #[doc(hidden)]
    pub fn tuned(self, tuning: Option<Tuning>) -> Device {
        match self {
            #[cfg(feature = "gpu")]
            Device::Gpu(mut gpu) => {
                gpu.tuning = tuning;
                Device::Gpu(gpu)
            }
            cpu => {
                drop(tuning);
                cpu
            }
        }
    }

    /// The measured ways in use.
    #[doc(hidden)]
    pub fn tuning(&self) -> Option<&Tuning> {
        match self {
            #[cfg(feature = "gpu")]
            Device::Gpu(gpu) => gpu.tuning.as_ref(),
            _ => None,
        }
    }

    /// A device in place of this one, which was lost; see [`super::gpu::adapter::reopen`]. The CPU cannot be lost.
    ///
    /// # Errors
    /// [`crate::Error::DeviceLost`] when none opens.
    pub async fn reopen(&self) -> Result<Device> {
        match self {
            Device::Cpu { .. } | Device::CpuF64 { .. } => Ok(self.clone()),
            #[cfg(feature = "gpu")]
            Device::Gpu(gpu) => Ok(Device::Gpu(Box::new(super::gpu::adapter::reopen(gpu).await?))),
        }
    }

    /// Destroys the device, as a driver's reset would: whatever runs on it, submits in flight included, fails from now on.
    /// How tests show that a run goes on. The CPU stays.
    pub fn lose(&self) {
        #[cfg(feature = "gpu")]
        if let Device::Gpu(gpu) = self {
            gpu.device.destroy();
        }
    }

    /// What plans must fit.
    pub fn limits(&self) -> Limits {
        match self {
            Device::Cpu { .. } | Device::CpuF64 { .. } => Limits::CPU,
            #[cfg(feature = "gpu")]
            Device::Gpu(gpu) => gpu.limits,
        }
    }
}

/// `limits` of the target called `name`, lowered as the environment's `WGRAD_LIMITS` says: for tests.
///
/// # Errors
/// As [`Limits::lowered`].
pub fn limits_of_environment(limits: Limits, name: &str) -> Result<Limits> {
    match std::env::var("WGRAD_LIMITS") {
        Ok(text) => limits.lowered(&text, name),
        Err(_) => Ok(limits),
    }
}

/// Opens the device that `choice` asks for. With `require_gpu` (the environment's `WGRAD_REQUIRE_GPU=1`) a fall-back to
/// the CPU is an error.
///
/// # Errors
/// [`crate::Error::Device`]: no adapter, an unknown adapter name (the message lists what there is), a device that does not open.
pub async fn open_device(choice: &Choice, require_gpu: bool) -> Result<Device> {
    open(choice, require_gpu, false).await
}

/// The same with the device's clock (timestamp queries) where the adapter has one; training needs none.
///
/// # Errors
/// As [`open_device`].
pub async fn open_device_to_profile(choice: &Choice, require_gpu: bool) -> Result<Device> {
    open(choice, require_gpu, true).await
}

async fn open(choice: &Choice, require_gpu: bool, clock: bool) -> Result<Device> {
    if *choice == Choice::Cpu {
        return Ok(Device::Cpu { reason: "asked for".into() });
    }
    open_gpu_or_cpu(choice, require_gpu, clock).await
}

#[cfg(feature = "gpu")]
async fn open_gpu_or_cpu(choice: &Choice, require_gpu: bool, clock: bool) -> Result<Device> {
    use super::gpu::adapter;
    match adapter::select(choice, require_gpu).await? {
        adapter::Selection::Adapter(selected) => {
            let opened = if clock { selected.open_to_profile().await? } else { selected.open().await? };
            Ok(Device::Gpu(Box::new(opened)))
        }
        adapter::Selection::Cpu(reason) => Ok(Device::Cpu { reason }),
    }
}

#[cfg(not(feature = "gpu"))]
async fn open_gpu_or_cpu(choice: &Choice, require_gpu: bool, _: bool) -> Result<Device> {
    if *choice == Choice::Auto && !require_gpu {
        return Ok(Device::Cpu { reason: "this wgrad was built without the feature gpu".into() });
    }
    Err(Error::Device(format!(
        "a GPU was asked for, but this wgrad was built without the feature gpu. Build it with default features, or {}",
        crate::error::Remedy::UseCpu
    )))
}
