// redis (node-redis) with RESP2 and RESP3: pub/sub, also beside commands on one connection,
// sharded channels, reconnecting, pipelines, transactions, streams, sorted sets and those who wait.
// Needs $PEAL_PORT; over TLS, as the user $PEAL_USER, if $PEAL_TLS_CA is set.

import assert from 'node:assert/strict';
import { createClient } from 'redis';
import { eventually, port, run, tls, user } from './check.js';

async function connect(RESP) {
  const client = createClient({
    RESP,
    ...user,
    socket: {
      port, host: '127.0.0.1', reconnectStrategy: () => 10, ...(tls && { tls: true, ...tls }),
    },
  });
  client.on('error', () => {});
  return client.connect();
}

const untilBlocked = (client, count) =>
  eventually(async () => (await client.info('clients')).includes(`blocked_clients:${count}\r\n`),
    `${count} who wait`);

function parts(RESP) {
  const withResp = (part) =>
    Object.defineProperty(() => part(RESP), 'name', { value: `${part.name}, RESP${RESP}` });
  return [
    subscribing, patterns, shardedChannels, reconnectingAfterAKill, transactions,
    streamsWithConsumerGroups, sortedSetsAndHashes, whatWaits,
  ].map(withResp);
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

async function streamsWithConsumerGroups(RESP) {
  const client = await connect(RESP);
  const worker = await connect(RESP);
  await client.flushAll();
  assert.equal(await client.xGroupCreate('jobs', 'workers', '0', { MKSTREAM: true }), 'OK');
  const waiting = worker.xReadGroup('workers', 'ada', { key: 'jobs', id: '>' }, { BLOCK: 0 });
  await untilBlocked(client, 1);
  const id = await client.xAdd('jobs', '*', { kind: 'mail', to: 'you' });
  const [stream] = await waiting;
  assert.equal(stream.name, 'jobs');
  assert.equal(stream.messages[0].id, id);
  assert.deepEqual({ ...stream.messages[0].message }, { kind: 'mail', to: 'you' });
  assert.equal((await client.xPending('jobs', 'workers')).pending, 1);
  const [info] = await client.xInfoGroups('jobs');
  assert.deepEqual([info.name, info.consumers, info.pending], ['workers', 1, 1]);
  assert.deepEqual((await client.xAutoClaim('jobs', 'workers', 'bob', 0, '0')).messages.length, 1);
  assert.equal(await client.xAck('jobs', 'workers', id), 1);
  assert.equal((await client.xRange('jobs', '-', '+')).length, 1);
  assert.equal(await client.xTrim('jobs', 'MAXLEN', 0), 1);
  client.destroy();
  worker.destroy();
}

async function sortedSetsAndHashes(RESP) {
  const client = await connect(RESP);
  await client.flushAll();
  const members = [{ value: 'a', score: 1 }, { value: 'b', score: 2.5 }, { value: 'c', score: Infinity }];
  assert.equal(await client.zAdd('board', members), 3);
  assert.deepEqual((await client.zRangeWithScores('board', 0, -1)).map((row) => ({ ...row })), members);
  assert.equal(await client.zScore('board', 'c'), Infinity);
  assert.equal(await client.zScore('board', 'none'), null);
  assert.equal(await client.zIncrBy('board', 0.25, 'b'), 2.75);
  assert.deepEqual(await client.zmScore('board', ['a', 'none']), [1, null]);
  assert.deepEqual({ ...(await client.zPopMin('board')) }, members[0]);
  assert.equal(await client.hSet('user', { name: 'ada', born: '1815' }), 2);
  assert.deepEqual({ ...(await client.hGetAll('user')) }, { name: 'ada', born: '1815' });
  assert.equal(await client.geoAdd('places', { longitude: 13.361389, latitude: 38.115556, member: 'Palermo' }), 1);
  assert.deepEqual(await client.geoSearch('places', { longitude: 13, latitude: 38 }, { radius: 100, unit: 'km' }),
    ['Palermo']);
  client.destroy();
}

async function whatWaits(RESP) {
  const client = await connect(RESP);
  const waiters = await Promise.all([0, 1, 2, 3].map(() => connect(RESP)));
  await client.flushAll();
  const waiting = [
    waiters[0].blPop(['empty', 'list'], 0),
    waiters[1].bzPopMax('board', 0),
    waiters[2].blMove('from', 'to', 'LEFT', 'RIGHT', 0),
    waiters[3].blmPop(0, ['to'], 'LEFT', { COUNT: 2 }),
  ];
  await untilBlocked(client, 4);
  await client.multi().rPush('list', 'x').zAdd('board', { value: 'm', score: 3 }).rPush('from', 'y').exec();
  const [list, board, moved, popped] = await Promise.all(waiting);
  assert.deepEqual({ ...list }, { key: 'list', element: 'x' });
  assert.deepEqual({ ...board }, { key: 'board', value: 'm', score: 3 });
  assert.equal(moved, 'y');
  assert.deepEqual(popped, ['to', ['y']]);
  assert.equal(await client.blPop('empty', 0.01), null);
  for (const each of [client, ...waiters]) each.destroy();
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
