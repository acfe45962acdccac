"""Products, elementwise operations, reductions and small calls."""

import torch
import torch.nn.functional as F

from inputs import labels, values
from work import Absent, Work, chosen, only, pick

aten = torch.ops.aten


def copy(count: int, how: str) -> Work:
    out = torch.empty(count)
    return pick(how, torch.clone, values([count], 1), out=lambda x: out.copy_(x))


def matmul(order: str, m: int, k: int, n: int, how: str) -> Work:
    a = values([k, m], 1).t() if order == "TN" else values([m, k], 1)
    b = values([n, k], 2).t() if order == "NT" else values([k, n], 2)
    out = torch.empty(m, n)
    return pick(how, torch.mm, a, b, out=lambda a, b: torch.mm(a, b, out=out))


# Forward: as a new tensor, and into one.
FORWARD = {
    "relu": (torch.relu, lambda x, out: torch.clamp_min(x, 0, out=out)),
    "leaky_relu": (F.leaky_relu, lambda x, out: aten.leaky_relu.out(x, 0.01, out=out)),
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

# The gradient from what autograd keeps: the call, what it takes besides, and whether it keeps the output.
BACKWARD = {
    "relu": (aten.threshold_backward, (0,), {}, True),
    "leaky_relu": (aten.leaky_relu_backward, (0.01, False), {}, False),
    "sigmoid": (aten.sigmoid_backward, (), {}, True),
    "tanh": (aten.tanh_backward, (), {}, True),
    "softplus": (aten.softplus_backward, (1, 20), {}, False),
    "elu": (lambda g, x: aten.elu_backward(g, 1, 1, 1, False, x), None, {}, False),
    "gelu": (aten.gelu_backward, (), {}, False),
    "gelu_tanh": (aten.gelu_backward, (), {"approximate": "tanh"}, False),
    "silu": (aten.silu_backward, (), {}, False),
}


def forward(name: str, count: int, how: str) -> Work:
    out = torch.empty(count)
    x = values([count], 1)
    if name == "add":
        return pick(how, torch.add, x, values([count], 2), out=lambda a, b: torch.add(a, b, out=out))
    eager, into = FORWARD[name]
    return pick(how, eager, x, out=lambda x: into(x, out))


def backward(name: str, count: int, how: str) -> Work:
    call, more, keywords, keeps_output = BACKWARD[name]
    x, gradient, out = values([count], 1), values([count], 2), torch.empty(count)
    kept = FORWARD[name][0](x) if keeps_output else x
    if name == "elu":
        into = lambda g, x: aten.elu_backward.grad_input(g, 1, 1, 1, False, x, grad_input=out)
        return pick(how, call, gradient, kept, out=into)
    return pick(
        how,
        lambda g, kept: call(g, kept, *more, **keywords),
        gradient,
        kept,
        out=lambda g, kept: call.grad_input(g, kept, *more, **keywords, grad_input=out),
    )


def autograd(name: str, count: int, how: str) -> Work:
    only(how, "eager", "compiled")
    x, gradient = values([count], 1).requires_grad_(), values([count], 2)
    function = chosen(how, FORWARD[name][0])
    return Work(lambda: torch.autograd.grad(function(x), x, gradient))


def chain(what: str, count: int, how: str) -> Work:
    a, b, out, other = values([count], 1), values([count], 2), torch.empty(count), torch.empty(count)
    if what == "tanh(x)*sigmoid(y)":

        def gated(x, y):
            torch.tanh(x, out=out)
            return torch.mul(out, torch.sigmoid(y, out=other), out=out)

        return pick(how, lambda x, y: torch.tanh(x) * torch.sigmoid(y), a, b, out=gated)
    c = values([count], 3)
    if what == "gelu(x*s)+b":

        def gelu(x, s, b):
            torch.mul(x, s, out=out)
            aten.gelu.out(out, out=out)
            return torch.add(out, b, out=out)

        return pick(how, lambda x, s, b: F.gelu(x * s) + b, a, b, c, out=gelu)

    def relu(a, b, c):
        torch.addcmul(c, a, b, out=out)
        return torch.clamp_min(out, 0, out=out)

    return pick(how, lambda a, b, c: torch.relu(a * b + c), a, b, c, out=relu)


def rows(what: str, shape: list[int], how: str) -> Work:
    x = values(shape, 1)
    if what == "transpose":
        out = torch.empty(shape[1], shape[0])
        return pick(how, lambda x: x.t().contiguous(), x, out=lambda x: out.copy_(x.t()))
    if what == "softmax":
        out = torch.empty(shape)
        return pick(how, lambda x: torch.softmax(x, 1), x, out=lambda x: torch.softmax(x, 1, out=out))
    target = labels(*shape)
    if what == "cross_entropy":
        return pick(how, F.cross_entropy, x, target)
    only(how, "eager", "compiled")
    x.requires_grad_()
    loss = chosen(how, F.cross_entropy)

    def run():
        result = loss(x, target)
        return result, torch.autograd.grad(result, x)[0]

    return Work(run)


# A reduction, into a tensor where there is one given.
REDUCE = {
    "sum": lambda x, **out: torch.sum(x, (0, 1), **out),
    "sum_rows": lambda x, **out: torch.sum(x, 1, **out),
    "sum_columns": lambda x, **out: torch.sum(x, 0, **out),
    "max_rows": lambda x, **out: torch.amax(x, 1, **out),
    "argmax_rows": lambda x, **out: torch.argmax(x, 1, **out),
    "mean_rows": lambda x, **out: torch.mean(x, 1, **out),
    "variance_rows": lambda x, **out: torch.var(x, 1, correction=1, **out),
}


def reduce(what: str, shape: list[int], how: str) -> Work:
    x, call = values(shape, 1), REDUCE[what]
    out = torch.empty_like(call(x))
    return pick(how, lambda x: call(x), x, out=lambda x: call(x, out=out))


def overhead(what: str, how: str) -> Work:
    if how not in ("eager", "compiled"):
        raise Absent("is for optimisers" if how == "foreach" else "the cost of a call is that of eager")
    x = values([16], 1)
    if what == "add":
        return pick(how, torch.add, values([1], 1), values([1], 2))
    if what == "bias":
        return pick(how, torch.add, values([8, 8], 1), values([8], 2))
    if what == "matmul":
        return pick(how, torch.mm, values([4, 4], 1), values([4, 4], 2))
    if what == "softmax":
        return pick(how, lambda row: torch.softmax(row, 1), values([1, 10], 1))
    if what == "gradient":
        data, w, target = values([2, 4], 1), values([4, 3], 2).requires_grad_(), labels(2, 3)
        loss = chosen(how, lambda data, w: F.cross_entropy(data @ w, target))
        return Work(lambda: torch.autograd.grad(loss(data, w), w))
    calls = {"relu": torch.relu, "sum": torch.sum, "reshape": lambda x: x.reshape(4, 4)}
    return pick(how, calls[what], x)
