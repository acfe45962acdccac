"""Keeps the ratios of a run, and says which of them fell by more than the noise of both runs."""

import json
import os
from dataclasses import dataclass

from rows import OURS, Row

# What minima of one run differ by from those of the next besides what the rounds of one run show.
MARGIN = 0.05


@dataclass
class Fall:
    """A ratio that is below what it was."""

    row: str
    peer: str
    before: float
    now: float

    def __str__(self) -> str:
        return f"{self.row} against {self.peer}: {self.now:.2f}x, was {self.before:.2f}x"


def ratios(rows: list[Row]) -> dict[str, dict[str, list[float]]]:
    """For each row and peer: the ratio, and the lowest and highest of one round."""
    timed = [row for row in rows if row.group != "floor" and OURS in row.sides]
    return {row.name: {peer: [row.ratio(peer), *row.ratio_range(peer)] for peer in row.peers()} for row in timed}


def falls(before: dict, now: dict, margin: float = MARGIN) -> list[Fall]:
    """Those that fell: even the best round of this run is below the worst of the last one, by more than the margin. What is only
    in one of them is no fall. The furthest fallen first."""
    found = []
    for row, peers in now.items():
        for peer, (ratio, _, high) in peers.items():
            kept = before.get(row, {}).get(peer)
            if kept and max(ratio, high) < min(kept[0], kept[1]) * (1 - margin):
                found.append(Fall(row, peer, kept[0], ratio))
    return sorted(found, key=lambda fall: fall.now / fall.before)


def read(path: str) -> dict:
    """What is kept, by machine; nothing where there is no file."""
    if not os.path.exists(path):
        return {}
    with open(path) as file:
        return json.load(file)


def keep(path: str, machine: str, now: dict) -> None:
    """Keeps these in place of what was there for the same machine and rows."""
    everything = read(path)
    everything[machine] = {**everything.get(machine, {}), **now}
    rounded = {
        name: {row: {peer: [round(x, 3) for x in kept] for peer, kept in peers.items()} for row, peers in rows.items()}
        for name, rows in everything.items()
    }
    with open(path, "w") as file:
        json.dump(rounded, file, indent=1, sort_keys=True)
        file.write("\n")
