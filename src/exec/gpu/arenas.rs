//! An arena on the device: one buffer, or several where no buffer is large enough.

use super::adapter::GpuDevice;
use super::fault::scoped;
use crate::error::Result;
use crate::exec::layout::Allocation;
use crate::plan::{buffers, memory::aligned};

/// The buffers of an arena, each with its first element.
pub struct DeviceArena {
    parts: Vec<(usize, wgpu::Buffer)>,
}

/// Consecutive elements in one buffer.
pub struct Place<'a> {
    /// The buffer.
    pub buffer: &'a wgpu::Buffer,
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
            let descriptor = wgpu::BufferDescriptor {
                label: Some(&allocation.name),
                size: 4 * aligned(end - start) as u64,
                usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            };
            let at = format!("buffer {} of {} bytes", allocation.name, descriptor.size);
            let buffer = scoped(&gpu.device, &at, || gpu.device.create_buffer(&descriptor)).await?;
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
    pub fn places(&self, first: usize, len: usize) -> Vec<Place<'_>> {
        let mut places = Vec::new();
        let (mut at, end) = (first, first + len);
        while at < end {
            let next = self.parts.iter().map(|(start, _)| *start).find(|start| *start > at).unwrap_or(end);
            let (buffer, offset_bytes) = self.at(at);
            let len = next.min(end) - at;
            places.push(Place { buffer, offset_bytes, len });
            at += len;
        }
        places
    }
}
