"""Layers, optimisers and whole steps of training."""

import torch
import torch.nn.functional as F

from inputs import labels, values
from work import Absent, Work, chosen, only, pick


def linear_relu(shape: list[int], with_gradient: bool, how: str) -> Work:
    rows, inputs, outputs = shape
    x, bias = values([rows, inputs], 1), values([outputs], 3)
    # As torch.nn.Linear has it: [outputs, inputs].
    weight = values([inputs, outputs], 2, inputs**-0.5).t().contiguous()
    layer = lambda x, weight, bias: torch.relu(F.linear(x, weight, bias))
    if not with_gradient:
        out = torch.empty(rows, outputs)

        def into(x, weight, bias):
            torch.addmm(bias, x, weight.t(), out=out)
            return torch.clamp_min(out, 0, out=out)

        return pick(how, layer, x, weight, bias, out=into)
    only(how, "eager", "compiled")
    gradient, leaves = values([rows, outputs], 4), [t.requires_grad_() for t in (x, weight, bias)]
    forward = chosen(how, layer)
    run = lambda: torch.autograd.grad(forward(*leaves), leaves, gradient)
    return Work(run, lambda results: (results[0], results[1].t(), results[2]))


def norm(shape: list[int], with_gradient: bool, how: str) -> Work:
    only(how, "eager", "compiled")
    features = shape[1:]
    x, gain, shift, gradient = values(shape, 1), values(features, 2), values(features, 3), values(shape, 4)
    layer = lambda x, gain, shift: F.layer_norm(x, features, gain, shift)
    if not with_gradient:
        return pick(how, layer, x, gain, shift)
    leaves = [tensor.requires_grad_() for tensor in (x, gain, shift)]
    forward = chosen(how, layer)
    return Work(lambda: torch.autograd.grad(forward(*leaves), leaves, gradient))


# Which implementation of an optimiser each form asks for. The default on the CPU is a loop over the tensors.
IMPLEMENTATION = {"eager": {}, "compiled": {}, "out": {"fused": True}, "foreach": {"foreach": True}}


def update(what: str, tensors: int, each: int, how: str) -> Work:
    all_values, all_gradients = values([tensors, each], 1), values([tensors, each], 2)
    parameters = [torch.nn.Parameter(part.clone()) for part in all_values]
    for parameter, gradient in zip(parameters, all_gradients):
        parameter.grad = gradient.clone()
    implementation = IMPLEMENTATION[how]
    if what == "sgd_momentum":
        optimizer = torch.optim.SGD(parameters, 1e-3, 0.9, **implementation)
    else:
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[what]
        optimizer = kind(parameters, 1e-3, **implementation)
    step = chosen(how, optimizer.step)
    return Work(step, lambda _: torch.cat([parameter.flatten() for parameter in parameters]))


def train(sizes: list[int], rows: int, how: str) -> Work:
    if how == "foreach":
        raise Absent("is for optimisers")
    classifier = sizes[-1] > 1
    layers: list[torch.nn.Module] = []
    for nth, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
        layer = torch.nn.utils.skip_init(torch.nn.Linear, inputs, outputs, device=torch.get_default_device())
        with torch.no_grad():
            layer.weight.copy_(values([inputs, outputs], 10 + nth, inputs**-0.5).t())
            layer.bias.zero_()
        layers += [layer, torch.nn.ReLU() if classifier else torch.nn.Tanh()]
    model = torch.nn.Sequential(*layers[:-1])
    # The compiled form has the fastest update too.
    optimizer = torch.optim.SGD(model.parameters(), 0.01, 0.9, fused=None if how == "eager" else True)
    x = values([rows, sizes[0]], 1)
    target = labels(rows, sizes[-1]) if classifier else values([rows, sizes[-1]], 2)
    criterion = F.cross_entropy if classifier else F.mse_loss
    loss_of = chosen(how, lambda x, target: criterion(model(x), target))

    def run():
        optimizer.zero_grad()
        loss = loss_of(x, target)
        loss.backward()
        optimizer.step()
        return loss, model[0].weight

    return Work(run, lambda results: (results[0], results[1].t()))
