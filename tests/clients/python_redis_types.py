#!/usr/bin/env python3
"""python3-redis: each family of commands as its documentation shows it. Needs $PEAL_PORT.

What is expected was observed on redis-server 7.0.15; with PEAL_SERVER=redis-server the same script
runs there.
"""

import os
import sys
import threading

import redis

PORT = int(os.environ["PEAL_PORT"])
PATIENCE_S = 40 if os.environ.get("PEAL_SANITIZED") else 10


def connect(**options):
    options.setdefault("decode_responses", True)
    return redis.Redis(host="127.0.0.1", port=PORT, socket_timeout=PATIENCE_S, **options)


def equal(actual, expected):
    if actual != expected:
        raise AssertionError(f"{actual!r} is not {expected!r}")


def refused(call, text):
    try:
        call()
    except redis.ResponseError as error:
        if text not in str(error):
            raise
        return
    raise AssertionError(f"not refused: {text}")


def strings(r):
    equal(r.set("foo", "bar"), True)
    equal(r.get("foo"), "bar")
    equal(r["foo"], "bar")
    equal("nothing" in r, False)
    equal(r.append("foo", "!"), 4)
    equal(r.strlen("foo"), 4)
    equal(r.setrange("foo", 6, "x"), 7)
    equal(r.getrange("foo", 0, 3), "bar!")
    equal(r.mset({"a": "1", "b": "2"}), True)
    equal(r.mget("a", "b", "none"), ["1", "2", None])
    equal(r.msetnx({"a": "3", "c": "3"}), False)
    equal(r.incr("a", 41), 42)
    equal(r.decr("a"), 41)
    equal(r.incrbyfloat("a", "0.5"), 41.5)
    equal(r.getset("b", "new"), "2")
    equal(r.setex("t", 100, "v"), True)
    equal(r.psetex("t", 100_000, "v"), True)
    equal(r.ttl("t") in (99, 100), True)
    equal(r.expireat("t", 4_000_000_000), True)
    equal(r.expiretime("t"), 4_000_000_000)
    equal(r.persist("t"), True)
    equal(r.lcs("foo", "none", len=True), 0)
    equal(r.type("foo"), "string")
    equal(r.delete("a", "b", "c"), 2)


def bits(r):
    equal(r.setbit("bits", 7, 1), 0)
    equal(r.setbit("bits", 100, 1), 0)
    equal(r.getbit("bits", 7), 1)
    equal(r.bitcount("bits"), 2)
    equal(r.bitcount("bits", 0, 0), 1)
    equal(r.bitpos("bits", 1), 7)
    equal(r.bitop("NOT", "flipped", "bits"), 13)
    equal(r.bitcount("flipped"), 102)
    field = r.bitfield("field")
    equal(field.set("u8", 8, 255).get("u8", 0).get("u4", 8).incrby("i5", 100, 1).execute(), [0, 0, 15, 1])
    equal(r.bitfield("field", "SAT").incrby("u8", 8, 10).execute(), [255])
    equal(r.bitfield("field", "FAIL").incrby("u8", 8, 10).execute(), [None])


def hyperloglogs(r):
    equal(r.pfadd("visitors", "a", "b", "c"), 1)
    equal(r.pfadd("visitors", "a"), 0)
    equal(r.pfadd("others", "c", "d"), 1)
    equal(r.pfcount("visitors"), 3)
    equal(r.pfcount("visitors", "others"), 4)
    equal(r.pfmerge("all", "visitors", "others"), True)
    equal(r.pfcount("all"), 4)


def lists(r):
    equal(r.rpush("list", "a", "b", "c"), 3)
    equal(r.lpush("list", "z"), 4)
    equal(r.lpushx("none", "z"), 0)
    equal(r.lrange("list", 0, -1), ["z", "a", "b", "c"])
    equal(r.lindex("list", -1), "c")
    equal(r.linsert("list", "BEFORE", "b", "x"), 5)
    equal(r.lset("list", 0, "y"), True)
    equal(r.lrem("list", 1, "x"), 1)
    equal(r.lpos("list", "c"), 3)
    equal(r.lmove("list", "other", "LEFT", "RIGHT"), "y")
    equal(r.rpoplpush("list", "other"), "c")
    equal(r.lpop("other", 2), ["c", "y"])
    equal(r.lmpop(2, "none", "list", direction="LEFT", count=1), ["list", ["a"]])
    equal(r.ltrim("list", 0, 0), True)
    equal(r.llen("list"), 1)
    refused(lambda: r.get("list"), "WRONGTYPE")


