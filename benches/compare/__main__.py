"""Measures rectify beside PyTorch (eager, compiled, out= and fused), candle and burn, in turns in one run.

    pip install torch
    cargo build --release --manifest-path benches/compare/peers/Cargo.toml      # candle and burn; left out where not built
    cargo bench --no-run && python benches/compare [--only matmul] [--rounds 5] [--seconds 0.2] [--device cuda]
    python benches/compare --write PERFORMANCE.md --keep                        # the report, and what --guard holds later runs to
    python benches/compare --guard                                              # exit status 1 where a ratio fell

Prints each side's fastest time and how many times rectify's it is, then geometric means, the rows where rectify is behind, and
what was skipped and why. A side that computes something else than rectify is not timed, and the exit status is 1.
"""

import argparse
import datetime
import json
import os
import shlex
import sys
import tempfile

import guard
import machine
import processes
import report
import sides
import table
import turns
from rows import Row

LAST = os.path.join(sides.HERE, "last.json")
HOW = ("eager", "compiled", "out", "foreach")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benches/compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help="names that contain one of these, with commas between")
    parser.add_argument("--skip", default="", help="names that contain none of these")
    parser.add_argument("--sides", default="", help="of torch, compiled, out, foreach, candle, burn; by default all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.2, help="for each side in each round")
    parser.add_argument("--device", default="cpu", help="cpu or cuda, for every side")
    parser.add_argument("--threads", type=int, default=sides.default_threads())
    parser.add_argument("--serve", help="rectify's bench binary, by default the newest that cargo built")
    parser.add_argument("--peers", default=os.path.join(sides.HERE, "peers", "target", "release"), help="folder of the peers' binaries")
    parser.add_argument("--python", default=sides.default_python(), help="the Python that has PyTorch")
    parser.add_argument("--limit", type=int, default=120, help="seconds that PyTorch may compile one workload for")
    parser.add_argument("--json", help="a file for everything that was measured")
    parser.add_argument("--from", dest="earlier", nargs="+", help="files of --json to take rows from instead of measuring")
    parser.add_argument("--markdown", action="store_true", help="print tables of Markdown at the end")
    parser.add_argument("--write", help="the report to write, keeping what is written there by hand")
    parser.add_argument("--guard", action="store_true", help="fail where a ratio fell by more than the noise of both runs")
    parser.add_argument("--keep", action="store_true", help=f"keep the ratios in {os.path.relpath(LAST, sides.ROOT)}")
    return parser.parse_args()


def main() -> int:
    arguments = parse()
    run, rows = read(arguments.earlier) if arguments.earlier else measured(arguments)
    print(table.summary(rows))
    if arguments.markdown:
        print(table.markdown(rows))
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump({**run, "rows": [row.as_json() for row in rows]}, file, indent=1)
    if arguments.write:
        report.write(arguments.write, run, rows)
    failed = any(row.differs for row in rows)
    name = f"{run['machine'].get('gpu', run['machine']['cpu'])}, {run['settings']['threads']} threads"
    ratios = guard.ratios(rows)
    if arguments.guard:
        before = guard.read(LAST).get(name)
        fallen = guard.falls(before or {}, ratios)
        print(f"\nagainst the ratios kept: {len(fallen)} fell" if before else f"\nno ratios are kept for {name}")
        print("".join(f"  {fall}\n" for fall in fallen), end="")
        failed |= bool(fallen)
    if arguments.keep:
        guard.keep(LAST, name, ratios)
    return int(failed)


def measured(arguments: argparse.Namespace) -> tuple[dict, list[Row]]:
    torch_facts = sides.torch_facts(arguments.python)
    run = {
        "date": datetime.date.today().isoformat(),
        "commit": machine.commit(),
        "machine": machine.facts(arguments.device),
        "versions": machine.versions(torch_facts),
        "command": shlex.join(["python", os.path.relpath(sides.HERE, sides.ROOT), *sys.argv[1:]]),
        "settings": {key: getattr(arguments, key) for key in ("device", "threads", "rounds", "seconds")},
        "load": [os.getloadavg()[0]],
    }
    print(f"{run['machine']}, {run['versions']}, {run['commit']}; the fastest of each, and the peer's over rectify's", flush=True)
    say = lambda row: print(table.line(row), flush=True)
    wanted = [text for text in arguments.only.split(",") if text] or [""]
    unwanted = [text for text in arguments.skip.split(",") if text]
    is_wanted = lambda name: any(text in name for text in wanted) and not any(text in name for text in unwanted)
    with tempfile.TemporaryDirectory() as cache:
        all_sides = started_by(arguments, cache, torch_facts is not None)
        names = [name for name in sides.workloads(all_sides[0]) if is_wanted(name) or name.startswith("floor/")]
        servers = [sides.Server(side) for side in all_sides]
        try:
            rows = turns.measure(names, servers, arguments.rounds, arguments.seconds, say)
        finally:
            for server in servers:
                server.stop()
        if any(is_wanted(name) for name in ("process/", "memory/", "disk/")):
            of_processes = [side for side in all_sides if side.name not in ("torch out=", "torch foreach")]
            folder = torch_facts["folder"] if torch_facts else None
            rows += processes.measure(of_processes, min(arguments.rounds, 3), folder, say)
    run["load"].append(os.getloadavg()[0])
    return run, rows


def started_by(arguments: argparse.Namespace, cache: str, has_torch: bool) -> list[sides.Side]:
    """rectify, and every peer that is asked for."""
    device, threads = arguments.device, arguments.threads
    asked = [name for name in arguments.sides.split(",") if name]
    is_asked = lambda name: not asked or name in asked
    cache = os.environ.get("TORCHINDUCTOR_CACHE_DIR", cache)
    found = [sides.rectify(arguments.serve, device, threads)]
    for how in HOW:
        if is_asked("torch" if how == "eager" else how):
            side = sides.pytorch(how, device, threads, arguments.python, cache, arguments.limit)
            side.missing = None if has_torch else "there is no PyTorch in this Python"
            found.append(side)
    found += [sides.peer(name, arguments.peers, device, threads) for name in ("candle", "burn") if is_asked(name)]
    return found


def read(paths: list[str]) -> tuple[dict, list[Row]]:
    """The first file's description, and the rows of all: a later file's in place of an earlier's of the same name."""
    runs = []
    for path in paths:
        with open(path) as file:
            runs.append(json.load(file))
    rows = {row["name"]: Row.from_json(row) for run in runs for row in run["rows"]}
    commands = "; ".join(dict.fromkeys(run["command"] for run in runs))
    return {**{key: value for key, value in runs[0].items() if key != "rows"}, "command": commands}, list(rows.values())


if __name__ == "__main__":
    sys.exit(main())
