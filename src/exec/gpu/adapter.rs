//! Adapters: listing, choosing, opening.

use super::fault::Faults;
use super::pace::SUBMIT_TARGET;
use crate::error::{Error, Remedy, Result};
use crate::exec::layout::Allocation;
use crate::exec::{Backend, Choice, Device, Executor, Task, Tuning, limits_of_environment};
use crate::kernels::{Kernel, Tiling};
use crate::plan::{Limits, Plan, Products, Whole};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// An adapter with its place in the list.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Index in the list.
    pub index: usize,
    /// What wgpu says of it.
    pub info: wgpu::AdapterInfo,
    /// The adapter.
    pub adapter: wgpu::Adapter,
}

/// What [`select`] decided.
#[derive(Debug)]
pub enum Selection {
    /// This adapter.
    Adapter(Box<Selected>),
    /// The CPU, and why.
    Cpu(String),
}

/// A chosen adapter, not opened yet.
#[derive(Debug)]
pub struct Selected {
    /// The adapter.
    pub listed: Listed,
    /// Why this one.
    pub reason: String,
}

/// An opened adapter.
#[derive(Debug, Clone)]
pub struct GpuDevice {
    /// What wgpu says of the adapter.
    pub info: wgpu::AdapterInfo,
    /// Why this adapter.
    pub reason: String,
    /// What plans must fit.
    pub limits: Limits,
    /// The wgpu device.
    pub device: wgpu::Device,
    /// Its queue.
    pub queue: wgpu::Queue,
    /// The time at which submits aim: [`SUBMIT_TARGET`], or less to try how long steps are cut.
    pub submit_target: Duration,
    /// Memory that sessions may take, in bytes, where that is less than the device has: how tests run out of it.
    pub memory_bytes: Option<u64>,
    /// Errors that arrive outside of any call.
    pub faults: Arc<Faults>,
    /// Whether the adapter multiplies matrices of `f16` in one instruction.
    pub has_f16_matrix: bool,
    /// The measured ways of its products, where there are any.
    pub tuning: Option<Tuning>,
    /// Texts that replace the table's; see [`GpuDevice::with_shader`].
    shaders: HashMap<(Kernel, Tiling), String>,
    /// The shader of whole steps, if it is replaced.
    whole: Option<String>,
}

impl GpuDevice {
    /// The same device, on which sessions build `kernel` with `tiling` from `text` (complete WGSL, includes expanded)
    /// instead of the table's shader: how tests show that a broken kernel is caught.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_shader(&self, kernel: Kernel, tiling: Tiling, text: &str) -> GpuDevice {
        let mut device = self.clone();
        device.shaders.insert((kernel, tiling), text.to_string());
        device
    }

    /// As [`GpuDevice::with_shader`], for the shader of whole steps.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_whole_shader(&self, text: &str) -> GpuDevice {
        GpuDevice { whole: Some(text.to_string()), ..self.clone() }
    }

    /// The complete WGSL text of the shader of whole steps on this device.
    pub fn whole_shader(&self) -> String {
        self.whole.clone().unwrap_or_else(Whole::source)
    }

    /// The complete WGSL text of `kernel` with `tiling` on this device.
    pub fn shader(&self, kernel: Kernel, tiling: Tiling) -> String {
        self.shaders.get(&(kernel, tiling)).cloned().unwrap_or_else(|| kernel.source_with(tiling))
    }

    /// What went wrong on the device so far, outside of any call; `at` says when that is asked.
    ///
    /// # Errors
    /// [`Error::DeviceLost`], [`Error::Device`].
    pub fn check(&self, at: &str) -> Result<()> {
        match self.faults.check(at) {
            Err(Error::Device(_)) => {
                // A lost device fails in every call; the callback that says why is called by a poll.
                #[cfg(not(target_arch = "wasm32"))]
                let _ = self.device.poll(wgpu::PollType::Poll);
                self.faults.check(at)
            }
            checked => checked,
        }
    }

    /// The reason for `error`, which a call gave: a device that is lost fails with all kinds of errors.
    pub fn explain(&self, at: &str, error: Error) -> Error {
        #[cfg(not(target_arch = "wasm32"))]
        let _ = self.device.poll(wgpu::PollType::Poll);
        match self.faults.check(at) {
            Err(known @ (Error::DeviceLost(_) | Error::OutOfMemory(_))) => known,
            _ => error,
        }
    }

    /// Waits for everything that was submitted; `what` names the work, and `at` says when that is asked.
    ///
    /// # Errors
    /// [`Error::Gpu`], and those of [`GpuDevice::check`].
    pub(super) fn wait(&self, what: &str, at: &str) -> Result<()> {
        self.device.poll(wgpu::PollType::wait_indefinitely()).map_err(|e| Error::gpu(what, e))?;
        self.check(at)
    }

    /// A buffer; one that may be too large is made in an error scope.
    pub(super) fn buffer(&self, label: &str, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
        let descriptor = wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation: false };
        self.device.create_buffer(&descriptor)
    }
}

