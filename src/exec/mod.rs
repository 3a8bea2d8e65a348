//! Executors: what runs a plan. The CPU executor and the GPU executor take the same plans and show the same interface.
//!
//! A [`Session`] holds the arenas of several plans (training, evaluation) on one device; persistent arenas are shared
//! between the plans by name. Everything is allocated when the session opens; nothing is in the loop.

pub(crate) mod analysis;
pub mod backend;
pub(crate) mod cpu;
pub mod device;
#[cfg(feature = "gpu")]
pub(crate) mod gpu;
pub(crate) mod layout;
pub(crate) mod memory;
pub(crate) mod profile;
mod tuning;

pub use backend::{Backend, Executor, Sink, Task};
pub use device::{Choice, Device, limits_of_environment, open_device, open_device_to_profile};
pub use tuning::Tuning;

use crate::error::{Error, Result};
use crate::kernels::{Access, Binding, Dtype};
use crate::plan::{Dispatch, Holds, Plan, Range, Role};

/// What a log sink wants next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Submit no further steps; what is submitted runs to its end.
    Stop,
}

pub use crate::report::Counters;

/// Plans with their memory on a device.
pub struct Session {
    plans: Vec<Plan>,
    inner: Box<dyn Executor>,
    /// Steps started since the last [`Session::drain`].
    started: usize,
}

/// What every allocation of a session with `plans` holds, and its size in bytes; arenas that plans share count once.
///
/// # Errors
/// [`Error::Internal`] for plans that do not go together.
pub fn allocated(plans: &[Plan]) -> Result<Vec<(Holds, u64)>> {
    let (allocations, _) = layout::join(plans)?;
    Ok(allocations.iter().flat_map(|a| a.parts()).map(|(holds, len)| (holds, 4 * len as u64)).collect())
}

impl Session {
    /// Allocates the arenas of `plans` on `device` and builds their pipelines.
    ///
    /// # Errors
    /// [`Error::Limit`] when a plan does not fit the device, [`Error::Gpu`] naming the kernel or buffer that failed.
    pub async fn open(device: &Device, plans: Vec<Plan>) -> Result<Session> {
        for plan in &plans {
            plan.check(&device.limits(), device.name())?;
        }
        let inner = device.open(&plans).await?;
        Ok(Session { plans, inner, started: 0 })
    }

    /// Whether `device` has the memory for `plans`: their arenas are allocated and let go again.
    ///
    /// # Errors
    /// What keeps an allocation from being tried: [`Error::Gpu`], [`Error::Device`].
    pub async fn fits(device: &Device, plans: &[Plan]) -> Result<bool> {
        let (allocations, _) = layout::join(plans)?;
        device.fits(&allocations).await
    }

    /// The plans, in the order given to [`Session::open`].
    pub fn plans(&self) -> &[Plan] {
        &self.plans
    }

    /// The place of a buffer.
    ///
    /// # Errors
    /// [`Error::Internal`] if the plan has no such buffer.
    pub fn range(&self, plan: usize, role: impl Into<Role>) -> Result<Range> {
        self.plans[plan].range(role)
    }

    /// Writes numbers (rounded to the device's precision) to the start of a buffer.
    ///
    /// # Errors
    /// [`Error::Internal`] for an unknown buffer or too many values; [`Error::Gpu`].
    pub fn write(&mut self, plan: usize, role: impl Into<Role>, values: &[f64]) -> Result<()> {
        let range = self.part(plan, &role.into(), 0, values.len(), Dtype::F32)?;
        self.inner.write(plan, range, values)
    }

    /// Writes indices to the start of a buffer.
    ///
    /// # Errors
    /// As [`Session::write`].
    pub fn write_u32(&mut self, plan: usize, role: impl Into<Role>, values: &[u32]) -> Result<()> {
        self.write_u32_from(plan, role, 0, values)
    }

    /// Writes indices into a buffer from element `first` on.
    ///
    /// # Errors
    /// As [`Session::write`].
    pub fn write_u32_from(&mut self, plan: usize, role: impl Into<Role>, first: usize, values: &[u32]) -> Result<()> {
        let range = self.part(plan, &role.into(), first, values.len(), Dtype::U32)?;
        self.inner.write_u32(plan, range, values)
    }

    /// Writes `f32` numbers into a buffer from element `first` on, without an intermediate copy in `f64`: large data goes
    /// to the device piece by piece.
    ///
    /// # Errors
    /// As [`Session::write`].
    pub fn write_f32(&mut self, plan: usize, role: impl Into<Role>, first: usize, values: &[f32]) -> Result<()> {
        let range = self.part(plan, &role.into(), first, values.len(), Dtype::F32)?;
        self.inner.write_f32(plan, range, values)
    }

    /// `len` elements of a buffer from element `first` on.
    fn part(&self, plan: usize, role: &Role, first: usize, len: usize, dtype: Dtype) -> Result<Range> {
        let range = self.range(plan, role)?;
        if first + len > range.len || self.plans[plan].arenas[range.arena].dtype != dtype {
            return Err(Error::Internal(format!(
                "{len} values of {dtype:?} from {first} on do not fit {role} of {}",
                range.len
            )));
        }
        Ok(Range { offset: range.offset + first, len, ..range })
    }

