"""A headless Chromium that tests drive: DevTools messages over a pipe, no server and no network."""

import base64
import fcntl
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
OPTIONS = (
    *("--headless", "--no-sandbox", "--remote-debugging-pipe", "--use-gl=angle", "--use-angle=swiftshader"),
    *("--enable-unsafe-swiftshader", "--hide-scrollbars", "--disable-extensions", "--no-first-run", "--mute-audio"),
)
PATIENCE = 60.0
"""Seconds in which an answer must come."""


class Chromium:
    """A browser with one page open.

    Args:
        program: The browser.
        folder: An empty folder for its profile.
        size: Width and height of the window.
    """

    def __init__(self, program, folder, size=(1100, 760)):
        (theirs_in, self.into), (self.out, theirs_out) = os.pipe(), os.pipe()
        theirs = (theirs_in, theirs_out)

        def place():
            kept = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in theirs]
            for fd, wanted in zip(kept, (3, 4), strict=True):
                os.dup2(fd, wanted)

        command = [program, *OPTIONS, f"--user-data-dir={folder}", f"--window-size={size[0]},{size[1]}", "about:blank"]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, **quiet, preexec_fn=place, close_fds=False, start_new_session=True)
        for fd in theirs:
            os.close(fd)
        os.set_blocking(self.out, False)
        self.rest, self.number, self.session, self.events = b"", 0, None, []
        target = next(part for part in self.ask("Target.getTargets")["targetInfos"] if part["type"] == "page")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.ask(f"{domain}.enable")

    def message(self):
        """The next message that comes."""
        until = time.monotonic() + PATIENCE
        while b"\0" not in self.rest:
            try:
                self.rest += os.read(self.out, 1 << 20)
            except BlockingIOError:
                assert time.monotonic() < until, "the browser does not answer"
                time.sleep(0.005)
        first, _, self.rest = self.rest.partition(b"\0")
        return json.loads(first)

    def ask(self, method, **parameters):
        """The answer to a command."""
        self.number += 1
        sent = {"id": self.number, "method": method, "params": parameters} | (
            {"sessionId": self.session} if self.session else {}
        )
        os.write(self.into, json.dumps(sent).encode() + b"\0")
        while True:
            found = self.message()
            if found.get("id") == self.number:
                assert "error" not in found, found
                return found["result"]
            self.events.append(found)

    def open(self, path):
        """Show a page, and wait until its script has run."""
        self.ask("Page.navigate", url=Path(path).as_uri())
        until = time.monotonic() + PATIENCE
        while self.run("document.readyState") != "complete":
            assert time.monotonic() < until
            time.sleep(0.05)

    def beforehand(self, code):
        """Run code in each page from now on before its own; returns what takes that back."""
        number = self.ask("Page.addScriptToEvaluateOnNewDocument", source=code)["identifier"]
        return lambda: self.ask("Page.removeScriptToEvaluateOnNewDocument", identifier=number)

    def run(self, expression):
        """The value of an expression in the page; promises are waited for."""
        found = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def told(self, method):
        """What the page has told by an event so far."""
        return [event["params"] for event in self.events if event.get("method") == method]

    def mouse(self, kind, x, y, **more):
        """A mouse event at a place in the window."""
        self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def drag(self, start, end, steps=5):
        """Press the mouse, move it, let it go."""
        self.mouse("mousePressed", *start, button="left", buttons=1, clickCount=1)
        for step in range(1, steps + 1):
            place = [a + (b - a) * step / steps for a, b in zip(start, end, strict=True)]
            self.mouse("mouseMoved", *place, button="left", buttons=1)
        self.mouse("mouseReleased", *end, button="left", buttons=0, clickCount=1)

    def picture(self, width, height, before=""):
        """What ``window.headsmith.readPixels`` gives, RGB, rows downwards; at once after some other code."""
        code = f"(() => {{ {before}; const b = headsmith.readPixels(); let s = ''; for (let i = 0; i < b.length; i += 8192)"
        text = self.run(code + " s += String.fromCharCode(...b.subarray(i, i + 8192)); return btoa(s); })()")
        return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)[..., :3]

    def screenshot(self, path):
        """Save what the window shows, PNG."""
        Path(path).write_bytes(base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"]))

    def close(self):
        """End the browser and all of its processes."""
        os.write(self.into, json.dumps({"id": 0, "method": "Browser.close", "params": {}}).encode() + b"\0")
        try:
            self.process.wait(10)
        finally:
            os.close(self.into)
            os.close(self.out)
            if self.process.poll() is None:
                os.killpg(self.process.pid, 9)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """A browser for all tests of a session; they are skipped where there is none."""
    program = next((path for path in map(shutil.which, NAMES) if path), None)
    if program is None:
        pytest.skip("there is no Chromium here to open the viewer's page in")
    browser = Chromium(program, tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()
