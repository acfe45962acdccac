"""The least time for a workload: its bytes at the rate of a copy and its operations at that of the fastest product, both
measured in the same run, on whichever side was fastest."""

from dataclasses import dataclass
from math import log2

from rows import Row

# Numbers read and written for each element.
MOVED = {"forward": 2, "backward": 3, "autograd": 3}
CHAIN_MOVED = {"gelu(x*s)+b": 4, "relu(a*b+c)": 4, "tanh(x)*sigmoid(y)": 3}
UPDATE_MOVED = {"sgd_momentum": 5, "adam": 7, "adamw": 7}
NUMBER = 4


@dataclass
class Rates:
    """What the machine can do."""

    # Bytes per second of a copy, by the elements it copies.
    copy: dict[int, float]
    # Operations per second of the fastest product.
    product: float | None

    def bytes_per_second(self, moved: float) -> float:
        """The rate of the copy that moves the most similar number of bytes."""
        nearest = min(self.copy, key=lambda count: abs(log2(2 * NUMBER * count) - log2(moved)))
        return self.copy[nearest]


def measured(rows: list[Row]) -> Rates | None:
    """The rates that these rows show, or none without copies among them."""
    copies: dict[int, float] = {}
    product = None
    for row in rows:
        if not row.sides:
            continue
        fastest = min(side.minimum for side in row.sides.values())
        if row.group == "floor":
            count = int(row.name.split("/")[2])
            copies[count] = 2 * NUMBER * count / fastest
        elif row.group == "matmul":
            product = max(product or 0.0, work(row.name)[1] / fastest)
    return Rates(copies, product) if copies else None


def floor(name: str, rates: Rates) -> float | None:
    """Seconds, or none where they cannot be computed."""
    least = work(name)
    if least is None or (least[1] and rates.product is None):
        return None
    moved, operations = least
    of_bytes = moved / rates.bytes_per_second(moved) if moved else 0.0
    return max(of_bytes, operations / rates.product if operations else 0.0)


def work(name: str) -> tuple[float, float] | None:
    """Bytes and operations that cannot be avoided, where they are enough to take time: not the operations of elementwise
    functions, of which there are always enough."""
    group, what, *size = name.split("/")
    numbers = [int(number) for number in size[0].split("x")] if size and size[0] else []
    match group:
        case "floor":
            return 2 * NUMBER * numbers[0], 0
        case "matmul":
            m, k, n = numbers
            return NUMBER * (m * k + k * n + m * n), 2 * m * k * n
        case "forward" | "backward" | "autograd":
            return NUMBER * numbers[0] * (3 if what == "add" else MOVED[group]), 0
        case "chain":
            return NUMBER * numbers[0] * CHAIN_MOVED[what], 0
        case "update":
            return NUMBER * numbers[0] * numbers[1] * UPDATE_MOVED[what], 0
        case "rows":
            elements = numbers[0] * numbers[1]
            return NUMBER * elements * (1 if what == "cross_entropy" else 2), 0
        case "reduce":
            return NUMBER * numbers[0] * numbers[1], 0
        case "layer":
            return _layer(what, numbers)
        case "train":
            return _train([int(number) for number in what.split("-")], numbers[0])
    return None


def _layer(what: str, sizes: list[int]) -> tuple[float, float]:
    with_gradient = what.endswith("gradient")
    if what.startswith("norm"):
        elements = sizes[0] * sizes[1]
        # Forward reads and writes; back reads the input and the gradient and writes one.
        return NUMBER * elements * (5 if with_gradient else 2), 0
    rows, inputs, outputs = sizes
    moved = rows * inputs + inputs * outputs + rows * outputs
    products = 3 if with_gradient else 1
    return NUMBER * moved * products, 2 * rows * inputs * outputs * products


def _train(sizes: list[int], rows: int) -> tuple[float, float]:
    products = [inputs * outputs for inputs, outputs in zip(sizes, sizes[1:])]
    # The gradient of the inputs is not computed for the first layer.
    operations = 2 * rows * (2 * products[0] + 3 * sum(products[1:]))
    return NUMBER * UPDATE_MOVED["sgd_momentum"] * sum(products), operations
