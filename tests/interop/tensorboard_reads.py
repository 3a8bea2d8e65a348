"""Has TensorBoard read the event files of a run and compares with its metrics.jsonl.

    pip install tensorboard
    cargo run --release -- train examples/digits.toml --run runs/tb --tensorboard logs
    python3 tests/interop/tensorboard_reads.py logs/tb runs/tb

Exits with 1 if a curve differs from the run's by more than float32 holds, or a distribution is missing.
"""

import json
import sys

import numpy as np
from tensorboard import version
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

logs, run = sys.argv[1:]
events = EventAccumulator(logs, size_guidance={"scalars": 0, "histograms": 0})
events.Reload()
tags = events.Tags()
epochs = [json.loads(line) for line in open(f"{run}/metrics.jsonl")]
keys = {
    "loss/train": lambda e: e["train_loss"],
    "loss/validation": lambda e: e.get("validation_loss"),
    "metrics/accuracy": lambda e: e.get("validation_accuracy"),
    "metrics/f1_macro": lambda e: e.get("metrics", {}).get("f1_macro"),
    "metrics/rmse": lambda e: e.get("metrics", {}).get("rmse"),
}
failed = False
for tag, value in keys.items():
    expected = [(e["step"], np.float32(value(e))) for e in epochs if value(e) is not None]
    found = [(s.step, np.float32(s.value)) for s in events.Scalars(tag)] if tag in tags["scalars"] else []
    if not expected and not found:  # A metric that the run does not have.
        continue
    print(f"{tag}: {len(found)} values, {'equal' if found == expected else 'DIFFERENT'}")
    failed |= found != expected
report = json.load(open(f"{run}/report.json"))
for taken in report["histograms"][-1]["tensors"]:
    found = events.Histograms(taken["name"])[-1].histogram_value
    same = list(found.bucket) == taken["values"]["counts"] and found.num == sum(taken["values"]["counts"])
    same &= (found.min, found.max) == (taken["values"]["low"], taken["values"]["high"])
    print(f"{taken['name']}: {len(events.Histograms(taken['name']))} distributions, {'equal' if same else 'DIFFERENT'}")
    failed |= not same
print(f"TensorBoard {version.VERSION}")
sys.exit(failed)
