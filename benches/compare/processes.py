"""What a whole process costs: time and memory from its start to its end, and its size on disk."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable

from rows import OURS, Measured, Row
from sides import ROOT, Side

FIRST_STEP = ("train/784-128-10/64", 1)
TRAINING = ("train/784-512-256-10/128", 200)


def measure(sides: list[Side], rounds: int, torch_folder: str | None, say: Callable[[Row], None]) -> list[Row]:
    rows = [*first_step(sides, rounds), *training(sides), *on_disk(sides, torch_folder)]
    for row in rows:
        say(row)
    return rows


def first_step(sides: list[Side], rounds: int) -> list[Row]:
    """From nothing to the end of the first step of training, in turns: with empty caches of compiled kernels, and with full ones."""
    cold, warm = Row("process/first_step_cold/784-128-10"), Row("process/first_step_warm/784-128-10")
    memory = Row("memory/first_step/784-128-10", unit="B")
    seconds: dict[tuple[str, bool], list[float]] = {}
    resident: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as kept:
        # The files themselves are read once before, as by anyone who runs a program twice.
        for nth in range(rounds + 1):
            for side in sides:
                if side.missing:
                    cold.absent[side.name] = warm.absent[side.name] = memory.absent[side.name] = side.missing
                    continue
                if side.name in cold.absent:
                    continue
                with tempfile.TemporaryDirectory() as fresh:
                    runs = [(True, fresh), (False, os.path.join(kept, side.name.replace(" ", "-")))]
                    for is_cold, cache in runs:
                        took, bytes_at_peak, problem = run_once(side, FIRST_STEP, cache)
                        if problem:
                            cold.absent[side.name] = warm.absent[side.name] = memory.absent[side.name] = problem
                            break
                        if nth > 0:
                            seconds.setdefault((side.name, is_cold), []).append(took)
                            resident.setdefault(side.name, []).append(bytes_at_peak)
    for (name, is_cold), values in seconds.items():
        (cold if is_cold else warm).sides[name] = Measured.values(values)
    for name, values in resident.items():
        memory.sides[name] = Measured.values(values)
    return [cold, warm, memory]


def training(sides: list[Side]) -> list[Row]:
    """The most memory of the host that a process held which trained for a while."""
    row = Row("memory/200_steps/784-512-256-10", unit="B")
    with tempfile.TemporaryDirectory() as cache:
        for side in sides:
            if side.missing:
                row.absent[side.name] = side.missing
                continue
            _, bytes_at_peak, problem = run_once(side, TRAINING, cache)
            if problem:
                row.absent[side.name] = problem
            else:
                row.sides[side.name] = Measured.values([bytes_at_peak])
    return [row]


def run_once(side: Side, run: tuple[str, int], cache: str) -> tuple[float, float, str | None]:
    """Seconds and the largest resident set in bytes of one process, or why it failed."""
    name, count = run
    os.makedirs(cache, exist_ok=True)
    caches = {"RECTIFY_CACHE_DIR": cache, "TORCHINDUCTOR_CACHE_DIR": cache, "CUDA_CACHE_PATH": cache}
    command = [*side.command, "--run", name, str(count)]
    with tempfile.TemporaryFile("w+") as said:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said, **side.start_options(**caches))
        _, status, usage = os.wait4(process.pid, 0)
        took = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode == 0:
            return took, usage.ru_maxrss * 1024.0, None
        said.seek(0)
        lines = said.read().strip().splitlines() or ["it said nothing"]
        return took, 0.0, f"the process ended: {lines[-1][:120]}"


def on_disk(sides: list[Side], torch_folder: str | None) -> list[Row]:
    """What has to be there to run: a binary without symbols, or PyTorch's package without what it depends on."""
    row = Row("disk/program", unit="B")
    for side in sides:
        if side.missing:
            row.absent[side.name] = side.missing
        elif side.name == "torch":
            if torch_folder:
                row.sides[side.name] = Measured.values([folder_size(torch_folder)])
        elif not side.name.startswith("torch"):
            row.sides[side.name] = Measured.values([stripped_size(side.command[0])])
    rows = [row]
    command_line = os.path.join(ROOT, "target", "release", "rectify")
    if os.path.exists(command_line):
        rows.append(Row("disk/command_line", unit="B", sides={OURS: Measured.values([stripped_size(command_line)])}))
    return rows


def folder_size(folder: str) -> float:
    files = (os.path.join(at, name) for at, _, names in os.walk(folder) for name in names)
    return float(sum(os.lstat(path).st_size for path in files))


def stripped_size(path: str) -> float:
    """As it would be shipped; as it is where there is no `strip`."""
    if shutil.which("strip") is None:
        return float(os.path.getsize(path))
    with tempfile.TemporaryDirectory() as folder:
        to = os.path.join(folder, "stripped")
        subprocess.run(["strip", "-s", "-o", to, path], check=True)
        return float(os.path.getsize(to))
