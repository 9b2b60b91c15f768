#!/usr/bin/env python3
"""Runs a command against a server of its own and checks that both end well.

    with_server.py SERVER COMMAND [ARGUMENT...]

SERVER is a peal-server or a redis-server ($PEAL_SERVER takes its place if set). It listens on a free
port of 127.0.0.1, which the command finds in $PEAL_PORT. The exit code is 0 when the command
succeeded, the server ended cleanly on SIGTERM and no sanitizer complained.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

SLOWNESS = 4 if os.environ.get("PEAL_SANITIZED") else 1
REPORTS = ("AddressSanitizer", "ThreadSanitizer", "LeakSanitizer", "runtime error:")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


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


def start(program, directory, log):
    port = free_port()
    arguments = [program, "--port", str(port), "--dir", directory, "--enable-debug-command", "yes"]
    if os.path.basename(program).startswith("redis-server"):
        arguments += ["--save", ""]
    else:
        arguments += ["--io-threads", "4"]
    # The server takes directives from PEAL_*; those of the tests are not for it.
    environment = {name: value for name, value in os.environ.items() if name[:5] != "PEAL_"}
    return port, subprocess.Popen(
        arguments, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
    )


def run(program, command):
    with tempfile.TemporaryDirectory(prefix="peal-test-") as directory:
        log_path = os.path.join(directory, "log.txt")
        with open(log_path, "wb") as log:
            port, server = start(program, directory, log)
        ok = True
        try:
            if not wait_until_accepting(port, server):
                print(f"FAIL {program} did not start")
                ok = False
            else:
                environment = dict(os.environ, PEAL_PORT=str(port))
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
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(0 if run(os.environ.get("PEAL_SERVER") or sys.argv[1], sys.argv[2:]) else 1)
