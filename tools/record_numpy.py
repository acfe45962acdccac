"""Writes tests/data/numpy.npz: arrays of every type, order and version that the reader of .npy files knows, by NumPy itself.

    pip install numpy && python tools/record_numpy.py
"""

import io
import pathlib
import zipfile

import numpy
from numpy.lib import format

TYPES = ["?", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8"]


def values(code):
    """Twelve values as [2, 3, 2] that the type holds exactly."""
    numbers = numpy.arange(12)
    if code == "?":
        return (numbers % 3 == 0).reshape(2, 3, 2)
    if code[0] == "f":
        return (numbers - 5.5).reshape(2, 3, 2)
    if code[0] == "i":
        return (numbers * 21 - 126).reshape(2, 3, 2)
    return (numbers * 21).reshape(2, 3, 2)


def main():
    path = pathlib.Path(__file__).parent.parent / "tests" / "data" / "numpy.npz"
    with zipfile.ZipFile(path, "w") as archive:
        def add(name, array, version, compression=zipfile.ZIP_DEFLATED):
            content = io.BytesIO()
            format.write_array(content, array, version=version)
            # A date of its own would make every run another file.
            entry = zipfile.ZipInfo(name + ".npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = compression
            archive.writestr(entry, content.getvalue())

        for code in TYPES:
            for order in "<>":
                kind = "?" if code == "?" else order + code
                add(f"{order}{code}", values(code).astype(kind), (1, 0))
                add(f"{order}{code} fortran", numpy.asfortranarray(values(code).astype(kind)), (1, 0))
        for version in [(2, 0), (3, 0)]:
            add(f"version {version[0]}", values("f4").astype("<f4"), version, zipfile.ZIP_STORED)
        add("scalar", numpy.array(2.5), (1, 0))
        add("empty", numpy.zeros((0, 3)), (1, 0))
        add("records", numpy.zeros(2, dtype=[("a", "<f4"), ("b", "<i4")]), (1, 0))
        add("text", numpy.array(["a", "bc"]), (1, 0))
        add("complex", numpy.zeros(2, dtype="c16"), (1, 0))
        add("beyond", numpy.array([2**63], dtype="u8"), (1, 0))


if __name__ == "__main__":
    main()
