//! Commands and options. Names and meanings of the options are the same in every command.

use crate::exec::{Choice, Device, open_device, open_device_to_profile};
use crate::spec::DataFile;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

mod measuring;

pub use measuring::{Bench, Tune, WayArgs};

/// Trains neural networks with WGSL compute shaders and proves every gradient against a CPU path.
#[derive(Debug, Parser)]
#[command(
    name = "wgrad",
    version,
    max_term_width = 100,
    after_help = "\
Environment:
  WGRAD_ADAPTER      adapter to use where --adapter is not given
  WGRAD_REQUIRE_GPU  1: a missing adapter is a failure, not a reason for the CPU
  WGRAD_CACHE        folder of measured tunings [default: wgrad in the user's folder for caches]
  WGRAD_LOG          log filter, for example wgrad=debug
  WGRAD_DUMP         prints graph, plan, wgsl (comma-separated) to stderr
  WGRAD_LIMITS       lowers an adapter's limits, for tests: max_storage_buffer_binding_size=65536,
                     max_buffer_size, max_compute_workgroups_per_dimension, max_loop_rounds

Exit codes: 0 good, 1 a check failed, 2 could not run."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Look at a data file and write a spec that trains on it at once
    #[command(after_help = "Examples: wgrad new data/iris.csv --out iris.toml\n          \
                            wgrad new data/iris.csv --target petal_width\n          \
                            wgrad new train-images-idx3-ubyte.gz --labels train-labels-idx1-ubyte.gz --out mnist.toml\n          \
                            wgrad new pictures/ --out pictures.toml\n\n\
                            Target, loss, layers and scale follow from the columns; class balance, missing values and \
                            constant columns are told. The spec is a start, with comments, to be changed.")]
    New(New),
    /// Train a spec into a run folder
    #[command(after_help = "Examples: wgrad train examples/digits.toml --device cpu --run runs/mine\n          \
                            wgrad train --resume runs/mine --epochs 60 --checkpoint-steps 1000\n          \
                            wgrad train examples/iris.toml --tensorboard logs; tensorboard --logdir logs\n\n\
                            The spec says what is trained and how; docs/spec.md has its keys. In [train], for example:\n  \
                            optimizer = { adamw = { lr = 0.01 } }\n  \
                            schedule = { one_cycle = { warmup = 100 } }  # rate, and momentum or beta1\n  \
                            clip = { norm = 1.0 }\n  \
                            accumulate = 4                               # parts of a step's batch")]
    Train(Train),
    /// Loss and metrics of a trained run on a labelled file
    #[command(after_help = "Examples: wgrad eval runs/digits-1 --data data/digits.csv\n          \
                            wgrad eval runs/digits-1 --data data/digits.csv --top-k 3 --json metrics.json\n\n\
                            All rows count alike and labels are taken as they are, whatever weights and label smoothing \
                            the run was trained with.")]
    Eval(Eval),
    /// Predictions of a trained run for a file
    #[command(
        after_help = "Examples: wgrad predict runs/iris-1 --data data/iris.csv --out predictions.csv\n          \
                            wgrad predict runs/cats-1 --data holiday/ --out holiday.csv\n\n\
                            Of a folder of pictures each line begins with the name of the file."
    )]
    Predict(Predict),
    /// Write the initial parameters of a spec as safetensors
    #[command(after_help = "Example: wgrad init examples/iris.toml --out iris.safetensors")]
    Init(Init),
    /// Gradients of one batch: the whole file, in its order
    #[command(after_help = "Example: wgrad grad examples/iris.toml --weights iris.safetensors --data data/iris.csv \
                            --out gradients.safetensors --precision f64\n\n\
                            The loss is the one that is learnt from: with the spec's label smoothing and weights.")]
    Grad(Grad),
    /// Prove train steps on the device against the CPU in f64
    #[command(after_help = "Example: wgrad verify examples/digits.toml --adapter llvmpipe --steps 3\n\n\
                            Exit code 0: every value is within its bound; 1: one is not; 2: could not run.")]
    Verify(Verify),
    /// Hold the gradients against finite differences of the loss, in f64
    #[command(after_help = "Example: wgrad gradcheck examples/digits.toml --samples 1000\n\n\
                            Exit code 0: every gradient agrees; 1: one does not; 2: could not run.")]
    Gradcheck(Gradcheck),
    /// Write a run as an ONNX file, or make a run of a network from another program
    #[command(after_help = "Examples: wgrad convert runs/digits-1 --out digits.onnx\n          \
                            wgrad convert runs/digits-1 --out digits.onnx --with-scaler --probabilities\n          \
                            wgrad convert model.onnx --out runs/theirs --data data/iris.csv --target species\n          \
                            wgrad convert model.safetensors --out runs/theirs --spec examples/iris.toml\n\n\
                            Written is opset 20 (ONNX 1.15): the input `x` and one output, `logits`, `probabilities` or \
                            `y`; the number of rows is free. Read are dense layers, layer norm and batch norm \
                            one after the other with their activations, of any opset; what else a file holds is refused by its node.")]
    Convert(Convert),
    /// Write a run's report again, or compare several runs on one page
    #[command(after_help = "Examples: wgrad report runs/digits-1\n          \
                            wgrad report runs/digits-1 runs/digits-2 --out comparison.html\n\n\
                            The report of a run that is still training, or was killed, shows its curves so far.")]
    Report(Report),
    /// SHA-256 of a run's weights, or of a weight file's
    #[command(after_help = "Examples: wgrad digest runs/digits-1\n          \
                            wgrad digest runs/digits-1 --json\n          \
                            wgrad digest iris.safetensors\n\n\
                            Equal digests mean the same names, shapes and bits.")]
    Digest(Digest),
    /// Replay the step at which a training stopped because of a number that is not finite
    #[command(after_help = "Example: wgrad replay runs/digits-1/fault.safetensors --device cpu\n\n\
                            Exit code 0: every value of the step is finite here; 1: the fault is reproduced; 2: could \
                            not run (no such file, or no whole bundle).")]
    Replay(Replay),
    /// List the devices that wgrad can use, or measure one
    #[command(after_help = "Example: wgrad devices --numerics --kernels --adapter llvmpipe\n\n\
                            Exit code 1: a kernel is outside its bound, or something that the kernels rely on does not \
                            hold.")]
    Devices(Devices),
    /// Buffers, dispatches and memory of a spec's train step
    #[command(after_help = "Example: wgrad plan examples/digits.toml --target webgpu --memory 2GiB")]
    Plan(Plan),
    /// Measure which way of computing each matrix product is the fastest on an adapter, and keep the result
    #[command(after_help = "Examples: wgrad tune examples/digits.toml --adapter llvmpipe\n          \
                            wgrad tune mnist wide --adapter llvmpipe --out llvmpipe.tuning.toml\n\n\
                            train, verify, bench and plan take the result from the cache, or from the file of --tuning.")]
    Tune(Tune),
    /// Time the training of fixed workloads that other frameworks run as well
    #[command(after_help = "Examples: wgrad bench digits mnist --device cpu --json before.jsonl\n          \
                            wgrad bench digits mnist --device cpu --compare before.jsonl\n          \
                            wgrad bench digits --adapter llvmpipe --profile --roofline roofline.svg\n\n\
                            Exit code 1: the loss after a fixed number of steps is not the one that other frameworks \
                            reach, or a workload is slower than in the file of --compare beyond the noise.")]
    Bench(Bench),
    /// Print the completions of a shell
    #[command(
        after_help = "Examples: wgrad completions bash > ~/.local/share/bash-completion/completions/wgrad\n          \
                            wgrad completions zsh > ~/.zfunc/_wgrad\n          \
                            wgrad completions fish > ~/.config/fish/completions/wgrad.fish\n          \
                            wgrad completions powershell >> $PROFILE"
    )]
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Write man pages, one for each command
    #[command(after_help = "Example: wgrad man --out ~/.local/share/man/man1")]
    Man {
        /// Folder to write into
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

/// Where to run.
#[derive(Debug, Clone, Default, Args)]
pub struct DeviceArgs {
    /// auto: a hardware GPU where there is one, else the CPU; gpu: the best adapter, software included
    #[arg(long, value_enum, default_value_t = DeviceKind::Auto)]
    pub device: DeviceKind,
    /// Part of an adapter's name, or its index in `wgrad devices`
    #[arg(long, value_name = "NAME|INDEX")]
    pub adapter: Option<String>,
}

/// Which optimisations to leave out.
#[derive(Debug, Clone, Default, Args)]
pub struct SwitchArgs {
    /// Leave out an optimisation, to bisect a fault; may be repeated. whole: whole train steps in one
    /// dispatch; fusion: several nodes of the graph in one dispatch; gather: the batch gathered by the
    /// products that read it; head: a classifier's last layer, loss and input gradient in one;
    /// strips: several words an invocation in optimizer steps; subgroups: products by subgroups
    #[arg(long, value_name = "NAME")]
    pub without: Vec<String>,
}

impl SwitchArgs {
    /// The switches that the options make.
    pub fn parse(&self) -> crate::error::Result<crate::plan::Switches> {
        crate::plan::Switches::without(&self.without)
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum DeviceKind {
    #[default]
    Auto,
    Gpu,
    Cpu,
}

impl DeviceArgs {
    /// The choice that the options and the environment make together.
    pub fn choice(&self) -> anyhow::Result<Choice> {
        match (&self.adapter, self.device) {
            (Some(adapter), DeviceKind::Cpu) => {
                anyhow::bail!("--device cpu and --adapter {adapter} contradict each other. Leave one of them out")
            }
            (Some(adapter), _) => Ok(Choice::Adapter(adapter.clone())),
            (None, DeviceKind::Cpu) => Ok(Choice::Cpu),
            (None, kind) => match std::env::var("WGRAD_ADAPTER") {
                Ok(adapter) if !adapter.is_empty() => Ok(Choice::Adapter(adapter)),
                _ if kind == DeviceKind::Gpu => Ok(Choice::Gpu),
                _ => Ok(Choice::Auto),
            },
        }
    }

    /// Opens the device.
    pub fn open(&self) -> anyhow::Result<Device> {
        Ok(pollster::block_on(open_device(&self.choice()?, requires_gpu()))?)
    }

    /// Opens the device such that its dispatches can be timed.
    pub fn open_to_profile(&self) -> anyhow::Result<Device> {
        Ok(pollster::block_on(open_device_to_profile(&self.choice()?, requires_gpu()))?)
    }
}

/// Whether a missing adapter is a failure.
pub fn requires_gpu() -> bool {
    std::env::var("WGRAD_REQUIRE_GPU").is_ok_and(|v| v == "1")
}

#[derive(Debug, Args)]
pub struct Train {
    /// The spec; with --resume it may be left out
    #[arg(required_unless_present = "resume")]
    pub spec: Option<PathBuf>,
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Passes over the training data, instead of the spec's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub epochs: Option<u32>,
    /// Seed, instead of the spec's
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    pub seed: Option<u64>,
    /// Start from the weights in this safetensors file, or of this run, instead of drawn ones
    #[arg(long, value_name = "FILE|RUN", conflicts_with = "resume")]
    pub init_from: Option<PathBuf>,
    /// Folder of the new run [default: runs/SPEC-NUMBER]
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    pub run: Option<PathBuf>,
    /// Go on with the run in this folder from its checkpoint
    #[arg(long, value_name = "DIR")]
    pub resume: Option<PathBuf>,
    /// Write a checkpoint after every N steps, instead of the spec's number; 0: not by steps
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..1 << 31))]
    pub checkpoint_steps: Option<u32>,
    /// Write a checkpoint when the last is T minutes old, instead of the spec's; 0: not by time
    #[arg(long, value_name = "T", value_parser = minutes)]
    pub checkpoint_minutes: Option<f64>,
    /// Write event files for TensorBoard, into a folder of the run's name in this one
    #[arg(long, value_name = "DIR")]
    pub tensorboard: Option<PathBuf>,
    /// Pass over at most N malformed rows, instead of the spec's skip_bad_rows
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    pub skip_bad_rows: Option<usize>,
    /// Show the run on the whole terminal: curves, throughput, where the time goes; keys stop, pause and save it
    #[arg(long)]
    pub tui: bool,
    #[command(flatten)]
    pub ways: WayArgs,
}

