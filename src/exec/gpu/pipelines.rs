//! The pipelines that plans need, each made once, on all threads of the host at a time: drivers take tenths of a second for
//! one, and a session needs ten of them before its first step.

use super::adapter::GpuDevice;
use super::fault::scoped;
use crate::error::Result;
use crate::kernels::{Access, Kernel, Tiling};
use crate::plan::{Dispatch, Plan};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// What tells one pipeline from another: the kernel, its tiling, and its constants as bits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    kernel: Kernel,
    tiling: Tiling,
    constants: Vec<(&'static str, u64)>,
}

impl Key {
    /// The pipeline of a dispatch.
    pub fn of(dispatch: &Dispatch) -> Key {
        let Dispatch { kernel, args, .. } = dispatch;
        let constants = args.constants.iter().map(|(name, value)| (*name, value.to_bits())).collect();
        Key { kernel: *kernel, tiling: kernel.tiling(args), constants }
    }
}

/// A pipeline and what is bound to it.
pub struct Built {
    pub pipeline: wgpu::ComputePipeline,
    pub bindings: wgpu::BindGroupLayout,
}

/// A shader module and its layouts: a uniform at binding 0, then storage.
pub struct Module {
    shader: wgpu::ShaderModule,
    pub bindings: wgpu::BindGroupLayout,
    layout: wgpu::PipelineLayout,
}

/// Every pipeline of `plans`. Which one is made first is left to chance; what is made, and which error is told where
/// several fail, is not.
///
/// # Errors
/// [`crate::Error::Gpu`] with the kernel's name and what the driver said.
pub async fn pipelines(gpu: &GpuDevice, plans: &[Plan]) -> Result<BTreeMap<Key, Built>> {
    // Whole steps have a pipeline of their own; what ends a submit is the same for them.
    let separate = plans.iter().filter(|p| p.whole.is_none()).flat_map(|p| &p.dispatches);
    let keys: BTreeSet<Key> = separate.chain(plans.iter().flat_map(|p| &p.guard)).map(Key::of).collect();
    let texts: BTreeSet<(Kernel, Tiling)> = keys.iter().map(|k| (k.kernel, k.tiling)).collect();
    let modules = each(texts, async |(kernel, tiling)| {
        scoped(&gpu.device, &format!("kernel {}", kernel.name), || {
            let read_only = kernel.bindings.iter().map(|b| b.access == Access::Read);
            Module::new(gpu, kernel.name, gpu.shader(*kernel, *tiling), read_only)
        })
        .await
    })
    .await?;
    each(keys, async |key| {
        let module = &modules[&(key.kernel, key.tiling)];
        let at = format!("kernel {} with {:?}", key.kernel.name, values(key));
        let pipeline = scoped(&gpu.device, &at, || module.pipeline(gpu, key.kernel.name, &values(key))).await?;
        Ok(Built { pipeline, bindings: module.bindings.clone() })
    })
    .await
}

/// `make` for every key, on all threads. wgpu's error scopes belong to a thread, and away from the browser their results are
/// there at once, so that each thread waits for its own.
#[cfg(not(target_arch = "wasm32"))]
async fn each<K: Ord + Send + Sync, V: Send>(
    keys: BTreeSet<K>,
    make: impl AsyncFn(&K) -> Result<V> + Sync,
) -> Result<BTreeMap<K, V>> {
    use rayon::prelude::*;
    let made: Vec<Result<(K, V)>> =
        keys.into_par_iter().map(|key| pollster::block_on(make(&key)).map(|value| (key, value))).collect();
    made.into_iter().collect()
}

#[cfg(target_arch = "wasm32")]
async fn each<K: Ord, V>(keys: BTreeSet<K>, make: impl AsyncFn(&K) -> Result<V>) -> Result<BTreeMap<K, V>> {
    let mut made = BTreeMap::new();
    for key in keys {
        let value = make(&key).await?;
        made.insert(key, value);
    }
    Ok(made)
}

/// The constants as numbers.
fn values(key: &Key) -> Vec<(&'static str, f64)> {
    key.constants.iter().map(|(name, bits)| (*name, f64::from_bits(*bits))).collect()
}

impl Module {
    /// The module of `text`, whose storage bindings are read-only or not as `read_only` says.
    pub fn new(gpu: &GpuDevice, label: &str, text: String, read_only: impl Iterator<Item = bool>) -> Module {
        let (device, shader) = (&gpu.device, shader(gpu, label, text.into()));
        let label = Some(label);
        let entry = |binding: u32, ty: wgpu::BufferBindingType| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
            count: None,
        };
        let mut entries = vec![entry(0, wgpu::BufferBindingType::Uniform)];
        for (i, read_only) in (1..).zip(read_only) {
            entries.push(entry(i, wgpu::BufferBindingType::Storage { read_only }));
        }
        let bindings = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label, entries: &entries });
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label,
            bind_group_layouts: &[Some(&bindings)],
            immediate_size: 0,
        });
        Module { shader, bindings, layout }
    }

    /// Its entry point `main` with these constants.
    pub fn pipeline(&self, gpu: &GpuDevice, label: &str, constants: &[(&str, f64)]) -> wgpu::ComputePipeline {
        pipeline(gpu, label, Some(&self.layout), &self.shader, constants)
    }
}

/// The shader module of complete WGSL text.
pub fn shader(gpu: &GpuDevice, label: &str, text: Cow<'_, str>) -> wgpu::ShaderModule {
    let source = wgpu::ShaderSource::Wgsl(text);
    gpu.device.create_shader_module(wgpu::ShaderModuleDescriptor { label: Some(label), source })
}

/// The entry point `main` of `module` with these constants; without a layout, the one that follows from the shader.
pub fn pipeline(
    gpu: &GpuDevice,
    label: &str,
    layout: Option<&wgpu::PipelineLayout>,
    module: &wgpu::ShaderModule,
    constants: &[(&str, f64)],
) -> wgpu::ComputePipeline {
    gpu.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(label),
        layout,
        module,
        entry_point: Some("main"),
        // Every shader writes what it reads of workgroup memory; zeroing it would cost each dispatch.
        compilation_options: wgpu::PipelineCompilationOptions { constants, zero_initialize_workgroup_memory: false },
        cache: None,
    })
}
