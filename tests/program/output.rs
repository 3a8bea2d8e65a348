//! Where the program writes: results to stdout, words to stderr, nothing that a pipe cannot take, files as a whole.

use crate::support::program;

use program::{Place, ended};
use std::process::Stdio;

/// The commands that the help lists.
fn commands(help: &str) -> Vec<&str> {
    let list = help.split("Commands:").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap();
    let names = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect()
}

#[test]
fn every_command_has_help_with_an_example() {
    let place = Place::new();
    let all = place.good(&["--help"]);
    for part in [
        "WGRAD_ADAPTER",
        "WGRAD_REQUIRE_GPU",
        "WGRAD_LOG",
        "WGRAD_DUMP",
        "WGRAD_LIMITS",
        "Exit codes: 0 good, 1 a check failed, 2",
    ] {
        assert!(all.contains(part), "{part}");
    }
    let commands = commands(&all);
    assert!(commands.len() >= 16 && commands.contains(&"train"), "{commands:?}");
    for command in commands {
        let help = place.good(&[command, "--help"]);
        let example = ["Example: wgrad ", "Examples: wgrad "].iter().any(|text| help.contains(text));
        assert!(example && help.contains(&format!("wgrad {command} ")), "{help}");
    }
    assert!(place.good(&["--version"]).contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn on_a_pipe_progress_is_plain_lines_on_stderr() {
    let place = Place::new();
    let found = place.run(&["train", "iris.toml", "--device", "cpu"]);
    assert_eq!(found.code, Some(0));
    for text in [&found.stdout, &found.stderr] {
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    }
    for start in ["device ", "network ", "data ", "memory ", "run folder ", "epoch 1/3 ", "epoch 2/3 ", "epoch 3/3 "] {
        assert_eq!(found.stderr.lines().filter(|l| l.starts_with(start)).count(), 1, "{start}: {}", found.stderr);
    }
    assert!(found.stderr.contains("cpu (f32) (asked for)") && found.stderr.contains("67 parameters"));
    assert!(found.stdout.starts_with("trained 3 epochs") && found.stdout.contains("validation accuracy"));
    // A long run says as much as a person reads.
    let long = place.run(&["train", "iris.toml", "--device", "cpu", "--epochs", "500"]);
    assert!((50..=80).contains(&long.stderr.lines().count()), "{} lines", long.stderr.lines().count());
}

#[test]
fn results_go_to_stdout_and_words_to_stderr() {
    let place = Place::new();
    place.good(&["train", "iris.toml", "--run", "r", "--device", "cpu"]);
    for args in [["eval", "r", "--data", "iris.csv"], ["predict", "r", "--data", "iris.csv"]] {
        let found = place.run(&[&args[..], &["--device", "cpu"]].concat());
        assert!(found.stderr.starts_with("device ") && found.stderr.lines().count() == 1, "{found:?}");
        assert!(!found.stdout.contains("device"), "{found:?}");
    }
    let json = place.run(&["eval", "r", "--data", "iris.csv", "--device", "cpu", "--json"]);
    assert!(serde_json::from_str::<serde_json::Value>(&json.stdout).is_ok(), "{json:?}");
    let json = place.run(&["verify", "r", "--device", "cpu", "--json"]);
    assert!(serde_json::from_str::<serde_json::Value>(&json.stdout).is_ok(), "{json:?}");
}

#[test]
fn dumps_go_to_stderr() {
    let place = Place::new();
    for (what, part) in [("graph", "layers.0"), ("plan", "layers.0.weight"), ("wgsl", "@compute")] {
        let mut command = place.command(&["train", "iris.toml", "--device", "cpu"]);
        let found = ended(command.env("WGRAD_DUMP", what));
        assert_eq!(found.code, Some(0));
        assert!(found.stderr.contains(part), "{what}: {}", found.stderr);
        assert!(found.stdout.starts_with("trained"), "{}", found.stdout);
    }
}

/// Every command that prints a result.
const PRINTING: [&[&str]; 7] = [
    &["train", "iris.toml", "--device", "cpu"],
    &["eval", "r", "--data", "iris.csv", "--device", "cpu"],
    &["predict", "r", "--data", "iris.csv", "--device", "cpu"],
    &["grad", "iris.toml", "--weights", "w", "--data", "iris.csv", "--out", "g", "--device", "cpu"],
    &["verify", "iris.toml", "--device", "cpu"],
    &["devices"],
    &["plan", "iris.toml"],
];

fn ready() -> Place {
    let place = Place::new();
    place.good(&["train", "iris.toml", "--run", "r", "--device", "cpu"]);
    place.good(&["init", "iris.toml", "--out", "w"]);
    place
}

#[test]
#[cfg(unix)]
fn a_reader_that_goes_away_is_no_fault() {
    let place = ready();
    for args in PRINTING {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output =
            place.command(args).stdout(writer).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {stderr}");
        assert!(!stderr.contains("panicked") && !stderr.contains("error"), "{args:?}: {stderr}");
        // Nobody who listens on stderr either.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let status = place.command(args).stdout(Stdio::null()).stderr(writer).status().unwrap();
        assert_eq!(status.code(), Some(0), "{args:?} without stderr");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_said() {
    let place = ready();
    for args in PRINTING {
        let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output =
            place.command(args).stdout(full()).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
        assert!(stderr.contains("stdout") && stderr.contains("No space left"), "{args:?}: {stderr}");
        assert!(!stderr.contains("panicked"), "{args:?}: {stderr}");
        // Words that nobody can read are no reason to fail.
        let status = place.command(args).stdout(Stdio::null()).stderr(full()).status().unwrap();
        assert_eq!(status.code(), Some(0), "{args:?} with stderr full");
    }
}

#[test]
fn a_file_that_cannot_be_written_is_refused_and_others_stay() {
    let place = ready();
    std::fs::create_dir(place.path("folder")).unwrap();
    let predict = ["predict", "r", "--data", "iris.csv", "--device", "cpu", "--out"];
    place.refused(&[&predict[..], &["absent/p.csv"]].concat(), &["absent/p.csv: ", "no folder absent", "Make it"]);
    place.refused(&[&predict[..], &["folder"]].concat(), &["folder: ", "this is a folder", "Name a file"]);
    place.refused(&["init", "iris.toml", "--out", "absent/w"], &["absent/w: ", "no folder absent"]);
    place.refused(&["eval", "r", "--data", "iris.csv", "--device", "cpu", "--json", "absent/e"], &["absent/e: "]);
    // An old file is replaced as a whole, and no temporary file is left beside it.
    place.write("p.csv", "old");
    place.good(&[&predict[..], &["p.csv"]].concat());
    assert_eq!(place.read("p.csv").lines().count(), 151);
    assert!(place.files().keys().all(|p| !p.to_string_lossy().contains(".wgrad-")));
}

#[test]
#[cfg(target_os = "linux")]
fn devices_and_links_are_written_to_and_not_replaced() {
    use std::os::unix::fs::FileTypeExt;
    let place = ready();
    let predict = ["predict", "r", "--data", "iris.csv", "--device", "cpu", "--out"];
    // /dev/stdout is a link to whatever stdout is: the pipe of this test.
    let printed = place.good(&[&predict[..], &["/dev/stdout"]].concat());
    assert_eq!(printed.lines().count(), 151);
    let is_device = |path: &str| std::fs::metadata(path).unwrap().file_type().is_char_device();
    place.good(&[&predict[..], &["/dev/null"]].concat());
    place.refused(&[&predict[..], &["/dev/full"]].concat(), &["/dev/full: ", "No space left"]);
    assert!(is_device("/dev/null") && is_device("/dev/full"));
    place.write("real.csv", "old");
    std::os::unix::fs::symlink("real.csv", place.path("link.csv")).unwrap();
    place.good(&[&predict[..], &["link.csv"]].concat());
    assert!(std::fs::symlink_metadata(place.path("link.csv")).unwrap().is_symlink());
    assert_eq!(place.read("real.csv").lines().count(), 151);
}

#[test]
fn completions_and_man_pages_know_every_command_and_its_options() {
    let place = Place::new();
    let all = place.good(&["--help"]);
    let commands = commands(&all);
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let text = place.good(&["completions", shell]);
        for name in commands.iter().copied().chain(["checkpoint-steps", "with-scaler"]) {
            assert!(text.contains(name), "{shell}: {name}");
        }
    }
    let bash = std::process::Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn();
    if let Ok(mut bash) = bash {
        use std::io::Write;
        let text = place.good(&["completions", "bash"]);
        bash.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert!(bash.wait().unwrap().success(), "bash does not take its completions");
    }
    place.good(&["man", "--out", "pages/man1"]);
    for command in commands {
        let page = place.read(&format!("pages/man1/wgrad-{command}.1"));
        assert!(
            page.contains(".SH SYNOPSIS") && page.contains(&format!("wgrad {command}").replace('-', "\\-")),
            "{page}"
        );
    }
    assert!(place.read("pages/man1/wgrad.1").contains("WGRAD_REQUIRE_GPU"));
    place.write("file", "");
    place.refused(&["man", "--out", "file"], &["file: "]);
    place.refused(&["completions", "csh"], &["invalid value"]);
}
