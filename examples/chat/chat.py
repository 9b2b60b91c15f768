#!/usr/bin/env python3
"""A chat room. What you type goes to everybody in the room; Ctrl-D leaves.

    examples/chat/chat.py [ROOM [NAME]]

A room is a channel, so rooms need no administration: they exist while somebody is in them.
"""

import getpass
import os
import sys

import redis


def main():
    room = sys.argv[1] if len(sys.argv) > 1 else "lobby"
    name = sys.argv[2] if len(sys.argv) > 2 else getpass.getuser()
    channel = f"chat.{room}"
    server = redis.Redis(port=int(os.environ.get("PEAL_PORT", 6379)), decode_responses=True)

    def show(message):
        print(message["data"], flush=True)

    # One connection listens in a thread, another one publishes: a subscribed connection does
    # nothing else.
    listening = server.pubsub()
    listening.subscribe(**{channel: show})
    listening.get_message(timeout=10)  # the acknowledgement: from here on nothing is missed
    thread = listening.run_in_thread(sleep_time=0.1, daemon=True)

    others = server.pubsub_numsub(channel)[0][1] - 1
    server.publish(channel, f"* {name} enters {room}, where {max(others, 0)} are already")
    for line in sys.stdin:
        if line.strip():
            server.publish(channel, f"<{name}> {line.strip()}")
    server.publish(channel, f"* {name} leaves")
    thread.stop()
    thread.join()


if __name__ == "__main__":
    main()
