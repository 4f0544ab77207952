"""Servers that keep what they are sent, on free ports of the loopback; standard library only.

    with HttpSink() as http: ... http.url, http.requests
"""

import base64
import email
import email.policy
import http.server
import json
import socketserver
import ssl
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


class SmtpSink:
    """A mail server: `mails` are what it took, {from, to, text, user, tls}. What it says to the next mails is in `replies`
    ("451 later"), or 250 when there is nothing. With `certificate` (a PEM file of key and certificate) it offers STARTTLS."""

    def __init__(self, certificate=None):
        self.mails = []
        self.replies = []
        self.hold = None  # an Event: mails are taken once it is set
        sink = self

        class Handler(socketserver.StreamRequestHandler):
            def say(self, text):
                self.wfile.write((text + "\r\n").encode())
                self.wfile.flush()

            def handle(self):
                try:
                    self.talk()
                except (ConnectionError, OSError):
                    pass

            def talk(self):
                mail = {"to": [], "user": None, "tls": False}
                self.say("220 sink")
                while line := self.rfile.readline().decode().rstrip("\r\n"):
                    word = line.split(" ")[0].upper()
                    if word == "EHLO":
                        tls = certificate is not None and not mail["tls"]
                        self.say("250-sink\r\n" + ("250-STARTTLS\r\n" if tls else "") + "250 AUTH PLAIN")
                    elif word == "STARTTLS":
                        self.say("220 go on")
                        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                        context.load_cert_chain(certificate)
                        self.connection = context.wrap_socket(self.connection, server_side=True)
                        self.rfile = self.connection.makefile("rb")
                        self.wfile = self.connection.makefile("wb")
                        mail["tls"] = True
                    elif word == "AUTH":
                        told = line.split(" ")[2] if line.count(" ") > 1 else None
                        if told is None:
                            self.say("334 ")
                            told = self.rfile.readline().decode().strip()
                        _, user, password = base64.b64decode(told).decode().split("\0")
                        mail["user"] = (user, password)
                        self.say("535 no" if password == "wrong" else "235 yes")
                    elif word == "MAIL":
                        mail["from"] = line.split("<")[1].split(">")[0]
                        self.say("250 yes")
                    elif word == "RCPT":
                        mail["to"].append(line.split("<")[1].split(">")[0])
                        self.say("250 yes")
                    elif word == "DATA":
                        self.say("354 go on")
                        lines = []
                        while (text := self.rfile.readline()) not in (b".\r\n", b""):
                            lines.append(text[1:] if text.startswith(b".") else text)
                        reply = sink.replies.pop(0) if sink.replies else "250 taken"
                        if reply.startswith("250"):
                            sink.mails.append(dict(mail, text=b"".join(lines)))
                        if sink.hold is not None:
                            sink.hold.wait(60)
                        self.say(reply)
                        mail["to"] = []
                    elif word == "QUIT":
                        self.say("221 bye")
                        return
                    else:
                        self.say("250 yes")

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

            def handle_error(self, *arguments):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]

    def messages(self):
        return [email.message_from_bytes(mail["text"], policy=email.policy.default) for mail in self.mails]

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()
        return self

    def __exit__(self, *error):
        if self.hold is not None:
            self.hold.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
