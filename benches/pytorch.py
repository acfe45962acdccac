"""Times every workload against PyTorch in turns, in one run: rectify, PyTorch, rectify, PyTorch...

    pip install torch
    cargo bench --no-run && python benches/pytorch.py [--device cuda] [--only matmul] [--rounds 5] [--seconds 0.3]

Prints the fastest time of each side over all rounds, and how many times faster rectify is. `out=` is PyTorch writing into a
tensor made beforehand; its eager form makes a new one for each result, as rectify does from its pool. Both sides use all
cores, in f32 (without TF32), on normal numbers, and wait for the device at the end of each burst of runs.
"""

import argparse
import glob
import json
import math
import os
import subprocess
import time

import torch
import torch.nn.functional as F

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COUNT = 1 << 24
PARAMETERS = 10_000_000
aten = torch.ops.aten


def matmul(order, m, k, n):
    a = torch.randn(k, m).t() if order == "TN" else torch.randn(m, k)
    b = torch.randn(n, k).t() if order == "NT" else torch.randn(k, n)
    out = torch.empty(m, n)
    return {"eager": lambda: a @ b, "out=": lambda: torch.mm(a, b, out=out)}


FORWARD = {
    "relu": (lambda x: torch.relu(x), lambda x, out: torch.clamp_min(x, 0, out=out)),
    "leaky_relu": (lambda x: F.leaky_relu(x), lambda x, out: aten.leaky_relu.out(x, 0.01, out=out)),
    "sigmoid": (torch.sigmoid, lambda x, out: torch.sigmoid(x, out=out)),
    "tanh": (torch.tanh, lambda x, out: torch.tanh(x, out=out)),
    "softplus": (F.softplus, lambda x, out: aten.softplus.out(x, out=out)),
    "elu": (F.elu, lambda x, out: aten.elu.out(x, out=out)),
    "gelu": (F.gelu, lambda x, out: aten.gelu.out(x, out=out)),
    "gelu_tanh": (
        lambda x: F.gelu(x, approximate="tanh"),
        lambda x, out: aten.gelu.out(x, approximate="tanh", out=out),
    ),
    "silu": (F.silu, lambda x, out: aten.silu.out(x, out=out)),
}

# The gradient from what autograd keeps: (keeps the output?, eager, out=).
BACKWARD = {
    "relu": (True, lambda g, y: aten.threshold_backward(g, y, 0), lambda g, y, out: aten.threshold_backward.grad_input(g, y, 0, grad_input=out)),
    "leaky_relu": (False, lambda g, x: aten.leaky_relu_backward(g, x, 0.01, False), lambda g, x, out: aten.leaky_relu_backward.grad_input(g, x, 0.01, False, grad_input=out)),
    "sigmoid": (True, aten.sigmoid_backward, lambda g, y, out: aten.sigmoid_backward.grad_input(g, y, grad_input=out)),
    "tanh": (True, aten.tanh_backward, lambda g, y, out: aten.tanh_backward.grad_input(g, y, grad_input=out)),
    "softplus": (False, lambda g, x: aten.softplus_backward(g, x, 1, 20), lambda g, x, out: aten.softplus_backward.grad_input(g, x, 1, 20, grad_input=out)),
    "elu": (False, lambda g, x: aten.elu_backward(g, 1, 1, 1, False, x), lambda g, x, out: aten.elu_backward.grad_input(g, 1, 1, 1, False, x, grad_input=out)),
    "gelu": (False, aten.gelu_backward, lambda g, x, out: aten.gelu_backward.grad_input(g, x, grad_input=out)),
    "gelu_tanh": (False, lambda g, x: aten.gelu_backward(g, x, approximate="tanh"), lambda g, x, out: aten.gelu_backward.grad_input(g, x, approximate="tanh", grad_input=out)),
    "silu": (False, aten.silu_backward, lambda g, x, out: aten.silu_backward.grad_input(g, x, grad_input=out)),
}


def forward(name):
    x, out = torch.randn(COUNT), torch.empty(COUNT)
    if name == "add":
        b = torch.randn(COUNT)
        return {"eager": lambda: x + b, "out=": lambda: torch.add(x, b, out=out)}
    eager, into = FORWARD[name]
    return {"eager": lambda: eager(x), "out=": lambda: into(x, out)}


def backward(name):
    keeps_output, eager, into = BACKWARD[name]
    x, gradient, out = torch.randn(COUNT), torch.randn(COUNT), torch.empty(COUNT)
    kept = FORWARD[name][0](x) if keeps_output else x
    return {"eager": lambda: eager(gradient, kept), "out=": lambda: into(gradient, kept, out)}


def update(name):
    weight = torch.nn.Parameter(torch.randn(PARAMETERS))
    weight.grad = torch.randn(PARAMETERS)
    if name == "adam":
        optimizers = {"eager": torch.optim.Adam([weight]), "fused": torch.optim.Adam([weight], fused=True)}
    else:
        kind = torch.optim.SGD
        optimizers = {"eager": kind([weight], 1e-3, 0.9), "fused": kind([weight], 1e-3, 0.9, fused=True)}
    return {how: optimizer.step for how, optimizer in optimizers.items()}


def cross_entropy(x, labels):
    def run():
        x.grad = None
        F.cross_entropy(x, labels).backward()

    return run


