"""Writes a small trained PyTorch network as safetensors, with inputs and what it makes of them, for tests/training_files.rs.

    pip install torch safetensors numpy
    python tools/record_torch_model.py tests/data/torch_model    # writes .safetensors and .json

With --check it does the reverse: `load_state_dict` has to take a file that rectify wrote, strictly, and PyTorch's own layers have to
give what rectify predicts. The configuration says `channels_first` before it flattens, for PyTorch's images are.

    rectify train --config cnn.toml
    rectify predict --model run/model.safetensors --top 10 --json samples.npy > predictions.jsonl
    python tools/record_torch_model.py --check run/model.safetensors samples.npy predictions.jsonl
"""

import json
import sys
from collections import Counter, OrderedDict

import numpy
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file


def network():
    return torch.nn.Sequential(
        torch.nn.Conv2d(2, 3, (3, 2), stride=(1, 2), padding=(1, 0)),
        torch.nn.BatchNorm2d(3),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(18, 4),
    )


def channels_last(images):
    return images.permute(0, 2, 3, 1).contiguous().flatten().tolist()


def record(to):
    torch.manual_seed(3)
    model, images = network(), torch.randn(5, 2, 6, 8)
    labels = torch.arange(5) % 4
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(5):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
    model.eval()
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, f"{to}.safetensors")
    with open(f"{to}.json", "w") as file:
        json.dump({"images": channels_last(images), "results": model(images).flatten().tolist()}, file)


def shape_after(modules, shape):
    """Of one sample, without its batch."""
    return torch.nn.Sequential(OrderedDict(modules)).eval()(torch.zeros(1, *shape)).shape[1:]


def module(plan, shape):
    """The layer of PyTorch that a layer of rectify's is, for samples of this shape."""
    nn = torch.nn
    activations = {"relu": nn.ReLU(), "tanh": nn.Tanh(), "gelu": nn.GELU(), "linear": nn.Identity()}
    norm = torch.nn.BatchNorm2d if len(shape) == 3 else torch.nn.BatchNorm1d
    match plan["kind"]:
        case "conv2d":
            sizes = {name: tuple(plan[name]) for name in ("stride", "padding", "dilation")}
            made = torch.nn.Conv2d(shape[0], plan["filters"], tuple(plan["size"]), bias=plan["bias"], **sizes)
        case "dense":
            made = torch.nn.Linear(shape[0], plan["units"], bias=plan["bias"])
        case "batch_norm":
            made = norm(shape[0], eps=plan["epsilon"])
        case "max_pool2d":
            made = torch.nn.MaxPool2d(tuple(plan["size"]), plan.get("stride"), tuple(plan["padding"]))
        case "activation":
            made = activations[plan["name"]]
        case "flatten":
            made = torch.nn.Flatten()
        case "channels_first" | "dropout":
            made = torch.nn.Identity()
        case kind:
            raise SystemExit(f"there is no {kind} here: add it")
    return made, activations[plan.get("activation", "linear")]


def network_of(plan):
    """The network in PyTorch, its layers named as rectify names them."""
    rows, columns, channels = plan["input"]
    start, counts, modules = (channels, rows, columns), Counter(), []
    for layer in plan["layers"]:
        counts[layer["kind"]] += 1
        name = f"{layer['kind']}{counts[layer['kind']]}"
        made, activation = module(layer, shape_after(modules, start) if modules else start)
        modules += [(name, made), (f"{name}_activation", activation)]
    modules += [("flat", torch.nn.Flatten())]
    modules += [("output", torch.nn.Linear(shape_after(modules, start)[0], plan["outputs"]))]
    return torch.nn.Sequential(OrderedDict(modules))


def check(path, samples, predictions):
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    plan, classes = json.loads(metadata["network"]), json.loads(metadata["classes"])
    weights = load_file(path)
    mean = weights.pop("input.mean", torch.tensor(0.0))
    deviation = weights.pop("input.deviation", torch.tensor(1.0))
    model = network_of(plan)
    model.load_state_dict(weights, strict=True)
    model.eval()
    rows, columns, channels = plan["input"]
    images = torch.from_numpy(numpy.load(samples).astype("float32")).view(-1, channels, rows, columns)
    results = model((images - mean) / deviation).softmax(1)
    with open(predictions) as file:
        rows = [{one["name"]: one["probability"] for one in json.loads(line)["classes"]} for line in file]
    assert len(rows) == len(images) > 0 and all(row.keys() == set(classes) for row in rows)
    predicted = torch.tensor([[row[name] for name in classes] for row in rows])
    apart = (results - predicted).abs().max().item()
    print(f"{len(weights)} tensors taken; {len(rows)} samples, {apart:e} apart")
    assert apart < 1e-5


if sys.argv[1] == "--check":
    check(*sys.argv[2:])
else:
    record(sys.argv[1])
