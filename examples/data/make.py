"""Makes the data of the examples: xor.csv, spirals.csv, faults.csv, pendulum.csv and digits_pixels.npy.gz. Python alone, no packages.

    python3 examples/data/make.py

The generator of random numbers is Python's with a fixed seed, so that the files come out the same.
"""

import csv
import gzip
import math
import pathlib
import random
import struct

here = pathlib.Path(__file__).parent


def write(name, header, rows):
    with open(here / name, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


write("xor.csv", ["a", "b", "xor"], [[a, b, a ^ b] for a in (0, 1) for b in (0, 1)])

# Two arms of a spiral of one and a half turns, with a little noise; the task is K. J. Lang's and M. J. Witbrock's, 1988.
rng = random.Random(1)
points = []
for i in range(200):
    t = 0.25 + 1.5 * math.sqrt(i / 199)
    for arm in (0, 1):
        angle = 2 * math.pi * t + math.pi * arm
        x, y = (t * math.cos(angle) + rng.gauss(0, 0.03), t * math.sin(angle) + rng.gauss(0, 0.03))
        points.append([f"{x:.4f}", f"{y:.4f}", "ab"[arm]])
write("spirals.csv", ["x", "y", "arm"], points)

# A machine's readings, one in twenty from a machine with a fault: normal with deviation 1, their means 2 apart, so that of
# readings that cannot be told for sure 84 % can be told at even odds.
rng = random.Random(2)
readings = []
for i in range(2000):
    fault = i % 20 == 7
    mean = math.sqrt(2) if fault else 0.0
    readings.append([f"{rng.gauss(mean, 1):.3f}", f"{rng.gauss(mean, 1):.3f}", "fault" if fault else "good"])
write("faults.csv", ["vibration", "heat", "state"], readings)


def period(length, amplitude):
    """T = 2 pi sqrt(L / g) / agm(1, cos(amplitude / 2)): the exact period of a pendulum (Gauss)."""
    a, b = 1.0, math.cos(amplitude / 2)
    while abs(a - b) > 1e-15:
        a, b = (a + b) / 2, math.sqrt(a * b)
    return 2 * math.pi * math.sqrt(length / 9.81) / a


rng = random.Random(2)
rows = []
for _ in range(1000):
    # Rounded first, so that the rows themselves obey the law.
    length, degrees = round(rng.uniform(0.1, 2.0), 4), round(rng.uniform(1, 150), 2)
    rows.append([length, degrees, f"{period(length, math.radians(degrees)):.6f}"])
write("pendulum.csv", ["length_m", "amplitude_deg", "period_s"], rows)

# The pixels of data/digits.csv, 0 to 1 in steps of 1/16, which half precision holds exactly.
digits = list(csv.reader(open(here / "../../data/digits.csv")))
pixels = [[int(v) / 16 for name, v in zip(digits[0], row) if name != "label"] for row in digits[1:]]
header = "{'descr': '<f2', 'fortran_order': False, 'shape': (%d, %d), }" % (len(pixels), len(pixels[0]))
header = header.ljust((10 + len(header) + 64) // 64 * 64 - 11) + "\n"
content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
content += b"".join(struct.pack("<64e", *row) for row in pixels)
with open(here / "digits_pixels.npy.gz", "wb") as file:
    # No name and no time in the header: equal content makes equal files.
    with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed:
        packed.write(content)
