"""What was measured, and on what."""

import os
import platform
import re
import subprocess

from sides import HERE, ROOT

# From the widest; what a side picks among them is its own matter.
INSTRUCTION_SETS = ("amx_tile", "avx512f", "avx2", "fma", "asimd")


def facts(device: str) -> dict:
    """The processor, its cores and instruction sets, and the GPU if it is one that is compared on."""
    info = _read("/proc/cpuinfo")
    find = lambda key: re.search(rf"^{key}\s*:\s*(.*)$", info, re.MULTILINE)
    field = lambda key: found.group(1) if (found := find(key)) else ""
    flags = (field("flags") or field("Features")).split()
    model = field("model name") or platform.processor() or platform.machine()
    version = "-".join(filter(None, (field("cpu family"), field("model"), field("stepping"))))
    found = {
        "cpu": f"{model} ({version})" if version else model,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "instruction_sets": [name for name in INSTRUCTION_SETS if name in flags],
        "system": f"{platform.system()} {platform.machine()}",
    }
    if device != "cpu":
        found["gpu"] = _said("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader") or "unknown"
    return found


def commit() -> str:
    """The commit that was measured; a pack has it in a file."""
    packed = os.path.join(os.path.dirname(HERE), "commit")
    return _read(packed).strip() or _said("git", "-C", ROOT, "describe", "--always", "--dirty") or "unknown"


def versions(torch_facts: dict | None) -> dict[str, str]:
    """Of every side."""
    found = {"rectify": _version(os.path.join(ROOT, "Cargo.toml"), r'^version = "(.*)"')}
    if torch_facts:
        found["torch"] = torch_facts["torch"]
    lock = os.path.join(HERE, "peers", "Cargo.lock")
    for name, package in (("candle", "candle-core"), ("burn", "burn")):
        found[name] = _version(lock, rf'name = "{package}"\nversion = "(.*)"')
    found["rustc"] = _said("rustc", "--version").removeprefix("rustc ")
    return {name: version for name, version in found.items() if version}


def _version(path: str, pattern: str) -> str:
    found = re.search(pattern, _read(path), re.MULTILINE)
    return found.group(1) if found else ""


def _read(path: str) -> str:
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def _said(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
