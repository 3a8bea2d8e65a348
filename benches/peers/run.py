#!/usr/bin/env python3
"""Runs wgrad and the peers by turns (A B A B) on each workload and prints tables with ratios and goals.

usage: run.py [--on cpu,llvmpipe,SwiftShader] [--workloads seed,digits] [--rounds 3] [--seconds 2.5] [--build] [--json FILE]
       run.py --from FILE                 the tables of an earlier run

Ratios are taken between medians of runs that alternate on one machine, so that its speed cancels out. The first round of
each program starts with an empty cache (XDG_CACHE_HOME): its time to the first step is the cold one. `others` is the CPU
time of other processes during the runs, in cores: above 0.35 the figures of small workloads mean little.

Programs: target/release/wgrad of this repository (or WGRAD), and what --build makes under benches/peers/target:
peer-burn (30 minutes), peer-rawgemm, and the virtual environments of JAX and PyTorch (CPU). Others' places may be given
by PEER_BURN, PEER_RAWGEMM, VENV_JAX, VENV_TORCH. A program that is not there is named and left out."""
import argparse, json, os, resource, shutil, statistics, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILT = os.path.join(HERE, "target")
WORKLOADS = ["seed", "digits", "mnist", "mnist-adam", "wide", "square"]
DRIVERS = {
    "llvmpipe": "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json",
    "SwiftShader": "/usr/lib/chromium/vk_swiftshader_icd.json",
}
# Times as fast as the best peer on the same device.
GOALS = {
    "cpu": {"seed": 2, "digits": 1, "mnist": 1, "mnist-adam": 1, "wide": 0.8, "square": 0.7},
    "llvmpipe": {"seed": 50, "digits": 10, "mnist": 4, "mnist-adam": 4, "wide": 2, "square": 2},
    "SwiftShader": {},
}
# Seconds to the first step: cold, warm. None where no goal is set.
FIRST_GOALS = {"cpu": (0.05, 0.05), "llvmpipe": (1.5, 0.3), "SwiftShader": (None, None)}
# MiB of data and parameters: what a program holds at least. On the CPU the goal is this and 64 MiB more, on an adapter a
# quarter of the best peer there.
DATA_MIB = {"seed": 0, "digits": 0.5, "mnist": 180.1, "mnist-adam": 180.1, "wide": 186.8, "square": 76.0}
# Not a framework: shown for what plain loops reach, no goal refers to it.
NO_FRAMEWORK = {"loops over gemm"}
# A cold start of burn on a software Vulkan driver takes up to two and a half minutes.
TIMEOUT_S = 600


def build_commands():
    cargo = lambda crate, *more: ["cargo", "build", "--release", "--manifest-path", f"{HERE}/{crate}/Cargo.toml", *more]
    yield ["cargo", "build", "--release", "--manifest-path", f"{ROOT}/Cargo.toml"], {}
    target = {"CARGO_TARGET_DIR": BUILT}
    yield cargo("rawgemm", "--features", "x86-v4"), target
    yield cargo("burn", "--no-default-features", "--features", "wgpu,flex,x86-v4"), target
    for name, packages in [("jax", ["jax[cpu]", "numpy"]), ("torch", ["torch", "numpy"])]:
        venv = f"{BUILT}/venv-{name}"
        yield [sys.executable, "-m", "venv", venv], {}
        yield [f"{venv}/bin/pip", "install", "--quiet", *packages], {}


def find(variable, default, *below):
    path = os.environ.get(variable, default)
    return os.path.join(path, *below)


