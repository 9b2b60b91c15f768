#!/usr/bin/env python3
"""Cache-aside with keyspace events: local copies that never stay stale.

    examples/cache-aside/cache_aside.py

A program keeps copies of what it read, which costs no round trip at all, and listens to the
server's keyspace events to drop a copy as soon as its key changes, is deleted or expires.
"""

import os
import sys
import time

import redis


def say(text):
    # One write for a whole line: the listener's thread prints, too.
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class LocalCache:
    """Copies of string keys in this process, dropped when the server says that a key changed."""

    def __init__(self, server, load):
        """`load(key)` produces a value that the server does not have either."""
        self._server = server
        self._load = load
        self._copies = {}
        # K: channels __keyspace@<db>__:<key>; $: string commands; g: DEL, EXPIRE and the like; x: expiry.
        server.config_set("notify-keyspace-events", "K$gx")
        self._events = server.pubsub()
        self._events.psubscribe(**{"__keyspace@0__:*": self._drop})
        self._events.get_message(timeout=10)  # the acknowledgement: from here on nothing is missed
        self._thread = self._events.run_in_thread(sleep_time=0.05, daemon=True)

    def get(self, key, lifetime_s=60):
        if key in self._copies:
            return self._copies[key], "local copy"
        value = self._server.get(key)
        if value is not None:
            source = "server"
        else:
            value = self._load(key)
            source = "loaded"
        # Before it is stored: the event of storing it may be here before set() returns.
        self._copies[key] = value
        if source == "loaded":
            self._server.set(key, value, ex=lifetime_s)
        return value, source

    def _drop(self, message):
        key = message["channel"].split(":", 1)[1]
        if self._copies.pop(key, None) is not None:
            say(f"dropped the copy of {key}: {message['data']}")

    def holds(self, key):
        return key in self._copies

    def close(self):
        self._thread.stop()
        self._thread.join()


def wait_until_dropped(cache, key):
    end = time.monotonic() + 10
    while cache.holds(key) and time.monotonic() < end:
        time.sleep(0.01)


def show(cache, key):
    value, source = cache.get(key)
    say(f"{key} = {value} ({source})")


def main():
    server = redis.Redis(port=int(os.environ.get("PEAL_PORT", 6379)), decode_responses=True)
    server.delete("user:1")
    cache = LocalCache(server, load=lambda key: f"value of {key} from the database")

    show(cache, "user:1")  # nobody has it: it is loaded and stored
    wait_until_dropped(cache, "user:1")  # storing it was a change as well
    show(cache, "user:1")  # from the server
    show(cache, "user:1")  # from this process

    server.set("user:1", "changed by somebody else")
    wait_until_dropped(cache, "user:1")
    show(cache, "user:1")

    server.pexpire("user:1", 50)
    wait_until_dropped(cache, "user:1")
    show(cache, "user:1")
    cache.close()


if __name__ == "__main__":
    main()
