//! What a device is to the rest of the crate: something that says what it can hold and runs plans.

use super::layout::Allocation;
use super::profile::Profile;
use super::{Counters, Device, Flow, Tuning};
use crate::error::{Error, Result};
use crate::plan::{Limits, Plan, Products, Range};
use std::any::Any;
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// An operation on a device that may take time.
pub type Task<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + 'a>>;

/// Hears of the losses of finished steps.
pub type Sink<'a> = &'a mut dyn FnMut(&[f64]) -> Flow;

/// A device that plans run on.
pub trait Backend: Any + Debug + Send + Sync {
    /// `cpu` or `gpu`.
    fn kind(&self) -> &'static str;

    /// Name for people.
    fn name(&self) -> &str;

    /// API and driver; empty on the CPU.
    fn backend_driver(&self) -> (String, String) {
        Default::default()
    }

    /// Why this device.
    fn reason(&self) -> &str;

    /// Whether it computes on the host's processors, in the host's memory: the CPU, and software adapters.
    fn is_software(&self) -> bool;

    /// What plans must fit.
    fn limits(&self) -> Limits;

    /// How matrix products work best.
    fn products(&self) -> Products {
        Products::default()
    }

    /// The measured ways in use.
    fn tuning(&self) -> Option<&Tuning> {
        None
    }

    /// The device with the ways of `tuning`, or by the rules alone; `None` where there is nothing to tune.
    fn tuned(&self, tuning: Option<Tuning>) -> Option<Device> {
        drop(tuning);
        None
    }

    /// A device in place of this one, which was lost; `None` for one that cannot be lost.
    fn reopen(&self) -> Task<'_, Option<Device>> {
        Box::pin(async { Ok(None) })
    }

    /// Destroys the device, as a driver's reset would; one that cannot be lost stays.
    fn lose(&self) {}

    /// Whether it has the memory for these allocations.
    fn fits<'a>(&'a self, allocations: &'a [Allocation]) -> Task<'a, bool>;

    /// Allocates the arenas of `plans` and makes everything else that is made once.
    fn open<'a>(&'a self, plans: &'a [Plan]) -> Task<'a, Box<dyn Executor>>;
}

/// Plans with their memory on a device. Ranges are the plan's; see [`super::Session`] for what each method does.
pub trait Executor: Send {
    /// Writes numbers, rounded to the device's precision.
    ///
    /// # Errors
    /// [`Error::Gpu`].
    fn write(&mut self, plan: usize, range: Range, values: &[f64]) -> Result<()>;

    /// Writes `f32` numbers.
    ///
    /// # Errors
    /// [`Error::Gpu`].
    fn write_f32(&mut self, plan: usize, range: Range, values: &[f32]) -> Result<()>;

    /// Writes indices.
    ///
    /// # Errors
    /// [`Error::Gpu`].
    fn write_u32(&mut self, plan: usize, range: Range, values: &[u32]) -> Result<()>;

    /// Reads numbers.
    fn read(&mut self, plan: usize, range: Range) -> Task<'_, Vec<f64>>;

    /// Reads indices.
    fn read_u32(&mut self, plan: usize, range: Range) -> Task<'_, Vec<u32>>;

    /// Starts up to `steps` steps, of which `before` were started since the last [`Executor::drain`].
    fn start<'a>(&'a mut self, plan: usize, before: usize, steps: usize, sink: Sink<'a>) -> Task<'a, usize>;

    /// Waits for what was started and hands the rest of the losses to `sink`.
    fn drain<'a>(&'a mut self, sink: Sink<'a>) -> Task<'a, ()>;

    /// Runs `steps` steps and returns what `range` held after each.
    fn run_collect(&mut self, plan: usize, steps: usize, range: Range) -> Task<'_, Vec<f64>>;

    /// Times each dispatch over `steps` steps; a dispatch may run `most` times in a row.
    fn profile<'a>(&'a mut self, plan: usize, steps: usize, most: &'a [usize]) -> Task<'a, Profile>;

    /// Time of a submit that runs one dispatch `count` times.
    ///
    /// # Errors
    /// [`Error::Internal`] for a device that submits nothing.
    fn time_dispatch(&mut self, plan: usize, dispatch: usize, count: usize) -> Result<Duration> {
        Err(Error::Internal(format!("dispatch {dispatch} of plan {plan} cannot be timed {count} times here")))
    }

    /// The steps, counted from the first since the last drain, among which a number stopped being finite.
    fn nonfinite(&self) -> Option<std::ops::Range<usize>>;

    /// What was done so far.
    fn counters(&self) -> Counters;
}
