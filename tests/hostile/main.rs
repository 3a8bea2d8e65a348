//! Hostile input: damaged files over every reader. No panic, no hang, no allocation over 1 GiB, no file changed.
//!
//! A short run is part of the tests; `cargo test --release --test hostile -- --ignored` runs 20,000
//! inputs. `WGRAD_HOSTILE_SEED` chooses others.

mod crafted;
mod meter;
mod mutate;
#[path = "../support/program.rs"]
mod program;
mod readers;

use readers::{READERS, Reader};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};
use wgrad::testing::data::rng::Philox;

#[global_allocator]
static METER: meter::Meter = meter::Meter;

/// Bytes that reading one input may hold.
const MEMORY: usize = 1 << 30;
/// An input that takes longer hangs. Each takes milliseconds; a busy machine may stand still for a minute.
const PATIENCE: Duration = Duration::from_secs(300);

/// The meter and the panic hook are the process's own, so one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// What one input did.
#[derive(Debug, PartialEq)]
enum Outcome {
    Accepted,
    Refused(String),
    Fault(String),
}

/// Reads `bytes` by `reader` in `folder`, whose files must stay as they are.
fn run(reader: &Reader, folder: &Path, bytes: &[u8]) -> Outcome {
    let path = folder.join(reader.file);
    std::fs::write(&path, bytes).unwrap();
    let before = files(folder);
    let clock = Clock::start(reader.name);
    let held = meter::start();
    let result = catch_unwind(AssertUnwindSafe(|| (reader.read)(&path)));
    let (largest, peak) = meter::stop(held);
    clock.stop();
    if largest > MEMORY || peak > MEMORY {
        return Outcome::Fault(format!("an allocation of {largest} bytes, {peak} bytes held"));
    }
    let mut after = files(folder);
    if reader.name == "metrics" {
        // A run that goes on drops lines that the checkpoint does not know of, which is what this reader is for.
        after.insert(path.clone(), bytes.to_vec());
    }
    if before != after {
        return Outcome::Fault("a file was changed".into());
    }
    match result {
        Err(_) => Outcome::Fault("a panic".into()),
        Ok(Ok(())) => Outcome::Accepted,
        Ok(Err(wgrad::Error::Internal(what))) => Outcome::Fault(format!("a broken invariant: {what}")),
        Ok(Err(error)) => Outcome::Refused(error.to_string()),
    }
}

/// Every file of a folder with its content.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    entries.filter(|p| p.is_file()).map(|p| (p.clone(), std::fs::read(&p).unwrap())).collect()
}

/// Ends the process where an input takes too long: a thread that hangs cannot be stopped in another way.
struct Clock;

impl Clock {
    fn current() -> &'static Mutex<Option<(Instant, &'static str)>> {
        static CURRENT: OnceLock<Mutex<Option<(Instant, &'static str)>>> = OnceLock::new();
        CURRENT.get_or_init(|| {
            std::thread::spawn(|| {
                loop {
                    std::thread::sleep(Duration::from_secs(1));
                    if let Some((since, name)) = *Clock::current().lock().unwrap()
                        && since.elapsed() > PATIENCE
                    {
                        eprintln!("{name}: an input takes longer than {PATIENCE:?}; it is the last file of the folder");
                        std::process::exit(101);
                    }
                }
            });
            Mutex::new(None)
        })
    }

    fn start(name: &'static str) -> Clock {
        *Clock::current().lock().unwrap() = Some((Instant::now(), name));
        Clock
    }

    fn stop(self) {
        *Clock::current().lock().unwrap() = None;
    }
}

