"""What was measured: rows of one quantity on several sides, and what follows from their ratios."""

import math
from dataclasses import asdict, dataclass, field
from statistics import median

OURS = "rectify"


@dataclass
class Measured:
    """One side of a row, over all rounds: seconds, or bytes."""

    minimum: float
    median: float
    tenth: float
    ninetieth: float
    # The minimum of each round.
    rounds: list[float]

    @classmethod
    def of(cls, answers: list[dict]) -> "Measured":
        """From the answers of a server in several rounds."""
        minima = [answer["minimum"] for answer in answers]
        middle = lambda key: median(answer[key] for answer in answers)
        return cls(min(minima), middle("median"), middle("tenth"), middle("ninetieth"), minima)

    @classmethod
    def values(cls, values: list[float]) -> "Measured":
        """From one number for each round."""
        ordered = sorted(values)
        at = lambda share: ordered[round((len(ordered) - 1) * share)]
        return cls(ordered[0], median(ordered), at(0.1), at(0.9), values)


@dataclass
class Row:
    """One workload, by name: `group/what/size`."""

    name: str
    unit: str = "s"
    sides: dict[str, Measured] = field(default_factory=dict)
    # Why a side has no part in it.
    absent: dict[str, str] = field(default_factory=dict)
    # How the results of a side differ from those of the first.
    differs: dict[str, str] = field(default_factory=dict)
    # The least seconds there are, by the rates measured in the same run.
    floor: float | None = None

    @property
    def group(self) -> str:
        return self.name.split("/")[0]

    def peers(self) -> list[str]:
        return [side for side in self.sides if side != OURS]

    def ratio(self, peer: str) -> float | None:
        """The peer's minimum over rectify's: above 1 where rectify is ahead."""
        if peer not in self.sides or OURS not in self.sides:
            return None
        return self.sides[peer].minimum / self.sides[OURS].minimum

    def ratio_range(self, peer: str) -> tuple[float, float]:
        """The lowest and the highest ratio of one round."""
        ratios = [theirs / ours for theirs, ours in zip(self.sides[peer].rounds, self.sides[OURS].rounds)]
        return min(ratios), max(ratios)

    def as_json(self) -> dict:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict) -> "Row":
        sides = {name: Measured(**side) for name, side in data["sides"].items()}
        return cls(**{**data, "sides": sides})


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def ratios_of(rows: list[Row], peer: str) -> dict[str, float]:
    """The ratios of a peer by row, where there is one."""
    found = ((row.name, row.ratio(peer)) for row in rows)
    return {name: ratio for name, ratio in found if ratio is not None}


def peers_of(rows: list[Row]) -> list[str]:
    """Every peer that has a part in any row, in the order they were asked."""
    return list(dict.fromkeys(peer for row in rows for peer in [*row.peers(), *row.absent] if peer != OURS))


def groups_of(rows: list[Row]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.group, []).append(row)
    return groups


def behind(rows: list[Row]) -> list[tuple[float, str, str]]:
    """Each row and peer where rectify is behind: ratio, row, peer; the furthest behind first."""
    pairs = ((row.ratio(peer), row.name, peer) for row in rows if row.group != "floor" for peer in row.peers())
    return sorted(pair for pair in pairs if pair[0] is not None and pair[0] < 1)
