//! Distributions of parameters and gradients, at the ends of some epochs.

use super::{Observer, Run};
use crate::error::Result;
use crate::report::{EpochHistograms, Histogram, TensorHistogram};

/// A run is looked at this often, spread evenly over its epochs.
const SAMPLES: usize = 12;
/// Larger networks are not looked at: reading so many numbers back would be noticed.
const MOST_PARAMETERS: usize = 1 << 24;

impl Run<'_> {
    /// Takes the distributions, if this epoch is one of those at which they are taken. What is read back changes nothing on
    /// the device.
    pub(super) async fn take_distributions(&mut self, observer: &mut dyn Observer) -> Result<()> {
        let (epoch, epochs) = (self.position.epoch as usize, self.job.spec.train.epochs);
        let is_due = epoch == 1 || epoch == epochs || epoch.is_multiple_of(epochs.div_ceil(SAMPLES).max(1));
        if !is_due || self.prepared.network.parameter_count() > MOST_PARAMETERS {
            return Ok(());
        }
        let parameters = self.engine.read_parameters().await?;
        // Without gradients the parameters are worth showing, too.
        let gradients = self.engine.read_gradients().await.unwrap_or_default();
        // Running statistics have no gradient.
        let of = |name: &str| gradients.iter().find(|g| g.name.strip_prefix("grad.") == Some(name));
        let tensors = parameters.into_iter().map(|parameter| TensorHistogram {
            values: Histogram::of(&parameter.values),
            gradient: of(&parameter.name).map(|gradient| Histogram::of(&gradient.values)),
            name: parameter.name,
        });
        let taken = EpochHistograms { epoch, step: self.position.steps as usize, tensors: tensors.collect() };
        observer.histograms(&taken);
        // A run that goes on to a later end may have looked at what was its last epoch before.
        self.report.histograms.retain(|earlier| earlier.epoch != epoch);
        self.report.histograms.push(taken);
        Ok(())
    }
}
