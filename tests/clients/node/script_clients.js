// Libraries whose work is done by scripts on the server: BullMQ (queues), rate-limiter-flexible,
// redlock. Needs $PEAL_PORT.

import assert from 'node:assert/strict';
import { FlowProducer, Queue, QueueEvents, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import Redlock from 'redlock';
import { eventually, port, run } from './check.js';

const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null };

async function aQueueWorksOffItsJobs() {
  const queue = new Queue('mail', { connection });
  const events = new QueueEvents('mail', { connection });
  await events.waitUntilReady();
  const done = [];
  events.on('completed', ({ jobId, returnvalue }) => done.push([jobId, returnvalue]));
  const failed = [];
  events.on('failed', ({ failedReason }) => failed.push(failedReason));
  const order = [];
  const first = await queue.add('send', { to: 'a' });
  await queue.add('send', { to: 'late' }, { delay: 50 });
  await queue.add('send', { to: 'urgent' }, { priority: 1 });
  await queue.addBulk([1, 2, 3].map((n) => ({ name: 'bulk', data: { to: `bulk${n}` } })));
  await queue.add('send', { to: 'nobody' }, { attempts: 2, backoff: 10 });
  const counts = await queue.getJobCounts();
  assert.equal(counts.waiting, 5);
  assert.equal(counts.delayed, 1);
  assert.equal(counts.prioritized, 1);
  const worker = new Worker(
    'mail',
    async (job) => {
      order.push(job.data.to);
      if (job.data.to === 'nobody') throw new Error('no such address');
      await job.updateProgress(50);
      return `sent to ${job.data.to}`;
    },
    { connection },
  );
  await eventually(() => done.length === 6 && failed.length === 1, 'six jobs done, one failed');
  assert.deepEqual(failed, ['no such address']);
  assert.ok(done.some(([id, value]) => id === first.id && value === 'sent to a'));
  assert.equal(order.filter((to) => to === 'nobody').length, 2);
  assert.equal(await (await queue.getJob(first.id)).getState(), 'completed');
  await queue.pause();
  await queue.add('send', { to: 'paused' });
  const held = await queue.getJobCounts();
  assert.equal((held.paused ?? 0) + held.waiting, 1);
  await queue.resume();
  await eventually(() => done.length === 7, 'the job of a queue that goes on');
  await worker.close();
  await queue.obliterate({ force: true });
  assert.equal(await queue.count(), 0);
  await events.close();
  await queue.close();
}

async function aFlowWaitsForItsChildren() {
  const flow = new FlowProducer({ connection });
  const tree = await flow.add({
    name: 'album',
    queueName: 'parents',
    children: [1, 2, 3].map((n) => ({ name: 'photo', data: { n }, queueName: 'children' })),
  });
  const children = new Worker('children', async (job) => job.data.n * 10, { connection });
  let sum = 0;
  const parents = new Worker(
    'parents',
    async (job) => {
      for (const value of Object.values(await job.getChildrenValues())) sum += value;
    },
    { connection },
  );
  await eventually(async () => (await tree.job.getState()) === 'completed', 'the parent');
  assert.equal(sum, 60);
  await children.close();
  await parents.close();
  await flow.close();
}

async function aSchedulerRepeatsItsJob() {
  const queue = new Queue('clock', { connection });
  let ticks = 0;
  const worker = new Worker('clock', async () => (ticks += 1), { connection });
  await queue.upsertJobScheduler('tick', { every: 50 }, { name: 'tick' });
  await eventually(() => ticks >= 3, 'three ticks');
  assert.equal(await queue.removeJobScheduler('tick'), true);
  await worker.close();
  await queue.close();
}

async function aRateLimiterCounts() {
  const client = new Redis(connection);
  const limiter = new RateLimiterRedis({ storeClient: client, points: 3, duration: 60 });
  for (const remaining of [2, 1, 0]) {
    assert.equal((await limiter.consume('user')).remainingPoints, remaining);
  }
  await assert.rejects(limiter.consume('user'), (refusal) => {
    assert.equal(refusal.remainingPoints, 0);
    assert.ok(refusal.msBeforeNext > 0 && refusal.msBeforeNext <= 60000);
    return true;
  });
  assert.equal((await limiter.reward('user', 2)).consumedPoints, 2);
  await limiter.block('user', 30);
  await assert.rejects(limiter.consume('user'));
  assert.equal(await limiter.delete('user'), true);
  assert.equal((await limiter.consume('user')).remainingPoints, 2);
  await client.quit();
}

async function aLockIsHeldByOne() {
  const client = new Redis(connection);
  const locks = new Redlock([client], { retryCount: 0 });
  const lock = await locks.lock('resource', 10000);
  await assert.rejects(locks.lock('resource', 10000), Redlock.LockError);
  const longer = await lock.extend(20000);
  assert.ok((await client.pttl('resource')) > 10000);
  await longer.unlock();
  assert.equal(await client.exists('resource'), 0);
  const again = await locks.lock(['resource', 'other'], 10000);
  assert.equal(await client.exists('resource', 'other'), 2);
  await client.set('resource', 'stolen');
  await assert.rejects(again.unlock());
  await client.quit();
}

async function commandsThatAreScripts() {
  const client = new Redis(connection);
  client.defineCommand('swap', {
    numberOfKeys: 2,
    lua: `local a = redis.call('GET', KEYS[1])
          redis.call('SET', KEYS[1], redis.call('GET', KEYS[2]))
          redis.call('SET', KEYS[2], a)
          return cjson.encode({a, ARGV[1]})`,
  });
  await client.mset('left', '1', 'right', '2');
  assert.equal(await client.swap('left', 'right', 'x'), '["1","x"]');
  await client.script('FLUSH');
  assert.equal(await client.swap('left', 'right', 'y'), '["2","y"]');
  assert.deepEqual(await client.mget('left', 'right'), ['1', '2']);
  const replies = await client.multi().swap('left', 'right', 'z').get('left').exec();
  assert.deepEqual(replies, [[null, '["1","z"]'], [null, '2']]);
  await client.quit();
}

await run('scripts', [
  aQueueWorksOffItsJobs,
  aFlowWaitsForItsChildren,
  aSchedulerRepeatsItsJob,
  aRateLimiterCounts,
  aLockIsHeldByOne,
  commandsThatAreScripts,
]);
