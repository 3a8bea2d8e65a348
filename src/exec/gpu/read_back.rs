//! Asynchronous read-back: `map_async` answers through a futures-intrusive oneshot channel.

use super::adapter::GpuDevice;
use crate::error::{Error, Result};
use futures_intrusive::channel::shared::{OneshotReceiver, oneshot_channel};

/// A staging buffer that results are copied to.
pub struct ReadBack {
    buffer: wgpu::Buffer,
    mapped: Option<OneshotReceiver<Result<(), wgpu::BufferAsyncError>>>,
}

impl ReadBack {
    /// A staging buffer of `size_bytes`.
    pub fn new(gpu: &GpuDevice, size_bytes: u64) -> ReadBack {
        let usage = wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ;
        ReadBack { buffer: gpu.buffer("read-back", size_bytes, usage), mapped: None }
    }

    /// Where to copy to.
    pub fn buffer(&self) -> &wgpu::Buffer {
        &self.buffer
    }

    /// Size of the staging buffer.
    pub fn size_bytes(&self) -> u64 {
        self.buffer.size()
    }

    /// Asks for the mapping; call it after the submit that copies.
    pub fn start(mut self) -> ReadBack {
        let (sender, receiver) = oneshot_channel();
        self.buffer.map_async(wgpu::MapMode::Read, .., move |result| {
            // The receiver is gone only when nobody wants the result any more.
            let _ = sender.send(result);
        });
        self.mapped = Some(receiver);
        self
    }

    /// Waits for the mapping and hands the words to `convert`.
    ///
    /// # Errors
    /// [`Error::Gpu`] when the device cannot map the buffer.
    pub async fn finish<W: bytemuck::Pod, R>(self, gpu: &GpuDevice, convert: impl FnOnce(&[W]) -> R) -> Result<R> {
        let this = if self.mapped.is_some() { self } else { self.start() };
        let failed = |message: &dyn std::fmt::Display| Error::gpu("read-back", message);
        // In a browser the event loop drives the queue; elsewhere somebody must.
        #[cfg(not(target_arch = "wasm32"))]
        gpu.device.poll(wgpu::PollType::wait_indefinitely()).map_err(|e| failed(&e))?;
        #[cfg(target_arch = "wasm32")]
        let _ = gpu;
        let Some(receiver) = this.mapped else { return Err(failed(&"was never started")) };
        match receiver.receive().await {
            Some(Ok(())) => {}
            Some(Err(e)) => return Err(failed(&e)),
            None => return Err(failed(&"the device gave no answer")),
        }
        let view = this.buffer.get_mapped_range(..).map_err(|e| failed(&e))?;
        Ok(convert(bytemuck::cast_slice::<u8, W>(&view)))
    }
}