def sets(r):
    equal(r.sadd("s1", "a", "b", "c"), 3)
    equal(r.sadd("s2", "b", "c", "d"), 3)
    equal(r.sinter("s1", "s2"), {"b", "c"})
    equal(r.sunion("s1", "s2"), {"a", "b", "c", "d"})
    equal(r.sdiff("s1", "s2"), {"a"})
    equal(r.sinterstore("s3", "s1", "s2"), 2)
    equal(r.sintercard(2, ["s1", "s2"], limit=1), 1)
    equal(r.smismember("s1", ["a", "d"]), [1, 0])
    equal(bool(r.sismember("s1", "a")), True)
    equal(bool(r.smove("s1", "s2", "a")), True)
    equal(r.scard("s2"), 4)
    equal(r.spop("s3") in ("b", "c"), True)
    equal(len(r.srandmember("s2", 3)), 3)
    equal(r.srem("s2", "a", "nothing"), 1)
    equal(r.smembers("s2"), {"b", "c", "d"})


def hashes(r):
    equal(r.hset("user", mapping={"name": "ada", "born": "1815"}), 2)
    equal(r.hset("user", "city", "london"), 1)
    equal(r.hget("user", "name"), "ada")
    equal(r.hmget("user", "name", "none"), ["ada", None])
    equal(r.hgetall("user"), {"name": "ada", "born": "1815", "city": "london"})
    equal(r.hincrby("user", "born", 1), 1816)
    equal(r.hincrbyfloat("user", "height", 1.5), 1.5)
    equal(r.hexists("user", "city"), True)
    equal(r.hdel("user", "city", "height"), 2)
    equal(r.hlen("user"), 2)
    equal(sorted(r.hkeys("user")), ["born", "name"])
    equal(sorted(r.hvals("user")), ["1816", "ada"])
    equal(r.hsetnx("user", "name", "bob"), 0)
    equal(r.hstrlen("user", "name"), 3)
    equal(len(r.hrandfield("user", 2, withvalues=True)), 4)


def sorted_sets(r):
    equal(r.zadd("z", {"one": 1, "two": 2, "three": 3}), 3)
    equal(r.zadd("z", {"one": 5}, nx=True), 0)
    equal(r.zadd("z", {"one": 0.5}, lt=True, ch=True), 1)
    equal(r.zincrby("z", 10, "two"), 12.0)
    equal(r.zrange("z", 0, -1, withscores=True), [("one", 0.5), ("three", 3.0), ("two", 12.0)])
    equal(r.zrevrange("z", 0, 0), ["two"])
    equal(r.zrangebyscore("z", "(0.5", "+inf", start=0, num=1), ["three"])
    equal(r.zrange("z", "inf", "-inf", byscore=True, desc=True, offset=1, num=1), ["three"])
    equal(r.zrank("z", "two"), 2)
    equal(r.zrevrank("z", "two"), 0)
    equal(r.zscore("z", "none"), None)
    equal(r.zmscore("z", ["one", "none"]), [0.5, None])
    equal(r.zcount("z", 1, 20), 2)
    equal(r.zadd("lex", {"a": 0, "b": 0, "c": 0}), 3)
    equal(r.zrangebylex("lex", "[a", "(c"), ["a", "b"])
    equal(r.zlexcount("lex", "-", "+"), 3)
    equal(r.zunionstore("u", {"z": 2, "lex": 1}, aggregate="MAX"), 6)
    equal(r.zscore("u", "two"), 24.0)
    equal(r.zinter(["z", "u"], withscores=True), [("one", 1.5), ("three", 9.0), ("two", 36.0)])
    equal(r.zdiff(["u", "z"]), ["a", "b", "c"])
    equal(r.zrangestore("top", "u", 0, 1, desc=True), 2)
    equal(r.zpopmin("z"), [("one", 0.5)])
    equal(r.zpopmax("z", 2), [("two", 12.0), ("three", 3.0)])
    equal(r.zmpop(2, ["z", "lex"], min=True, count=2), ["lex", [["a", "0"], ["b", "0"]]])
    equal(r.zremrangebyrank("u", 0, 2), 3)
    equal(r.zremrangebyscore("u", 1, 1), 1)
    equal(r.zcard("u"), 2)


