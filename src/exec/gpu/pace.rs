//! How much goes into a submit: many steps where they are short, a part of one where it is long. Only the borders of submits
//! move; what is computed, and in which order, stays the same.

use std::time::Duration;

/// A submit aims at this time: half of the 100 ms at which a watchdog or a waiting Ctrl-C would be felt.
pub const SUBMIT_TARGET: Duration = Duration::from_millis(50);
/// Steps in one submit at most, however fast they are: bounds the memory of a command buffer.
pub const MAX_STEPS_PER_SUBMIT: usize = 4096;
/// Nothing is measured before the first submit, so that no part of it may have more operations than the slowest adapter
/// known here takes 50 ms for (SwiftShader on one core: some 2 GFLOP/s in products).
pub const FIRST_FLOPS: u64 = 100_000_000;

/// What the next submit of a plan holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Steps; 1 where a step has several parts.
    pub steps: usize,
    /// Submits over which one step is spread.
    pub parts: usize,
}

impl Pace {
    /// Before anything is measured: one step of `flops` operations.
    pub fn first(flops: u64) -> Pace {
        Pace { steps: 1, parts: flops.div_ceil(FIRST_FLOPS).max(1).try_into().unwrap_or(usize::MAX) }
    }

    /// After a submit (or the parts of a step) took this long: towards the target, at most four times as many steps.
    pub fn adapt(self, took: Duration, target: Duration) -> Pace {
        let ratio = target.as_secs_f64() / took.as_secs_f64().max(1e-6);
        let wanted = self.steps as f64 * ratio;
        if wanted < 1.0 {
            return Pace { steps: 1, parts: (1.0 / wanted).ceil() as usize };
        }
        Pace { steps: (wanted as usize).clamp(1, (4 * self.steps).min(MAX_STEPS_PER_SUBMIT)), parts: 1 }
    }
}

/// The ends of `parts` groups of launches of about equal weight; fewer groups where there are fewer launches.
pub fn cut(weights: &[u64], parts: usize) -> Vec<usize> {
    let total: u64 = weights.iter().sum();
    let share = total.div_ceil(parts.max(1) as u64).max(1);
    let (mut ends, mut weight) = (Vec::new(), 0);
    for (i, w) in weights.iter().enumerate() {
        // A launch that would pass the share begins a group, unless the group is empty.
        if weight > 0 && weight + w > share {
            ends.push(i);
            weight = 0;
        }
        weight += w;
    }
    ends.push(weights.len());
    ends
}
