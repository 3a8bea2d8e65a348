//! The library's advice in the program's words: which option does what a message says.

use crate::error::Remedy;

/// `message` with the options of the command line.
pub fn with_options(message: &str) -> String {
    Remedy::ALL.iter().fold(message.to_owned(), |text, remedy| text.replace(remedy.words(), option(*remedy)))
}

/// What the program says for a remedy.
pub fn option(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::UseCpu => "use --device cpu",
        Remedy::NameAdapter => {
            "Give --adapter NAME (or WGRAD_ADAPTER), an index or a part of a name; `wgrad devices` lists them"
        }
        Remedy::OtherFolder => "Choose another folder with --run",
        Remedy::Resume => "go on with --resume",
        Remedy::LeaveTuningOut => "leave out --tuning (or give --tuning none)",
        Remedy::NameTuningFile => "give --out FILE",
        Remedy::NameTarget => "Name a column with --target, or their file with --labels",
        Remedy::NameLabels => {
            "a spec names both, { x = FILE, y = FILE }, and a command takes the second one by --labels"
        }
        Remedy::WithoutProbabilities => "Export without --probabilities",
        Remedy::DescribeLayers => {
            "Name a spec with --spec, or the inner layers' activation and the loss with --activation and --loss"
        }
    }
}
