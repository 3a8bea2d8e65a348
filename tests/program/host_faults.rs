//! Faults of the host, as a user meets them: a full disk, a folder that goes away, a reader that does. Each ends with a clear
//! message and exit code 2 (a closed stdout quietly), without a panic, with every file on disk whole.

#![cfg(target_os = "linux")]

use crate::support::program;

use program::{Ended, IRIS, Place, ended};
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

/// The program with `args` by a shell that runs `before` and ends in `after`: redirections and limits are its business.
fn shell(place: &Place, before: &str, args: &str, after: &str) -> Ended {
    let wgrad = env!("CARGO_BIN_EXE_wgrad");
    let mut command = Command::new("bash");
    // pipefail: of a pipe, the program's code counts and not its reader's.
    command.args(["-c", &format!("set -o pipefail; {before} {wgrad} {args} {after}")]);
    command.current_dir(place.path("")).stdin(Stdio::null());
    for name in ["WGRAD_ADAPTER", "WGRAD_REQUIRE_GPU", "WGRAD_LOG", "WGRAD_DUMP"] {
        command.env_remove(name);
    }
    ended(&mut command)
}

#[track_caller]
fn no_panic(found: &Ended) {
    assert!(!found.stderr.contains("panicked"), "{found:?}");
}

/// A trained run in the folder `r`.
fn trained() -> Place {
    let place = Place::new();
    place.good(&["train", "iris.toml", "--run", "r", "--device", "cpu"]);
    place
}

#[test]
fn a_full_disk_under_an_output_is_an_error_with_its_name() {
    let place = trained();
    for args in [
        "predict r --data iris.csv --out /dev/full --device cpu",
        "eval r --data iris.csv --json /dev/full --device cpu",
        "init iris.toml --out /dev/full",
        "verify iris.toml --device cpu --html /dev/full",
        "plan iris.toml --json /dev/full",
    ] {
        let found = shell(&place, "", args, "");
        found.is_refusal(&["/dev/full", "No space left on device"]);
    }
    for args in ["predict r --data iris.csv --device cpu", "plan iris.toml", "eval r --data iris.csv --device cpu"] {
        let found = shell(&place, "", args, "> /dev/full");
        found.is_refusal(&["stdout", "No space left on device"]);
    }
}

/// A file that may not grow past some kilobytes: the disk is full in the middle of a checkpoint. The signal that comes with
/// it must not kill the program.
#[test]
fn a_disk_that_fills_up_while_a_run_saves_leaves_what_was_there() {
    let place = trained();
    let before = place.files();
    let wide = IRIS.replace("dense = 8", "dense = 4096");
    place.write("wide.toml", &wide);
    let found = shell(&place, "ulimit -f 16;", "train wide.toml --run wide --device cpu", "");
    found.is_refusal(&["wide/", "File too large"]);
    // A run that can be resumed, where the larger file is the next one: here the report's.
    let found = shell(&place, "ulimit -f 8;", "train --resume r --epochs 6 --device cpu", "");
    found.is_refusal(&["r/", "File too large"]);
    let kept = place.bytes("r/model.safetensors");
    assert!(!kept.is_empty());
    place.good(&["eval", "r", "--data", "iris.csv", "--device", "cpu"]);
    place.good(&["train", "--resume", "r", "--epochs", "6", "--device", "cpu"]);
    place.good(&["train", "iris.toml", "--run", "calm", "--epochs", "6", "--device", "cpu"]);
    assert!(place.bytes("r/model.safetensors") == place.bytes("calm/model.safetensors"));
    for (path, content) in before.iter().filter(|(path, _)| !path.starts_with(place.path("r"))) {
        assert!(place.files().get(path) == Some(content), "{} was changed", path.display());
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_with_its_name() {
    let place = trained();
    // Below a file no folder can be made, whoever asks; modes do not hold root.
    place.refused(&["train", "iris.toml", "--run", "iris.csv/r", "--device", "cpu"], &["iris.csv/r"]);
    place.refused(&["predict", "r", "--data", "iris.csv", "--out", "iris.csv/p", "--device", "cpu"], &["iris.csv/p"]);
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(place.path("r"), std::fs::Permissions::from_mode(0o555)).unwrap();
    if std::fs::write(place.path("r/probe"), "").is_ok() {
        eprintln!("skipped: this user may write to a read-only folder");
        std::fs::remove_file(place.path("r/probe")).unwrap();
    } else {
        place.refused(&["train", "--resume", "r", "--epochs", "6", "--device", "cpu"], &["r/", "Permission denied"]);
    }
    std::fs::set_permissions(place.path("r"), std::fs::Permissions::from_mode(0o755)).unwrap();
    place.good(&["train", "--resume", "r", "--epochs", "6", "--device", "cpu"]);
}

#[test]
fn a_run_folder_that_is_removed_ends_the_run_with_its_name() {
    let place = Place::new();
    let args = ["train", "iris.toml", "--run", "gone", "--epochs", "1000000", "--device", "cpu"];
    let mut child = place.command(&args).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("epoch ") {
        line.clear();
        assert_ne!(stderr.read_line(&mut line).unwrap(), 0, "the run ended before its first epoch");
    }
    std::fs::remove_dir_all(place.path("gone")).unwrap();
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2), "{rest}");
    assert!(rest.contains("error: ") && rest.contains("gone") && !rest.contains("panicked"), "{rest}");
}

#[test]
fn a_reader_that_goes_away_ends_the_program_quietly() {
    let place = trained();
    // Much more than a pipe holds, so that the program is still writing when its reader has gone.
    let rows: String = place.read("iris.csv").lines().skip(1).map(|l| format!("{l}\n")).collect();
    let head = place.read("iris.csv").lines().next().unwrap().to_string();
    place.write("many.csv", &format!("{head}\n{}", rows.repeat(100)));
    for args in ["predict r --data many.csv --device cpu", "plan iris.toml", "--help", "train --help"] {
        let found = shell(&place, "", args, "| head -1");
        assert_eq!(found.code, Some(0), "{args}: {found:?}");
        assert!(!found.stderr.contains("error"), "{args}: {found:?}");
        assert_eq!(found.stdout.lines().count(), 1, "{args}");
    }
    let found = shell(&place, "", "predict r --data iris.csv --device cpu", ">&-");
    assert!(found.code == Some(0) && !found.stderr.contains("error"), "{found:?}");
}

#[test]
fn words_that_nobody_can_read_are_no_fault() {
    let place = trained();
    for (i, after) in ["2>&-", "2>/dev/full", "2> >(head -c 1 >/dev/null)"].into_iter().enumerate() {
        for log in ["", "WGRAD_LOG=wgrad=trace"] {
            let run = format!("quiet{i}{}", log.len());
            let found = shell(&place, log, &format!("train iris.toml --run {run} --device cpu"), after);
            no_panic(&found);
            assert_eq!(found.code, Some(0), "{log} {after}: {found:?}");
            assert!(place.bytes(&format!("{run}/model.safetensors")) == place.bytes("r/model.safetensors"));
        }
    }
    let found = shell(&place, "", "train absent.toml", "2>/dev/full");
    assert_eq!(found.code, Some(2), "{found:?}");
}