/// A folder as a run leaves it, with the files of the readers; a panic here would name the last input, which stays.
fn run_folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("hostile-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let place = program::Place::new();
    place.write("d.csv", "a,b,label\n1,2,cat\n3,4,dog\n5,7,cat\n6,1,dog\n");
    let spec = "[data]\ntrain = \"d.csv\"\ntarget = \"label\"\nvalidation = 0.5\nscale = \"standard\"\n[[model.layers]]\n\
                dense = 3\nactivation = \"tanh\"\n[[model.layers]]\ndense = 2\n[train]\nloss = \"cross_entropy\"\n\
                optimizer = { sgd = { lr = 0.1, momentum = 0.9 } }\nbatch_size = 2\nepochs = 3\n";
    place.write("s.toml", spec);
    place.good(&["train", "s.toml", "--run", "run", "--device", "cpu"]);
    std::fs::create_dir_all(&folder).unwrap();
    for (path, bytes) in files(&place.path("run")) {
        std::fs::write(folder.join(path.file_name().unwrap()), bytes).unwrap();
    }
    // A run that leaves the finite numbers keeps the step that did it.
    place.write("wild.toml", &spec.replace("lr = 0.1", "lr = 3e38").replace("epochs = 3", "epochs = 30"));
    assert_eq!(place.run(&["train", "wild.toml", "--run", "wild", "--device", "cpu"]).code, Some(1));
    std::fs::write(folder.join("fault.safetensors"), place.bytes("wild/fault.safetensors")).unwrap();
    folder
}

/// The seeds of a reader: those of the corpus, and the run's own file.
fn seeds(reader: &Reader, folder: &Path) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seeds: Vec<Vec<u8>> = std::fs::read(folder.join(reader.file)).into_iter().collect();
    let corpus = root.join("tests/corpus").join(reader.name);
    if corpus.is_dir() {
        seeds.extend(files(&corpus).into_values());
    }
    if matches!(reader.name, "onnx" | "pytorch") {
        let fixtures = files(&root.join("tests/fixtures/onnx")).into_iter();
        let (_, end) = reader.file.split_at(1);
        seeds.extend(
            fixtures
                .filter(|(p, _)| {
                    let name = p.file_name().unwrap().to_str().unwrap();
                    name.ends_with(end) && !name.starts_with("unsupported")
                })
                .map(|(_, bytes)| bytes),
        );
    }
    // What Pillow and pyarrow wrote does likewise; of the latter what can be read.
    let written = |folder: &str| files(&root.join("tests/fixtures").join(folder)).into_iter();
    if reader.name == "picture" {
        seeds.extend(written("pictures/kinds").map(|(_, bytes)| bytes));
    }
    if reader.name == "parquet" {
        let is_good = |path: &Path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with("table_") && !name.contains("zstd")
        };
        seeds.extend(written("parquet").filter(|(path, _)| is_good(path)).map(|(_, bytes)| bytes));
    }
    // What numpy wrote serves as corpus too. A reader takes what has its extension; one without takes all.
    let (_, end) = reader.file.split_at(1);
    for (path, bytes) in files(&root.join("tests/fixtures/arrays")) {
        let name = path.file_name().unwrap().to_str().unwrap();
        if (reader.name == "unnamed" && name != "expected.json" && !name.contains(".tsv"))
            || (name.ends_with(end) && reader.file.starts_with("d"))
        {
            seeds.push(bytes);
        }
    }
    seeds
}

