//! The test of the tests: shaders with one small mistake each, on the adapter. The conformance check of `wgrad devices
//! --kernels` must notice every one that changes a result; what it does not notice is listed with the reason.
//!
//! Mutations of a kernel whose text is that of the last whole run are not tried again: the record of that run says what
//! became of them (`mutations/record.rs`). `WGRAD_MUTATIONS=all` tries all, `record` writes the record as well.
//!
//! Without an adapter the list itself is checked: every text is where it is said to be, every shader file has its part.

use super::mutations;
use crate::support::adapter;

use mutations::record::{Record, digest, known};
use mutations::{Fate, Mutation};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;
use wgrad::error::Result;
use wgrad::exec::Device;
use wgrad::kernels::{Kernel, Measured, Tiling};
use wgrad::testing::exec::gpu::adapter::GpuDevice;
use wgrad::testing::verify::kernels::{Case, cases, run};

/// Decides the operands.
const SEED: u64 = 20;
/// Cases with more elements than this show how grids fold beyond 65,535 workgroups; smaller ones, folded on purpose, do
/// as well here, for each runs once a mutation.
const MAX_ELEMENTS: usize = 60_000;
/// The cases of one kernel with the judge's results; those with the same constants, which share a pipeline, together.
struct Probe(Vec<Vec<(Case, Vec<Measured>)>>);

impl Probe {
    fn of(kernel: Kernel, lanes: Option<u32>) -> Probe {
        let mut groups: BTreeMap<String, Vec<(Case, Vec<Measured>)>> = BTreeMap::new();
        let small = |case: &Case| case.values.iter().map(Vec::len).sum::<usize>() <= MAX_ELEMENTS;
        for case in cases(kernel, SEED, lanes).into_iter().filter(small) {
            let judged = case.judge().unwrap();
            groups.entry(format!("{:?}", case.args.constants)).or_default().push((case, judged));
        }
        Probe(groups.into_values().collect())
    }

    /// The first output outside its bound on `device`, if there is one.
    fn fault(&self, device: &Device) -> Result<Option<String>> {
        for group in &self.0 {
            let cases: Vec<Case> = group.iter().map(|(case, _)| case.clone()).collect();
            let found = pollster::block_on(run(device, &cases))?;
            for ((case, judged), found) in group.iter().zip(&found) {
                let checked = case.compare(judged, found);
                if let Some(output) = checked.outputs.iter().find(|o| !o.passed) {
                    let fault = output.fault.clone().unwrap_or_default();
                    return Ok(Some(format!("{}: {}: {fault}", checked.case, output.name)));
                }
            }
        }
        Ok(None)
    }
}

fn mutated(device: &Device, mutation: &Mutation) -> Device {
    let Some(gpu) = device.is::<GpuDevice>() else { panic!("{} is no adapter", device.name()) };
    Device::new(gpu.with_shader(mutation.kernel(), mutation.tiling, &mutation.source().unwrap()))
}

/// Whether the mutation must survive on the adapter called `name`; `None` where either may be.
fn must_survive(fate: Fate, name: &str) -> Option<bool> {
    match fate {
        Fate::Caught => Some(false),
        Fate::Survives(_) => Some(true),
        Fate::Open(on, _) if known(name).is_some() => Some(on.iter().any(|k| name.contains(k))),
        Fate::Open(..) => None,
    }
}

/// What `WGRAD_MUTATIONS` asks for: all mutations, and that what they show is recorded.
fn asked_for() -> (bool, bool) {
    match std::env::var("WGRAD_MUTATIONS").as_deref() {
        Err(_) | Ok("") => (false, false),
        Ok("all") => (true, false),
        Ok("record") => (true, true),
        Ok(other) => {
            panic!("WGRAD_MUTATIONS={other}: it is `all` or `record`, or not set for those of changed kernels")
        }
    }
}

/// Tries mutations on the device: whether each was caught, and what should not have happened.
fn tried(device: &Device, mutations: &[Mutation]) -> (Vec<(Mutation, bool)>, Vec<String>) {
    let lanes = device.products().lanes;
    let kernels: BTreeSet<Kernel> = mutations.iter().map(Mutation::kernel).collect();
    let probes: BTreeMap<Kernel, Probe> = kernels.into_iter().map(|k| (k, Probe::of(k, lanes))).collect();
    // Control: the shaders as they are pass the same check.
    for (kernel, probe) in &probes {
        assert_eq!(probe.fault(device).unwrap(), None, "{} without a mutation", kernel.name);
    }
    let (mut found, mut surprises) = (Vec::new(), Vec::new());
    for mutation in mutations {
        let what = mutation.describe();
        match probes[&mutation.kernel()].fault(&mutated(device, mutation)) {
            Ok(fault) => {
                println!("{what}\n  {}", fault.as_deref().unwrap_or("survives"));
                found.push((*mutation, fault.is_some()));
            }
            Err(error) => surprises.push(format!("does not build: {what}\n  {error}")),
        }
    }
    (found, surprises)
}

