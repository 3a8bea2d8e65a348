"""Writes the array files of tests/fixtures/arrays with numpy and safetensors, and what is in them.

    pip install numpy torch safetensors
    python3 tests/interop/array_files.py tests/fixtures/arrays

tests/cpu/array_files.rs holds what wgrad reads against expected.json, which lists for every array its type, its shape and its
values in C's order. The files are the same bytes each time.
"""

import gzip
import json
import os
import struct
import sys

import numpy as np
import torch
from safetensors.torch import save_file

folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
expected = []


def expect(name, array, values, kind=None):
    expected.append({
        "file": name,
        "array": array,
        "type": kind or values.dtype.newbyteorder("=").name,
        "shape": list(values.shape),
        "values": [float(v) for v in np.asarray(values, dtype=np.float64).ravel()],
    })


def write(name, content):
    with open(os.path.join(folder, name), "wb") as f:
        f.write(content)


def idx(values):
    code = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}[values.dtype.str[1:]]
    header = struct.pack(">BBBB", 0, 0, code, values.ndim) + b"".join(struct.pack(">I", n) for n in values.shape)
    return header + values.astype(values.dtype.newbyteorder(">")).tobytes()


rng = np.random.default_rng(5)
images = rng.integers(0, 256, (6, 2, 3), dtype=np.uint8)
labels = np.array([0, 2, 1, 2, 0, 1], dtype=np.uint8)
signed = np.array([[-128, 127], [-1, 3]])
numbers = np.array([[0.1, -1.5e-3, 3.0e38], [1.0e-40, -0.0, 7.25]])

for name, content in (("images-idx3-ubyte", images), ("labels-idx1-ubyte", labels)):
    write(name, idx(content))
    expect(name, None, content)
    write(name + ".gz", gzip.compress(idx(content), mtime=0))
    expect(name + ".gz", None, content)
for kind, source in (("i1", signed), ("i2", signed * 200), ("i4", signed * 70000), ("f4", numbers), ("f8", numbers)):
    write(f"{kind}.idx", idx(source.astype(kind)))
    expect(f"{kind}.idx", None, source.astype(kind))

for kind in ("|b1", "|i1", "|u1", "<i2", ">i2", "<u2", ">u2", "<i4", ">i4", "<u4", ">u4", "<i8", ">i8", "<u8", ">u8"):
    values = (signed % 2 if kind == "|b1" else abs(signed) if "u" in kind else signed).astype(kind)
    name = f"{kind[1:]}{'_big' if kind[0] == '>' else ''}.npy"
    np.save(os.path.join(folder, name), values)
    expect(name, None, values)
for kind in ("<f2", ">f2", "<f4", ">f4", "<f8", ">f8"):
    values = (numbers[:, :2] if kind[1:] == "f2" else numbers).astype(kind)
    name = f"{kind[1:]}{'_big' if kind[0] == '>' else ''}.npy"
    np.save(os.path.join(folder, name), values)
    expect(name, None, values)

cube = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
np.save(os.path.join(folder, "fortran.npy"), np.asfortranarray(cube))
expect("fortran.npy", None, cube)
np.save(os.path.join(folder, "column.npy"), np.asfortranarray(cube.reshape(24, 1)))
expect("column.npy", None, cube.reshape(24, 1))
with open(os.path.join(folder, "version2.npy"), "wb") as f:
    np.lib.format.write_array(f, cube, version=(2, 0))
expect("version2.npy", None, cube)
with open(os.path.join(folder, "fortran.npy"), "rb") as f:
    write("fortran.npy.gz", gzip.compress(f.read(), mtime=0))
expect("fortran.npy.gz", None, cube)

members = {"x": images.astype(np.float32) / 255, "y": labels.astype(np.int64), "z": np.asfortranarray(cube)}
for name, save in (("stored.npz", np.savez), ("compressed.npz", np.savez_compressed)):
    save(os.path.join(folder, name), **members)
    for array, values in members.items():
        expect(name, array, values)
keras = {"x_train": images, "y_train": labels, "x_test": images[:2], "y_test": labels[:2]}
np.savez_compressed(os.path.join(folder, "keras.npz"), **keras)
for array, values in keras.items():
    expect("keras.npz", array, values)
np.savez(os.path.join(folder, "words.npz"), x=cube, y=np.array(["cat", "dog"]), n=np.float64(3))
expect("words.npz", "x", cube)

tensors = {
    "x": torch.from_numpy(images.astype(np.float32) / 255),
    "y": torch.from_numpy(labels.astype(np.int64)),
    "half": torch.from_numpy(numbers[:, :2].astype(np.float16)),
    "brain": torch.from_numpy(numbers).to(torch.bfloat16),
    "truth": torch.tensor([True, False, True]),
}
save_file(tensors, os.path.join(folder, "tensors.safetensors"))
for array, tensor in tensors.items():
    expect("tensors.safetensors", array, tensor.to(torch.float64).numpy(), str(tensor.dtype).removeprefix("torch."))

text = "a,b,label\n1,2.5,cat\n-3,4,\"dog, big\"\n5,6,cat\n"
write("table.csv", text.encode())
write("table.csv.gz", gzip.compress(text.encode(), mtime=0))
tabs = "a\tb\tlabel\n1\t2.5\tcat\n-3\t4\tdog, big\n5\t6\tcat\n"
write("table.tsv", tabs.encode())
write("table.tsv.gz", gzip.compress(tabs.encode(), mtime=0))

with open(os.path.join(folder, "expected.json"), "w") as f:
    json.dump(expected, f, indent=None, separators=(",", ":"))
    f.write("\n")