    /// Reads a buffer of numbers.
    ///
    /// # Errors
    /// [`Error::Internal`] for an unknown buffer; [`Error::Gpu`].
    pub async fn read(&mut self, plan: usize, role: impl Into<Role>) -> Result<Vec<f64>> {
        let range = self.range(plan, role)?;
        self.inner.read(plan, range).await
    }

    /// Reads a whole arena of a plan; indices are widened to numbers.
    ///
    /// # Errors
    /// [`Error::Gpu`], [`Error::Device`].
    pub async fn read_arena(&mut self, plan: usize, arena: usize) -> Result<Vec<f64>> {
        let whole = Range { arena, offset: 0, len: self.plans[plan].arenas[arena].len };
        match self.plans[plan].arenas[arena].dtype {
            Dtype::F32 => self.inner.read(plan, whole).await,
            Dtype::U32 => {
                let words = self.inner.read_u32(plan, whole).await?;
                Ok(words.into_iter().map(f64::from).collect())
            }
        }
    }

    /// Runs up to `steps` steps, from the first row of the plan's tables. The losses of finished steps go to `sink` in
    /// order, many at a time; when it answers [`Flow::Stop`], or a parameter is no finite number ([`Session::nonfinite`]), no
    /// further steps start. Returns how many steps ran.
    ///
    /// # Errors
    /// [`Error::Gpu`] or [`Error::Device`] when the device fails.
    pub async fn run(&mut self, plan: usize, steps: usize, sink: Sink<'_>) -> Result<usize> {
        self.started = 0;
        let started = self.start(plan, steps, sink).await?;
        self.drain(sink).await?;
        Ok(started)
    }

    /// The steps, of those that the last [`Session::run`] ran, among which a parameter or an optimizer state stopped being a
    /// finite number; the run then ended early. Later steps ran on numbers that are of no use. Steps of
    /// [`Session::start`] are counted from the first one since the last [`Session::drain`].
    pub fn nonfinite(&self) -> Option<std::ops::Range<usize>> {
        self.inner.nonfinite()
    }

    /// As [`Session::run`], but returns as soon as the steps are on their way: data of the next ones can be written while
    /// the device works. What is written then lands after the steps that were started before and ahead of those that are
    /// started next. Losses may come in a later call; [`Session::drain`] brings the rest.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub async fn start(&mut self, plan: usize, steps: usize, sink: Sink<'_>) -> Result<usize> {
        if steps > self.plans[plan].steps {
            return Err(Error::Internal(format!("{steps} steps in tables of {}", self.plans[plan].steps)));
        }
        let started = self.inner.start(plan, self.started, steps, sink).await?;
        self.started += started;
        Ok(started)
    }

    /// Waits for the steps of [`Session::start`] and hands the rest of their losses to `sink`.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub async fn drain(&mut self, sink: Sink<'_>) -> Result<()> {
        self.started = 0;
        self.inner.drain(sink).await
    }

    /// Runs `steps` steps and returns what the buffer held after each, one after the other.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub async fn run_collect(&mut self, plan: usize, steps: usize, role: impl Into<Role>) -> Result<Vec<f64>> {
        let range = self.range(plan, role)?;
        self.inner.run_collect(plan, steps, range).await
    }

    /// Runs up to `steps` steps and times each dispatch. The values that this leaves in the session are of no use: a
    /// dispatch may run many times over.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub async fn profile(&mut self, plan: usize, steps: usize) -> Result<profile::Profile> {
        let table_steps = self.plans[plan].steps;
        let steps = steps.min(table_steps);
        // A dispatch that counts steps must not count past the end of the tables.
        let counter = |b: &Binding| b.access == Access::Update && b.dtype == Dtype::U32;
        let most = |d: &Dispatch| if d.kernel.bindings.iter().any(counter) { table_steps } else { usize::MAX };
        let most: Vec<usize> = self.plans[plan].dispatches.iter().map(most).collect();
        self.inner.profile(plan, steps, &most).await
    }

    /// Time of a submit that runs one dispatch of a plan `count` times, its wait included: what tuning compares. The values
    /// that this leaves in the session are of no use.
    ///
    /// # Errors
    /// [`Error::Gpu`] or [`Error::Device`] when the device fails; [`Error::Internal`] on the CPU, which submits nothing.
    pub(crate) fn time_dispatch(&mut self, plan: usize, dispatch: usize, count: usize) -> Result<std::time::Duration> {
        self.inner.time_dispatch(plan, dispatch, count)
    }

    /// Memory of all arenas, shared ones counted once, in bytes of 4 an element.
    pub fn size_bytes(&self) -> u64 {
        allocated(&self.plans).map(|a| a.iter().map(|(_, bytes)| bytes).sum()).unwrap_or(0)
    }

    /// What was done on the device so far.
    pub fn counters(&self) -> Counters {
        self.inner.counters()
    }
}