impl Backend for GpuDevice {
    fn kind(&self) -> &'static str {
        "gpu"
    }

    fn name(&self) -> &str {
        &self.info.name
    }

    fn backend_driver(&self) -> (String, String) {
        let driver = format!("{} {}", self.info.driver, self.info.driver_info);
        (self.info.backend.to_string(), driver.trim().to_string())
    }

    fn reason(&self) -> &str {
        &self.reason
    }

    fn is_software(&self) -> bool {
        is_software(&self.info)
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn products(&self) -> Products {
        let software = is_software(&self.info);
        let fixed = self.info.subgroup_min_size == self.info.subgroup_max_size;
        let able = self.device.features().contains(wgpu::Features::SUBGROUP);
        let lanes = Some(self.info.subgroup_min_size).filter(|s| software && able && fixed && matches!(s, 4 | 8));
        Products { direct: software, lanes }
    }

    fn tuning(&self) -> Option<&Tuning> {
        self.tuning.as_ref()
    }

    fn tuned(&self, tuning: Option<Tuning>) -> Option<Device> {
        Some(Device::new(GpuDevice { tuning, ..self.clone() }))
    }

    fn reopen(&self) -> Task<'_, Option<Device>> {
        Box::pin(async { Ok(Some(Device::new(reopen(self).await?))) })
    }

    fn lose(&self) {
        self.device.destroy();
    }

    fn fits<'a>(&'a self, allocations: &'a [Allocation]) -> Task<'a, bool> {
        Box::pin(async {
            match super::allocate(self, allocations).await {
                Ok(_) => Ok(true),
                Err(Error::OutOfMemory(_)) => Ok(false),
                Err(other) => Err(other),
            }
        })
    }

    fn open<'a>(&'a self, plans: &'a [Plan]) -> Task<'a, Box<dyn Executor>> {
        Box::pin(async { Ok(Box::new(super::Gpu::new(self, plans).await?) as Box<dyn Executor>) })
    }
}

/// Opens a device in place of one that was lost: on the same adapter, or, where that is gone or does not open, on another
/// of its kind (hardware for hardware, software for software). What was replaced for a test stays replaced.
///
/// # Errors
/// [`Error::DeviceLost`] when none opens; the message says what was tried.
pub async fn reopen(lost: &GpuDevice) -> Result<GpuDevice> {
    let mut candidates = list().await;
    candidates.retain(|l| is_software(&l.info) == is_software(&lost.info));
    candidates.sort_by_key(|l| (!is_same(&l.info, &lost.info), rank(l.info.device_type), l.index));
    let mut tried = Vec::new();
    for listed in candidates {
        let same = is_same(&listed.info, &lost.info);
        let reason = match same {
            true => format!("opened again after it was lost; before: {}", lost.reason),
            false => format!("in place of {}, which was lost", lost.info.name),
        };
        match (Selected { listed, reason }).open_with(wgpu::Features::SUBGROUP).await {
            Ok(opened) => {
                let GpuDevice { submit_target, memory_bytes, tuning, shaders, whole, .. } = lost.clone();
                let tuning = tuning.filter(|_| same);
                return Ok(GpuDevice { submit_target, memory_bytes, tuning, shaders, whole, ..opened });
            }
            Err(e) => tried.push(e.to_string()),
        }
    }
    let tried = if tried.is_empty() { "no such adapter is there any more".to_string() } else { tried.join("; ") };
    Err(Error::DeviceLost(format!("{} was lost and cannot be opened again: {tried}", lost.info.name)))
}