/// `count` inputs over all readers; the first ones are the seeds as they are.
fn hostile(count: usize) -> BTreeMap<&'static str, (usize, usize, usize)> {
    let _alone = ALONE.lock().unwrap_or_else(|e| e.into_inner());
    let folder = run_folder();
    let seed = std::env::var("WGRAD_HOSTILE_SEED").map_or(1, |text| text.parse().unwrap());
    let all: Vec<(&Reader, Vec<Vec<u8>>)> = READERS.iter().map(|r| (r, seeds(r, &folder))).collect();
    let mut counts = BTreeMap::new();
    for (number, (reader, seeds)) in all.iter().enumerate() {
        assert!(!seeds.is_empty(), "{} has no corpus", reader.name);
        let mut random = Philox::new(seed, number as u64);
        let (mut accepted, mut refused) = (0, 0);
        for i in 0..count / all.len() {
            let start = &seeds[i % seeds.len()];
            let whole = i < seeds.len();
            let input = if whole { start.clone() } else { mutate::mutated(&mut random, start, seeds) };
            match run(reader, &folder, &input) {
                Outcome::Accepted => accepted += 1,
                Outcome::Refused(why) if whole => panic!("{}: seed {i} is refused: {why}", reader.name),
                Outcome::Refused(_) => refused += 1,
                Outcome::Fault(what) => {
                    panic!(
                        "{}: {what} by input {i} of seed {seed}: {}",
                        reader.name,
                        folder.join(reader.file).display()
                    )
                }
            }
        }
        assert!(refused > 0, "{}: nothing was refused, so nothing was damaged", reader.name);
        counts.insert(reader.name, (seeds.len(), accepted, refused));
        // The next reader finds the run as it was left.
        if let Some(own) = seeds.first() {
            std::fs::write(folder.join(reader.file), own).unwrap();
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
    counts
}

#[test]
fn damaged_files_do_no_harm() {
    hostile(1900);
}

#[test]
#[ignore = "takes minutes"]
fn soak_twenty_thousand_damaged_files_do_no_harm() {
    let counts = hostile(20_900);
    println!("{:16} {:>6} {:>9} {:>8}", "reader", "seeds", "accepted", "refused");
    for (name, (seeds, accepted, refused)) in &counts {
        println!("{name:16} {seeds:>6} {accepted:>9} {refused:>8}");
    }
    let inputs: usize = counts.values().map(|(_, accepted, refused)| accepted + refused).sum();
    println!("{inputs} inputs");
    assert!(inputs >= 20_000);
}

#[test]
fn inputs_made_to_break_a_reader_do_no_harm() {
    let _alone = ALONE.lock().unwrap_or_else(|e| e.into_inner());
    let folder = run_folder();
    for (name, what, bytes) in crafted::inputs() {
        let reader = readers::by_name(name);
        let own = std::fs::read(folder.join(reader.file)).ok();
        if let Outcome::Fault(fault) = run(reader, &folder, &bytes) {
            panic!("{name}, {what}: {fault}");
        }
        let path = folder.join(reader.file);
        own.map_or_else(|| std::fs::remove_file(&path), |bytes| std::fs::write(&path, bytes)).unwrap();
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[cfg(unix)]
#[test]
fn a_device_without_an_end_is_refused_by_every_reader() {
    let _alone = ALONE.lock().unwrap_or_else(|e| e.into_inner());
    let folder = run_folder();
    for reader in READERS {
        let path = folder.join(reader.file);
        let own = std::fs::read(&path).ok();
        let _ = std::fs::remove_file(&path);
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        let clock = Clock::start(reader.name);
        let held = meter::start();
        let result = (reader.read)(&path);
        let (largest, peak) = meter::stop(held);
        clock.stop();
        assert!(result.is_err(), "{} took /dev/zero", reader.name);
        assert!(largest.max(peak) < 256 << 20, "{}: {largest} {peak}", reader.name);
        std::fs::remove_file(&path).unwrap();
        own.into_iter().for_each(|bytes| std::fs::write(&path, bytes).unwrap());
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn readers_with_each_fault_are_found_out() {
    let _alone = ALONE.lock().unwrap_or_else(|e| e.into_inner());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("faults-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let faulty =
        |read: fn(&Path) -> wgrad::Result<()>| run(&Reader { name: "faulty", file: "f", read }, &folder, b"abc");
    assert_eq!(faulty(|_| Ok(())), Outcome::Accepted);
    let small = faulty(|_| Err(wgrad::Error::data("f", "no")));
    assert_eq!(small, Outcome::Refused("f: no".into()));
    let found = [
        (faulty(|path| panic!("{}", std::fs::read(path).unwrap().len())), "a panic"),
        (faulty(|_| Err(wgrad::Error::Internal("x".into()))), "a broken invariant"),
        (
            faulty(|_| {
                (Vec::<u8>::with_capacity(MEMORY + 1).capacity() > 0).then_some(()).ok_or(wgrad::Error::data("f", ""))
            }),
            "an allocation",
        ),
        (
            // Many small ones count as one large one does; nothing touches the memory, so none is used.
            faulty(|_| {
                let parts: Vec<Vec<u8>> = (0..33).map(|_| Vec::with_capacity(1 << 25)).collect();
                (parts.len() == 33).then_some(()).ok_or(wgrad::Error::data("f", ""))
            }),
            "bytes held",
        ),
        (faulty(|path| std::fs::write(path, "other").map_err(|e| wgrad::Error::io(path, e))), "a file was changed"),
        (
            faulty(|path| std::fs::write(path.with_file_name("new"), "").map_err(|e| wgrad::Error::io(path, e))),
            "a file was changed",
        ),
    ];
    for (outcome, expected) in found {
        assert!(matches!(&outcome, Outcome::Fault(what) if what.contains(expected)), "{outcome:?} for {expected}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
