//! What messages advise, in the library's words.

/// An advice that a program can say in its own words: [`Remedy::words`] stands in a message, and a program that has an option for it
/// puts that in the place of these words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remedy {
    /// Compute on the CPU.
    UseCpu,
    /// Say which adapter is meant.
    NameAdapter,
    /// Keep a run somewhere else.
    OtherFolder,
    /// Go on with a run from its checkpoint.
    Resume,
    /// Do without a measured tuning.
    LeaveTuningOut,
    /// Say in which file a tuning is to be kept.
    NameTuningFile,
    /// Say what a network is to learn.
    NameTarget,
    /// Name the file of the targets beside that of the features.
    NameLabels,
    /// Leave the outputs of an exported network as they are.
    WithoutProbabilities,
    /// Say what a file of weights does not.
    DescribeLayers,
}

impl Remedy {
    /// Every advice.
    pub const ALL: [Remedy; 10] = [
        Remedy::UseCpu,
        Remedy::NameAdapter,
        Remedy::OtherFolder,
        Remedy::Resume,
        Remedy::LeaveTuningOut,
        Remedy::NameTuningFile,
        Remedy::NameTarget,
        Remedy::NameLabels,
        Remedy::WithoutProbabilities,
        Remedy::DescribeLayers,
    ];

    /// What the library's messages say.
    pub fn words(self) -> &'static str {
        match self {
            Remedy::UseCpu => "use the CPU",
            Remedy::NameAdapter => "Name an adapter by its index or a part of its name",
            Remedy::OtherFolder => "Choose another folder",
            Remedy::Resume => "resume the run",
            Remedy::LeaveTuningOut => "leave the tuning out",
            Remedy::NameTuningFile => "name a file for the tuning",
            Remedy::NameTarget => "Name the column of the targets, or their file",
            Remedy::NameLabels => "a spec names both, { x = FILE, y = FILE }",
            Remedy::WithoutProbabilities => "Export without probabilities",
            Remedy::DescribeLayers => "Name a spec, or the inner layers' activation and the loss",
        }
    }
}

impl std::fmt::Display for Remedy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.words())
    }
}
