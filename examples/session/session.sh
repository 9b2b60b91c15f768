#!/usr/bin/env bash
# A session with redis-cli: two subscribers listen while a publisher speaks.
#
#   examples/session/session.sh
#
# You can type each redis-cli command below in a terminal of its own instead.
set -euo pipefail

port=${PEAL_PORT:-6379}
cli() { redis-cli -p "$port" "$@"; }

# Runs a subscriber for as long as this script lives; its output is marked with its name, and kept.
listen() {
  local name=$1
  shift
  redis-cli -p "$port" "$@" | sed -u "s/^/[$name] /" | tee -a "$shown" &
}
shown=$(mktemp)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -f "$shown"' EXIT

# Waits until a channel or a pattern has arrived at the server.
await() {
  until [[ $(cli "$@" | tail -n 1) != 0 ]]; do sleep 0.05; done
}

echo '> SUBSCRIBE news.sports.golf news.sports.soccer'
listen channels subscribe news.sports.golf news.sports.soccer
await pubsub numsub news.sports.golf

echo '> PSUBSCRIBE news.sports.*'
listen pattern psubscribe 'news.sports.*'
await pubsub numpat

# The reply says how many subscriptions received the message: the channel and the pattern.
echo '> PUBLISH news.sports.golf "a hole in one"'
cli publish news.sports.golf 'a hole in one'

# Nobody subscribed to skiing by name, but the pattern matches.
echo '> PUBLISH news.sports.skiing "fresh snow"'
cli publish news.sports.skiing 'fresh snow'

# Nobody listens here.
echo '> PUBLISH weather.today sunny'
cli publish weather.today sunny

# The subscribers end with this script, so it stays until they have shown what they received.
for last in '[channels] a hole in one' '[pattern] fresh snow'; do
  until grep -qF "$last" "$shown"; do sleep 0.05; done
done
