#!/usr/bin/env python3
"""Runs scenarios against several servers in turn (A B, B A, ...) on the same machine and prints
medians and ratios: a table, and one JSON line for each case and server.

`./peal bench` calls it after building; docs/benchmarks.md explains scenarios and figures.
Standard library only."""
import argparse
import ctypes
import json
import os
import platform
import random
import shlex
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.join(ROOT, "build", "bench")

PEAL = BUILD + "/peal-server --port {port} --dir {dir} --maxclients 19900 --io-threads %d"
SERVERS = {
    "peal": PEAL % 1,
    "peal-1": PEAL % 1,
    "peal-2": PEAL % 2,
    "peal-4": PEAL % 4,
    "redis": "redis-server --port {port} --save '' --appendonly no --dir {dir} --maxclients 19900",
    "nats": "nats-server -a 127.0.0.1 -p {port}",
    "floor": BUILD + "/peal-floor --port {port} --mode round",
    "floor-uring": BUILD + "/peal-floor --port {port} --mode uring-round",
}
REACTORS = {"peal": 1, "peal-1": 1, "peal-2": 2, "peal-4": 4}
USUAL = ["redis", "peal"]
KINDS = ["prefix", "suffix", "inner", "class", "mixed", "shared-prefix", "leading-star"]


class Scenario:
    def __init__(self, what, runs, servers=None, both=False, tls=False):
        self.what = what
        self.runs = runs  # the generator's scenarios
        self.servers = servers or USUAL  # the first is what ratios are against
        self.both = both  # servers may use every core
        self.tls = tls  # over TLS, asked for or not


SCENARIOS = {}
for n in (1, 10, 100, 1000):
    SCENARIOS["fanout-%d" % n] = Scenario("4 publishers, %d subscribers of one channel" % n, ["fanout-%d" % n])
SCENARIOS["fanout"] = Scenario("all four of fanout-N", ["fanout-%d" % n for n in (1, 10, 100, 1000)])
SCENARIOS["floor"] = Scenario("fan-out beside a program that only moves bytes: the kernel's floor",
                              ["fanout-%d" % n for n in (1, 10, 100, 1000)], ["redis", "peal", "floor", "floor-uring"])
SCENARIOS["channels-many"] = Scenario("10,000 channels over 100 connections", ["channels-many"])
for n in ("1", "1k", "10k", "100k"):
    SCENARIOS["patterns-" + n] = Scenario("%s patterns, one match and none, beside nats-server" % n, ["patterns-" + n],
                                          ["nats", "peal", "redis"])
SCENARIOS["patterns-1M"] = Scenario("1,000,000 patterns: cost and memory", ["patterns-1M"], ["peal"])
SCENARIOS["pattern-kinds"] = Scenario("1 and 100,000 patterns of each kind, adversarial ones too: cost and its growth",
                                      ["patterns-%s-%s" % (k, n) for k in KINDS for n in ("1", "100k")], ["peal"])
for k in KINDS:
    SCENARIOS["patterns-" + k] = Scenario("1, 10,000 and 100,000 %s patterns" % k,
                                          ["patterns-%s-%s" % (k, n) for n in ("1", "10k", "100k")], ["peal"])
SCENARIOS["subscribe-churn"] = Scenario("SUBSCRIBE and UNSUBSCRIBE; connect, subscribe, close", ["subscribe-churn"])
SCENARIOS["idle-subscribers"] = Scenario("19,500 idle subscribers: memory each, one broadcast", ["idle-subscribers"])
SCENARIOS["subscription-memory"] = Scenario("1M channels over 10 connections: memory, cost, stall when they close",
                                            ["subscription-memory"])
SCENARIOS["subscription-memory-patterns"] = Scenario("the same with patterns", ["subscription-memory-patterns"])
SCENARIOS["dying-subscriber"] = Scenario("one client with 1M channels dies: longest stall of others, memory 10 s later",
                                         ["dying-subscriber"])
