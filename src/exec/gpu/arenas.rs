//! An arena on the device: one buffer, or several where no buffer is large enough.

use super::adapter::GpuDevice;
use super::fault::{out_of_memory, scoped};
use crate::error::{Error, Result};
use crate::exec::layout::Allocation;
use crate::plan::buffers;
use crate::target::aligned;

/// What a buffer of storage is used for.
pub const STORAGE: wgpu::BufferUsages =
    wgpu::BufferUsages::STORAGE.union(wgpu::BufferUsages::COPY_SRC).union(wgpu::BufferUsages::COPY_DST);

/// The buffers of an arena, each with its first element.
pub struct DeviceArena {
    parts: Vec<(usize, wgpu::Buffer)>,
}

/// Consecutive elements in one buffer.
pub struct Place {
    /// The buffer.
    pub buffer: wgpu::Buffer,
    /// Where the elements begin in it.
    pub offset_bytes: u64,
    /// Number of elements.
    pub len: usize,
}

impl DeviceArena {
    /// Makes the buffers, filled with zeros.
    ///
    /// # Errors
    /// [`crate::Error::Gpu`] naming the buffer and its size.
    pub async fn new(gpu: &GpuDevice, allocation: &Allocation) -> Result<DeviceArena> {
        let mut parts = Vec::new();
        for (start, end) in buffers(&allocation.cuts, allocation.len) {
            let (name, size) = (&allocation.name, 4 * aligned(end - start) as u64);
            let at = format!("buffer {name} of {size} bytes");
            let buffer = scoped(&gpu.device, &at, || gpu.buffer(name, size, STORAGE)).await?;
            parts.push((start, buffer));
        }
        Ok(DeviceArena { parts })
    }

    /// The buffer that holds `element`, and where, in bytes: enough for whatever lies in one buffer, as bindings do.
    pub fn at(&self, element: usize) -> (&wgpu::Buffer, u64) {
        let after = self.parts.partition_point(|(start, _)| *start <= element);
        let (start, buffer) = &self.parts[after.max(1) - 1];
        (buffer, 4 * (element - start) as u64)
    }

    /// `len` elements from `first` on, buffer by buffer.
    pub fn places(&self, first: usize, len: usize) -> Vec<Place> {
        let mut places = Vec::new();
        let (mut at, end) = (first, first + len);
        while at < end {
            let next = self.parts.iter().map(|(start, _)| *start).find(|start| *start > at).unwrap_or(end);
            let (buffer, offset_bytes) = self.at(at);
            let len = next.min(end) - at;
            places.push(Place { buffer: buffer.clone(), offset_bytes, len });
            at += len;
        }
        places
    }
}

/// The arenas of every allocation.
///
/// # Errors
/// [`Error::OutOfMemory`] with the size of each; [`Error::Gpu`].
pub async fn allocate(gpu: &GpuDevice, allocations: &[Allocation]) -> Result<Vec<DeviceArena>> {
    let mut arenas = Vec::with_capacity(allocations.len());
    let mut taken = 0;
    for a in allocations {
        let allowed = gpu.memory_bytes.is_none_or(|most| taken + a.size_bytes() <= most);
        let made = if allowed { DeviceArena::new(gpu, a).await } else { Err(out_of_memory(&a.name)) };
        match made {
            Ok(arena) => arenas.push(arena),
            Err(Error::OutOfMemory(_)) => return Err(no_memory_for(gpu, allocations, a, taken)),
            Err(other) => return Err(other),
        }
        taken += a.size_bytes();
    }
    Ok(arenas)
}

/// The error of a session whose allocation `failed` cannot be had, after `taken` bytes.
fn no_memory_for(gpu: &GpuDevice, allocations: &[Allocation], failed: &Allocation, taken: u64) -> Error {
    let total: u64 = allocations.iter().map(Allocation::size_bytes).sum();
    let mut largest: Vec<&Allocation> = allocations.iter().collect();
    largest.sort_by_key(|a| std::cmp::Reverse(a.size_bytes()));
    let parts: Vec<String> = largest.iter().take(6).map(|a| format!("{} {}", a.name, a.size_bytes())).collect();
    Error::OutOfMemory(format!(
        "{} has no memory for {} ({} bytes): the session asks for {total} bytes, of which {taken} could be had. The \
         largest parts, in bytes: {}",
        gpu.info.name,
        failed.name,
        failed.size_bytes(),
        parts.join(", ")
    ))
}
