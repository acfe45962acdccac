"""PyTorch as a side of the comparison: answers as benches/serve.rs does (benches/protocol has the protocol).

    python benches/compare/pytorch --how eager|compiled|out|foreach [--device cuda] [--threads 2] [--list | --run NAME COUNT]

`out` writes results into tensors made beforehand, and has fused optimisers; `foreach` is for optimisers alone.
"""

import argparse
import json
import math
import signal
import sys
import time

import torch

import operations
import training
from work import HOW, Absent, Work

BURST = 50e-6
FEWEST = 3
SAMPLES, STRIDE = 16, 7919


class Expired(BaseException):
    """Compiling took too long. No Exception, so that nobody on the way takes it for an error of the compiler."""


def prepared(name: str, how: str) -> Work:
    """The workload of this name."""
    # Otherwise a second size of the same function is compiled for sizes that vary.
    if how == "compiled":
        torch._dynamo.reset()
    group, what, *size = name.split("/")
    numbers = [int(number) for number in size[0].split("x")] if size else []
    match group:
        case "floor":
            return operations.copy(*numbers, how)
        case "matmul":
            return operations.matmul(what, *numbers, how)
        case "forward" | "backward" | "autograd" | "chain":
            return getattr(operations, group)(what, *numbers, how)
        case "rows" | "reduce":
            return getattr(operations, group)(what, numbers, how)
        case "overhead":
            return operations.overhead(what, how)
        case "layer":
            kind = training.norm if what.startswith("norm") else training.linear_relu
            return kind(numbers, what.endswith("gradient"), how)
        case "update":
            return training.update(what, *numbers, how)
        case "train":
            return training.train([int(number) for number in what.split("-")], *numbers, how)
    raise Absent("unknown to PyTorch's side")


def synchronize() -> None:
    if torch.get_default_device().type == "cuda":
        torch.cuda.synchronize()


def times(run, seconds: float) -> list[float]:
    """Seconds for one run, of each burst: as benches/protocol/timing.rs."""

    def burst(runs: int) -> float:
        start = time.perf_counter()
        for _ in range(runs):
            run()
        synchronize()
        return (time.perf_counter() - start) / runs

    start, once = time.perf_counter(), math.inf
    for nth in range(5):
        if nth < 2 or time.perf_counter() - start < seconds:
            once = min(once, burst(1))
    runs = max(1, min(1000, math.ceil(BURST / once)))
    all_times, start = [], time.perf_counter()
    while len(all_times) < FEWEST or time.perf_counter() - start < seconds:
        all_times.append(burst(runs))
    return sorted(all_times)


def timed(name: str, all_times: list[float]) -> dict:
    at = lambda share: all_times[round((len(all_times) - 1) * share)]
    places = {"minimum": 0, "tenth": 0.1, "median": 0.5, "ninetieth": 0.9}
    return {"name": name, "bursts": len(all_times), **{key: at(share) for key, share in places.items()}}


def seen(name: str, work: Work, results) -> dict:
    """What benches/protocol/seen.rs shows."""
    shown = work.shown(results)
    tensors = [shown] if isinstance(shown, torch.Tensor) else shown
    return {"name": name, "results": [summary(tensor) for tensor in tensors]}


def summary(tensor: torch.Tensor) -> dict:
    flat = tensor.detach().cpu().double().contiguous().flatten()
    samples = [flat[nth * STRIDE % flat.numel()].item() for nth in range(min(SAMPLES, flat.numel()))]
    return {"count": flat.numel(), "sum": flat.sum().item(), "absolute": flat.abs().sum().item(), "samples": samples}


def within(seconds: int, run):
    """What `run` gives, unless it takes longer."""

    def expire(*_):
        raise Expired

    signal.signal(signal.SIGALRM, expire)
    signal.alarm(seconds)
    try:
        return run()
    except Expired:
        raise Absent(f"did not compile within {seconds} s") from None
    finally:
        signal.alarm(0)


class Server:
    """Answers lines; what is asked for in several rounds is prepared once."""

    def __init__(self, how: str, limit: int):
        self.how, self.limit = how, limit
        self.name, self.work = "", None
        self.refused: dict[str, str] = {}

    def answer(self, line: str) -> dict:
        first, second = line.split(" ", 1)
        name = second if first == "check" else first
        try:
            if name in self.refused:
                raise Absent(self.refused[name])
            if first == "check":
                self.name, self.work = "", None
                return within(self.limit, lambda: self.check(name))
            if self.name != name:
                self.name, self.work = "", None
                self.work = within(self.limit, lambda: self.ready(name))
                self.name = name
            return timed(name, times(self.work.run, float(second)))
        except Absent as absent:
            reason = str(absent)
        except Exception as error:  # Any failure of the compiler is a reason to skip the row, and is said.
            reason = f"{type(error).__name__}: {str(error).strip().splitlines()[0][:120] if str(error).strip() else ''}"
        self.refused[name] = reason
        return {"name": name, "absent": reason}

    def check(self, name: str) -> dict:
        work = prepared(name, self.how)
        return seen(name, work, work.run())

    def ready(self, name: str) -> Work:
        """Prepared, and compiled by a first run."""
        work = prepared(name, self.how)
        work.run()
        return work


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--how", choices=HOW, default="eager")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--limit", type=int, default=120, help="seconds for preparing and compiling one workload")
    parser.add_argument("--run", nargs=2, metavar=("NAME", "COUNT"))
    parser.add_argument("--version", action="store_true")
    arguments = parser.parse_args()
    if arguments.version:
        print(json.dumps({"torch": torch.__version__, "cuda": torch.version.cuda, "folder": torch.__path__[0]}))
        return
    torch.set_num_threads(arguments.threads)
    torch.set_default_device(arguments.device)
    if arguments.run:
        name, count = arguments.run
        work = prepared(name, arguments.how)
        for _ in range(int(count)):
            results = work.run()
        synchronize()
        print(json.dumps(seen(name, work, results)))
        return
    server = Server(arguments.how, arguments.limit)
    for line in sys.stdin:
        print(json.dumps(server.answer(line.rstrip("\n"))), flush=True)


if __name__ == "__main__":
    main()
