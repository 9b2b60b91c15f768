"""Jobs that the workers of rq_client.py run."""

import os

import redis


def connect():
    return redis.Redis(host="127.0.0.1", port=int(os.environ["PEAL_PORT"]))


def note(name):
    """Tells that it ran; the list has each name as often as it did."""
    connect().rpush("notes", name)
    return name


def add(left, right):
    return left + right


def fail_until(attempts):
    """Fails until it has been tried so often."""
    tried = connect().incr("tried")
    if tried < attempts:
        raise RuntimeError(f"attempt {tried}")
    return tried


def fail():
    raise ValueError("never works")
