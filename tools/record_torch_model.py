"""Writes a small trained PyTorch network as safetensors, with inputs and what it makes of them, for tests/training_files.rs.

    pip install torch safetensors numpy
    python tools/record_torch_model.py tests/data/torch_model            # writes .safetensors and .json
    python tools/record_torch_model.py --check FILE tests/data/torch_model.json    # loads a file of rectify's instead

With --check, `load_state_dict` has to take FILE, and the network has to give the recorded results.
"""

import json
import sys

import torch
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


def check(path, recorded):
    model = network()
    model.load_state_dict(load_file(path))
    model.eval()
    with open(recorded) as file:
        recorded = json.load(file)
    images = torch.tensor(recorded["images"]).view(5, 6, 8, 2).permute(0, 3, 1, 2)
    apart = (model(images).flatten() - torch.tensor(recorded["results"])).abs().max().item()
    print(f"{apart:e} apart")
    assert apart < 1e-5


if sys.argv[1] == "--check":
    check(*sys.argv[2:])
else:
    record(sys.argv[1])