def contenders(device):
    """(name, command before the workload, arguments after it) of the programs on a device."""
    wgrad = find("WGRAD", os.path.join(os.environ.get("CARGO_TARGET_DIR", f"{ROOT}/target"), "release/wgrad"))
    burn = find("PEER_BURN", f"{BUILT}/release/peer-burn")
    if device != "cpu":
        yield "wgrad", [wgrad, "bench"], ["--json", "--adapter", device, "--seconds", "{s}"]
        yield "burn-wgpu", [burn], ["wgpu", "{s}"]
        return
    jax, torch = find("VENV_JAX", f"{BUILT}/venv-jax", "bin/python"), find("VENV_TORCH", f"{BUILT}/venv-torch", "bin/python")
    yield "wgrad", [wgrad, "bench"], ["--json", "--device", "cpu", "--seconds", "{s}"]
    yield "jax scan", [jax, f"{HERE}/jax/run.py"], ["scan", "{s}"]
    yield "jax step", [jax, f"{HERE}/jax/run.py"], ["step", "{s}"]
    yield "pytorch", [torch, f"{HERE}/pytorch/run.py"], ["eager", "{s}"]
    yield "burn-flex", [burn], ["flex", "{s}"]
    yield "loops over gemm", [find("PEER_RAWGEMM", f"{BUILT}/release/peer-rawgemm")], ["{s}"]


def busy():
    """CPU seconds of the whole machine so far, steal included; 0 where the system does not tell."""
    try:
        v = [int(x) for x in open("/proc/stat").readline().split()[1:]]
    except OSError:
        return 0.0
    return (sum(v[:8]) - v[3] - v[4]) / os.sysconf("SC_CLK_TCK")


def run(device, command, workload, arguments, seconds, cache):
    env = dict(os.environ, XDG_CACHE_HOME=cache)
    env.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
    env.pop("WGRAD_ADAPTER", None)
    if device in DRIVERS:
        env.update(VK_ICD_FILENAMES=DRIVERS[device], VK_DRIVER_FILES=DRIVERS[device])
    command = command + [workload] + [a.format(s=seconds) for a in arguments]
    before, own_before, begin = busy(), resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
    try:
        ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=TIMEOUT_S, cwd=cache)
        out, err, code = ended.stdout, ended.stderr, ended.returncode
    except subprocess.TimeoutExpired:
        out, err, code = "", f"no result after {TIMEOUT_S} s", -1
    own = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = own.ru_utime + own.ru_stime - own_before.ru_utime - own_before.ru_stime
    row = next((json.loads(l) for l in reversed(out.splitlines()) if l.startswith("{")), None)
    row = row or {"error": err.strip()[-400:]}
    row.update(code=code, others=round(max(0.0, (busy() - before - own) / max(time.time() - begin, 1e-3)), 2))
    return row


def measure(devices, workloads, rounds, seconds):
    rows = []
    with tempfile.TemporaryDirectory() as caches:
        for device in devices:
            there = []
            for contender in contenders(device):
                missing = [p for p in contender[1] if p.startswith("/") and not os.path.exists(p)]
                if missing:
                    print(f"{device}: {contender[0]} is left out: there is no {missing[0]}", file=sys.stderr)
                else:
                    there.append(contender)
            for workload in workloads:
                for turn in range(rounds):
                    for name, command, arguments in there:
                        # One cache a program and workload: a workload must not warm up the next.
                        cache = os.path.join(caches, f"{device}-{name}-{workload}".replace(" ", "-"))
                        os.makedirs(cache, exist_ok=True)
                        row = run(device, command, workload, arguments, seconds, cache)
                        row.update(device=device, program=name, workload=workload, round=turn)
                        rows.append(row)
                        said = "steps/s {steps_per_s:.5g}, loss {loss_check}, first step {first_step_s:.3f} s, {peak_rss_mib} MiB"
                        said = said.format(**row) if "error" not in row else "ERROR " + row["error"]
                        print(f"{device} {workload} {name}: {said}, others {row['others']}", file=sys.stderr, flush=True)
                shutil.rmtree(caches, ignore_errors=True)
                os.makedirs(caches, exist_ok=True)
    return rows


def median(rows, field):
    values = [r[field] for r in rows if isinstance(r.get(field), (int, float))]
    return statistics.median(values) if values else None


def number(x, form="{:.3g}"):
    return "-" if x is None else form.format(x)


