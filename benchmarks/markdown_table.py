"""Numbers, rows and tables as Markdown."""


def seconds(x):
    """As text."""
    return f"{x:.2g} s" if x < 100 else f"{x:,.0f} s"


def error(x):
    return f"{x:.0e}"


def curves(row):
    return f"{row['curves']} ({row['closed']})"


def ratio(ours, theirs):
    """Our cost over theirs; bold where we lose."""
    text = f"{ours / theirs:.2g} ×" if ours < 100 * theirs else f"{ours / theirs:,.0f} ×"
    return f"**{text}**" if ours > theirs else text


def table(head, rows):
    """A table; rows may be shorter than its head."""
    lines = [head, ["---"] * len(head), *([*row, *[""] * (len(head) - len(row))] for row in rows)]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines) + "\n"


def runs_in(report):
    """All numbers of runs in a report."""
    parts = (
        report.items() if isinstance(report, dict) else enumerate(report) if isinstance(report, list) else ()
    )
    for key, value in parts:
        if key == "runs":
            yield value
        else:
            yield from runs_in(value)


# What other processes leave of two cores is then no longer a processor for the benchmark.
BUSY = 1.5
BESIDE = "measured beside other work: these seconds are not those of the other tables, and ratios are rough"


def footer(report):
    """Runs, versions, machine and clock."""
    runs = sorted(set(runs_in(report)))
    often = (
        f"Medians of {runs[0]} to {runs[-1]} runs. "
        if len(runs) > 1
        else f"Runs: {runs[0]}. "
        if runs
        else ""
    )
    versions = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    threads = report["OPENBLAS_NUM_THREADS"]
    measured = [versions, report["machine"]]
    measured += ["seconds of the processor"] * (report.get("clock") == "cpu")
    measured += [BESIDE] * ((report.get("load") or 0.0) > BUSY)
    measured += [f"OPENBLAS_NUM_THREADS={threads}"] * bool(threads)
    return f"{often}{'; '.join(measured)}.\n"
