// redis (node-redis) with RESP2 and RESP3: pub/sub, also beside commands on one connection,
// sharded channels, reconnecting, pipelines and transactions. Needs $PEAL_PORT.

import assert from 'node:assert/strict';
import { createClient } from 'redis';
import { eventually, port, run } from './check.js';

async function connect(RESP) {
  const client = createClient({
    RESP,
    socket: { port, host: '127.0.0.1', reconnectStrategy: () => 10 },
  });
  client.on('error', () => {});
  return client.connect();
}

function parts(RESP) {
  const withResp = (part) =>
    Object.defineProperty(() => part(RESP), 'name', { value: `${part.name}, RESP${RESP}` });
  return [subscribing, patterns, shardedChannels, reconnectingAfterAKill, transactions].map(withResp);
}

async function subscribing(RESP) {
  const subscriber = await connect(RESP);
  const publisher = await connect(RESP);
  const heard = [];
  const listener = (message, channel) => heard.push([channel, message]);
  await subscriber.subscribe(['news', 'other'], listener);
  assert.equal(await publisher.publish('news', 'hello'), 1);
  await eventually(() => heard.length === 1, 'a message');
  assert.deepEqual(heard, [['news', 'hello']]);
  await subscriber.unsubscribe('news', listener);
  assert.equal(await publisher.publish('news', 'nobody'), 0);
  assert.deepEqual({ ...(await publisher.pubSubNumSub(['news', 'other'])) }, { news: 0, other: 1 });
  await subscriber.unsubscribe();
  subscriber.destroy();
  publisher.destroy();
}

async function patterns(RESP) {
  const subscriber = await connect(RESP);
  const publisher = await connect(RESP);
  const heard = [];
  await subscriber.pSubscribe('news.*', (message, channel) => heard.push([channel, message]), true);
  assert.equal(await publisher.publish('news.golf', Buffer.from([0, 255, 10])), 1);
  await eventually(() => heard.length === 1, 'a pattern message');
  assert.deepEqual(heard[0][1], Buffer.from([0, 255, 10]));
  assert.equal(await publisher.pubSubNumPat(), 1);
  subscriber.destroy();
  publisher.destroy();
}

async function shardedChannels(RESP) {
  const subscriber = await connect(RESP);
  const publisher = await connect(RESP);
  const heard = [];
  await subscriber.sSubscribe('shard', (message) => heard.push(message));
  assert.equal(await publisher.sPublish('shard', 'hello'), 1);
  await eventually(() => heard.length === 1, 'a sharded message');
  assert.deepEqual(await publisher.pubSubShardChannels(), ['shard']);
  subscriber.destroy();
  publisher.destroy();
}

async function reconnectingAfterAKill(RESP) {
  const subscriber = await connect(RESP);
  const publisher = await connect(RESP);
  const heard = [];
  await subscriber.subscribe('again', (message) => heard.push(message));
  await publisher.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub']);
  await eventually(async () => {
    await publisher.publish('again', 'back');
    return heard.includes('back');
  }, 'a message after the kill');
  subscriber.destroy();
  publisher.destroy();
}

async function transactions(RESP) {
  const client = await connect(RESP);
  await client.flushAll();
  assert.deepEqual(await client.multi().incr('n').get('n').exec(), [1, '1']);
  const replies = await Promise.all(
    Array.from({ length: 2000 }, (unused, i) => client.set(`key:${i}`, String(i))));
  assert.ok(replies.every((reply) => reply === 'OK'));
  let found = 0;
  for await (const keys of client.scanIterator({ MATCH: 'key:*', COUNT: 200 })) {
    found += Array.isArray(keys) ? keys.length : 1;
  }
  assert.ok(found >= 2000);
  await assert.rejects(client.sendCommand(['NONSENSE']), /unknown command/);
  client.destroy();
}

/// RESP3 pushes messages on a connection that goes on running commands.
async function commandsOnTheSubscribedConnection() {
  const client = await connect(3);
  const heard = [];
  await client.subscribe('shared', (message) => heard.push(message));
  for (let i = 0; i < 200; ++i) {
    assert.equal(await client.set('k', String(i)), 'OK');
    assert.equal(await client.publish('shared', String(i)), 1);
    assert.equal(await client.get('k'), String(i));
  }
  await eventually(() => heard.length === 200, 'all own messages');
  assert.deepEqual(heard, Array.from({ length: 200 }, (unused, i) => String(i)));
  client.destroy();
}

await run('redis', [...parts(2), ...parts(3), commandsOnTheSubscribedConnection]);
