//! What a training run takes of a device's memory, before anything is allocated: so that "out of memory" is no surprise.

use super::engine::{Roles, Target, planned};
use crate::error::{Error, Remedy, Result};
use crate::exec::{Device, Session, allocated, memory};
use crate::graph::UpdateRule;
use crate::nn::Network;
use crate::plan::{Holds, Limits};
use serde::Serialize;

/// Memory of a training run on the device, in bytes, by what it is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Forecast {
    /// Parameters.
    pub parameters_bytes: u64,
    /// Gradients.
    pub gradients_bytes: u64,
    /// States of the optimizer.
    pub states_bytes: u64,
    /// Samples of training and validation that lie on the device.
    pub samples_bytes: u64,
    /// Tables and logs of the steps.
    pub tables_bytes: u64,
    /// Activations and whatever else lives within a step.
    pub activations_bytes: u64,
}

/// Parts that advice names at most: each is a plan of so many times the dispatches.
const MOST_PARTS: usize = 64;

impl Forecast {
    /// The forecast for the plans of `roles`.
    ///
    /// # Errors
    /// As [`planned`].
    pub fn of(target: &Target<'_>, network: &Network, roles: Roles) -> Result<Forecast> {
        let plans = planned(target, network, roles)?;
        let mut forecast = Forecast::default();
        for (holds, bytes) in allocated(&plans)? {
            let part = match holds {
                Holds::Parameters => &mut forecast.parameters_bytes,
                Holds::Gradients => &mut forecast.gradients_bytes,
                Holds::States => &mut forecast.states_bytes,
                Holds::Data => &mut forecast.samples_bytes,
                Holds::Scratch => &mut forecast.activations_bytes,
                Holds::Counter | Holds::Tables | Holds::Running | Holds::Guard => &mut forecast.tables_bytes,
            };
            *part += bytes;
        }
        Ok(forecast)
    }

