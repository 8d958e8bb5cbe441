"""The server of the page: it listens to this machine alone, and answers only pages that it has served itself.

A page of another site may send requests to 127.0.0.1, from the browser of whoever visits it. It cannot choose
two headers: `Origin` names its own site, and `Host` the name that it reached the server by, which is its own
name where it has that resolved to 127.0.0.1. A request in which either is foreign is refused, websockets
included.
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
    """Whether a request comes from the page itself, or from the address line of a browser."""

    def __init__(self, hosts: list[str]) -> None:
        self.hosts = hosts
        self.origins = [f"http://{host}" for host in hosts]

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """An empty dictionary if it does, else None."""
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
    """A server, not started, that lays the page into a document for each visitor; and its address.

    Parameters
    ----------
    page : callable
        Fills a `bokeh.document.Document`.
    port : int
        0 for a free one.

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
