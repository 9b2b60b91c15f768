#!/usr/bin/env python3
"""Runs a command against a server of its own and checks that both end well.

    with_server.py [--tls] SERVER COMMAND [ARGUMENT...]

SERVER is a peal-server or a redis-server ($PEAL_SERVER takes its place if set). It listens on a free
port of 127.0.0.1, which the command finds in $PEAL_PORT. With --tls that port speaks TLS, wants a certificate, and
knows one user with a password and without the rights of an administrator, the default user being off: $PEAL_TLS_CA,
$PEAL_TLS_CERT and $PEAL_TLS_KEY name the files, $PEAL_USER and $PEAL_PASSWORD the user. The exit code is 0 when the
command succeeded, the server ended cleanly on SIGTERM and no sanitizer complained.
"""

import hashlib
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time

SLOWNESS = 4 if os.environ.get("PEAL_SANITIZED") else 1
USER, PASSWORD = "application", "correct horse"
RIGHTS = ("on", "~*", "&*", "+@all", "-@admin", "+client|kill", "+client|list", "+config|set")
REPORTS = ("AddressSanitizer", "ThreadSanitizer", "LeakSanitizer", "runtime error:")


def free_port():
    """Below those that the system gives to connections: another program's may take none of them meanwhile."""
    while True:
        port = random.randrange(10_000, 30_000)
        with socket.socket() as probe:
            try:
                probe.bind(("", port))
                return port
            except OSError:
                pass


def wait_until_accepting(port, server):
    deadline = time.monotonic() + 10 * SLOWNESS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as probe:
                probe.sendall(b"PING\r\n")
                if probe.recv(64):
                    return True
        except OSError:
            time.sleep(0.01)
    return False


def make_certificates(directory):
    """An authority, and a certificate for server and client alike; the arguments of the server."""

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)

    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *new_key, "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.crt")
    openssl("req", *new_key, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-keyout", "own.key", "-out", "own.csr")
    openssl("x509", "-req", "-in", "own.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
            "-copy_extensions", "copy", "-out", "own.crt")
    path = lambda name: os.path.join(directory, name)
    return ["--tls-cert-file", path("own.crt"), "--tls-key-file", path("own.key"),
            "--tls-ca-cert-file", path("ca.crt"), "--tls-auth-clients", "yes"]


def make_users(directory):
    """The name of a file with the users of the server."""
    name = os.path.join(directory, "users.acl")
    with open(name, "w", encoding="ascii") as file:
        digest = hashlib.sha256(PASSWORD.encode()).hexdigest()
        file.write(f"user default off\nuser {USER} #{digest} {' '.join(RIGHTS)}\n")
    return name


def start(program, directory, log, tls):
    """The port that is waited for, the port to test, and the process."""
    port = tested = free_port()
    arguments = [program, "--port", str(port), "--dir", directory, "--enable-debug-command", "yes"]
    if tls:
        tested = free_port()
        arguments += ["--tls-port", str(tested)] + make_certificates(directory)
        arguments += ["--aclfile", make_users(directory)]
    if os.path.basename(program).startswith("redis-server"):
        arguments += ["--save", ""]
    else:
        arguments += ["--io-threads", "4"]
    # The server takes directives from PEAL_*; those of the tests are not for it.
    environment = {name: value for name, value in os.environ.items() if name[:5] != "PEAL_"}
    return port, tested, subprocess.Popen(
        arguments, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
    )


def run(program, command, tls):
    with tempfile.TemporaryDirectory(prefix="peal-test-") as directory:
        log_path = os.path.join(directory, "log.txt")
        with open(log_path, "wb") as log:
            port, tested, server = start(program, directory, log, tls)
        ok = True
        try:
            if not wait_until_accepting(port, server):
                print(f"FAIL {program} did not start")
                ok = False
            else:
                environment = dict(os.environ, PEAL_PORT=str(tested))
                if tls:
                    environment.update(
                        PEAL_TLS_CA=os.path.join(directory, "ca.crt"),
                        PEAL_TLS_CERT=os.path.join(directory, "own.crt"),
                        PEAL_TLS_KEY=os.path.join(directory, "own.key"),
                        PEAL_USER=USER,
                        PEAL_PASSWORD=PASSWORD,
                    )
                ok = subprocess.run(command, env=environment, timeout=120 * SLOWNESS).returncode == 0
        except subprocess.TimeoutExpired:
            print("FAIL the command did not end in time")
            ok = False
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                code = server.wait(timeout=20 * SLOWNESS)
            except subprocess.TimeoutExpired:
                server.kill()
                code = server.wait()
        with open(log_path, encoding="utf-8", errors="replace") as log:
            text = log.read()
        if code != 0 or any(report in text for report in REPORTS):
            print(f"FAIL the server ended with {code}")
            ok = False
        if not ok:
            print(text[-8000:])
        return ok


if __name__ == "__main__":
    words = sys.argv[1:]
    with_tls = words[:1] == ["--tls"]
    words = words[1:] if with_tls else words
    if len(words) < 2:
        sys.exit(__doc__)
    sys.exit(0 if run(os.environ.get("PEAL_SERVER") or words[0], words[1:], with_tls) else 1)