    /// The parts with their names for people.
    fn parts(&self) -> [(&'static str, u64); 6] {
        [
            ("parameters", self.parameters_bytes),
            ("gradients", self.gradients_bytes),
            ("optimizer states", self.states_bytes),
            ("samples", self.samples_bytes),
            ("tables and logs", self.tables_bytes),
            ("activations", self.activations_bytes),
        ]
    }

    /// All of it.
    pub fn total_bytes(&self) -> u64 {
        self.parts().iter().map(|(_, bytes)| bytes).sum()
    }

    /// One line a part.
    pub fn text(&self) -> String {
        let lines = self.parts().into_iter().chain([("total", self.total_bytes())]);
        let lines: String = lines.map(|(name, bytes)| format!("  {name:<18} {bytes:>14} bytes\n")).collect();
        format!("memory of a training run on the device\n{lines}")
    }
}

/// `roles` with steps of `batch` samples in `accumulate` parts; as they are where they do not train.
fn divided(roles: Roles, batch: usize, accumulate: usize) -> Roles {
    let train = roles.train.map(|(rows, _, rule)| (rows, batch, UpdateRule { accumulate, ..rule }));
    Roles { train, ..roles }
}

/// Numbers of parts into which a batch in `accumulate` parts may be divided further: twice, four times and so on as many.
fn further_parts(accumulate: usize) -> impl Iterator<Item = usize> {
    let counts = std::iter::successors(Some(2 * accumulate.max(1)), |n| n.checked_mul(2));
    counts.take_while(|count| *count <= MOST_PARTS)
}

/// Whether the plans of `roles` take `memory_bytes` at most.
fn fits(target: &Target<'_>, network: &Network, roles: Roles, memory_bytes: u64) -> bool {
    Forecast::of(target, network, roles).is_ok_and(|f| f.total_bytes() <= memory_bytes)
}

/// The largest batch size up to the number of training rows with which the run fits `memory_bytes`; `None` if not even one
/// sample does.
///
/// What a run takes grows with its batch, but for roundings: the search halves, and what it returns was itself forecast.
pub fn largest_batch(target: &Target<'_>, network: &Network, roles: Roles, memory_bytes: u64) -> Option<usize> {
    let (rows, _, rule) = roles.train?;
    let (mut least, mut most) = (0, rows);
    while least < most {
        let middle = least + (most - least).div_ceil(2);
        let roles = divided(roles, middle, rule.accumulate);
        if fits(target, network, roles, memory_bytes) { least = middle } else { most = middle - 1 }
    }
    (least > 0).then_some(least)
}

/// The spec's `batch_size` for steps of `batch` samples, which come in `accumulate` parts.
pub fn part_of(batch: usize, roles: Roles) -> usize {
    let parts = roles.train.map_or(1, |(_, _, rule)| rule.accumulate.max(1));
    (batch / parts).max(1)
}

/// Size and number of the parts in which the batch of `roles` fits `memory_bytes`: of halves, quarters and so on the first.
fn parts_that_fit(target: &Target<'_>, network: &Network, roles: Roles, memory_bytes: u64) -> Option<(usize, usize)> {
    let (_, batch, rule) = roles.train?;
    let mut tried = further_parts(rule.accumulate).take_while(|count| *count <= batch);
    let found = tried.find(|&count| fits(target, network, divided(roles, batch, count), memory_bytes))?;
    Some((batch.div_ceil(found), found))
}

/// Refuses a run that `memory_bytes` cannot hold.
///
/// # Errors
/// [`Error::Limit`] with what is needed, what there is and the batch size that would fit.
pub fn check_memory(
    target: &Target<'_>,
    network: &Network,
    roles: Roles,
    forecast: &Forecast,
    memory_bytes: u64,
) -> Result<()> {
    let need = forecast.total_bytes();
    if need <= memory_bytes {
        return Ok(());
    }
    let remedy = match largest_batch(target, network, roles, memory_bytes) {
        Some(batch) => {
            let batch = part_of(batch, roles);
            let parts = parts_that_fit(target, network, roles, memory_bytes);
            let parts = parts.map(|(size, count)| {
                format!("; batch_size = {size} with accumulate = {count} takes the same steps and fits, too")
            });
            format!("batch_size = {batch} is the largest that fits{}", parts.unwrap_or_default())
        }
        None => "No batch size fits: reduce the layers' sizes, or choose an optimizer with fewer states".to_string(),
    };
    Err(Error::Limit(format!(
        "out of memory: training needs {} ({need} bytes) on {}, but there are {} ({memory_bytes} bytes). {remedy}",
        memory::gibibytes(u128::from(need)),
        target.name,
        memory::gibibytes(u128::from(memory_bytes)),
    )))
}

/// What a device without memory is told, with the batch size that it has the memory for: tried, not guessed.
pub(super) async fn without_memory(
    message: String,
    device: &Device,
    limits: Limits,
    network: &Network,
    roles: Roles,
) -> Error {
    let advice = match what_fits(device, limits, network, roles).await {
        Ok((Some(batch), parts)) => {
            let size = part_of(batch, roles);
            let parts = parts
                .map(|(size, count)| format!(", or for batch_size = {size} with accumulate = {count}, the same steps"));
            format!("It has the memory for batch_size = {size}{}", parts.unwrap_or_default())
        }
        Ok((None, _)) => "Not even batch_size = 1 fits. Reduce the layers' sizes".to_string(),
        Err(_) => "Reduce batch_size or the layers' sizes".to_string(),
    };
    Error::OutOfMemory(format!("{message}. {advice}, or {}", Remedy::UseCpu))
}

/// The largest half, quarter and so on of the batch whose plans `device` has the memory for; and size and number of the
/// parts in which it has the memory for the whole batch.
async fn what_fits(
    device: &Device,
    limits: Limits,
    network: &Network,
    roles: Roles,
) -> Result<(Option<usize>, Option<(usize, usize)>)> {
    let Some((_, batch, rule)) = roles.train else { return Ok((None, None)) };
    let target = Target { limits, ..Target::of(device) };
    let plans = |batch: usize, accumulate: usize| planned(&target, network, divided(roles, batch, accumulate));
    let mut fits = batch / 2;
    while fits > 0 && !Session::fits(device, &plans(fits, rule.accumulate)?).await? {
        fits /= 2;
    }
    let fits = (fits > 0).then_some(fits);
    // Parts of one size are the same steps only where they divide the batch.
    for count in further_parts(rule.accumulate).take_while(|count| batch.is_multiple_of(*count)) {
        // What cannot be done in parts (batch norm) has no such plan.
        let Ok(plans) = plans(batch, count) else { break };
        if Session::fits(device, &plans).await? {
            return Ok((fits, Some((batch / count, count))));
        }
    }
    Ok((fits, None))
}