SCENARIOS["latency"] = Scenario("100 subscribers, 1,000 publishes/s on a schedule", ["latency"])
SCENARIOS["slow-consumer"] = Scenario("100 subscribers, one of which stops reading", ["slow-consumer"])
SCENARIOS["slow-consumer-many"] = Scenario("19,500 subscribers, and 50 stuck ones on a busy channel", ["slow-consumer-many"])
for name, what in (("get", "GET"), ("set", "SET"), ("mixed", "80 % GET, 20 % SET")):
    SCENARIOS[name] = Scenario("%s, 50 connections, 1M keys" % what, [name])
SCENARIOS["memory-per-key"] = Scenario("1M and 5M keys of 16 bytes, values of 32: memory each", ["memory-per-key"])
SCENARIOS["memory-per-key-ttl"] = Scenario("the same with an expiry on each", ["memory-per-key-ttl"])
SCENARIOS["commands"] = Scenario("what redis-benchmark sends and more, 50 connections, depth 16", ["commands"])
SCENARIOS["collection-memory"] = Scenario("2M elements of 16 bytes, fifty in each collection or all in one: memory each",
                                          ["memory-%s-%s" % (size, t) for t in ("hash", "set", "zset", "list", "stream")
                                           for size in ("small", "large")])
SCENARIOS["growth"] = Scenario("5M keys or elements come, expire and go: longest stall of others", ["growth"])
SCENARIOS["hit-ratio"] = Scenario("zipf trace with a quarter of the memory under allkeys-lru and allkeys-lfu", ["hit-ratio"])
SCENARIOS["transactions"] = Scenario("70 % GET, 20 % SET, 10 % MULTI: 1 and 2 reactors, not pinned", ["transactions"],
                                     ["peal-1", "peal-2", "redis"], both=True)
SCENARIOS["scripts"] = Scenario("EVALSHA of one GET and one SET: 1 and 2 reactors, not pinned", ["scripts"],
                                ["redis", "peal-1", "peal-2"], both=True)
SCENARIOS["reactors"] = Scenario("1, 2 and 4 reactors, not pinned", ["fanout-100", "channels-many", "get"],
                                 ["peal-1", "peal-2", "peal-4"], both=True)

SCENARIOS["tls"] = Scenario("GET and fan-out to 100 subscribers over TLS 1.3", ["get", "fanout-100"], tls=True)
SCENARIOS["tls-storm"] = Scenario("10,000 TLS connections; 2,000 handshakes at once beside a fan-out", ["tls-storm"], tls=True)

# The figures of each row that go into the table: (key, heading)
FIGURES = [("ops_s", "op/s"), ("publish_s", "publish/s"), ("srv_us_op", "server us/op"),
           ("p50_us", "p50 us"), ("p99_us", "p99 us"), ("p999_us", "p99.9 us"), ("max_us", "max us"),
           ("batch_p50_us", "batch p50 us"), ("batch_p99_us", "batch p99 us"),
           ("rss_per_conn", "RSS B/conn"), ("srv_us_connect", "server us/connect"), ("handshakes_s", "handshakes/s"), ("bcast_last_ms", "last delivery ms"),
           ("subs", "subs"), ("bytes_per_sub", "RSS B/sub"), ("subscribe_s", "subscribe s"), ("setup_s", "setup s"),
           ("cleanup_stall_ms", "stall ms"), ("cleanup_cpu_us_per_sub", "cleanup us/sub"),
           ("rss_after_over_before", "RSS after/before"), ("bytes_per_key", "RSS B/key"),
           ("bytes_per_element", "RSS B/element"), ("hit_ratio", "hit ratio"), ("used_over_limit", "memory/limit"),
           ("rss_peak_delta_mb", "RSS peak +MB"), ("stuck_cut_at_s", "stuck cut at s"), ("stuck_cut", "stuck cut"),
           ("gen_util", "generator core"), ("srv_util", "server cores")]
