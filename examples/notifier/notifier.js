// Notifies of everything that happens to orders.
//
//   node examples/notifier/notifier.js [COUNT]
//
// Events are published on channels orders.<number>.<event>, so that a subscriber chooses by pattern
// what it hears. With COUNT the program ends after that many notifications.

const { createClient } = require('redis');

async function main() {
  const mostNotifications = Number(process.argv[2] ?? Infinity);
  const client = createClient({ socket: { port: Number(process.env.PEAL_PORT ?? 6379) } });
  client.on('error', (error) => console.error(`connection: ${error.message}`));
  await client.connect();

  let notifications = 0;
  await client.pSubscribe('orders.*', (details, channel) => {
    const [, number, event] = channel.split('.');
    console.log(`order ${number}: ${event}${details ? ` (${details})` : ''}`);
    if (++notifications >= mostNotifications) client.close();
  });
  console.log('listening to orders.*');
}

main();
