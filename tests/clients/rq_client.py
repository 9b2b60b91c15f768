#!/usr/bin/env python3
"""RQ, a job queue on lists, hashes, sorted sets, WATCH, pub/sub and BLPOP, with several workers.

    rq_client.py                            the test; needs $PEAL_PORT
    rq_client.py worker KIND NAME QUEUE...  a worker, "simple" or one that forks for each job
"""

import datetime
import os
import subprocess
import sys
import time
import warnings

import redis
import rq
import rq.command
import rq.registry
import rq.scheduler
import rq.worker

import rq_jobs

PORT = int(os.environ["PEAL_PORT"])
PATIENCE_S = 60 if os.environ.get("PEAL_SANITIZED") else 20
CONNECTION = redis.Redis(host="127.0.0.1", port=PORT)


def equal(actual, expected):
    if actual != expected:
        raise AssertionError(f"{actual!r} is not {expected!r}")


def eventually(condition, what):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not in time: {what}")
        time.sleep(0.005)


def await_status(jobs, status):
    for job in jobs:
        eventually(lambda job=job: job.get_status() == status, f"{job} {status}, is {job.get_status()}")


class Workers:
    """Workers in processes of their own; they are told to end by a message, as RQ does it."""

    def __init__(self, kind, count, *queues):
        self.names = [f"{kind}-{number}" for number in range(count)]
        command = [sys.executable, __file__, "worker", kind]
        self.processes = [subprocess.Popen([*command, name, *queues]) for name in self.names]

    def __enter__(self):
        # A worker listens for commands before it can end in good order: not until it looks for jobs.
        for name in self.names:
            key = rq.worker.Worker.redis_worker_namespace_prefix + name
            eventually(lambda key=key: CONNECTION.hget(key, "state") in (b"idle", b"busy"), f"{name} at work")
        return self

    def __exit__(self, kind, error, trace):
        for name in self.names:
            rq.command.send_shutdown_command(CONNECTION, name)
        for process in self.processes:
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        if kind is None:
            equal(rq.worker.Worker.all(connection=CONNECTION), [])


def every_job_runs_once():
    queues = [rq.Queue(name, connection=CONNECTION) for name in ("high", "low")]
    with Workers("simple", 3, "high", "low"):
        jobs = [queues[number % 2].enqueue(rq_jobs.note, f"n{number}") for number in range(120)]
        await_status(jobs, "finished")
    equal(sorted(CONNECTION.lrange("notes", 0, -1)), sorted(f"n{number}".encode() for number in range(120)))
    equal([job.result for job in jobs], [f"n{number}" for number in range(120)])
    for queue in queues:
        equal((queue.count, queue.finished_job_registry.count, queue.started_job_registry.count), (0, 60, 0))


def the_high_queue_goes_first():
    high, low = (rq.Queue(name, connection=CONNECTION) for name in ("high", "low"))
    jobs = [low.enqueue(rq_jobs.note, f"low{number}") for number in range(5)]
    jobs += [high.enqueue(rq_jobs.note, f"high{number}") for number in range(5)]
    jobs += [low.enqueue(rq_jobs.note, "at once", at_front=True)]
    equal(low.get_job_position(jobs[0]), 1)
    with Workers("simple", 1, "high", "low"):
        await_status(jobs, "finished")
    expected = [f"high{number}" for number in range(5)] + ["at once"] + [f"low{number}" for number in range(5)]
    equal([name.decode() for name in CONNECTION.lrange("notes", 0, -1)], expected)


def dependencies_come_in_order():
    queue = rq.Queue("deps", connection=CONNECTION)
    with Workers("simple", 2, "deps"):
        chains = []
        for number in range(10):
            first = queue.enqueue(rq_jobs.note, f"{number}:1")
            left = queue.enqueue(rq_jobs.note, f"{number}:2", depends_on=first)
            right = queue.enqueue(rq_jobs.note, f"{number}:3", depends_on=[first])
            chains.append(queue.enqueue(rq_jobs.note, f"{number}:4", depends_on=[left, right]))
        await_status(chains, "finished")
    notes = [name.decode() for name in CONNECTION.lrange("notes", 0, -1)]
    equal(len(notes), len(set(notes)))
    for number in range(10):
        at = [notes.index(f"{number}:{step}") for step in (1, 2, 3, 4)]
        equal((min(at), max(at)), (at[0], at[3]))
    equal(queue.deferred_job_registry.count, 0)


def failures_are_retried_and_kept():
    queue = rq.Queue("risky", connection=CONNECTION)
    with Workers("simple", 2, "risky"):
        stubborn = queue.enqueue(rq_jobs.fail_until, 3, retry=rq.Retry(max=5))
        lost = queue.enqueue(rq_jobs.fail)
        await_status([stubborn], "finished")
        await_status([lost], "failed")
        equal(stubborn.result, 3)
        eventually(lambda: queue.failed_job_registry.get_job_ids() == [lost.id], "the failed job")
        lost.refresh()
        equal("never works" in lost.exc_info, True)
        # The second time it is given what works.
        lost.func_name = "rq_jobs.add"
        lost.args = (20, 22)
        lost.save()
        queue.failed_job_registry.requeue(lost)
        await_status([lost], "finished")
        equal(queue.fetch_job(lost.id).result, 42)


def jobs_wait_for_their_time():
    queue = rq.Queue("later", connection=CONNECTION)
    now = datetime.datetime.now(datetime.timezone.utc)
    due = [queue.enqueue_at(now - datetime.timedelta(seconds=number), rq_jobs.add, number, 1) for number in (1, 2)]
    future = queue.enqueue_in(datetime.timedelta(hours=1), rq_jobs.add, 1, 1)
    equal(queue.scheduled_job_registry.count, 3)
    scheduler = rq.scheduler.RQScheduler([queue], connection=CONNECTION)
    equal(scheduler.acquire_locks(), {"later"})
    equal(rq.scheduler.RQScheduler([queue], connection=CONNECTION).acquire_locks(), set())
    scheduler.enqueue_scheduled_jobs()
    scheduler.release_locks()
    equal(queue.scheduled_job_registry.get_job_ids(), [future.id])
    future.cancel()
    equal((future.get_status(), queue.canceled_job_registry.count), ("canceled", 1))
    with Workers("simple", 1, "later"):
        await_status(due, "finished")
    future.delete()
    equal(queue.canceled_job_registry.count, 0)


def workers_that_fork():
    queue = rq.Queue("forks", connection=CONNECTION)
    with Workers("fork", 2, "forks"):
        jobs = queue.enqueue_many([rq.Queue.prepare_data(rq_jobs.add, (number, 1)) for number in range(10)])
        await_status(jobs, "finished")
    equal([job.result for job in jobs], list(range(1, 11)))


def work(kind, name, queues):
    worker_class = rq.SimpleWorker if kind == "simple" else rq.Worker
    worker_class(queues, name=name, connection=CONNECTION).work(logging_level="CRITICAL")


def main():
    for test in (
        every_job_runs_once,
        the_high_queue_goes_first,
        dependencies_come_in_order,
        failures_are_retried_and_kept,
        jobs_wait_for_their_time,
        workers_that_fork,
    ):
        CONNECTION.flushall()
        test()
        print(f"PASS rq {rq.VERSION}: {test.__name__}", flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    if len(sys.argv) > 3 and sys.argv[1] == "worker":
        work(sys.argv[2], sys.argv[3], sys.argv[4:])
    else:
        main()
