# SPDX-License-Identifier: Apache-2.0
"""What a browser shows of pages: the innerText of each body, by Chromium without a window."""

import functools
import html
import http.server
import json
import re
import subprocess
import tempfile
import threading
from pathlib import Path

HARNESS = """<!DOCTYPE html><meta charset="utf-8"><body><script>
const names = %s, shown = {};
async function show(name) {
  const frame = document.createElement("iframe");
  frame.width = 1000;
  frame.src = "/" + name;
  document.body.append(frame);
  await new Promise(loaded => frame.onload = loaded);
  shown[name] = frame.contentDocument.body.innerText;
  frame.remove();
}
(async () => {
  for (const name of names) await show(name);
  document.body.textContent = JSON.stringify(shown);
  document.body.id = "done";
})();
</script>"""


class Handler(http.server.SimpleHTTPRequestHandler):
    harness = ""

    def do_GET(self):
        if self.path != "/harness":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.harness.encode("utf-8"))

    def log_message(self, *_):
        pass


def inner_texts(folder, chromium="chromium"):
    """{name: innerText} of all .html files in a folder."""
    names = sorted(path.name for path in Path(folder).glob("*.html"))

    class WithHarness(Handler):
        harness = HARNESS % json.dumps(names)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(WithHarness, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="admatch-browser-") as profile:
        command = [chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
        command += [f"--user-data-dir={profile}", "--virtual-time-budget=60000", "--timeout=60000", "--dump-dom"]
        command += [f"http://127.0.0.1:{server.server_port}/harness"]
        done = subprocess.run(command, capture_output=True, check=True, timeout=120)
    server.shutdown()
    found = re.search(r'<body id="done">(.*)</body>', done.stdout.decode("utf-8"), re.S)
    if not found:
        raise RuntimeError(f"the browser did not come to an end: {done.stdout[-500:]} {done.stderr[-500:]}")
    return json.loads(html.unescape(found[1]))
