"""Writes tests/data/optimizers.json and tests/data/losses.json: what PyTorch's optimisers, schedules, averages, clipping and
losses give, in f64 on the CPU.

Every number is the shortest text that reads back as the same f64. Lion and the hinge of two classes are not in PyTorch: they
are written here after their papers. Usage: python3 tools/record_optimizers.py [folder]
"""

import json
import sys
from pathlib import Path

import torch
from torch import nn, optim
from torch.nn import functional as F
from torch.optim import lr_scheduler as schedulers
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

STEPS = 20
WEIGHTS = 5
SCHEDULED = 40


class Lion(optim.Optimizer):
    """Program 1 of Chen et al. 2023."""

    def __init__(self, params, lr, betas, weight_decay):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            lr, (beta1, beta2), decay = group["lr"], group["betas"], group["weight_decay"]
            for weight in group["params"]:
                mean = self.state[weight].setdefault("mean", torch.zeros_like(weight))
                update = torch.sign(beta1 * mean + (1 - beta1) * weight.grad)
                weight.sub_(lr * (update + decay * weight))
                mean.copy_(beta2 * mean + (1 - beta2) * weight.grad)


OPTIMIZERS = {
    "sgd": lambda p: optim.SGD(p, lr=0.1, weight_decay=0.01),
    "sgd_momentum": lambda p: optim.SGD(p, lr=0.05, momentum=0.9),
    "sgd_dampened": lambda p: optim.SGD(p, lr=0.05, momentum=0.9, dampening=0.3, weight_decay=0.02),
    "sgd_nesterov": lambda p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    "rmsprop": lambda p: optim.RMSprop(p, lr=0.01),
    "rmsprop_momentum": lambda p: optim.RMSprop(p, lr=0.01, alpha=0.9, eps=1e-6, momentum=0.8, weight_decay=0.01),
    "rmsprop_centered": lambda p: optim.RMSprop(p, lr=0.01, alpha=0.95, centered=True, weight_decay=0.01),
    "rmsprop_centered_momentum": lambda p: optim.RMSprop(p, lr=0.01, alpha=0.95, centered=True, momentum=0.8),
    "adagrad": lambda p: optim.Adagrad(p, lr=0.1),
    "adagrad_decayed": lambda p: optim.Adagrad(
        p, lr=0.1, lr_decay=0.05, initial_accumulator_value=0.2, eps=1e-8, weight_decay=0.01
    ),
    "adam": lambda p: optim.Adam(p, lr=0.05),
    "adam_decayed": lambda p: optim.Adam(p, lr=0.05, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.05),
    "adamw": lambda p: optim.AdamW(p, lr=0.05),
    "adamw_decayed": lambda p: optim.AdamW(p, lr=0.05, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.3),
    "lion": lambda p: Lion(p, lr=0.01, betas=(0.9, 0.99), weight_decay=0.1),
}
# The same under a one-cycle schedule of rate and momentum.
CYCLED = {
    "sgd_one_cycle": lambda p: optim.SGD(p, lr=0.1, momentum=0.9),
    "adam_one_cycle": lambda p: optim.Adam(p, lr=0.1),
}
SCHEDULES = {
    "phases": (1.0, lambda o: schedulers.LambdaLR(o, lambda step: 0.1 if step < 10 else 0.01 if step < 25 else 0.001)),
    "linear": (0.4, lambda o: schedulers.LinearLR(o, start_factor=0.25, end_factor=1.0, total_iters=20)),
    "step": (0.4, lambda o: schedulers.StepLR(o, step_size=7, gamma=0.5)),
    "exponential": (0.4, lambda o: schedulers.ExponentialLR(o, gamma=0.9)),
    "cosine": (0.4, lambda o: schedulers.CosineAnnealingLR(o, T_max=SCHEDULED, eta_min=0.01)),
    "warm_up_cosine": (
        0.4,
        lambda o: schedulers.SequentialLR(
            o,
            [
                schedulers.LinearLR(o, start_factor=0.1, total_iters=10),
                schedulers.CosineAnnealingLR(o, T_max=30, eta_min=0.01),
            ],
            milestones=[10],
        ),
    ),
    "one_cycle": (0.1, lambda o: schedulers.OneCycleLR(o, max_lr=0.5, total_steps=SCHEDULED)),
    "one_cycle_early": (
        0.1,
        lambda o: schedulers.OneCycleLR(
            o, max_lr=0.5, total_steps=SCHEDULED, pct_start=0.25, div_factor=10, final_div_factor=100
        ),
    ),
}