/// Whether both are one adapter with one driver.
fn is_same(a: &wgpu::AdapterInfo, b: &wgpu::AdapterInfo) -> bool {
    let hardware = (&a.name, a.backend, a.vendor, a.device) == (&b.name, b.backend, b.vendor, b.device);
    hardware && (&a.driver, &a.driver_info) == (&b.driver, &b.driver_info)
}

/// Every adapter of this machine with a compute queue, in wgpu's order.
pub async fn list() -> Vec<Listed> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends =
        wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12 | wgpu::Backends::BROWSER_WEBGPU;
    // The validation layers are a developer's tool: they cost start-up time and print to stderr.
    descriptor.flags = wgpu::InstanceFlags::empty().with_env();
    let instance = wgpu::Instance::new(descriptor);
    let adapters = instance.enumerate_adapters(wgpu::Backends::all()).await;
    let able = adapters
        .into_iter()
        .filter(|a| a.get_downlevel_capabilities().flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS));
    able.enumerate().map(|(index, adapter)| Listed { index, info: adapter.get_info(), adapter }).collect()
}

/// Chooses an adapter as `choice` says.
///
/// # Errors
/// [`Error::Device`] when the one asked for is not there, or none is and `require_gpu` is set.
pub async fn select(choice: &Choice, require_gpu: bool) -> Result<Selection> {
    let mut listed = list().await;
    listed.sort_by_key(|l| (rank(l.info.device_type), l.index));
    let (found, reason) = match choice {
        Choice::Adapter(wanted) => {
            let found = position(&listed, wanted).ok_or_else(|| unknown_adapter(wanted, &listed))?;
            (found, format!("asked for by its name or index, {wanted}"))
        }
        Choice::Gpu => {
            let Some(best) = listed.first() else {
                return Err(Error::Device(format!("a GPU was asked for, but no adapter was found. {}", remedy())));
            };
            if is_software(&best.info) {
                log::warn!("the only adapter is a software rasteriser, slower than the CPU");
            }
            (0, "asked for, and the best adapter found".to_string())
        }
        Choice::Auto | Choice::Cpu => match (listed.iter().position(|l| !is_software(&l.info)), listed.first()) {
            (Some(hardware), _) => (hardware, "the best hardware adapter found".to_string()),
            (None, _) if require_gpu => {
                let found = describe(&listed);
                let why = format!("a GPU is required, but no hardware GPU was found ({found}). {}", remedy());
                return Err(Error::Device(why));
            }
            (None, None) => return Ok(Selection::Cpu("no GPU adapter was found".into())),
            (None, Some(best)) => {
                let name = &best.info.name;
                let why =
                    format!("no hardware GPU was found; {name} is a software rasteriser, used only when asked for");
                return Ok(Selection::Cpu(why));
            }
        },
    };
    Ok(Selection::Adapter(Box::new(Selected { listed: listed.swap_remove(found), reason })))
}

fn remedy() -> String {
    let cpu = Remedy::UseCpu;
    format!("Install a Vulkan, Metal or DX12 driver (mesa-vulkan-drivers for a software adapter on Debian), or {cpu}")
}

