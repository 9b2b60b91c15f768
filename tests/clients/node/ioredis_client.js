// ioredis: pub/sub with buffers, patterns, sharded channels, reconnecting, pipelines and
// transactions. Needs $PEAL_PORT.

import assert from 'node:assert/strict';
import { Redis } from 'ioredis';
import { eventually, port, run } from './check.js';

const connect = (options = {}) => new Redis({ port, host: '127.0.0.1', ...options });

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

await run('ioredis', [
  subscribing,
  patternsAndBinaryPayloads,
  shardedChannels,
  reconnectingAfterAKill,
  pipelinesAndTransactions,
  manyMessagesInOrder,
]);