/// A file with features and targets; `grad` takes all of its rows, in their order, as one batch.
#[derive(Debug, Args)]
pub struct LabelledArgs {
    /// Labelled file; of a npz or safetensors file with several arrays, FILE#NAME; or a folder of pictures by class
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,
    /// The file of the targets, where they are not in the same file, as with MNIST
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
}

impl LabelledArgs {
    /// The data file, with its labels where they have a file of their own.
    pub fn file(&self) -> DataFile {
        let data = DataFile::at(&self.data);
        match &self.labels {
            Some(labels) => data.with_labels(DataFile::at(labels)),
            None => data,
        }
    }
}

#[derive(Debug, Args)]
pub struct Eval {
    /// Folder of a trained run
    pub run: PathBuf,
    #[command(flatten)]
    pub data: LabelledArgs,
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Count a row as right when its class is among the K highest outputs: top-K accuracy [default: 5, or 2 for fewer than 6
    /// classes]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    pub top_k: Option<u32>,
    /// Print JSON, or write it to FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub json: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Predict {
    /// Folder of a trained run
    pub run: PathBuf,
    /// File with the features, targets are not needed; of a npz or safetensors file with several arrays, FILE#NAME; or a
    /// folder of pictures, in sub-folders or not
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,
    /// CSV file to write [default: stdout]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub device: DeviceArgs,
}

#[derive(Debug, Args)]
pub struct New {
    /// Data file; of a npz or safetensors file with several arrays, FILE#NAME; or a folder with a sub-folder of pictures (PNG,
    /// JPEG) for each class
    #[arg(value_name = "DATA")]
    pub data: PathBuf,
    /// The file of the targets, where they are not in the same file, as with MNIST
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// The target column [default: one with a usual name, else the last]
    #[arg(long, value_name = "COLUMN")]
    pub target: Option<String>,
    /// Spec to write [default: stdout]
    #[arg(long, value_name = "SPEC")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Convert {
    /// Folder of a trained run, or a file: ONNX, or safetensors as PyTorch names its tensors
    #[arg(value_name = "RUN|FILE")]
    pub subject: PathBuf,
    /// ONNX file to write, or folder of the new run
    #[arg(long, value_name = "FILE|DIR")]
    pub out: PathBuf,
    /// Of a run: put its scaling in front, so that the input is the numbers of the data file, in double precision
    #[arg(long)]
    pub with_scaler: bool,
    /// Of a run: give probabilities in place of logits, as `wgrad predict` does
    #[arg(long)]
    pub probabilities: bool,
    /// Of a file: the spec whose network it is, which brings data, columns and loss
    #[arg(long, value_name = "SPEC", conflicts_with_all = ["data", "target", "loss", "activation"])]
    pub spec: Option<PathBuf>,
    /// Of a file: the data whose columns the network takes
    #[arg(long, value_name = "FILE", requires = "target")]
    pub data: Option<PathBuf>,
    /// Of a file: target column of the data; may be repeated
    #[arg(long, value_name = "COLUMN", requires = "data")]
    pub target: Vec<String>,
    /// Of a file: its loss [default: by its last operation]
    #[arg(long, value_name = "NAME")]
    pub loss: Option<String>,
    /// Of a safetensors file: activation of its inner layers
    #[arg(long, value_name = "NAME")]
    pub activation: Option<String>,
}

#[derive(Debug, Args)]
pub struct Report {
    /// Folders of runs
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<PathBuf>,
    /// HTML file to write [default: report.html of the run's folder; comparison.html for several runs]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print the comparison as JSON, or write it to FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub json: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Digest {
    /// Folder of a run, or a safetensors file
    #[arg(value_name = "RUN|FILE")]
    pub subject: PathBuf,
    /// Print JSON, with a digest for each tensor, or write it to FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub json: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Init {
    /// The spec
    pub spec: PathBuf,
    /// File to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Seed, instead of the spec's
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

#[derive(Debug, Args)]
pub struct Grad {
    /// The spec
    pub spec: PathBuf,
    /// Parameters, safetensors
    #[arg(long, value_name = "FILE")]
    pub weights: PathBuf,
    #[command(flatten)]
    pub data: LabelledArgs,
    /// File to write: the gradients under the parameters' names, and `loss` [1]
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// f64 runs on the CPU only
    #[arg(long, value_enum, default_value_t = PrecisionArg::F32)]
    pub precision: PrecisionArg,
    #[command(flatten)]
    pub device: DeviceArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PrecisionArg {
    F32,
    F64,
}

#[derive(Debug, Args)]
pub struct Verify {
    /// A spec, or the folder of a run
    #[arg(value_name = "SPEC|RUN")]
    pub subject: PathBuf,
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Train steps to take
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub steps: u32,
    /// Print JSON, or write it to FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub json: Option<PathBuf>,
    /// Multiply every bound by X; shown in every output
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = slack)]
    pub slack: f64,
    /// Verify the plan without fusion, so that every node of the graph has a value of its own
    #[arg(long)]
    pub unfused: bool,
    #[command(flatten)]
    pub ways: WayArgs,
    /// Write JUnit XML, one test case a value
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write a Markdown table, as a job summary takes it
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
    /// Write a page with the graph, every number and the drift, one HTML file
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Verify the CPU and every adapter of this machine, side by side, with digests of all values
    #[arg(long, conflicts_with_all = ["device", "adapter", "junit", "html", "tuning"])]
    pub matrix: bool,
}

#[derive(Debug, Args)]
pub struct Gradcheck {
    /// The spec; its first training batch and its initial parameters are used
    pub spec: PathBuf,
    /// Elements of each tensor to check at most; which ones, the seed decides
    #[arg(long, value_name = "N", default_value_t = crate::verify::gradcheck::DEFAULT_SAMPLES as u32,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub samples: u32,
    /// Seed, instead of the spec's
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Print JSON, or write it to FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub json: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Replay {
    /// The replay bundle that `wgrad train` left in its run folder
    pub bundle: PathBuf,
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Print JSON, or write it to FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub json: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Devices {
    /// Measure what an adapter's arithmetic, barriers and limits really do
    #[arg(long)]
    pub numerics: bool,
    /// Run every kernel over many shapes and hold it against the CPU in f64: a conformance test
    #[arg(long)]
    pub kernels: bool,
    /// With --kernels: decides the operands
    #[arg(long, value_name = "N", default_value_t = 1, requires = "kernels")]
    pub seed: u64,
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Print JSON, or write it to FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub json: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Plan {
    /// The spec
    pub spec: PathBuf,
    /// `webgpu` for the default limits of WebGPU, or an adapter's name or index
    #[arg(long, value_name = "webgpu|ADAPTER", default_value = "webgpu")]
    pub target: String,
    /// Memory of the target, such as 8GiB, 512MiB or a number of bytes: a run that needs more is refused with the batch size
    /// that would fit. Known without it where the target computes in the host's memory
    #[arg(long, value_name = "SIZE", value_parser = size_bytes)]
    pub memory: Option<u64>,
    #[command(flatten)]
    pub ways: WayArgs,
    /// Print JSON, or write it to FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub json: Option<PathBuf>,
}

/// The time of `--checkpoint-minutes`.
fn minutes(text: &str) -> Result<f64, String> {
    number(text, |x| x >= 0.0, "a number of minutes, 0 or more")
}

/// The factor of `--slack`.
fn slack(text: &str) -> Result<f64, String> {
    number(text, |x| x > 0.0, "a positive number")
}

/// A finite number that is `good`; otherwise the message says what it should be.
fn number(text: &str, good: impl Fn(f64) -> bool, what: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|x: &f64| x.is_finite() && good(*x));
    number.ok_or_else(|| format!("{text} is not {what}"))
}

/// A size in bytes, with or without KiB, MiB or GiB.
fn size_bytes(text: &str) -> Result<u64, String> {
    let units = [("KiB", 1u64 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
    let (number, unit) = units
        .iter()
        .find_map(|(name, unit)| Some((text.strip_suffix(name)?.trim(), *unit)))
        .unwrap_or((text.trim(), 1));
    let bytes = number.parse::<u64>().ok().and_then(|n| n.checked_mul(unit)).filter(|bytes| *bytes > 0);
    bytes.ok_or_else(|| "write a whole number with KiB, MiB or GiB behind it, or of bytes".to_string())
}
