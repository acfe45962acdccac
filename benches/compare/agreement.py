"""Whether two sides computed the same, from what each shows of its results."""

# How far apart elements may be, in units of the larger of the element and the mean of all absolute values. Sums of products over
# thousands of terms are rounded in orders that differ; what is only moved is equal to the bit.
EXACT = ("floor/", "rows/transpose", "reduce/argmax", "reduce/max", "overhead/reshape", "overhead/add", "overhead/bias")
PRODUCTS = ("matmul/", "layer/", "train/", "reduce/sum", "reduce/mean", "reduce/variance", "overhead/gradient")
TOLERANCE = 1e-5
TOLERANCE_OF_PRODUCTS = 1e-4
# Shares of the sum of absolute values that two sums in f64 may differ by.
TOLERANCE_OF_SUMS = 1e-5


def tolerance(name: str) -> float:
    if name.startswith(EXACT):
        return 0.0
    return TOLERANCE_OF_PRODUCTS if name.startswith(PRODUCTS) else TOLERANCE


def difference(name: str, ours: list[dict], theirs: list[dict]) -> str | None:
    """How the results differ by more than rounding, or none."""
    if len(ours) != len(theirs):
        return f"{len(theirs)} results instead of {len(ours)}"
    found = (_of_one(name, nth, ours[nth], theirs[nth]) for nth in range(len(ours)))
    return next((text for text in found if text), None)


def _of_one(name: str, nth: int, ours: dict, theirs: dict) -> str | None:
    if ours["count"] != theirs["count"]:
        return f"result {nth} has {theirs['count']} elements instead of {ours['count']}"
    allowed = tolerance(name)
    mean = ours["absolute"] / max(ours["count"], 1)
    for a, b in zip(ours["samples"], theirs["samples"]):
        # Written so that NaN differs.
        if not abs(a - b) <= allowed * max(abs(a), mean):
            return f"result {nth} has {b:.8g} where {a:.8g} is"
    for key in ("sum", "absolute"):
        a, b = ours[key], theirs[key]
        if not abs(a - b) <= max(allowed, TOLERANCE_OF_SUMS if allowed else 1e-12) * max(ours["absolute"], 1e-30):
            return f"result {nth} has the {key} {b:.8g} where {a:.8g} is"
    return None
