#!/usr/bin/env python3
"""python3-redis: what its users do with pub/sub, keys and transactions. Needs $PEAL_PORT; over TLS, as
the user $PEAL_USER, if $PEAL_TLS_CA is set."""

import os
import sys
import threading
import time

import redis

PORT = int(os.environ["PEAL_PORT"])
PATIENCE_S = 40 if os.environ.get("PEAL_SANITIZED") else 10


def connect(**options):
    if "PEAL_TLS_CA" in os.environ:
        options.update(
            ssl=True,
            ssl_ca_certs=os.environ["PEAL_TLS_CA"],
            ssl_certfile=os.environ["PEAL_TLS_CERT"],
            ssl_keyfile=os.environ["PEAL_TLS_KEY"],
            username=os.environ["PEAL_USER"],
            password=os.environ["PEAL_PASSWORD"],
        )
    return redis.Redis(host="127.0.0.1", port=PORT, socket_timeout=PATIENCE_S, **options)


def next_message(pubsub, kind):
    """The next message of `kind`; other kinds are skipped. A lost connection is opened again."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            message = pubsub.get_message(timeout=0.2)
        except redis.ConnectionError:
            continue
        if message is not None and message["type"] == kind:
            return message
    raise AssertionError(f"no {kind} in time")


def subscribing():
    client = connect()
    pubsub = client.pubsub()
    pubsub.subscribe("news", "other")
    assert [next_message(pubsub, "subscribe")["data"] for _ in range(2)] == [1, 2]
    assert client.publish("news", "hello") == 1
    message = next_message(pubsub, "message")
    assert (message["channel"], message["data"]) == (b"news", b"hello")
    pubsub.unsubscribe("news")
    assert next_message(pubsub, "unsubscribe")["data"] == 1
    assert client.publish("news", "nobody") == 0
    pubsub.unsubscribe()
    assert next_message(pubsub, "unsubscribe")["data"] == 0
    pubsub.close()


def patterns_and_handlers():
    client = connect()
    heard = []
    pubsub = client.pubsub(ignore_subscribe_messages=True)
    pubsub.psubscribe(**{"news.*": heard.append, "*.golf": heard.append})
    thread = pubsub.run_in_thread(sleep_time=0.01)
    deadline = time.monotonic() + PATIENCE_S
    while client.pubsub_numpat() < 2 and time.monotonic() < deadline:
        time.sleep(0.005)
    assert client.publish("news.golf", b"\x00\xff binary") == 2
    while len(heard) < 2 and time.monotonic() < deadline:
        time.sleep(0.005)
    thread.stop()
    thread.join()
    assert sorted(message["pattern"] for message in heard) == [b"*.golf", b"news.*"]
    assert all(message["data"] == b"\x00\xff binary" for message in heard)


def health_checks_while_subscribed():
    client = connect(health_check_interval=1)
    pubsub = client.pubsub()
    pubsub.subscribe("quiet")
    next_message(pubsub, "subscribe")
    pubsub.ping()
    assert next_message(pubsub, "pong")["data"] == b""
    pubsub.ping("are you there")
    assert next_message(pubsub, "pong")["data"] == b"are you there"
    pubsub.close()


def introspection():
    client = connect()
    pubsub = client.pubsub()
    pubsub.subscribe("intro.a", "intro.b")
    for _ in range(2):
        next_message(pubsub, "subscribe")
    assert sorted(client.pubsub_channels("intro.*")) == [b"intro.a", b"intro.b"]
    assert client.pubsub_numsub("intro.a", "none") == [(b"intro.a", 1), (b"none", 0)]
    pubsub.close()


def reconnecting():
    client = connect()
    pubsub = client.pubsub()
    pubsub.subscribe("again")
    pubsub.psubscribe("again*")
    next_message(pubsub, "subscribe")
    next_message(pubsub, "psubscribe")
    assert client.client_kill_filter(_type="pubsub") == 1
    # The library opens the connection again and subscribes to what it held.
    next_message(pubsub, "subscribe")
    next_message(pubsub, "psubscribe")
    assert client.publish("again", "back") == 2
    assert next_message(pubsub, "message")["data"] == b"back"
    pubsub.close()


def sharded():
    client = connect()
    pubsub = client.pubsub()
    pubsub.execute_command("SSUBSCRIBE", "shard")
    assert pubsub.parse_response() == [b"ssubscribe", b"shard", 1]
    assert client.execute_command("SPUBLISH", "shard", "hello") == 1
    assert pubsub.parse_response() == [b"smessage", b"shard", b"hello"]
    assert client.execute_command("PUBSUB", "SHARDNUMSUB", "shard") == [b"shard", 1]
    pubsub.close()


def pipelines_and_transactions():
    client = connect(decode_responses=True)
    client.flushall()
    with client.pipeline(transaction=False) as pipe:
        for number in range(2000):
            pipe.set(f"key:{number}", number)
        assert pipe.execute() == [True] * 2000
    assert len(list(client.scan_iter(match="key:*", count=100))) == 2000
    assert client.mget("key:0", "none", "key:1999") == ["0", None, "1999"]

    def add(pipe):
        value = int(pipe.get("total") or 0)
        pipe.multi()
        pipe.set("total", value + 1)

    threads = [
        threading.Thread(target=lambda: [client.transaction(add, "total") for _ in range(20)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.get("total") == "80"


def strings_and_expiry():
    client = connect(decode_responses=True)
    assert client.set("k", "v", ex=100, nx=True)
    assert client.set("k", "w", nx=True) is None
    assert client.set("k", "w", keepttl=True, get=True) == "v"
    assert 0 < client.ttl("k") <= 100
    assert client.getex("k", persist=True) == "w"
    assert client.ttl("k") == -1
    assert client.incrbyfloat("f", 1.5) == 1.5
    assert client.getdel("k") == "w"
    try:
        client.set("text", "abc")
        client.incr("text")
        raise AssertionError("INCR of text succeeded")
    except redis.ResponseError as error:
        assert str(error) == "value is not an integer or out of range"


def keyspace_events():
    client = connect()
    client.config_set("notify-keyspace-events", "KEA")
    pubsub = client.pubsub()
    pubsub.psubscribe("__key*__:*")
    next_message(pubsub, "psubscribe")
    client.set("watched", "v", px=30)
    seen = [next_message(pubsub, "pmessage") for _ in range(6)]
    assert [(m["channel"], m["data"]) for m in seen] == [
        (b"__keyspace@0__:watched", b"set"),
        (b"__keyevent@0__:set", b"watched"),
        (b"__keyspace@0__:watched", b"expire"),
        (b"__keyevent@0__:expire", b"watched"),
        (b"__keyspace@0__:watched", b"expired"),
        (b"__keyevent@0__:expired", b"watched"),
    ]
    client.config_set("notify-keyspace-events", "")
    pubsub.close()


def administration():
    client = connect(client_name="python")
    assert client.client_getname() == "python" or client.client_getname() == b"python"
    info = client.info()
    assert info["role"] == "master" and info["redis_version"].startswith("7.")
    assert any(row["name"] == "python" for row in client.client_list())
    assert int(client.config_get("maxclients")["maxclients"]) > 0
    assert client.command_count() > 50
    assert client.command()["get"]["arity"] == 2
    assert client.slowlog_len() >= 0
    assert client.time()[0] > 1_700_000_000


def rights():
    """A user without the rights of an administrator is told so, and goes on."""
    client = connect()
    assert client.acl_whoami() == os.environ["PEAL_USER"]
    try:
        client.acl_list()
    except redis.exceptions.NoPermissionError:
        assert client.ping()
    else:
        raise AssertionError("ACL LIST is allowed")


def main():
    for test in (
        subscribing,
        patterns_and_handlers,
        health_checks_while_subscribed,
        introspection,
        reconnecting,
        sharded,
        pipelines_and_transactions,
        strings_and_expiry,
        keyspace_events,
        *([rights] if "PEAL_USER" in os.environ else [administration]),
    ):
        test()
        print(f"PASS python3-redis {redis.__version__}: {test.__name__}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
