#!/usr/bin/env python3
"""Runs every example against the server at $PEAL_PORT and checks what it prints.

    run_examples.py SUBSCRIBER

SUBSCRIBER is the compiled C++ example.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"
NODE_MODULES = pathlib.Path(__file__).resolve().parent / "node" / "node_modules"
PATIENCE_S = 60 if os.environ.get("PEAL_SANITIZED") else 15


def cli(*words):
    command = ["redis-cli", "-p", os.environ["PEAL_PORT"], *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S).stdout.strip()


class Program:
    """A running example whose output is collected."""

    def __init__(self, *command, **environment):
        self._lines = []
        self._process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=dict(os.environ, **environment),
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            self._lines.append(line.rstrip())

    def expect(self, text):
        deadline = time.monotonic() + PATIENCE_S
        while not any(text in line for line in self._lines):
            assert time.monotonic() < deadline, f"no {text!r} in {self._lines}"
            time.sleep(0.01)

    def say(self, text):
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()

    def finish(self):
        """Ends its input and waits for its own end."""
        self._process.stdin.close()
        code = self._process.wait(timeout=PATIENCE_S)
        self._reader.join()
        assert code == 0, f"ended with {code}: {self._lines}"
        return self._lines

    def stop(self):
        self._process.terminate()
        self._process.wait(timeout=PATIENCE_S)


def session():
    output = Program(EXAMPLES / "session" / "session.sh").finish()
    assert "[channels] a hole in one" in output, output
    assert "[pattern] a hole in one" in output, output
    assert "[pattern] fresh snow" in output, output
    assert "[channels] fresh snow" not in output, output


def chat():
    script = EXAMPLES / "chat" / "chat.py"
    ann = Program(sys.executable, script, "lobby", "ann")
    ann.expect("* ann enters lobby")
    bob = Program(sys.executable, script, "lobby", "bob")
    ann.expect("* bob enters lobby")
    bob.expect("* bob enters lobby")
    ann.say("hello")
    bob.expect("<ann> hello")
    bob.say("hi ann")
    ann.expect("<bob> hi ann")
    bob.finish()
    ann.expect("* bob leaves")
    ann.finish()


def notifier():
    if shutil.which("node") is None or not NODE_MODULES.exists():
        return "left out: no Node clients"
    program = Program("node", EXAMPLES / "notifier" / "notifier.js", "2", NODE_PATH=str(NODE_MODULES))
    program.expect("listening")
    assert cli("publish", "orders.42.shipped", "by train") == "1"
    program.expect("order 42: shipped (by train)")
    cli("publish", "orders.43.paid", "")
    program.expect("order 43: paid")
    program.finish()
    return None


def subscriber():
    program = Program(sys.argv[1], "news.golf", "news.*")
    program.expect("listening to news.golf")
    program.expect("listening to news.*")
    assert cli("publish", "news.golf", "hole in one") == "2"
    program.expect("news.golf: hole in one")
    program.expect("news.golf: hole in one  (by news.*)")
    program.stop()


def cache_aside():
    output = Program(sys.executable, EXAMPLES / "cache-aside" / "cache_aside.py").finish()
    shown = [line for line in output if line.startswith("user:1 = ")]
    assert shown[0] == "user:1 = value of user:1 from the database (loaded)", output
    assert "user:1 = changed by somebody else (server)" in shown, output
    assert len(shown) == 5, output
    assert "dropped the copy of user:1: set" in output, output


def main():
    if len(sys.argv) != 2:
        return __doc__
    for example in (session, chat, notifier, subscriber, cache_aside):
        note = example()
        print(f"PASS examples: {example.__name__}{f' ({note})' if note else ''}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
