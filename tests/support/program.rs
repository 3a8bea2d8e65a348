//! Runs the program in a folder of its own, as a user at a terminal does.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Classes by name, a validation fraction, 30 steps an epoch.
pub const IRIS: &str = r#"[data]
train = "iris.csv"
target = "species"
validation = 0.2
scale = "standard"

[[model.layers]]
dense = 8
activation = "tanh"

[[model.layers]]
dense = 3

[train]
loss = "cross_entropy"
optimizer = { sgd = { lr = 0.1, momentum = 0.9 } }
batch_size = 4
epochs = 3
seed = 1
"#;

/// Numbers as targets; every feature is scaled, so that the loss is tame.
pub const REGRESSION: &str = r#"[data]
train = "line.csv"
target = "y"
scale = "standard"

[[model.layers]]
dense = 1

[train]
loss = "mse"
optimizer = { sgd = { lr = 0.1 } }
batch_size = 8
epochs = 20
seed = 1
"#;

/// A folder with `iris.csv`, `line.csv`, `iris.toml` and `line.toml`.
pub struct Place {
    folder: tempfile::TempDir,
}

/// How the program ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Place {
    pub fn new() -> Place {
        let place = Place { folder: tempfile::tempdir().unwrap() };
        let iris = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/iris.csv");
        std::fs::copy(&iris, place.path("iris.csv")).unwrap();
        let line: String =
            (0..40).map(|i| format!("{i},{},{}\n", (i * 7) % 11, 3 * i - 2 * ((i * 7) % 11) + 5)).collect();
        place.write("line.csv", &format!("a,b,y\n{line}"));
        place.write("iris.toml", IRIS);
        place.write("line.toml", REGRESSION);
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// Writes `text` with its first `from` replaced, which must be there.
    pub fn write_edited(&self, name: &str, text: &str, from: &str, to: &str) {
        assert!(text.contains(from), "`{from}` is not in the text: the test would not test anything");
        self.write(name, &text.replacen(from, to, 1));
    }

    /// The program in this folder; the environment of the caller says nothing, and the driver is the caller's.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wgrad"));
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null());
        for name in [
            "WGRAD_ADAPTER",
            "WGRAD_REQUIRE_GPU",
            "WGRAD_LOG",
            "WGRAD_DUMP",
            "WGRAD_LIMITS",
            "NO_COLOR",
            "CLICOLOR_FORCE",
        ] {
            command.env_remove(name);
        }
        // What the caller has measured on this machine must not decide what is tested.
        command.env("WGRAD_CACHE", self.path("cache"));
        command
    }

    pub fn run(&self, args: &[&str]) -> Ended {
        ended(&mut self.command(args))
    }

    /// Runs the program where no Vulkan driver is to be found.
    pub fn run_without_gpu(&self, args: &[&str], variables: &[(&str, &str)]) -> Ended {
        let mut command = self.command(args);
        command.env("VK_ICD_FILENAMES", "/nonexistent").env("VK_DRIVER_FILES", "/nonexistent");
        ended(command.envs(variables.iter().copied()))
    }

    /// Runs the program, which must end well; gives stdout.
    #[track_caller]
    pub fn good(&self, args: &[&str]) -> String {
        let ended = self.run(args);
        assert_eq!(ended.code, Some(0), "{args:?}: {}", ended.stderr);
        ended.stdout
    }

    /// Runs the program, which must end with exit code 2, one message that contains `parts`, nothing on stdout, and
    /// every file of the folder as it was.
    #[track_caller]
    pub fn refused(&self, args: &[&str], parts: &[&str]) {
        self.refused_by(&mut self.command(args), parts);
    }

    #[track_caller]
    pub fn refused_by(&self, command: &mut Command, parts: &[&str]) {
        let before = self.files();
        let found = ended(command);
        found.is_refusal(parts);
        let after = self.files();
        assert!(before == after, "{command:?} changed the folder: {:?} to {:?}", before.keys(), after.keys());
    }

    /// Every file and folder with its content.
    pub fn files(&self) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.folder.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path.clone());
                    found.insert(path, None);
                } else {
                    let content = std::fs::read(&path).unwrap();
                    found.insert(path, Some(content));
                }
            }
        }
        found
    }
}

impl Ended {
    #[track_caller]
    pub fn is_refusal(&self, parts: &[&str]) {
        assert_eq!(self.code, Some(2), "exit code of a refusal; {self:?}");
        assert_eq!(self.stdout, "", "a refusal prints no result");
        assert!(self.stderr.contains("error: "), "{}", self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        for part in parts {
            assert!(self.stderr.contains(part), "`{part}` is not in: {}", self.stderr);
        }
        let cause = self.stderr.matches("(os error").count();
        assert!(cause <= 1, "the cause is said {cause} times: {}", self.stderr);
    }
}

/// Runs a command to its end. A program that was killed by a signal has no exit code.
pub fn ended(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap_or_else(|e| panic!("not UTF-8: {e}"));
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}
