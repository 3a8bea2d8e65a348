//! Errors of wgpu that arrive outside of any call: uncaught errors (which would panic) and a lost device.

use crate::error::{Error, Result};
use std::sync::{Arc, Mutex, PoisonError};

/// The first fault that a device reported.
#[derive(Debug, Default)]
pub struct Faults {
    first: Mutex<Option<(Kind, String)>>,
    adapter: String,
}

/// The later ones say more of a device that has several faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Other,
    Lost,
    Memory,
}

impl Faults {
    /// Installs the handlers on `device`.
    pub fn watch(device: &wgpu::Device, adapter: &str) -> Arc<Faults> {
        let faults = Arc::new(Faults { first: Mutex::default(), adapter: adapter.to_string() });
        let uncaught = Arc::clone(&faults);
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            let memory = matches!(error, wgpu::Error::OutOfMemory { .. });
            uncaught.record(text(&error), if memory { Kind::Memory } else { Kind::Other });
        }));
        let lost = Arc::clone(&faults);
        device.set_device_lost_callback(move |reason, message| {
            // wgpu gives a device up that had no memory for a submit.
            let memory = message.to_lowercase().contains("out of memory") || message.contains("not enough memory");
            lost.record(format!("{reason:?}: {message}"), if memory { Kind::Memory } else { Kind::Lost });
        });
        faults
    }

    /// A lost device fails in every call, and says that it is lost only then: that it is lost is what counts.
    fn record(&self, message: String, kind: Kind) {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        if first.as_ref().is_none_or(|(before, _)| kind > *before) {
            *first = Some((kind, message));
        }
    }

    /// The fault so far, as an error.
    ///
    /// # Errors
    /// [`Error::DeviceLost`]; [`Error::Device`] with the first other fault.
    pub fn check(&self, at: &str) -> Result<()> {
        match &*self.first.lock().unwrap_or_else(PoisonError::into_inner) {
            None => Ok(()),
            Some((kind, message)) => Err(match kind {
                Kind::Lost => Error::DeviceLost(format!("{} was lost {at} ({message})", self.adapter)),
                Kind::Memory => Error::OutOfMemory(format!("{} ran out of memory {at} ({message})", self.adapter)),
                Kind::Other => Error::Device(format!("{} failed {at}: {message}", self.adapter)),
            }),
        }
    }
}

/// wgpu's message on one line.
fn text(error: &wgpu::Error) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The error of a device that has no memory for `at`.
pub fn out_of_memory(at: &str) -> Error {
    Error::OutOfMemory(format!("the device has no memory left for {at}"))
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
        Some(wgpu::Error::OutOfMemory { .. }) => Err(out_of_memory(at)),
        Some(error) => Err(Error::gpu(at, text(&error))),
    }
}
