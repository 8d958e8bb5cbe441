"""How an open curve ends; the value of each member states it in a sentence."""

from enum import Enum


class End(Enum):
    """The reason why a curve ends."""

    BOX = "the curve leaves the box here"
    BRANCH_POINT = "the gradient vanishes on the curve here: branches meet"
    UNDECIDED = (
        "the curve could not be followed past this point: it is singular or too close to another branch "
        "for float64; a smaller box around it may decide"
    )
    BUDGET = "the limit of steps or of time was reached here; a larger max_steps or time_limit lets it go on"
    JUNCTION = "a third class is equal to both here: regions of three classes meet"
    JUMP = (
        "F jumps from one sign to the other here without being 0: beyond, the boundary is no curve F = 0; "
        "a function without the jump has one"
    )
