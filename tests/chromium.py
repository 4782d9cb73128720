"""A headless Chromium driven over its own protocol: opens pages, runs JavaScript, takes pictures, hears errors."""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect


def find_chromium() -> str | None:
    """The program, when the machine has one."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((found for name in names if (found := shutil.which(name))), None)


class Chromium:
    """``with Chromium(width, height) as browser: browser.open(path)``; skips the test where there is no Chromium."""

    def __init__(self, width: int = 1280, height: int = 720) -> None:
        program = find_chromium()
        if program is None:
            pytest.skip("needs Chromium on the PATH to open pages as a person would")
        self.errors: list[str] = []
        self._ids = itertools.count(1)
        self._session: str | None = None
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            [
                program, "--headless=new", "--no-sandbox", "--disable-gpu-sandbox", "--use-gl=angle",
                "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--remote-debugging-port=0",
                "--autoplay-policy=no-user-gesture-required", "--disable-dev-shm-usage", "--no-first-run",
                f"--user-data-dir={self._profile.name}", f"--window-size={width},{height}", "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            self._socket = self._attach()
            for domain in ("Page", "Runtime", "Log"):
                self.call(f"{domain}.enable")
            self.size(width, height)
        except BaseException:
            self.__exit__(None, None, None)
            raise

    def _attach(self) -> ClientConnection:
        port_file = Path(self._profile.name, "DevToolsActivePort")
        deadline = time.monotonic() + 60.0
        while not (port_file.exists() and port_file.read_text().strip()):
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError("Chromium did not start")
            time.sleep(0.05)
        port = port_file.read_text().split()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
            target = next(item for item in json.load(answer) if item["type"] == "page")
        return connect(target["webSocketDebuggerUrl"], max_size=None)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the protocol; errors that the page reports meanwhile are collected in ``errors``."""
        number = next(self._ids)
        inner = {"sessionId": self._session} if self._session and method.startswith(("Runtime.", "Log.")) else {}
        self._socket.send(json.dumps({"id": number, "method": method, "params": params} | inner))
        while True:
            message = json.loads(self._socket.recv(timeout=120))
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            self._listen(message)

    def _listen(self, message: dict[str, Any]) -> None:
        params = message.get("params", {})
        if message.get("method") == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description") or details["text"])
        elif message.get("method") == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.errors.append(" ".join(str(item.get("value", item.get("description"))) for item in params["args"]))
        elif message.get("method") == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.errors.append(params["entry"]["text"])

    def size(self, width: int, height: int, ratio: float = 1.0, mobile: bool = False) -> None:
        """Window size in CSS pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=ratio, mobile=mobile
        )

    def open(self, page: Path | str, ready: str = "window.__interdance", seconds: float = 60.0) -> None:
        """Open a file or address and wait until the JavaScript expression ``ready`` is true."""
        self.call("Page.navigate", url=page.resolve().as_uri() if isinstance(page, Path) else page)
        self.wait(ready, seconds)

    def wait(self, expression: str, seconds: float = 30.0) -> None:
        """Wait until a JavaScript expression is true."""
        deadline = time.monotonic() + seconds
        while not self.run(f"Boolean({expression})"):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not true after {seconds} s: {expression}; page errors: {self.errors}")
            time.sleep(0.05)

    def run(self, expression: str) -> Any:
        """The value of a JavaScript expression; promises are awaited."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True, userGesture=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"].get("exception", {}).get("description", "JavaScript failed"))
        return answer["result"].get("value")

    def press(self, key: str, code: str, **more: Any) -> None:
        """Press and release a key."""
        text = {"text": key} if len(key) == 1 else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=code, **text, **more)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=code, **more)

    def click(self, selector: str, across: float = 0.5) -> None:
        """Bring an element into view and click it, by default in its middle, else at a share of its width."""
        x, y = self._place(selector, across)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def drag(self, selector: str, first: float, last: float, shift: bool = False) -> None:
        """Drag along an element, from one share of its width to another."""
        steps = [first + share * (last - first) for share in (0.0, 0.5, 1.0)]
        kinds = ("mousePressed", "mouseMoved", "mouseMoved", "mouseReleased")
        for kind, across in zip(kinds, (*steps, last), strict=True):
            x, y = self._place(selector, across)
            self.call(
                "Input.dispatchMouseEvent",
                **{"type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1, "modifiers": 8 * shift},
            )

    def _place(self, selector: str, across: float) -> tuple[float, float]:
        x, y = self.run(
            f"(() => {{ const found = document.querySelector({json.dumps(selector)});"
            " found.scrollIntoView({ block: 'nearest' }); const b = found.getBoundingClientRect();"
            f" return [b.left + {across} * b.width, b.top + b.height / 2]; }})()"
        )
        return x, y

    def enter_frame(self) -> None:
        """From now on run JavaScript in the one frame of the page that has a process of its own, as sandboxed frames have."""
        deadline = time.monotonic() + 30.0
        while not (found := [it for it in self.call("Target.getTargets")["targetInfos"] if it["type"] == "iframe"]):
            if time.monotonic() > deadline:
                raise TimeoutError("no frame with a process of its own")
            time.sleep(0.05)
        self._session = self.call("Target.attachToTarget", targetId=found[0]["targetId"], flatten=True)["sessionId"]
        for domain in ("Runtime", "Log"):
            self.call(f"{domain}.enable")

    def choose(self, selector: str, *files: Path) -> None:
        """Choose files in an input, as the browser's dialog does."""
        document = self.call("DOM.getDocument")["root"]["nodeId"]
        found = self.call("DOM.querySelector", nodeId=document, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=found, files=[str(path.resolve()) for path in files])

    def picture(self, path: Path) -> None:
        """Save what the page shows as PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def __enter__(self) -> Chromium:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if hasattr(self, "_socket"):
            self._socket.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._profile.cleanup()
