"""The sides of the comparison: each a process that answers lines (benches/protocol has the protocol)."""

import glob
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


@dataclass
class Side:
    """How to start one, or why it cannot be."""

    name: str
    command: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    missing: str | None = None

    def start_options(self, **more: str) -> dict:
        return {"env": {**os.environ, **self.environment, **more}}


class Server:
    """A side that runs. One that ended is started again when asked next."""

    def __init__(self, side: Side):
        self.side = side
        self.process: subprocess.Popen | None = None
        # What it says besides its answers: a pipe would fill up.
        self.said = tempfile.TemporaryFile("w+")

    def ask(self, line: str) -> dict:
        if self.side.missing:
            return {"absent": self.side.missing}
        if self.process is None:
            self.process = subprocess.Popen(
                self.side.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.said,
                text=True,
                **self.side.start_options(),
            )
        return self._answer(self.process, line)

    def _answer(self, process: subprocess.Popen, line: str) -> dict:
        answer = ""
        try:
            process.stdin.write(line + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        except BrokenPipeError:
            pass
        if answer:
            return json.loads(answer)
        process.kill()
        process.wait()
        self.process = None
        self.said.seek(0)
        lines = [text for text in self.said.read().strip().splitlines() if text]
        return {"absent": f"the process ended: {lines[-1][:120] if lines else 'it said nothing'}"}

    def stop(self) -> None:
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait()
            self.process = None


def rectify(path: str | None, device: str, threads: int) -> Side:
    """The bench binary `serve`, by default the newest that cargo built."""
    path = path or newest(os.path.join(ROOT, "target", "release", "deps", "serve-*"))
    if path is None:
        raise SystemExit("no bench binary: run `cargo bench --no-run` first, or name one with --serve")
    return Side("rectify", [path], {"RECTIFY_THREADS": str(threads), "RECTIFY_BENCH_DEVICE": device})


def pytorch(how: str, device: str, threads: int, python: str, cache: str, limit: int) -> Side:
    """One form of PyTorch, which keeps what it compiles in a folder and compiles for so many seconds at most."""
    name = {"eager": "torch", "compiled": "torch compiled", "out": "torch out=", "foreach": "torch foreach"}[how]
    script = os.path.join(HERE, "pytorch")
    command = [python, script, "--how", how, "--device", device, "--threads", str(threads), "--limit", str(limit)]
    return Side(name, command, {"OMP_NUM_THREADS": str(threads), "TORCHINDUCTOR_CACHE_DIR": cache})


def peer(name: str, folder: str, device: str, threads: int) -> Side:
    """candle or burn, from benches/compare/peers."""
    path = os.path.join(folder, name)
    if not os.access(path, os.X_OK):
        return Side(name, missing=f"{os.path.relpath(path)} is not built")
    environment = {"RAYON_NUM_THREADS": str(threads), "RECTIFY_BENCH_DEVICE": device}
    return Side(name, [path], environment)


def newest(pattern: str) -> str | None:
    paths = [path for path in glob.glob(pattern) if os.access(path, os.X_OK) and "." not in os.path.basename(path)]
    return max(paths, key=os.path.getmtime, default=None)


def workloads(side: Side) -> list[str]:
    """The names of everything that rectify times."""
    listed = subprocess.run([*side.command, "--list"], capture_output=True, text=True, check=True, **side.start_options())
    return listed.stdout.split()


def torch_facts(python: str) -> dict | None:
    """Versions, and the folder PyTorch is installed in."""
    answer = subprocess.run([python, os.path.join(HERE, "pytorch"), "--version"], capture_output=True, text=True)
    return json.loads(answer.stdout) if answer.returncode == 0 else None


def default_threads() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_python() -> str:
    return sys.executable