def rate(x):
    return "-" if x is None else f"{x:,.0f}" if x >= 100 else f"{x:.3g}"


def verdict(value, goal, less=False):
    if value is None or goal is None:
        return ""
    return " (reached)" if (value <= goal if less else value >= goal) else " (**short**)"


def tables(rows):
    for device in dict.fromkeys(r["device"] for r in rows):
        on = [r for r in rows if r["device"] == device and "error" not in r]
        others = sorted({r["program"] for r in on} - {"wgrad"}, key=[r["program"] for r in on].index)
        pick = lambda program, workload: [r for r in on if (r["program"], r["workload"]) == (program, workload)]
        print(f"\n### {device}\n\nSteps per second, medians of {max(r['round'] for r in rows) + 1} run(s)\n")
        print("| " + " | ".join(["workload", "wgrad", *others, "wgrad / best", "goal", "others' CPU"]) + " |")
        print("|---" * (len(others) + 5) + "|")
        loads = dict.fromkeys(r["workload"] for r in on)
        for w in loads:
            mine = median(pick("wgrad", w), "steps_per_s")
            theirs = {p: median(pick(p, w), "steps_per_s") for p in others}
            best = max((v for p, v in theirs.items() if v and p not in NO_FRAMEWORK), default=None)
            ratio, goal = (mine / best if mine and best else None), GOALS[device].get(w)
            busy_cores = max((r["others"] for r in on if r["workload"] == w), default=0)
            cells = [w, rate(mine), *(rate(theirs[p]) for p in others), number(ratio) + verdict(ratio, goal), number(goal), number(busy_cores)]
            print("| " + " | ".join(cells) + " |")
        print("\nSeconds to the first step with an empty cache and later, peak memory in MiB, loss at the check step\n")
        print("| workload | program | cold | warm | memory | loss |")
        print("|---" * 6 + "|")
        for w, p in ((w, p) for w in loads for p in ["wgrad", *others]):
            runs = pick(p, w)
            cold, warm = (median([r for r in runs if (r["round"] == 0) == first], "first_step_s") for first in (True, False))
            memory, loss, marks = median(runs, "peak_rss_mib"), median(runs, "loss_check"), ["", "", ""]
            if p == "wgrad":
                peer = min((m for m in (median(pick(o, w), "peak_rss_mib") for o in others) if m), default=None)
                goals = (*FIRST_GOALS[device], DATA_MIB[w] + 64 if device == "cpu" else peer and peer / 4)
                marks = [verdict(v, g, less=True) for v, g in zip((cold, warm, memory), goals)]
            cells = [w, p, number(cold) + marks[0], number(warm) + marks[1], number(memory, "{:.0f}") + marks[2], number(loss, "{:.6f}")]
            print("| " + " | ".join(cells) + " |")
    for r in rows:
        if "error" in r or r["code"] != 0:
            print(f"\nFAILED: {r['device']} {r['workload']} {r['program']}: exit code {r['code']} {r.get('error', '')}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--on", default="cpu,llvmpipe")
    parser.add_argument("--workloads", default=",".join(WORKLOADS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.5)
    parser.add_argument("--build", action="store_true")
    parser.add_argument("--json")
    parser.add_argument("--from", dest="earlier")
    args = parser.parse_args()
    devices, workloads = args.on.split(","), args.workloads.split(",")
    unknown = [d for d in devices if d not in GOALS] + [w for w in workloads if w not in WORKLOADS]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}. Devices are {', '.join(GOALS)}, workloads {', '.join(WORKLOADS)}")
    if args.build:
        for command, env in build_commands():
            subprocess.run(command, env=dict(os.environ, **env), check=True)
    rows = json.load(open(args.earlier)) if args.earlier else measure(devices, workloads, args.rounds, args.seconds)
    if args.json:
        json.dump(rows, open(args.json, "w"), indent=1)
    tables(rows)
    return 1 if any("error" in r or r["code"] != 0 for r in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