def numbers(*sizes, seed, deviation=1.0):
    return deviation * torch.randn(*sizes, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def trace(make, start, gradients, schedule=None):
    """The weights after each step."""
    weight = nn.Parameter(start.clone())
    optimizer = make([weight])
    scheduler = schedule(optimizer) if schedule else None
    weights = []
    for gradient in gradients:
        weight.grad = gradient.clone()
        optimizer.step()
        if scheduler:
            scheduler.step()
        weights.append(weight.tolist())
    return weights


def scheduled(base, make):
    """The rates, and the momenta where the schedule changes them."""
    optimizer = optim.SGD([nn.Parameter(torch.zeros(1))], lr=base, momentum=0.9)
    scheduler = make(optimizer)
    rates, momenta = [], []
    for _ in range(SCHEDULED):
        rates.append(optimizer.param_groups[0]["lr"])
        momenta.append(optimizer.param_groups[0]["momentum"])
        optimizer.step()
        scheduler.step()
    return {"rates": rates} | ({"momenta": momenta} if len(set(momenta)) > 1 else {})


def averaged(weights):
    """An exponential average of these weights, after each of them."""
    model = nn.Linear(WEIGHTS, 1, bias=False, dtype=torch.float64)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    averages = []
    for weight in weights:
        with torch.no_grad():
            model.weight.copy_(torch.tensor([weight], dtype=torch.float64))
        average.update_parameters(model)
        averages.append(average.module.weight[0].tolist())
    return averages


def clipped(gradients, clip):
    weights = [nn.Parameter(torch.zeros_like(gradient)) for gradient in gradients]
    for weight, gradient in zip(weights, gradients):
        weight.grad = gradient.clone()
    norm = clip(weights)
    return {"norm": None if norm is None else norm.item(), "clipped": [weight.grad.tolist() for weight in weights]}


def optimizers():
    start, gradients = numbers(WEIGHTS, seed=1), numbers(STEPS, WEIGHTS, seed=2)
    cycle = lambda optimizer: schedulers.OneCycleLR(optimizer, max_lr=0.2, total_steps=STEPS + 1)
    traces = {name: trace(make, start, gradients) for name, make in OPTIMIZERS.items()}
    traces |= {name: trace(make, start, gradients, cycle) for name, make in CYCLED.items()}
    parts, matrix = [gradients[0], gradients[1]], numbers(4, 3, seed=3)
    return {
        "start": start.tolist(),
        "gradients": gradients.tolist(),
        "average": averaged(traces["sgd"]),
        "clip_norm": clipped(parts, lambda weights: nn.utils.clip_grad_norm_(weights, 1.5)),
        "clip_norm_unreached": clipped(parts, lambda weights: nn.utils.clip_grad_norm_(weights, 100.0)),
        "clip_value": clipped(parts, lambda weights: nn.utils.clip_grad_value_(weights, 0.5)),
        "matrix": matrix.tolist(),
        "max_norm": torch.renorm(matrix, p=2, dim=1, maxnorm=1.5).tolist(),
    } | {f"trace {name}": values for name, values in traces.items()} | {
        f"schedule {name}": scheduled(base, make) for name, (base, make) in SCHEDULES.items()
    }


def loss(function, x):
    """The value and the gradient of a loss, by mean and by sum."""
    result = {}
    for reduction in ["mean", "sum"]:
        variable = x.clone().requires_grad_()
        value = function(variable, reduction)
        value.backward()
        result[reduction] = {"value": value.item(), "gradient": variable.grad.flatten().tolist()}
    return result


def losses():
    x, target = numbers(6, 4, seed=4, deviation=2.0), numbers(6, 4, seed=5, deviation=2.0)
    labels = torch.tensor([2, 0, 3, 1, 2, 2])
    weights = torch.tensor([0.5, 2.0, 1.25, 0.0], dtype=torch.float64)
    probabilities = torch.softmax(target, dim=1)
    # One row is certain of its class.
    probabilities[3] = torch.tensor([0.0, 0.0, 1.0, 0.0])
    shares = torch.sigmoid(target)
    signs = torch.sign(target)
    reduced = lambda losses, reduction: getattr(losses, reduction)()
    entropy = lambda target, **options: lambda x, r: F.cross_entropy(x, target, reduction=r, **options)
    functions = {
        "mean_squared_error": lambda x, r: F.mse_loss(x, target, reduction=r),
        "mean_absolute_error": lambda x, r: F.l1_loss(x, target, reduction=r),
        "huber": lambda x, r: F.huber_loss(x, target, delta=0.8, reduction=r),
        "binary_cross_entropy": lambda x, r: F.binary_cross_entropy_with_logits(x, shares, reduction=r),
        "hinge": lambda x, r: reduced(torch.clamp(1 - signs * x, min=0), r),
        "multi_class_hinge": lambda x, r: F.multi_margin_loss(x, labels, margin=1.5, reduction=r),
        "kl_divergence": lambda x, r: F.kl_div(torch.log_softmax(x, dim=1), probabilities, reduction=r),
        "labels": entropy(labels),
        "labels_smoothed": entropy(labels, label_smoothing=0.2),
        "labels_weighted": entropy(labels, weight=weights),
        "labels_weighted_smoothed": entropy(labels, weight=weights, label_smoothing=0.2),
        "probabilities": entropy(probabilities),
        "probabilities_smoothed": entropy(probabilities, label_smoothing=0.2),
        "probabilities_weighted": entropy(probabilities, weight=weights),
        "probabilities_weighted_smoothed": entropy(probabilities, weight=weights, label_smoothing=0.2),
    }
    given = {"x": x, "target": target, "labels": labels, "weights": weights, "probabilities": probabilities}
    given |= {"shares": shares, "signs": signs}
    return {name: tensor.flatten().tolist() for name, tensor in given.items()} | {
        f"loss {name}": loss(function, x) for name, function in functions.items()
    }


def write(path, table):
    """One line for each entry."""
    lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in ({"torch": torch.__version__} | table).items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent / "tests" / "data")
write(folder / "optimizers.json", optimizers())
write(folder / "losses.json", losses())
