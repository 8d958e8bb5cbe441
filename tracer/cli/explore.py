"""``tracer explore``: serves the page to the browser until a signal ends the command."""

import argparse
import webbrowser
from typing import Any

from tracer.fields.networks.network import Network
from tracer.view.web_figure import need_bokeh

LAST_PORT = 65535


def add_arguments(sub: argparse.ArgumentParser) -> None:
    """Add the options of the page."""
    sub.add_argument("--level", type=float, metavar="VALUE", help="of a network with one output")
    sub.add_argument(
        "--time-limit", type=float, default=10.0, metavar="SECONDS", help="for each window (default 10)"
    )
    sub.add_argument("--port", type=int, default=0, help="default a free one")
    sub.add_argument("--no-browser", action="store_true", help="only print the address")


def serve(network: Network, bounds: Any, arguments: argparse.Namespace) -> int:
    """Serve the page of a network of two inputs, until a signal ends it."""
    if not 0 <= arguments.port <= LAST_PORT:
        raise ValueError(f"--port must lie between 0 and {LAST_PORT}; got {arguments.port}")
    if arguments.level is not None and network.n_outputs > 1:
        raise ValueError(
            f"--level belongs to a network with one output; got {arguments.level} for a network of "
            f"{network.n_outputs}: choose classes on the page"
        )
    need_bokeh()
    from tracer.explore.page import page_of
    from tracer.explore.questions import first_question
    from tracer.explore.server import server_of

    page: Any = page_of(network, first_question(network, bounds, arguments.level), arguments.time_limit)
    server, address = server_of(page, arguments.port)
    print(f"{address} (Ctrl-C ends it)", flush=True)
    server.start()
    if not arguments.no_browser:
        webbrowser.open(address)
    try:
        server.io_loop.start()
    finally:
        server.stop()
    return 0
