//! Errors of wgpu that arrive outside of any call: uncaught errors (which would panic) and a lost device.

use crate::error::{Error, Result};
use std::sync::{Arc, Mutex, PoisonError};

/// The first fault that a device reported.
#[derive(Debug, Default)]
pub struct Faults {
    first: Mutex<Option<String>>,
    adapter: String,
}

impl Faults {
    /// Installs the handlers on `device`.
    pub fn watch(device: &wgpu::Device, adapter: &str) -> Arc<Faults> {
        let faults = Arc::new(Faults { first: Mutex::default(), adapter: adapter.to_string() });
        let uncaught = Arc::clone(&faults);
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| uncaught.record(text(&error))));
        let lost = Arc::clone(&faults);
        device.set_device_lost_callback(move |reason, message| {
            lost.record(format!("the device was lost ({reason:?}): {message}"));
        });
        faults
    }

    fn record(&self, message: String) {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(message);
    }

    /// The fault so far, as an error.
    ///
    /// # Errors
    /// [`Error::Device`] with the first fault.
    pub fn check(&self, at: &str) -> Result<()> {
        match &*self.first.lock().unwrap_or_else(PoisonError::into_inner) {
            None => Ok(()),
            Some(message) => Err(Error::Device(format!("{} failed {at}: {message}", self.adapter))),
        }
    }
}

/// wgpu's message on one line.
fn text(error: &wgpu::Error) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Runs `build` in error scopes for validation, memory and internal errors; an error becomes an [`Error`] that names `at`.
///
/// # Errors
/// [`Error::Gpu`] with wgpu's message.
pub async fn scoped<R>(device: &wgpu::Device, at: &str, build: impl FnOnce() -> R) -> Result<R> {
    let validation = device.push_error_scope(wgpu::ErrorFilter::Validation);
    let memory = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
    let internal = device.push_error_scope(wgpu::ErrorFilter::Internal);
    let result = build();
    // Popped in the reverse order of pushing, all before the first error is looked at.
    let popped = [internal.pop().await, memory.pop().await, validation.pop().await];
    match popped.into_iter().flatten().next() {
        None => Ok(result),
        Some(wgpu::Error::OutOfMemory { .. }) => Err(Error::gpu(
            at,
            "the device is out of memory. Reduce batch_size or the layers' sizes, or use --device cpu",
        )),
        Some(error) => Err(Error::gpu(at, text(&error))),
    }
}
