"""The page as it is served: who may ask for it, and what a visitor can do with it in a real browser."""

import http.client
import json
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

import tracer
from tracer.cli.parser import main

pytest.importorskip("bokeh")

PATIENCE = 60
COMMAND = "from tracer.cli.running import run; run()"


@contextmanager
def served(*arguments):
    """The address of the page that the command serves."""
    command = [sys.executable, "-c", COMMAND, "explore", "--no-browser", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            line = process.stdout.readline()
            assert line.startswith("http://127.0.0.1:"), line + process.stdout.read()
            yield line.split()[0]
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def address():
    with served() as found:
        yield found


def status(address, path="/", **headers):
    """The status of the answer to a request with some headers."""
    port = int(address.rsplit(":", 1)[1].strip("/"))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.putrequest("GET", path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    try:
        return connection.getresponse().status
    finally:
        connection.close()


WEBSOCKET = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec_WebSocket_Version": "13",
    "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def test_the_page_is_served_to_its_own_origin_alone(address):
    own = address.removeprefix("http://").strip("/")
    port = own.split(":")[1]
    assert status(address) == 200
    assert status(address, Origin=f"http://{own}") == 200
    assert status(address, Host=f"localhost:{port}") == 200
    assert status(address, path="/static/js/bokeh.min.js") == 200
    for name in ("evil.example", f"evil.example:{port}", "127.0.0.1", f"127.0.0.1:{int(port) - 1}", ""):
        assert status(address, Host=name) in {400, 403}, name
        assert status(address, Host=name, path="/static/js/bokeh.min.js") in {400, 403}, name
    for origin in ("http://evil.example", f"https://{own}", "null", f"http://{own}.evil.example", ""):
        assert status(address, Origin=origin) == 403, origin
        for path in ("/ws", "/autoload.js", "/metadata"):
            assert status(address, path, **WEBSOCKET, Origin=origin) == 403, (path, origin)


def test_a_port_that_is_taken_is_one_line(address, capsys):
    port = address.rsplit(":", 1)[1].strip("/")
    assert main(["explore", "--no-browser", "--port", port]) == 2
    error = capsys.readouterr().err
    assert error.startswith("tracer: ")
    assert error.count("\n") == 1


# In a browser ---------------------------------------------------------------------------------------------

# A model of the page by its name, and its view.
FIND = "const model = Bokeh.documents[0].get_model_by_name(arguments[0]), view = Bokeh.index.find_one(model);"
# The text of all tooltips, which lie in shadow trees.
TIPS = """
const found = [], visit = (root) => root.querySelectorAll("*").forEach((element) => {
    if (element.matches(".bk-tooltip-content")) found.push(element.textContent)
    if (element.shadowRoot) visit(element.shadowRoot)
})
visit(document)
return found.join(" ")
"""
# Where the sample in the middle of the first curve is on the screen.
SAMPLE = f"""{FIND}
const samples = Bokeh.documents[0].get_model_by_name("samples").data
const k = Math.floor(samples.curve.filter((name) => name == samples.curve[0]).length / 2)
const frame = view.canvas_view.el.getBoundingClientRect(), x = samples.x[k], y = samples.y[k]
return [frame.left + view.frame.x_scale.compute(x), frame.top + view.frame.y_scale.compute(y), x, y]
"""


class Visitor:
    """A browser with a page, and what one does there."""

    def __init__(self, driver, downloads):
        self.driver, self.downloads, self.run = driver, downloads, driver.execute_script

    def open(self, address):
        self.driver.get(address)
        self.wait(lambda: self.run("return window.Bokeh?.documents[0]?.is_idle"))

    def wait(self, condition):
        """Wait until a condition holds, and return what it says."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if found := condition():
                return found
            time.sleep(0.05)
        raise AssertionError(f"nothing happened: {self.heading()}")

    def heading(self):
        return self.run(f"{FIND} return model.text", "heading")

    def inside(self, name, selector):
        """An element of the view of a model."""
        return self.run(f"{FIND} return view.shadow_el.querySelector(arguments[1])", name, selector)

    def column(self, source, name):
        return self.run(f"{FIND} return Array.from(model.data[arguments[1]])", source, name)

    def changed(self, act):
        """What the page says after something has changed it."""
        before = self.heading()
        act()
        return self.wait(lambda: (now := self.heading()) != before and now)


@pytest.fixture(scope="module")
def visitor(tmp_path_factory):
    webdriver = pytest.importorskip("selenium.webdriver")
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    program = shutil.which("chromedriver")
    if browser is None or program is None:
        pytest.skip("needs a Chromium and its driver: apt install chromium chromium-driver")
    downloads = tmp_path_factory.mktemp("downloads")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,900"):
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(program))
    try:
        yield Visitor(driver, downloads)
    finally:
        driver.quit()


def test_a_visitor_drags_zooms_points_chooses_and_downloads(address, visitor):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.actions.action_builder import ActionBuilder
    from selenium.webdriver.common.actions.wheel_input import ScrollOrigin

    visitor.open(address)
    driver = visitor.driver
    field = tracer.example("paper")[0].margin(0, 1)
    assert "Boundary: 3 curves, length 15.709, proven complete" in visitor.heading()

    # A weight, dragged: the page shows another boundary, and the time that it took.
    handle = visitor.inside("w x1→y1", ".noUi-handle")
    lines = visitor.column("lines", "x")
    drag = ActionChains(driver).click_and_hold(handle).move_by_offset(20, 0).release()
    heading = visitor.changed(drag.perform)
    assert re.search(r"traced in \d+ ms, shown \d+ ms after the change", heading)
    assert visitor.column("lines", "x") != lines
    visitor.changed(visitor.inside("reset", "button").click)
    visitor.wait(lambda: "length 15.709" in visitor.heading())

    # A window, zoomed to: traced again, so that there are as many vertices on less of the curves.
    figure = visitor.run(f"{FIND} return view.el", "figure")
    wheel = ScrollOrigin.from_element(figure)
    heading = visitor.changed(lambda: ActionChains(driver).scroll_from_origin(wheel, 0, -400).perform())
    assert "proven complete" in heading
    assert "[-3, 3]" not in heading
    assert max(abs(x) for line in visitor.column("lines", "x") for x in line) < 2.5

    # The pointer on a curve.
    left, top, x, y = visitor.run(SAMPLE, "figure")
    for offset in (5, 0):
        actions = ActionBuilder(driver)
        actions.pointer_action.move_to_location(round(left) + offset, round(top))
        actions.perform()
    tip = visitor.wait(lambda: visitor.run(TIPS))
    names = ("x1", "x2", "arclength", "residual")
    shown = {name: float(re.search(rf"{name}: (\S+)", tip)[1]) for name in names}
    assert abs(shown["x1"] - x) + abs(shown["x2"] - y) < 0.1
    assert abs(field.value([shown["x1"], shown["x2"]])) < 1e-9
    assert shown["residual"] < 1e-12

    # Files of what is shown.
    visitor.inside(".geojson", "button").click()
    path = visitor.downloads / "boundary.geojson"
    visitor.wait(path.exists)
    features = json.loads(path.read_text())["features"]
    assert f"{len(features)} curve" in heading

    # All classes, and the cells of the proof.
    select = visitor.inside("second", "select")
    choice = ActionChains(driver).click(select).send_keys_to_element(select, "all")
    heading = visitor.changed(choice.perform)
    assert "Partition: 2 classes" in heading
    boxes = visitor.run(f"{FIND} return [...view.shadow_el.querySelectorAll('input')]", "layers")
    boxes[2].click()
    assert visitor.run(f"{FIND} return model.active", "layers") == [0, 2]

    # Everything came from the page's own server, and nothing went wrong.
    fetched = visitor.run("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert fetched
    assert all(name.startswith((address, "blob:")) for name in fetched)
    assert [entry for entry in driver.get_log("browser") if entry["level"] in {"WARNING", "SEVERE"}] == []


def test_a_saved_page_works_without_a_server(visitor, tmp_path):
    network, bounds = tracer.example("iris")
    tracer.partition(network, bounds).save(tmp_path / "iris.html")
    visitor.open((tmp_path / "iris.html").as_uri())
    assert visitor.column("sides", "label") == list(network.classes)
    assert visitor.run(f"{FIND} return view.frame.bbox.width > 300", "figure")
    assert visitor.run("return performance.getEntriesByType('resource').length") == 0
