"""PERFORMANCE.md: what a run measured, and what a person wrote about it, which stays."""

import os

import table
from rows import Row, behind

BY_HAND = "<!-- written by hand -->"
END = "<!-- end of what is written by hand -->"

METHOD = """\
Every side is a process that is asked in turns: rectify, PyTorch, candle, burn, rectify, ... All make the same inputs for themselves,
to the same bits, use as many threads, compute in f32 (on a GPU without TF32) and wait for the device at the end of each burst of
runs. What each computes is held against what rectify computes before it is timed; the tolerances stand in
`benches/compare/agreement.py`. A ratio is the peer's fastest run over rectify's: above 1 rectify is ahead. In parentheses are the
lowest and the highest ratio of one round, and behind rectify's time its median.

`torch` makes a new tensor for each result, as rectify does from its pool; `torch out=` writes into tensors made beforehand, and its
optimisers are fused; `torch foreach` is another of PyTorch's optimisers; `torch compiled` is `torch.compile` in its default mode, and
for steps of training with the fused optimiser. Parameters of rectify lie in one buffer whatever their number: that is why it steps
a thousand tensors as it does one.

The floor of a row is its bytes at the rate of the copy of nearest size, or its operations at the rate of the fastest product, both
of whichever side was fastest in the same run. A small copy is slower for each byte than a large one in the cache, so a row can be a
little below its floor."""


def write(path: str, run: dict, rows: list[Row]) -> None:
    """Writes the file anew, but for what was written by hand."""
    old = ""
    if os.path.exists(path):
        with open(path) as file:
            old = file.read()
    with open(path, "w") as file:
        file.write(text(run, rows, by_hand(old)))


def by_hand(old: str) -> str:
    """The part that the generator keeps, with its marks; an empty one where there is none."""
    before, mark, rest = old.partition(BY_HAND)
    written, end, _ = rest.partition(END)
    return f"{BY_HAND}{written}{END}" if mark and end else f"{BY_HAND}\n{END}"


def text(run: dict, rows: list[Row], kept: str) -> str:
    machine, settings = run["machine"], run["settings"]
    facts = [
        ("date", run["date"]),
        ("commit", run["commit"]),
        ("processor", f"{machine['cpu']}, {machine['cores']} cores, {' '.join(machine['instruction_sets'])}"),
        *([("GPU", machine["gpu"])] if "gpu" in machine else []),
        ("versions", ", ".join(f"{name} {version}" for name, version in run["versions"].items())),
        ("settings", f"{settings['threads']} threads, {settings['rounds']} rounds of {settings['seconds']} s a side"),
        ("load average", ", ".join(f"{load:.1f}" for load in run["load"]) + " before and after: above the threads there was company"),
        ("command", f"`{run['command']}`"),
    ]
    lines = ["# Performance", "", METHOD, "", "| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in facts)]
    lines += ["", "## Where rectify is behind", "", kept, "", *_behind(rows)]
    lines += ["", "## Means", "", "```", *table.means(rows), "```"]
    lines += ["", "## Every row", "", table.markdown(rows)]
    for title, found in (("Different results, not timed", table.differing(rows)), ("Skipped", table.skipped(rows))):
        if found:
            lines += ["", f"## {title}", "", *(f"- {text}" for text in found)]
    return "\n".join(lines) + "\n"


def _behind(rows: list[Row]) -> list[str]:
    slower = behind(rows)
    if not slower:
        return ["In no row of this run."]
    lines = [f"In this run in {len(slower)} of the ratios:", "", "| row | peer | ratio |", "|---|---|--:|"]
    return lines + [f"| `{name}` | {peer} | {ratio:.2f} |" for ratio, name, peer in slower]