/// The verdicts that are not those that the list states.
fn surprises<'a>(found: &'a [(Mutation, bool)], name: &'a str) -> impl Iterator<Item = String> + 'a {
    found.iter().filter(move |(m, caught)| must_survive(m.fate, name).is_some_and(|survive| survive == *caught)).map(
        |(m, caught)| format!("{}, which is not stated: {}", if *caught { "caught" } else { "survives" }, m.describe()),
    )
}

#[test]
fn every_mutation_has_the_fate_that_is_stated() {
    let Some(device) = adapter::adapter() else { return };
    let ((whole, record), begin, name) = (asked_for(), Instant::now(), device.name());
    // A text that no case of this adapter includes cannot be noticed.
    let built = |m: &Mutation| m.tiling == Tiling::Tile || device.products().lanes.is_some();
    let mutations: Vec<Mutation> = mutations::all().into_iter().filter(built).collect();
    let kept = if whole { None } else { Record::kept(name) };
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for mutation in mutations {
        match kept.as_ref().and_then(|record| record.verdict(&mutation)) {
            Some(caught) => known.push((mutation, caught)),
            None => unknown.push(mutation),
        }
    }
    let (found, mut faults) = tried(device, &unknown);
    faults.extend(surprises(&known, name).chain(surprises(&found, name)));
    let count = |of: &[(Mutation, bool)]| of.iter().filter(|(_, caught)| !caught).count();
    let seconds = begin.elapsed().as_secs_f64();
    println!("{name}: {} mutations tried, {} survive, {seconds:.1} s", found.len(), count(&found));
    println!("of kernels as they were recorded: {}, {} survive", known.len(), count(&known));
    assert!(faults.is_empty(), "{} surprises:\n{}", faults.len(), faults.join("\n"));
    if record {
        Record::of(name, &found).keep();
    }
}

/// A record answers for a kernel as long as its text is the same, with what it says; and nothing else is taken for one.
#[test]
fn a_record_speaks_of_the_text_that_it_knew() {
    let found: Vec<(Mutation, bool)> = mutations::all().into_iter().map(|m| (m, m.fate == Fate::Caught)).collect();
    let record = Record::of("llvmpipe (a version)", &found);
    assert_eq!(Record::parse(&record.text()).unwrap(), record);
    assert_eq!(record.caught.len(), found.len(), "two mutations have one identifier");
    let (first, caught) = &found[0];
    assert_eq!(record.verdict(first), Some(*caught));
    assert_eq!(surprises(&found[..1], "llvmpipe").count(), 0);
    // Controls: another text, a mutation that is new, a verdict that the list does not state.
    let name = first.kernel.to_owned();
    let changed = Record { kernels: [(name, digest(Kernel::matmul))].into(), ..record.clone() };
    assert_eq!(changed.verdict(first), None);
    assert_eq!(record.verdict(&Mutation { to: "another text", ..*first }), None);
    assert_eq!(surprises(&[(*first, !caught)], "llvmpipe").count(), 1);
    for text in ["adapter a\nkernel add\n", "adapter a\npasses x\n", "caught x\nsurvives x\n", "adapter a\n\n"] {
        assert!(Record::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn the_list_covers_every_shader_file_and_has_not_rotted() {
    let mutations = mutations::all();
    let faults: Vec<String> = mutations.iter().filter_map(|m| m.source().err()).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(mutations.iter().all(|m| m.from != m.to));
    let distinct: BTreeSet<_> = mutations.iter().map(|m| (m.kernel, m.file, m.from, m.to)).collect();
    assert_eq!(distinct.len(), mutations.len(), "a mutation is listed twice");
    let covered: BTreeSet<&str> = mutations.iter().map(|m| m.file).collect();
    let root = format!("{}/shaders", env!("CARGO_MANIFEST_DIR"));
    for folder in ["", "lib/", "lib/activation/", "lib/loss/", "lib/optimizer/"] {
        for entry in std::fs::read_dir(format!("{root}/{folder}")).unwrap() {
            let name = format!("{folder}{}", entry.unwrap().file_name().to_string_lossy());
            // The shader of whole steps is no kernel; tests/gpu/whole_mutation.rs has its mutations.
            let other = !name.ends_with(".wgsl") || name == "whole_steps.wgsl";
            assert!(other || covered.contains(name.as_str()), "{name} has no mutation");
        }
    }
    let count = |fate: fn(&Fate) -> bool| mutations.iter().filter(|m| fate(&m.fate)).count();
    let survive = count(|f| matches!(f, Fate::Survives(_)));
    println!("{} mutations in {} files, {survive} equivalent or within the bound", mutations.len(), covered.len());
    assert!(mutations.len() >= 60);
}

/// Negative control of the list: a text that is not there, or there twice, is refused.
#[test]
fn a_text_that_is_not_in_the_shader_once_is_refused() {
    let mutation = Mutation {
        kernel: "add",
        tiling: Tiling::Tile,
        file: "add.wgsl",
        from: "a[i] * b[i]",
        to: "a[i]",
        fate: Fate::Caught,
    };
    assert!(mutation.source().is_err());
    assert!(Mutation { from: "binding", ..mutation }.source().is_err());
    assert!(Mutation { from: "a[i]", file: "absent.wgsl", ..mutation }.source().is_err());
}