def geo(r):
    equal(r.geoadd("Sicily", (13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania")), 2)
    equal(r.geodist("Sicily", "Palermo", "Catania", "km"), 166.2742)
    equal(r.geohash("Sicily", "Palermo", "Catania"), ["sqc8b49rny0", "sqdtr74hyu0"])
    (longitude, latitude), none = r.geopos("Sicily", "Palermo", "Rome")
    equal((round(longitude, 4), round(latitude, 4), none), (13.3614, 38.1156, None))
    found = r.geosearch("Sicily", longitude=15, latitude=37, radius=200, unit="km", sort="ASC", withdist=True)
    equal(found, [["Catania", 56.4413], ["Palermo", 190.4424]])
    equal(r.geosearch("Sicily", member="Palermo", width=50, height=50, unit="km"), ["Palermo"])
    equal(r.geosearchstore("near", "Sicily", longitude=15, latitude=37, radius=100, unit="km"), 1)
    equal(r.georadius("Sicily", 15, 37, 100, unit="km"), ["Catania"])


def streams(r):
    first = r.xadd("log", {"n": "1"})
    equal(r.xadd("log", {"n": "2"}, id="9999999999999-5"), "9999999999999-5")
    refused(lambda: r.xadd("log", {"n": "0"}, id="1-1"), "equal or smaller")
    equal(r.xlen("log"), 2)
    equal(r.xrange("log", count=1), [(first, {"n": "1"})])
    equal([id for id, _ in r.xrevrange("log")], ["9999999999999-5", first])
    equal(r.xread({"log": "0"}, count=1), [["log", [(first, {"n": "1"})]]])
    equal(r.xread({"log": "$"}), [])
    for number in range(20):
        r.xadd("short", {"n": number}, maxlen=5, approximate=False)
    equal(r.xlen("short"), 5)
    equal(r.xtrim("short", maxlen=2, approximate=False), 3)
    info = r.xinfo_stream("log")
    equal((info["length"], info["first-entry"][0]), (2, first))
    equal(r.xdel("log", first), 1)


def consumer_groups(r):
    equal(r.xgroup_create("jobs", "workers", id="0", mkstream=True), True)
    refused(lambda: r.xgroup_create("jobs", "workers"), "BUSYGROUP")
    ids = [r.xadd("jobs", {"job": number}) for number in range(4)]
    got = r.xreadgroup("workers", "alice", {"jobs": ">"}, count=2)
    equal([id for id, _ in got[0][1]], ids[:2])
    got = r.xreadgroup("workers", "bob", {"jobs": ">"}, count=10)
    equal([id for id, _ in got[0][1]], ids[2:])
    equal(r.xreadgroup("workers", "bob", {"jobs": ">"}), [])
    equal(r.xack("jobs", "workers", ids[0]), 1)
    pending = r.xpending("jobs", "workers")
    equal((pending["pending"], pending["min"], pending["max"]), (3, ids[1], ids[3]))
    equal(pending["consumers"], [{"name": "alice", "pending": 1}, {"name": "bob", "pending": 2}])
    detail = r.xpending_range("jobs", "workers", "-", "+", 10, consumername="alice")
    equal((detail[0]["message_id"], detail[0]["times_delivered"]), (ids[1], 1))
    equal(r.xclaim("jobs", "workers", "bob", 0, [ids[1]]), [(ids[1], {"job": "1"})])
    claimed = r.xautoclaim("jobs", "workers", "carol", 0, start_id="0-0", justid=True)
    equal(claimed, ids[1:])
    group = r.xinfo_groups("jobs")[0]
    equal((group["name"], group["consumers"], group["pending"]), ("workers", 3, 3))
    equal({c["name"]: c["pending"] for c in r.xinfo_consumers("jobs", "workers")}, {"alice": 0, "bob": 0, "carol": 3})
    equal(r.xgroup_setid("jobs", "workers", "0"), True)
    equal(r.xgroup_delconsumer("jobs", "workers", "carol"), 3)
    equal(r.xgroup_destroy("jobs", "workers"), 1)


def blocking(r):
    """What waits in a thread is served by what is done here, in the order of the list."""
    waits = (
        (lambda c: c.blpop(["q1", "q2"], 0), lambda: r.rpush("q2", "x"), ("q2", "x")),
        (lambda c: c.brpop("q1", PATIENCE_S), lambda: r.rpush("q1", "x", "y"), ("q1", "y")),
        (lambda c: c.blmove("from", "to", 0, "LEFT", "RIGHT"), lambda: r.rpush("from", "x"), "x"),
        (lambda c: c.brpoplpush("from", "to", 0), lambda: r.rpush("from", "y"), "y"),
        (lambda c: c.blmpop(0, 2, "q3", "q4", direction="RIGHT", count=2), lambda: r.rpush("q4", "a", "b", "c"),
         ["q4", ["c", "b"]]),
        (lambda c: c.bzpopmin("bz", 0), lambda: r.zadd("bz", {"m": 1.5}), ("bz", "m", 1.5)),
        (lambda c: c.bzpopmax("bz", 0), lambda: r.zadd("bz", {"m": 1, "n": 2}), ("bz", "n", 2.0)),
        (lambda c: c.bzmpop(0, 1, ["bz2"], min=True), lambda: r.zadd("bz2", {"m": 1}), ["bz2", [["m", "1"]]]),
        (lambda c: c.xread({"feed": "$"}, block=0), lambda: r.xadd("feed", {"a": "b"}, id="5-1"),
         [["feed", [("5-1", {"a": "b"})]]]),
    )
    for wait, serve, expected in waits:
        got = []
        client = connect(client_name="waiter")
        thread = threading.Thread(target=lambda: got.append(wait(client)))
        thread.start()
        while thread.is_alive() and not any(
            row["name"] == "waiter" and "b" in row["flags"] for row in r.client_list()
        ):
            pass
        equal(got, [])
        serve()
        thread.join(PATIENCE_S)
        equal(got, [expected])
        client.close()
    equal(r.blpop("q9", timeout=0.01), None)
    equal(r.lrange("to", 0, -1), ["y", "x"])


def sorting(r):
    r.rpush("ids", "3", "1", "2")
    for number, weight in (("1", 30), ("2", 20), ("3", 10)):
        r.set(f"weight:{number}", weight)
        r.hset(f"object:{number}", "name", f"n{number}")
    equal(r.sort("ids"), ["1", "2", "3"])
    equal(r.sort("ids", by="weight:*", desc=True), ["1", "2", "3"])
    equal(r.sort("ids", by="weight:*", get=["#", "object:*->name"], groups=True), [("3", "n3"), ("2", "n2"), ("1", "n1")])
    equal(r.sort("ids", start=1, num=1), ["2"])
    equal(r.sort("ids", by="nosort", get="weight:*", store="sorted"), 3)
    equal(r.lrange("sorted", 0, -1), ["10", "30", "20"])
    refused(lambda: r.sort("object:1"), "WRONGTYPE")


def scanning(r):
    with r.pipeline(transaction=False) as pipe:
        for number in range(1500):
            pipe.set(f"scan:{number}", number).hset("h", number, number)
            pipe.sadd("s", number).zadd("z", {number: number})
        pipe.execute()
    equal({key for key in r.scan_iter("scan:*", count=100)}, {f"scan:{number}" for number in range(1500)})
    equal(sorted(r.scan_iter(_type="zset")), ["z"])
    equal(dict(r.hscan_iter("h")), {str(number): str(number) for number in range(1500)})
    equal({int(member) for member in r.sscan_iter("s")}, set(range(1500)))
    equal(dict(r.zscan_iter("z", match="7?")), {str(number): float(number) for number in range(70, 80)})
    equal(r.dbsize(), 1503)


def pipelines(r):
    with r.pipeline() as pipe:
        pipe.set("p", 1)
        pipe.incr("p")
        pipe.lpush("p", "wrong")
        pipe.get("p")
        results = pipe.execute(raise_on_error=False)
    equal((results[:2], results[3]), ([True, 2], "2"))
    equal(isinstance(results[2], redis.ResponseError), True)
    # WATCH, as the documentation's example of a counter has it.
    with r.pipeline() as pipe:
        attempts = 0
        while True:
            try:
                pipe.watch("p")
                value = int(pipe.get("p"))
                if attempts == 0:
                    r.set("p", 10)
                attempts += 1
                pipe.multi()
                pipe.set("p", value + 1)
                pipe.execute()
                break
            except redis.WatchError:
                continue
    equal((attempts, r.get("p")), (2, "11"))
    with r.pipeline() as pipe:
        pipe.execute_command("NONSENSE")
        refused(pipe.execute, "unknown command")


def keys(r):
    r.set("k", "v")
    equal(r.copy("k", "k2"), True)
    equal(r.rename("k2", "k3"), True)
    equal(r.renamenx("k3", "k"), False)
    equal(r.move("k3", 1), True)
    other = connect(db=1)
    equal(other.get("k3"), "v")
    equal(other.touch("k3"), 1)
    dump = connect(decode_responses=False).dump("k")
    equal(r.restore("restored", 0, dump), "OK")
    equal(r.restore("restored", 0, dump, replace=True), "OK")
    equal(r.get("restored"), "v")
    equal(r.object("encoding", "k"), "embstr")
    equal(r.object("refcount", "k"), 1)
    equal(r.randomkey() in ("k", "restored"), True)
    equal(sorted(r.keys("*")), ["k", "restored"])
    equal(r.expire("k", 100, nx=True), True)
    equal(r.expire("k", 50, gt=True), False)
    equal(r.memory_usage("k") > 0, True)
    equal(r.swapdb(0, 1), True)
    equal(r.get("k3"), "v")
    equal(r.unlink("k3"), 1)
    equal(r.flushall(), True)


def main():
    client = connect()
    for test in (
        strings,
        bits,
        hyperloglogs,
        lists,
        sets,
        hashes,
        sorted_sets,
        geo,
        streams,
        consumer_groups,
        blocking,
        sorting,
        scanning,
        pipelines,
        keys,
    ):
        client.flushall()
        test(client)
        print(f"PASS python3-redis {redis.__version__}: {test.__name__}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
