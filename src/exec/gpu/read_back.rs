//! Asynchronous read-back: the callback of `map_async` wakes the task that waits for it.

use crate::error::{Error, Result};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

type Answer = Result<(), wgpu::BufferAsyncError>;

/// What the callback said, whether it has gone, and whom it wakes then.
#[derive(Default)]
struct State {
    answer: Option<Answer>,
    gone: bool,
    waker: Option<Waker>,
}

#[derive(Default)]
struct Mapped(Mutex<State>);

impl Mapped {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The callback's end. A callback that is dropped without a call wakes the task as well.
struct Sender(Arc<Mapped>);

impl Drop for Sender {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.gone = true;
        let waker = state.waker.take();
        drop(state);
        waker.into_iter().for_each(Waker::wake);
    }
}

/// A staging buffer that results are copied to.
pub struct ReadBack {
    buffer: wgpu::Buffer,
    mapped: Option<Arc<Mapped>>,
}

impl ReadBack {
    /// A staging buffer of `size_bytes`.
    pub fn new(device: &wgpu::Device, size_bytes: u64) -> ReadBack {
        let buffer = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("read-back"),
            size: size_bytes,
            usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
            mapped_at_creation: false,
        });
        ReadBack { buffer, mapped: None }
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
        let mapped = Arc::new(Mapped::default());
        let sender = Sender(Arc::clone(&mapped));
        self.buffer.map_async(wgpu::MapMode::Read, .., move |answer| sender.0.state().answer = Some(answer));
        self.mapped = Some(mapped);
        self
    }

    /// Waits for the mapping and hands the bytes to `convert`.
    ///
    /// # Errors
    /// [`Error::Gpu`] when the device cannot map the buffer.
    pub async fn finish<R>(self, device: &wgpu::Device, convert: impl FnOnce(&[u8]) -> R) -> Result<R> {
        let this = if self.mapped.is_some() { self } else { self.start() };
        let failed = |message: &dyn std::fmt::Display| Error::gpu("read-back", message);
        // In a browser the event loop drives the queue; elsewhere somebody must.
        #[cfg(not(target_arch = "wasm32"))]
        device.poll(wgpu::PollType::wait_indefinitely()).map_err(|e| failed(&e))?;
        #[cfg(target_arch = "wasm32")]
        let _ = device;
        let Some(mapped) = this.mapped else { return Err(failed(&"was never started")) };
        let answer = poll_fn(|context| {
            let mut state = mapped.state();
            if state.gone {
                return Poll::Ready(state.answer.take());
            }
            state.waker = Some(context.waker().clone());
            Poll::Pending
        });
        match answer.await {
            Some(Ok(())) => {}
            Some(Err(e)) => return Err(failed(&e)),
            None => return Err(failed(&"the device gave no answer")),
        }
        let view = this.buffer.get_mapped_range(..).map_err(|e| failed(&e))?;
        Ok(convert(&view))
    }
}
