"""What the scripts of campaigns print at their end."""

from collections.abc import Mapping


def concluded(tally: Mapping[str, object], wrong: int, what: str) -> bool:
    """Print what was counted, and how many of `what` were found; whether any was."""
    for key, count in sorted(tally.items()):
        print(f"{key:60} {count}")
    print(f"{wrong} {what}")
    return bool(wrong)
