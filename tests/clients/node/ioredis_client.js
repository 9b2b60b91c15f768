// ioredis: pub/sub with buffers, patterns, sharded channels, reconnecting, pipelines, transactions,
// streams, sorted sets and those who wait. Needs $PEAL_PORT; over TLS, as the user $PEAL_USER, if
// $PEAL_TLS_CA is set.

import assert from 'node:assert/strict';
import { Redis } from 'ioredis';
import { eventually, port, run, tls, user } from './check.js';

const connect = (options = {}) => new Redis({ port, host: '127.0.0.1', tls, ...user, ...options });

async function subscribing() {
  const subscriber = connect();
  const publisher = connect();
  const heard = [];
  subscriber.on('message', (channel, message) => heard.push([channel, message]));
  assert.equal(await subscriber.subscribe('news', 'other'), 2);
  assert.equal(await publisher.publish('news', 'hello'), 1);
  await eventually(() => heard.length === 1, 'a message');
  assert.deepEqual(heard, [['news', 'hello']]);
  assert.equal(await subscriber.unsubscribe('news'), 1);
  assert.equal(await publisher.publish('news', 'nobody'), 0);
  assert.equal(await subscriber.unsubscribe(), 0);
  assert.equal(await subscriber.ping(), 'PONG');
  await subscriber.quit();
  await publisher.quit();
}

async function patternsAndBinaryPayloads() {
  const subscriber = connect();
  const publisher = connect();
  const heard = [];
  subscriber.on('pmessageBuffer', (pattern, channel, message) => heard.push(message));
  await subscriber.psubscribe('news.*', '*.golf');
  const payload = Buffer.from([0, 255, 13, 10, 128]);
  assert.equal(await publisher.publish('news.golf', payload), 2);
  await eventually(() => heard.length === 2, 'two pattern messages');
  for (const message of heard) assert.deepEqual(message, payload);
  subscriber.disconnect();
  publisher.disconnect();
}

async function shardedChannels() {
  const subscriber = connect();
  const publisher = connect();
  const heard = [];
  subscriber.on('smessage', (channel, message) => heard.push([channel, message]));
  await subscriber.ssubscribe('shard');
  assert.equal(await publisher.spublish('shard', 'hello'), 1);
  await eventually(() => heard.length === 1, 'a sharded message');
  assert.deepEqual(heard, [['shard', 'hello']]);
  assert.deepEqual(await publisher.call('PUBSUB', 'SHARDNUMSUB', 'shard'), ['shard', 1]);
  subscriber.disconnect();
  publisher.disconnect();
}

async function reconnectingAfterAKill() {
  const subscriber = connect({ retryStrategy: () => 10 });
  const publisher = connect();
  const heard = [];
  subscriber.on('error', () => {});
  subscriber.on('message', (channel, message) => heard.push(message));
  await subscriber.subscribe('again');
  await publisher.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
  // The library subscribes again by itself.
  await eventually(async () => {
    await publisher.publish('again', 'back');
    return heard.includes('back');
  }, 'a message after the kill');
  subscriber.disconnect();
  publisher.disconnect();
}

async function pipelinesAndTransactions() {
  const client = connect();
  await client.flushall();
  const pipeline = client.pipeline();
  for (let i = 0; i < 2000; ++i) pipeline.set(`key:${i}`, i);
  for (const [error, reply] of await pipeline.exec()) {
    assert.equal(error, null);
    assert.equal(reply, 'OK');
  }
  const results = await client.multi().incr('n').get('n').set('t', 'x', 'EX', 100).ttl('t').exec();
  assert.deepEqual(results.map(([, reply]) => reply), [1, '1', 'OK', 100]);
  let found = 0;
  for await (const keys of client.scanStream({ match: 'key:*', count: 200 })) found += keys.length;
  assert.ok(found >= 2000);
  await assert.rejects(client.call('NONSENSE'), /unknown command/);
  client.disconnect();
}

async function manyMessagesInOrder() {
  const subscriber = connect();
  const publisher = connect();
  const heard = [];
  subscriber.on('message', (channel, message) => heard.push(Number(message)));
  await subscriber.subscribe('stream');
  const counts = await Promise.all(
    Array.from({ length: 5000 }, (unused, i) => publisher.publish('stream', i)));
  assert.ok(counts.every((count) => count === 1));
  await eventually(() => heard.length === 5000, 'all messages');
  assert.deepEqual(heard, Array.from({ length: 5000 }, (unused, i) => i));
  subscriber.disconnect();
  publisher.disconnect();
}