# Counts that must be 0.
FAULTS = ("lost", "excess", "gaps", "dup_or_reorder", "malformed", "receiver_count_mismatch", "misses", "closed_conns")
NOISY = 0.15  # cores that others used in a window, beyond which it is set aside where a calmer one exists


def free_port():
    while True:
        port = random.randint(20000, 31000)  # below the ephemeral range
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def output_of(path, length=400):
    with open(path, errors="replace") as f:
        return f.read()[-length:].strip()


class Server:
    """A fresh process for each run, with a directory of its own."""

    def __init__(self, name, command, cpus, tls=False):
        self.name = name
        self.protocol = "nats" if name.startswith("nats") else "resp"
        self.directory = tempfile.mkdtemp(prefix="peal-bench-")
        self.port = free_port()
        self.log = os.path.join(self.directory, "server.out")
        argv = shlex.split(command.replace("{port}", str(self.port)).replace("{dir}", self.directory))
        if tls:
            argv += self.tls_arguments()

        def prepare():
            die_with_parent()
            os.sched_setaffinity(0, cpus)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(argv, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                            preexec_fn=prepare, cwd=self.directory)
        self.wait_ready()

    def tls_arguments(self):
        """A key and a certificate of its own, and the arguments that peal-server and redis-server share."""
        cert, key = self.directory + "/server.crt", self.directory + "/server.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-keyout", key, "-out", cert], check=True, capture_output=True)
        return ["--port", "0", "--tls-port", str(self.port), "--tls-cert-file", cert, "--tls-key-file", key,
                "--tls-ca-cert-file", cert, "--tls-auth-clients", "no"]

    def wait_ready(self):
        end = time.monotonic() + 15
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    error = output_of(self.log)
                    self.stop()
                    raise RuntimeError("%s did not start: %s" % (self.name, error)) from None
                time.sleep(0.02)

    def stop(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def run_once(args, name, command, run, both, tls):
    """Rows of one run; a failure is a row with an `error`."""
    cpus = os.sched_getaffinity(0)
    both = both or len(cpus) == 1
    try:
        server = Server(name, command, cpus if both else {min(cpus)}, tls)
    except (RuntimeError, OSError) as e:
        return [{"case": "-", "error": str(e)}]
    try:
        argv = [args.generator, "--port", str(server.port), "--pid", str(server.process.pid), "--proto", server.protocol,
                "--scenario", run, "--seconds", str(args.seconds), "--warm", str(args.warm)]
        if args.quick:
            argv.append("--quick")
        if tls:
            argv.append("--tls")
        if not both:
            argv += ["--cpu", str(max(cpus))]
            if run == "latency":
                argv.append("--spin")
        result = subprocess.run(argv, capture_output=True, text=True, timeout=args.timeout, preexec_fn=die_with_parent)
        if result.returncode == 0:
            return json.loads(result.stdout)["rows"]
        error = (result.stderr or "exit %d" % result.returncode).strip()[-300:]
        if server.process.poll() is not None:
            error += " (server exited %s: %s)" % (server.process.returncode, output_of(server.log))
        return [{"case": "-", "error": error}]
    except subprocess.TimeoutExpired:
        return [{"case": "-", "error": "timed out"}]
    finally:
        server.stop()


def wait_for_quiet(limit_s):
    """Until the machine is idle but for us, at most limit_s."""
    def busy_ticks():
        with open("/proc/stat") as f:
            v = [int(x) for x in f.readline().split()[1:9]]
        return sum(v) - v[3] - v[4]
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        before = busy_ticks()
        time.sleep(0.15)
        if busy_ticks() - before <= 3:
            return


def medians(samples):
    """[(run, server, rows)] -> {run: {case: {server: {figure: median}}}}, in order of arrival."""
    calm = {(run, row["case"], server) for run, server, rows in samples for row in rows if row.get("foreign", 0) <= NOISY}
    out = {}
    for run, server, rows in samples:
        for row in rows:
            if row.get("foreign", 0) > NOISY and (run, row["case"], server) in calm:
                continue
            d = out.setdefault(run, {}).setdefault(row["case"], {}).setdefault(server, {})
            for key, value in row.items():
                if key != "case":
                    d.setdefault(key, []).append(value)
    for cases in out.values():
        for servers in cases.values():
            for figures in servers.values():
                windows = len(next(iter(figures.values())))
                spread = [x for x in figures.get("srv_us_op", []) if x]
                for key, values in figures.items():
                    texts = [x for x in values if isinstance(x, str)]
                    figures[key] = texts[0] if texts else max(values) if key in FAULTS else statistics.median(values)
                figures["windows"] = windows
                if len(spread) > 1:
                    figures["srv_us_op_spread"] = [min(spread), max(spread)]
    return out


def human(v):
    if v is None:
        return ""
    if isinstance(v, str):
        return v
    for limit, text in ((1e6, lambda: "%.2fM" % (v / 1e6)), (1e4, lambda: "%.0fk" % (v / 1e3)),
                        (100, lambda: "%.0f" % v), (10, lambda: "%.1f" % v)):
        if abs(v) >= limit:
            return text()
    return "%.3g" % v


def remarks(figures):
    out = ["%s=%d" % (k, figures[k]) for k in FAULTS if figures.get(k)]
    if figures.get("note"):
        out.append("generator-bound")
    if figures.get("foreign", 0) > NOISY:
        out.append("noisy: others used %.2f cores" % figures["foreign"])
    if figures.get("stuck"):
        out.append("stuck one " + figures["stuck"])
    out += [str(figures[k]).replace("|", "/").replace("\n", " ") for k in ("error", "first_bad") if figures.get(k)]
    return "; ".join(out)


def print_table(run, cases, baseline):
    keys = [f for f in FIGURES
            if any(isinstance(d.get(f[0]), (int, float)) for c in cases.values() for d in c.values())]
    print("\n### %s\n" % run)
    print("| case | server | " + " | ".join(k[1] for k in keys) + " | us/op vs %s | remarks |" % baseline)
    print("|---" * (len(keys) + 4) + "|")
    for case, servers in cases.items():
        base = servers.get(baseline, {}).get("srv_us_op")
        for name, d in servers.items():
            own = d.get("srv_us_op")
            ratio = "%.2f" % (own / base) if own and base else ""
            print("| %s | %s | %s | %s | %s |" % (case, name, " | ".join(human(d.get(k[0])) for k in keys), ratio, remarks(d)))


def print_growth(agg):
    """For runs patterns-KIND-N: the cost at N as a multiple of the cost with one pattern."""
    lines = []
    for run, cases in agg.items():
        kind, _, count = run.rpartition("-")
        one = agg.get(kind + "-1")
        if count == "1" or not one or kind == "patterns":
            continue
        for case, servers in cases.items():
            for server, d in servers.items():
                base = one.get(case, {}).get(server, {}).get("srv_us_op")
                if base and d.get("srv_us_op"):
                    lines.append("| %s | %s | %s | %.3g | %.3g | %.2f |" % (case, count, server, base, d["srv_us_op"], d["srv_us_op"] / base))
    if lines:
        print("\n### Growth with the number of patterns\n")
        print("| case (1: a match, 0: none) | patterns | server | us/publish with 1 | us/publish | times |")
        print("|---" * 6 + "|")
        print("\n".join(lines))


def context():
    """What every JSON line carries: where and what was measured."""
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True) \
        if shutil.which("git") else None
    cpu = ""
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                cpu = line.split(":", 1)[1].strip()
                break
    return {"commit": commit.stdout.strip() if commit and commit.returncode == 0 else "unknown",
            "machine": "%s, %d cores, %s" % (cpu or platform.machine(), os.cpu_count(), platform.release()),
            "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}


def print_list():
    print("usage: ./peal bench [options] SCENARIO...      (./peal bench --help for the options)\n")
    for name, s in SCENARIOS.items():
        print("  %-30s %s [%s]" % (name, s.what, ", ".join(s.servers)))
    print("\n  all                            every one but those that others contain")


def chosen(names):
    if names == ["all"]:
        contained = {"fanout", "floor"} | {"patterns-" + k for k in KINDS}
        return [n for n in SCENARIOS if n not in contained]
    for name in names:
        if name not in SCENARIOS:
            sys.exit("there is no scenario '%s'; `./peal bench` lists them" % name)
    return names


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `... --list | head` is no error
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("scenarios", nargs="*", metavar="SCENARIO")
    ap.add_argument("--list", action="store_true", help="print the scenarios")
    ap.add_argument("--servers", help="names of known servers, comma separated; the first is the baseline")
    ap.add_argument("--server", action="append", default=[], metavar="NAME=COMMAND",
                    help="another server, or another command for a known one; {port} and {dir} are filled in")
    ap.add_argument("--rounds", type=int, default=2, help="each round runs every server once, in turn (default 2)")
    ap.add_argument("--seconds", type=float, default=1.0, help="measured window of each closed-loop case (default 1)")
    ap.add_argument("--warm", type=float, default=0.3, help="warm-up before each window (default 0.3)")
    ap.add_argument("--quick", action="store_true", help="short windows, small sizes: to see that it works")
    ap.add_argument("--tls", action="store_true", help="connections speak TLS (not for nats)")
    ap.add_argument("--both", action="store_true", help="pin nothing: servers may use every core")
    ap.add_argument("--quiet", type=float, default=5, help="seconds to wait for an idle machine before each run")
    ap.add_argument("--timeout", type=float, default=180, help="seconds after which a run is given up")
    ap.add_argument("--json", metavar="FILE", help="append the JSON lines to FILE instead of printing them")
    ap.add_argument("--generator", default=BUILD + "/peal-loadgen", help=argparse.SUPPRESS)
    args = ap.parse_args()
    if args.list or not args.scenarios:
        return print_list()
    if args.quick:
        args.seconds, args.warm = min(args.seconds, 0.4), min(args.warm, 0.15)
    commands = dict(SERVERS)
    extra = [s.split("=", 1) for s in args.server]
    commands.update(extra)

    lines, faults, began, about = [], 0, time.monotonic(), context()
    names = chosen(args.scenarios)
    for number, name in enumerate(names, 1):
        scenario = SCENARIOS[name]
        servers = args.servers.split(",") if args.servers else \
            scenario.servers + [n for n, _ in extra if n not in scenario.servers]
        present = [s for s in servers if s in commands and shutil.which(shlex.split(commands[s])[0])]
        for s in set(servers) - set(present):
            print("%s is left out: it is not installed, or unknown" % s, file=sys.stderr)
        samples = []
        for run in scenario.runs:
            for rnd in range(args.rounds):
                for server in present if rnd % 2 == 0 else present[::-1]:
                    wait_for_quiet(args.quiet)
                    rows = run_once(args, server, commands[server], run, scenario.both or args.both,
                                    scenario.tls or args.tls)
                    samples.append((run, server, rows))
                    print("%6.0f s  scenario %d of %d  %-24s %-12s round %d of %d%s" %
                          (time.monotonic() - began, number, len(names), run, server, rnd + 1, args.rounds,
                           "  " + rows[0]["error"] if "error" in rows[0] else ""), file=sys.stderr, flush=True)
        agg = medians(samples)
        for run, cases in agg.items():
            print_table(run, cases, present[0])
            for case, by_server in cases.items():
                for server, figures in by_server.items():
                    faults += "error" in figures or any(figures.get(k) for k in FAULTS)
                    lines.append(json.dumps({"scenario": run, "case": case, "server": server,
                                             "reactors": REACTORS.get(server), **about, **figures}))
        print_growth(agg)
        sys.stdout.flush()
    if args.json:
        with open(args.json, "a") as f:
            f.write("\n".join(lines) + "\n")
    else:
        print("\n" + "\n".join(lines))
    if faults:
        sys.exit("%d figures are marred: see the remarks" % faults)


if __name__ == "__main__":
    main()
