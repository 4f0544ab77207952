"""Servers that keep what they are sent, on free ports of the loopback; standard library only.

    with HttpSink() as http: ... http.url, http.requests
"""

import http.server
import json
import threading


class HttpSink:
    """Answers by path: /status/N, /json, /large/BYTES, /redirect/N, /echo; or what `answers[path]` says: (status, type, body)."""

    def __init__(self):
        self.requests = []
        self.answers = {}
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                pass

            def handle_any(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                sink.requests.append({"method": self.command, "path": self.path, "headers": dict(self.headers), "body": body.decode()})
                status, kind, answer, more = sink.answer(self.command, self.path, body)
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = handle_any

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def answer(self, method, path, body):
        path = path.split("?")[0]
        if path in self.answers:
            status, kind, text = self.answers[path]
            return status, kind, text.encode(), {}
        parts = path.strip("/").split("/")
        if parts[0] == "status":
            return int(parts[1]), "text/plain", f"this is {parts[1]}\nmore".encode(), {}
        if parts[0] == "large":
            return 200, "text/plain", b"x" * int(parts[1]), {}
        if parts[0] == "redirect":
            left = int(parts[1])
            return (302, "text/plain", b"", {"Location": f"/redirect/{left - 1}"}) if left else (200, "text/plain", b"there", {})
        return 200, "application/json", json.dumps({"method": method, "path": path, "body": body.decode()}).encode(), {}

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
