"""Asks the sides in turns, and checks that they compute the same."""

import time
from collections.abc import Callable

import agreement
import floors
from rows import OURS, Measured, Row
from sides import Server

# Threads of the side before still spin for a moment.
PAUSE = 0.02


def measure(
    names: list[str], servers: list[Server], rounds: int, seconds: float, say: Callable[[Row], None]
) -> list[Row]:
    """A row for each workload; `say` sees it when it is done."""
    rows: list[Row] = []
    for name in names:
        row = one(name, servers, rounds, seconds)
        rows.append(row)
        say(row)
    rates = floors.measured(rows)
    for row in rows:
        row.floor = floors.floor(row.name, rates) if rates else None
    return rows


def one(name: str, servers: list[Server], rounds: int, seconds: float) -> Row:
    row = Row(name)
    taking_part = check(row, servers)
    answers: dict[str, list[dict]] = {}
    for _ in range(rounds):
        for server in taking_part:
            side = server.side.name
            if side in row.absent:
                continue
            time.sleep(PAUSE)
            answer = server.ask(f"{name} {seconds}")
            if "absent" in answer:
                row.absent[side] = answer["absent"]
            else:
                answers.setdefault(side, []).append(answer)
    row.sides = {side: Measured.of(given) for side, given in answers.items() if side not in row.absent}
    return row


def check(row: Row, servers: list[Server]) -> list[Server]:
    """The sides that compute what rectify does, which is the first. What differs is not timed."""
    taking_part, ours = [], None
    for server in servers:
        answer, side = server.ask(f"check {row.name}"), server.side.name
        if "absent" in answer:
            row.absent[side] = answer["absent"]
            if side == OURS:
                raise SystemExit(f"{row.name}: rectify has no results: {answer['absent']}")
            continue
        ours = ours or answer["results"]
        differs = agreement.difference(row.name, ours, answer["results"])
        if differs:
            row.differs[side] = differs
        else:
            taking_part.append(server)
    return taking_part