async function streamsWithConsumerGroups() {
  const client = connect();
  await client.flushall();
  assert.equal(await client.xgroup('CREATE', 'jobs', 'workers', '$', 'MKSTREAM'), 'OK');
  const workers = [connect(), connect(), connect()];
  const given = [];
  const working = workers.map(async (worker, i) => {
    while (true) {
      const reply = await worker.xreadgroup('GROUP', 'workers', `worker${i}`, 'COUNT', 2, 'BLOCK', 0,
        'STREAMS', 'jobs', '>');
      for (const [id, [, job]] of reply[0][1]) {
        if (job === 'end') return;
        given.push([Number(job), id]);
        assert.equal(await worker.xack('jobs', 'workers', id), 1);
      }
    }
  });
  const ids = await Promise.all(
    Array.from({ length: 300 }, (unused, i) => client.xadd('jobs', '*', 'job', i)));
  await eventually(() => given.length === 300, 'all entries');
  // Who reads two may get two ends; there are enough for all.
  for (let i = 0; i < 6; ++i) await client.xadd('jobs', '*', 'job', 'end');
  await Promise.all(working);
  given.sort(([left], [right]) => left - right);
  assert.deepEqual(given.map(([, id]) => id), ids);
  assert.equal(await client.xlen('jobs'), 306);
  const [, entries] = (await client.xread('COUNT', 1, 'STREAMS', 'jobs', 0))[0];
  assert.deepEqual(entries, [[ids[0], ['job', '0']]]);
  const pending = await client.xpending('jobs', 'workers', '-', '+', 10);
  assert.ok(pending.every(([id]) => id > ids[299]));
  const claimed = await client.xautoclaim('jobs', 'workers', 'heir', 0, '0');
  assert.equal(claimed[1].length, pending.length);
  for (const worker of workers) worker.disconnect();
  client.disconnect();
}

async function sortedSetsAndBlockingPops() {
  const client = connect();
  const waiters = [connect(), connect(), connect(), connect()];
  await client.flushall();
  assert.equal(await client.zadd('board', 1, 'a', 2.5, 'b', 'inf', 'c'), 3);
  assert.deepEqual(await client.zrange('board', 0, -1, 'WITHSCORES'),
    ['a', '1', 'b', '2.5', 'c', 'inf']);
  assert.equal(await client.zincrby('board', 0.25, 'b'), '2.75');
  assert.deepEqual(await client.zrangebyscore('board', '(1', '+inf', 'LIMIT', 0, 1), ['b']);
  assert.equal(await client.zrevrank('board', 'a'), 2);
  assert.deepEqual(await client.zpopmin('board'), ['a', '1']);
  assert.equal(await client.zunionstore('both', 2, 'board', 'none', 'WEIGHTS', 2, 1), 2);
  // One after the other: two of them wait for the same list.
  const waits = [
    () => waiters[0].bzpopmin('empty', 'queue', 0),
    () => waiters[1].blpop('empty', 'list', 0),
    () => waiters[2].blmove('list', 'other', 'LEFT', 'RIGHT', 0),
    () => waiters[3].brpop('other', 0),
  ];
  const waiting = [];
  const blocked = async () => Number(/blocked_clients:(\d+)/.exec(await client.info('clients'))[1]);
  for (const wait of waits) {
    waiting.push(wait());
    await eventually(async () => (await blocked()) === waiting.length, 'one more who waits');
  }
  await client.zadd('queue', 7, 'member');
  await client.rpush('list', 'x');
  await client.rpush('list', 'y');
  assert.deepEqual(await Promise.all(waiting),
    [['queue', 'member', '7'], ['list', 'x'], 'y', ['other', 'y']]);
  assert.equal(await waiters[0].blpop('empty', 0.01), null);
  for (const waiter of waiters) waiter.disconnect();
  client.disconnect();
}

async function watchedTransactions() {
  const clients = [connect(), connect(), connect()];
  await clients[0].flushall();
  await Promise.all(clients.map(async (client) => {
    for (let done = 0; done < 50;) {
      await client.watch('total');
      const value = Number(await client.get('total'));
      if ((await client.multi().set('total', value + 1).exec()) !== null) ++done;
    }
  }));
  assert.equal(await clients[0].get('total'), '150');
  for (const client of clients) client.disconnect();
}

await run('ioredis', [
  subscribing,
  patternsAndBinaryPayloads,
  shardedChannels,
  reconnectingAfterAKill,
  pipelinesAndTransactions,
  manyMessagesInOrder,
  streamsWithConsumerGroups,
  sortedSetsAndBlockingPops,
  watchedTransactions,
]);
