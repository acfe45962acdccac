"""Rows as lines of text and as tables of Markdown."""

from collections import Counter

from rows import OURS, Row, behind, geometric_mean, groups_of, peers_of, ratios_of


def quantity(value: float, unit: str) -> str:
    """With three digits: 1.23 ms, 45.6 MB."""
    steps = [(1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")] if unit == "s" else [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")]
    size, name = next((step for step in steps if value >= step[0]), steps[-1])
    return f"{three_digits(value / size)} {name}"


def three_digits(value: float) -> str:
    return f"{value:.0f}" if value >= 99.95 else f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


def line(row: Row) -> str:
    """One row while it is measured."""
    cells = [f"{row.name:44}"]
    if OURS in row.sides:
        cells.append(f"{OURS} {quantity(row.sides[OURS].minimum, row.unit):>8}")
    for peer in row.peers():
        cells.append(f"{peer} {quantity(row.sides[peer].minimum, row.unit)} ({_times(row.ratio(peer))})")
    cells += [f"{peer} DIFFERS: {text}" for peer, text in row.differs.items()]
    return "  ".join(cells)


def means(rows: list[Row]) -> list[str]:
    """Of each group against each peer: the geometric mean of the ratios, how many, and the lowest."""
    lines = []
    for group, of_group in groups_of(rows).items():
        for peer in peers_of(of_group):
            ratios = ratios_of(of_group, peer)
            if ratios:
                worst = min(ratios, key=ratios.get)
                mean = geometric_mean(list(ratios.values()))
                lines.append(f"{group:10} {peer:15} {mean:6.2f}x over {len(ratios):3}, lowest {ratios[worst]:.2f}x {worst}")
    return lines


def skipped(rows: list[Row]) -> list[str]:
    """Why sides had no part in rows, and in how many."""
    counts = Counter((peer, reason) for row in rows for peer, reason in row.absent.items())
    return [f"{peer}: {count} rows, {reason}" for (peer, reason), count in sorted(counts.items())]


def differing(rows: list[Row]) -> list[str]:
    """Who computed something else than rectify."""
    return [f"{row.name}: {peer}, {text}" for row in rows for peer, text in row.differs.items()]


def summary(rows: list[Row]) -> str:
    parts = [("geometric means of each peer's minimum over rectify's", means(rows)), ("skipped", skipped(rows))]
    slower = [f"{ratio:.2f}x {name} against {peer}" for ratio, name, peer in behind(rows)]
    parts.append((f"rectify behind in {len(slower)}", slower))
    parts.append(("DIFFERENT RESULTS", differing(rows)))
    return "\n".join(f"\n{title}:\n" + "\n".join(f"  {text}" for text in lines) for title, lines in parts if lines)


def markdown(rows: list[Row]) -> str:
    """A table for each group."""
    return "\n\n".join(f"### {group}\n\n{_group(of_group)}" for group, of_group in groups_of(rows).items())


def _group(rows: list[Row]) -> str:
    peers = [peer for peer in peers_of(rows) if any(peer in row.sides for row in rows)]
    has_floor = any(row.floor for row in rows) and rows[0].group != "floor"
    heads = ["", OURS, *(["over the floor"] if has_floor else []), *peers]
    lines = [_cells(heads), _cells(["---"] + ["--:"] * (len(heads) - 1))]
    for row in rows:
        cells = [_name(row), _ours(row)]
        if has_floor:
            cells.append(_times(row.sides[OURS].minimum / row.floor) if row.floor and OURS in row.sides else "")
        cells += [_times(row.ratio(peer)) + _range(row, peer) if peer in row.sides else "" for peer in peers]
        lines.append(_cells(cells))
    if rows[0].group not in ("floor", "disk"):
        lines.append(_cells(["geometric mean", "", *([""] if has_floor else []), *(_mean(rows, peer) for peer in peers)]))
    return "\n".join(lines)


def _name(row: Row) -> str:
    return "`" + row.name.split("/", 1)[1].replace("|", "\\|") + "`"


def _ours(row: Row) -> str:
    if OURS not in row.sides:
        return ""
    ours = row.sides[OURS]
    text = quantity(ours.minimum, row.unit)
    return f"{text} ({quantity(ours.median, row.unit)})" if row.unit == "s" else text


def _mean(rows: list[Row], peer: str) -> str:
    ratios = list(ratios_of(rows, peer).values())
    return f"**{three_digits(geometric_mean(ratios))}** of {len(ratios)}" if ratios else ""


def _range(row: Row, peer: str) -> str:
    low, high = row.ratio_range(peer)
    return f" ({three_digits(low)} to {three_digits(high)})" if len(row.sides[peer].rounds) > 1 else ""


def _times(ratio: float | None) -> str:
    return "" if ratio is None else three_digits(ratio)


def _cells(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
