"""Phrases that methods' clauses share; a clause is lower case, past tense, without a full stop."""

from fractions import Fraction

from cclcc_cli.wording import listed

NOTHING = "the supervised loss alone was minimised"
"""The clause of a method that adds nothing."""
STATISTICS = {
    "shared": "shared with whole images", "separate": "kept apart from those of whole images",
    "frozen": "normalised by the running statistics of whole images",
}
"""What BatchNorm did with patches."""
STATISTICS_OF_VIEWS = {key: text.replace("whole images", "weak views")
                       for key, text in STATISTICS.items()}
"""The same with strong views."""
_PARTS = {Fraction(1, 2): "half", Fraction(1, 3): "third", Fraction(1, 4): "quarter",
          Fraction(1, 5): "fifth", Fraction(1, 10): "tenth", Fraction(1, 20): "twentieth"}


def square(side: int | str) -> str:
    """As ``5 times 5``, with the sign."""
    return f"{side} \N{MULTIPLICATION SIGN} {side}"


def first_part(share: Fraction) -> str:
    """As ``the first third`` of something."""
    return f"the first {_PARTS.get(share) or f'{100 * float(share):.3g} %'}"


def rising(weight: float, ramp_up: Fraction) -> str:
    """A weight, and the share of the budget that it rises over."""
    if not ramp_up:
        return f"weight {weight:g}"
    over = "the whole budget" if ramp_up == 1 else f"{first_part(ramp_up)} of the budget"
    return f"weight {weight:g}, rising as exp(-5 (1 - t)^2) over {over}"


def projector(widths: tuple[int, int, int]) -> str:
    """What embeddings were made by."""
    return f"a projector of {listed(widths)} channels"