/// Where the adapter of this index, or of a name that contains the text, stands in the list.
fn position(listed: &[Listed], wanted: &str) -> Option<usize> {
    if let Ok(index) = wanted.parse::<usize>() {
        return listed.iter().position(|l| l.index == index);
    }
    let wanted = wanted.to_lowercase();
    listed.iter().position(|l| l.info.name.to_lowercase().contains(&wanted))
}

fn unknown_adapter(wanted: &str, listed: &[Listed]) -> Error {
    let asked = match wanted.parse::<usize>() {
        Ok(index) => format!("there is no adapter {index}"),
        Err(_) => format!("no adapter is called \"{wanted}\""),
    };
    if listed.is_empty() {
        return Error::Device(format!("{asked}; this machine has no adapter at all. {}", remedy()));
    }
    Error::Device(format!("{asked}. There is {}. {}", describe(listed), Remedy::NameAdapter))
}

fn describe(listed: &[Listed]) -> String {
    if listed.is_empty() {
        return "no adapter at all".to_string();
    }
    let mut sorted: Vec<&Listed> = listed.iter().collect();
    sorted.sort_by_key(|l| l.index);
    sorted.iter().map(|l| format!("{}: {} ({})", l.index, l.info.name, l.info.backend)).collect::<Vec<_>>().join("; ")
}

/// True for llvmpipe, SwiftShader, WARP and the like.
pub fn is_software(info: &wgpu::AdapterInfo) -> bool {
    info.device_type == wgpu::DeviceType::Cpu
}

/// Adapters of a lower rank come first.
fn rank(kind: wgpu::DeviceType) -> u8 {
    match kind {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    }
}

/// The limits that plans depend on.
pub fn plan_limits(limits: &wgpu::Limits, info: &wgpu::AdapterInfo) -> Limits {
    Limits {
        max_buffer_size_bytes: limits.max_buffer_size,
        max_storage_buffer_binding_size_bytes: limits.max_storage_buffer_binding_size,
        max_storage_buffers_per_shader_stage: limits.max_storage_buffers_per_shader_stage,
        max_compute_workgroups_per_dimension: limits.max_compute_workgroups_per_dimension,
        max_compute_invocations_per_workgroup: limits.max_compute_invocations_per_workgroup,
        max_loop_rounds: match info.name.contains("llvmpipe") {
            true => Limits::LLVMPIPE_LOOP_ROUNDS,
            false => u32::MAX,
        },
    }
}

impl Selected {
    /// Opens the device with the adapter's own limits, and with those of `wanted` that it has; training needs none.
    ///
    /// # Errors
    /// [`Error::Device`] with the adapter's name and what the driver said.
    pub async fn open_with(self, wanted: wgpu::Features) -> Result<GpuDevice> {
        let info = self.listed.info;
        let limits = self.listed.adapter.limits();
        let matrix = wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX | wgpu::Features::SHADER_F16;
        let has_f16_matrix = self.listed.adapter.features().contains(matrix);
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("wgrad"),
            required_features: wanted & self.listed.adapter.features(),
            required_limits: limits.clone(),
            experimental_features: wgpu::ExperimentalFeatures::disabled(),
            memory_hints: wgpu::MemoryHints::MemoryUsage,
            trace: wgpu::Trace::Off,
        };
        let opened = self.listed.adapter.request_device(&descriptor).await;
        let (device, queue) = opened.map_err(|e| {
            let (name, cpu) = (&info.name, Remedy::UseCpu);
            Error::Device(format!("{name} could not be opened: {e}. Update its driver, or {cpu}"))
        })?;
        let faults = Faults::watch(&device, &info.name);
        Ok(GpuDevice {
            limits: limits_of_environment(plan_limits(&limits, &info), &info.name)?,
            info,
            reason: self.reason,
            device,
            queue,
            faults,
            submit_target: SUBMIT_TARGET,
            memory_bytes: None,
            has_f16_matrix,
            tuning: None,
            shaders: HashMap::new(),
            whole: None,
        })
    }
}