def rows(what, shape):
    x = torch.randn(shape)
    if what == "softmax":
        return {"eager": lambda: torch.softmax(x, 1)}
    if what == "cross_entropy":
        return {"eager": cross_entropy(x.requires_grad_(), torch.arange(shape[0]) * 7919 % shape[1])}
    return {"eager": lambda: x.sum(int(what[-1]))}


def overhead(what):
    x = torch.randn(16)
    if what == "add":
        a, b = torch.randn(1), torch.randn(1)
        return {"eager": lambda: a + b}
    if what == "bias":
        m, bias = torch.randn(8, 8), torch.randn(8)
        return {"eager": lambda: m + bias}
    if what == "matmul":
        a, b = torch.randn(4, 4), torch.randn(4, 4)
        return {"eager": lambda: a @ b}
    if what == "softmax":
        row = torch.randn(1, 10)
        return {"eager": lambda: torch.softmax(row, 1)}
    if what == "gradient":
        data, w, labels = torch.randn(2, 4), torch.randn(4, 3, requires_grad=True), torch.tensor([0, 1])

        def run():
            w.grad = None
            F.cross_entropy(data @ w, labels).backward()

        return {"eager": run}
    return {"eager": {"relu": lambda: torch.relu(x), "sum": lambda: x.sum(), "reshape": lambda: x.reshape(4, 4)}[what]}


def train(sizes, batch):
    classifier = sizes[-1] > 1
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU() if classifier else torch.nn.Tanh()]
    model = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.SGD(model.parameters(), 0.01, 0.9)
    x = torch.randn(batch, sizes[0])
    target = torch.arange(batch) * 7919 % sizes[-1] if classifier else torch.randn(batch, sizes[-1])
    loss = F.cross_entropy if classifier else F.mse_loss

    def run():
        optimizer.zero_grad()
        loss(model(x), target).backward()
        optimizer.step()

    return {"eager": run}


def prepare(name):
    group, what, *size = name.split("/")
    if group in ("forward", "backward", "update"):
        return {"forward": forward, "backward": backward, "update": update}[group](what)
    numbers = [int(n) for n in size[0].split("x")]
    if group == "matmul":
        return matmul(what, *numbers)
    if group == "rows":
        return rows(what, tuple(numbers))
    if group == "overhead":
        return overhead(what)
    return train([int(n) for n in what.split("-")], *numbers)


def fastest(run, seconds):
    """The fastest run in seconds, of bursts long enough for the clock; the same way as benches/serve.rs."""

    def burst(runs):
        start = time.perf_counter()
        for _ in range(runs):
            run()
        if torch.get_default_device().type == "cuda":
            torch.cuda.synchronize()
        return (time.perf_counter() - start) / runs

    once = min(burst(1) for _ in range(5))
    runs = max(1, min(1000, math.ceil(50e-6 / once)))
    times, start = [], time.perf_counter()
    while len(times) < 5 or time.perf_counter() - start < seconds:
        times.append(burst(runs))
    return min(times)


def binary():
    binaries = glob.glob(os.path.join(ROOT, "target", "release", "deps", "serve-*"))
    binaries = [path for path in binaries if os.access(path, os.X_OK) and "." not in os.path.basename(path)]
    if not binaries:
        raise SystemExit("no bench binary: run `cargo bench --no-run` first")
    return max(binaries, key=os.path.getmtime)


def serve(path, device):
    # As many threads as PyTorch uses.
    environment = dict(os.environ, RECTIFY_THREADS=str(torch.get_num_threads()), RECTIFY_BENCH_DEVICE=device)
    return subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def names(path):
    return subprocess.run([path, "--list"], capture_output=True, text=True, check=True).stdout.split()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="names that contain this")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.3, help="for each side in each round")
    parser.add_argument("--device", default="cpu", help="cpu or cuda, for both sides")
    parser.add_argument("--serve", help="the bench binary, by default the newest that cargo built")
    arguments = parser.parse_args()
    path = arguments.serve or binary()
    torch.set_default_device(arguments.device)
    rectify = serve(path, arguments.device)
    ratios = {}
    print(f"PyTorch {torch.__version__}, {arguments.device}, {torch.get_num_threads()} threads; milliseconds, and PyTorch's time over rectify's")
    for name in [name for name in names(path) if arguments.only in name]:
        torch.manual_seed(1)
        ours, theirs = math.inf, {}
        runs = prepare(name)
        for _ in range(arguments.rounds):
            rectify.stdin.write(f"{name} {arguments.seconds}\n")
            rectify.stdin.flush()
            ours = min(ours, json.loads(rectify.stdout.readline())["minimum"])
            for how, run in runs.items():
                theirs[how] = min(theirs.get(how, math.inf), fastest(run, arguments.seconds))
        columns = [f"{name:40} rectify {ours * 1e3:9.4f}"]
        for how, seconds in theirs.items():
            columns.append(f"{how} {seconds * 1e3:9.4f} ({seconds / ours:5.2f}x)")
            ratios.setdefault((name.split("/")[0], how), []).append(seconds / ours)
        print("  ".join(columns), flush=True)
    print("geometric means:")
    for (group, how), values in ratios.items():
        mean = math.exp(sum(map(math.log, values)) / len(values))
        print(f"{group:12} against {how:6} {mean:5.2f}x over {len(values)}")


if __name__ == "__main__":
    main()
