//! Choosing a device. The choice and its reason are part of the device and are shown to the user.

use super::Tuning;
use super::backend::Backend;
use super::cpu::Host;
#[cfg(not(feature = "gpu"))]
use crate::error::Error;
use crate::error::Result;
use crate::plan::Limits;
use std::any::Any;
use std::sync::Arc;

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
pub struct Device(Arc<dyn Backend>);

impl Device {
    /// A device of one's own.
    pub fn new(backend: impl Backend) -> Device {
        Device(Arc::new(backend))
    }

    /// The CPU in `f32`, without a question asked.
    pub fn cpu() -> Device {
        Device::new(Host::<f32>::new("asked for"))
    }

    /// The CPU in `f64`: the judge.
    pub fn cpu_f64() -> Device {
        Device::new(Host::<f64>::new("asked for"))
    }

    /// The device as a `B`, if it is one.
    pub fn is<B: Backend>(&self) -> Option<&B> {
        (self.0.as_ref() as &dyn Any).downcast_ref()
    }

    /// The adapter, if the device is one.
    #[cfg(feature = "gpu")]
    pub(crate) fn gpu(&self) -> Option<&super::gpu::adapter::GpuDevice> {
        self.is()
    }

    /// The device with the ways of `tuning`, or by the rules alone. The CPU has nothing to tune and stays as it is.
    #[must_use]
    pub fn tuned(self, tuning: Option<Tuning>) -> Device {
        self.0.tuned(tuning).unwrap_or(self)
    }

    /// A device in place of this one, which was lost. The CPU cannot be lost.
    ///
    /// # Errors
    /// [`crate::Error::DeviceLost`] when none opens.
    pub async fn reopen(&self) -> Result<Device> {
        Ok(self.0.reopen().await?.unwrap_or_else(|| self.clone()))
    }
}

impl std::ops::Deref for Device {
    type Target = dyn Backend;

    fn deref(&self) -> &dyn Backend {
        self.0.as_ref()
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
        return Ok(Device::new(Host::<f32>::new("asked for")));
    }
    open_gpu_or_cpu(choice, require_gpu, clock).await
}

#[cfg(feature = "gpu")]
async fn open_gpu_or_cpu(choice: &Choice, require_gpu: bool, clock: bool) -> Result<Device> {
    use super::gpu::adapter;
    match adapter::select(choice, require_gpu).await? {
        adapter::Selection::Adapter(selected) => {
            let clock = if clock { wgpu::Features::TIMESTAMP_QUERY } else { wgpu::Features::empty() };
            Ok(Device::new(selected.open_with(wgpu::Features::SUBGROUP | clock).await?))
        }
        adapter::Selection::Cpu(reason) => Ok(Device::new(Host::<f32>::new(reason))),
    }
}

#[cfg(not(feature = "gpu"))]
async fn open_gpu_or_cpu(choice: &Choice, require_gpu: bool, _: bool) -> Result<Device> {
    if *choice == Choice::Auto && !require_gpu {
        return Ok(Device::new(Host::<f32>::new("this wgrad was built without the feature gpu")));
    }
    Err(Error::Device(format!(
        "a GPU was asked for, but this wgrad was built without the feature gpu. Build it with default features, or {}",
        crate::error::Remedy::UseCpu
    )))
}
