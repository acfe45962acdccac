"""`python -m unittest discover benches/compare`: needs the standard library alone."""

import math
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import agreement
import floors
import guard
import report
import sides
import turns
from rows import Measured, Row, behind


def row(name: str, ours: list[float], theirs: list[float]) -> Row:
    return Row(name, sides={"rectify": Measured.values(ours), "torch": Measured.values(theirs)})


class Guard(unittest.TestCase):
    before = guard.ratios([row("matmul/a", [1.0, 1.1], [2.0, 2.1]), row("matmul/b", [1.0, 1.0], [1.5, 1.5])])

    def test_a_planted_fall_is_found_and_nothing_else(self):
        now = guard.ratios([row("matmul/a", [1.5, 1.6], [2.0, 2.1]), row("matmul/b", [1.0, 1.0], [1.5, 1.5])])
        (fall,) = guard.falls(self.before, now)
        self.assertEqual((fall.row, fall.peer), ("matmul/a", "torch"))
        self.assertAlmostEqual(fall.before, 2.0)
        self.assertAlmostEqual(fall.now, 2.0 / 1.5)

    def test_a_fall_within_the_noise_of_either_run_is_none(self):
        noisy_now = guard.ratios([row("matmul/a", [1.5, 1.0], [2.0, 2.0])])
        self.assertEqual(guard.falls(self.before, noisy_now), [])
        noisy_before = guard.ratios([row("matmul/a", [1.0, 2.0], [2.0, 2.0])])
        now = guard.ratios([row("matmul/a", [1.5, 1.6], [2.0, 2.1])])
        self.assertEqual(guard.falls(noisy_before, now), [])

    def test_a_gain_and_what_is_new_are_no_falls(self):
        now = guard.ratios([row("matmul/a", [0.5, 0.5], [2.0, 2.0]), row("matmul/new", [9.0], [1.0])])
        self.assertEqual(guard.falls(self.before, now), [])

    def test_what_is_kept_is_what_is_read_by_machine(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "last.json")
            self.assertEqual(guard.read(path), {})
            guard.keep(path, "one", self.before)
            guard.keep(path, "other", {})
            guard.keep(path, "one", {"matmul/b": {"torch": [3.0, 3.0, 3.0]}})
            kept = guard.read(path)
            self.assertEqual(kept["other"], {})
            self.assertEqual(kept["one"]["matmul/b"]["torch"][0], 3.0)
            self.assertEqual(kept["one"]["matmul/a"]["torch"][0], 2.0)


class Agreement(unittest.TestCase):
    def results(self, samples: list[float]) -> list[dict]:
        absolute = sum(map(abs, samples))
        return [{"count": len(samples), "sum": sum(samples), "absolute": absolute, "samples": samples}]

    def test_rounding_agrees_and_a_wrong_element_does_not(self):
        ours = self.results([1.0, -2.0, 0.5])
        self.assertIsNone(agreement.difference("forward/gelu/3", ours, self.results([1.0, -2.000002, 0.5])))
        self.assertIn("-2.1", agreement.difference("forward/gelu/3", ours, self.results([1.0, -2.1, 0.5])))
        self.assertIsNotNone(agreement.difference("floor/copy/3", ours, self.results([1.0, -2.000002, 0.5])))
        self.assertIsNotNone(agreement.difference("forward/gelu/3", ours, self.results([1.0, math.nan, 0.5])))
        self.assertIsNotNone(agreement.difference("forward/gelu/3", ours, self.results([1.0, -2.0])))

    def test_a_sum_over_what_no_sample_shows_differs(self):
        ours, theirs = self.results([1.0, 1.0]), self.results([1.0, 1.0])
        theirs[0]["sum"] += 0.1
        self.assertIn("sum", agreement.difference("forward/gelu/2", ours, theirs))


class FakeServer:
    """A side that shows these samples and needs so many seconds."""

    def __init__(self, name: str, samples: list[float], seconds: float):
        self.side, self.samples, self.seconds, self.asked = sides.Side(name), samples, seconds, []

    def ask(self, line: str) -> dict:
        self.asked.append(line)
        if line.startswith("check "):
            absolute = sum(map(abs, self.samples))
            result = {"count": len(self.samples), "sum": sum(self.samples), "absolute": absolute, "samples": self.samples}
            return {"results": [result]}
        return dict.fromkeys(("minimum", "tenth", "median", "ninetieth"), self.seconds)


class Turns(unittest.TestCase):
    def test_who_computes_something_else_is_said_and_not_timed(self):
        servers = [FakeServer("rectify", [1.0], 1.0), FakeServer("torch", [1.0], 2.0), FakeServer("burn", [1.1], 0.1)]
        row = turns.one("forward/gelu/1", servers, 2, 0.5)
        self.assertEqual(row.ratio("torch"), 2.0)
        self.assertEqual(row.sides["torch"].rounds, [2.0, 2.0])
        self.assertIn("1.1 where 1", row.differs["burn"])
        self.assertNotIn("burn", row.sides)
        self.assertEqual(servers[2].asked, ["check forward/gelu/1"])


class Floors(unittest.TestCase):
    def test_a_floor_is_the_slower_of_bytes_and_operations(self):
        rates = floors.Rates({1 << 16: 8e9, 1 << 24: 1e9}, 1e9)
        self.assertAlmostEqual(floors.floor("forward/relu/16777216", rates), 8 * (1 << 24) / 1e9)
        self.assertAlmostEqual(floors.floor("forward/relu/65536", rates), 8 * (1 << 16) / 8e9)
        self.assertAlmostEqual(floors.floor("matmul/NN/100x100x100", rates), 2e6 / 1e9)
        self.assertIsNone(floors.floor("overhead/add/1", rates))


class Report(unittest.TestCase):
    def test_what_is_written_by_hand_stays(self):
        mine = f"{report.BY_HAND}\nBecause of the cache.\n{report.END}"
        self.assertEqual(report.by_hand(f"before\n{mine}\nafter"), mine)
        self.assertIn(report.BY_HAND, report.by_hand(""))

    def test_rows_behind_are_the_furthest_first(self):
        rows = [row("matmul/a", [1.0], [0.9]), row("matmul/b", [1.0], [0.5]), row("matmul/c", [1.0], [1.5])]
        self.assertEqual([name for _, name, _ in behind(rows)], ["matmul/b", "matmul/a"])


if __name__ == "__main__":
    unittest.main()
