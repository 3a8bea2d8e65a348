//! The learning rate of a run.

use super::Run;
use crate::graph::{Shape, UpdateRule};
use crate::report::EpochRecord;

impl Run<'_> {
    /// The optimizer with its schedule, at the rate that holds now.
    pub(super) fn rule(&self) -> UpdateRule {
        let rule = self.job.spec.train.rule(self.prepared.train.rows);
        self.position.plateau.lr.map_or(rule, |lr| rule.with_lr(lr))
    }

    /// Lets the epoch's loss, on the validation rows where there are such, decide about the learning rate.
    pub(super) fn reduce_on_plateau(&mut self, record: &EpochRecord) {
        let train = &self.job.spec.train;
        let Shape::ReduceOnPlateau(plateau) = train.schedule.schedule.shape else { return };
        let loss = match self.prepared.validation {
            // A loss that is no finite number is not better than any.
            Some(_) => record.validation_loss.unwrap_or(f64::NAN),
            None => record.train_loss,
        };
        self.position.plateau.take(&plateau, train.optimizer.lr(), loss);
        self.position.plateau.lr.iter().for_each(|lr| self.engine.set_lr(*lr));
    }
}
