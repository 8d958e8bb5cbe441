"""The server of the page: it listens to this machine alone, and answers only its own pages.

A page of another site may send requests to 127.0.0.1 from the browser of its visitors. But it cannot choose
two headers: `Origin` is that site, and `Host` is the name by which the request reached the server, which is
the site's name if the site had its name resolved to 127.0.0.1 (DNS rebinding [1]_). A request, of a websocket
or not, in which either header is foreign is refused.

References
----------
.. [1] C. Jackson, A. Barth, A. Bortz, W. Shao, D. Boneh, "Protecting browsers from DNS rebinding attacks",
   ACM CCS (2007).
"""

import socket
from collections.abc import Callable
from typing import Any

from bokeh.application import Application
from bokeh.application.handlers import FunctionHandler
from bokeh.server.server import BaseServer
from bokeh.server.tornado import BokehTornado
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, HTTPServerRequest, ResponseStartLine
from tornado.ioloop import IOLoop
from tornado.routing import AnyMatches, Matcher, Rule, RuleRouter

HOME = "127.0.0.1"
REFUSED = b"refused: this page is served to itself alone\n"


class OwnRequest(Matcher):
    """Matches a request from the page itself, or from the address line of a browser."""

    def __init__(self, hosts: list[str]) -> None:
        self.hosts = hosts
        self.origins = [f"http://{host}" for host in hosts]

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """An empty dictionary for a request that matches, else None."""
        origins = request.headers.get_list("Origin")
        own = request.headers.get_list("Host") in ([host] for host in self.hosts)
        return {} if own and all(origin in self.origins for origin in origins) else None


def refuse(request: HTTPServerRequest) -> None:
    """Answer with 403."""
    headers = HTTPHeaders({"Content-Length": str(len(REFUSED)), "Content-Type": "text/plain"})
    connection: Any = request.connection
    connection.write_headers(ResponseStartLine("HTTP/1.1", 403, "Forbidden"), headers, REFUSED)
    connection.finish()


def server_of(page: Callable[[Any], None], port: int = 0) -> tuple[BaseServer, str]:
    """A server that lays the page into the document of each visitor, not started yet, and its address.

    Parameters
    ----------
    page : callable
        A function that fills a `bokeh.document.Document`.
    port : int
        0 for any free port.

    Raises
    ------
    OSError
        If the port is taken.
    """
    listening = socket.create_server((HOME, port))
    listening.setblocking(False)
    port = listening.getsockname()[1]
    hosts = [f"{name}:{port}" for name in (HOME, "localhost")]
    app = BokehTornado({"/": Application(FunctionHandler(page))}, extra_websocket_origins=hosts)
    http = HTTPServer(RuleRouter([Rule(OwnRequest(hosts), app), Rule(AnyMatches(), refuse)]))
    http.add_sockets([listening])
    return BaseServer(IOLoop.current(), app, http), f"http://{HOME}:{port}/"
