#!/usr/bin/env python3
"""A timestamp service (RFC 3161) on the loopback, by openssl. usage: timestamps.py FOLDER

Makes its certificates in FOLDER: root.pem is what its answers are verified against. Prints its URL and serves until its
standard input ends."""

import http.server
import os
import subprocess
import sys
import threading
from pathlib import Path

CONFIG = """[req]
distinguished_name = name
[name]
[root]
basicConstraints = critical,CA:TRUE
[signer]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[tsa]
serial = serial
signer_cert = signer.pem
signer_key = signer.key
certs = root.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
"""


def openssl(folder, *arguments, stdin=None):
    return subprocess.run(["openssl", *arguments], cwd=folder, input=stdin, check=True, capture_output=True).stdout


def make_certificates(folder):
    (folder / "tsa.cnf").write_text(CONFIG, encoding="ascii")
    (folder / "serial").write_text("01\n", encoding="ascii")
    new_key = ["-config", "tsa.cnf", "-newkey", "rsa:2048", "-noenc"]
    openssl(folder, "req", "-x509", *new_key, "-keyout", "root.key", "-out", "root.pem", "-days", "7300", "-subj", "/CN=times",
            "-extensions", "root")
    openssl(folder, "req", *new_key, "-keyout", "signer.key", "-out", "signer.csr", "-subj", "/CN=time")
    openssl(folder, "x509", "-req", "-in", "signer.csr", "-CA", "root.pem", "-CAkey", "root.key", "-set_serial", "2", "-days",
            "7300", "-extfile", "tsa.cnf", "-extensions", "signer", "-out", "signer.pem")


class Service(http.server.BaseHTTPRequestHandler):
    def do_POST(self):  # the name is http.server's
        (self.server.folder / "query").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
        answer = openssl(self.server.folder, "ts", "-reply", "-config", "tsa.cnf", "-section", "tsa", "-queryfile", "query")
        self.send_response(200)
        self.send_header("Content-Type", "application/timestamp-reply")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    make_certificates(folder)
    server = http.server.HTTPServer(("127.0.0.1", 0), Service)
    server.folder = folder
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
