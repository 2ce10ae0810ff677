# SPDX-License-Identifier: Apache-2.0
"""A browser for tests: Debian's chromium by its chromedriver, over the WebDriver protocol (W3C), by Python's own library."""

import base64
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from harness import eventually, free_port  # noqa: E402

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key of an element's id, by the standard
PATIENCE = 60


class Refusal(Exception):
    """What the driver answers instead of a value: "no such element", ..."""


class Driver:
    """One chromedriver, which ends with the test."""

    def __init__(self, folder):
        self.port = free_port()
        self.folder = folder
        self.log = open(folder / "chromedriver.log", "ab")
        self.process = subprocess.Popen([shutil.which("chromedriver"), f"--port={self.port}"], stdout=self.log, stderr=self.log, start_new_session=True)
        eventually("chromedriver answers", self.is_ready, PATIENCE)

    def is_ready(self):
        with contextlib.suppress(OSError):
            return self.ask("GET", "/status")["ready"]
        return False

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
            response = connection.getresponse()
            value = json.loads(response.read())["value"]
        finally:
            connection.close()
        if response.status != 200:
            raise Refusal(f"{value['error']}: {value['message']}")
        return value

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.log.close()


class Browser:
    """One window, without a screen."""

    def __init__(self, driver):
        arguments = ["--headless=new", f"--user-data-dir={driver.folder}/profile-{time.monotonic_ns()}", "--disable-dev-shm-usage", "--hide-scrollbars"]
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")
        options = {"args": arguments, "binary": shutil.which("chromium"), "perfLoggingPrefs": {"enableNetwork": True}}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
        self.driver = driver
        session = driver.ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.path = f"/session/{session['sessionId']}"

    def ask(self, method, path, body=None):
        return self.driver.ask(method, self.path + path, body)

    def close(self):
        self.ask("DELETE", "")

    def resize(self, width, height=800):
        """As the screen of a phone where it is narrow: a window would not be made that small."""
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.ask("POST", "/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": screen})

    def open(self, url):
        self.ask("POST", "/url", {"url": url})

    @property
    def url(self):
        return self.ask("GET", "/url")

    def run(self, script, *arguments):
        """The value of a function's body, run in the page."""
        return self.ask("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def find(self, selector):
        found = self.ask("POST", "/elements", {"using": "css selector", "value": selector})
        return [Element(self, each[ELEMENT]) for each in found]

    def one(self, selector):
        found = self.find(selector)
        assert len(found) == 1, f"{len(found)} elements are {selector}"
        return found[0]

    def in_frame(self, frame, script):
        self.ask("POST", "/frame", {"id": {ELEMENT: frame.identity}})
        try:
            return self.run(script)
        finally:
            self.ask("POST", "/frame", {"id": None})

    def console(self):
        """What the console has got since the last call: (level, text)."""
        return [(entry["level"], entry["message"]) for entry in self.ask("POST", "/se/log", {"type": "browser"})]

    def requested(self):
        """The addresses that the browser has asked for since the last call."""
        messages = [json.loads(entry["message"])["message"] for entry in self.ask("POST", "/se/log", {"type": "performance"})]
        return [message["params"]["request"]["url"] for message in messages if message["method"] == "Network.requestWillBeSent"]

    def screenshot(self, path):
        """All of the page, not only what the window shows."""
        width, height, whole = self.run("return [innerWidth, innerHeight, document.documentElement.scrollHeight]")
        self.resize(width, whole)
        path.write_bytes(base64.b64decode(self.ask("GET", "/screenshot")))
        self.resize(width, height)


class Element:
    def __init__(self, browser, identity):
        self.browser, self.identity = browser, identity

    def ask(self, method, path, body=None):
        return self.browser.ask(method, f"/element/{self.identity}{path}", body)

    @property
    def text(self):
        return self.ask("GET", "/text")

    def property(self, name):
        return self.ask("GET", f"/property/{name}")

    def type(self, text):
        self.ask("POST", "/value", {"text": text})

    def click(self):
        self.ask("POST", "/click", {})
