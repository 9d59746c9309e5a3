// Talks to the echo route with the Node library `ws`. Usage: node_client.cjs URL true|false (whether it compresses)
'use strict';
const assert = require('node:assert');
const WebSocket = require('ws');

const url = process.argv[2];
const compresses = process.argv[3] === 'true';
const patience = 20_000;

function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited too long for ${what}`)), patience);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function open(address, options) {
  const ws = new WebSocket(address, options);
  const queue = [];
  const waiting = [];
  ws.on('message', (data, isBinary) => {
    const message = isBinary ? data : data.toString();
    const next = waiting.shift();
    if (next) next(message);
    else queue.push(message);
  });
  const receive = () =>
    within(
      new Promise((resolve) => (queue.length ? resolve(queue.shift()) : waiting.push(resolve))),
      'a message',
    );
  const closed = new Promise((resolve) => {
    ws.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  const opened = new Promise((resolve, reject) => {
    ws.on('open', resolve);
    ws.on('error', reject);
  });
  return { ws, receive, closed, opened: within(opened, 'the upgrade') };
}

async function main() {
  const { ws, receive, closed, opened } = open(url);
  await opened;
  // It offers permessage-deflate.
  assert.strictEqual(ws.extensions, compresses ? 'permessage-deflate' : '');
  ws.send('text κόσμε 🎛');
  assert.strictEqual(await receive(), 'text κόσμε 🎛');
  ws.send(Buffer.from([0, 1, 255]));
  assert.deepStrictEqual(await receive(), Buffer.from([0, 1, 255]));
  ws.send('frag', { fin: false });
  ws.send('ments ', { fin: false });
  const pong = new Promise((resolve) => ws.once('pong', resolve));
  ws.ping('between');
  ws.send('of text', { fin: true });
  assert.strictEqual((await within(pong, 'a pong')).toString(), 'between');
  assert.strictEqual(await receive(), 'fragments of text');
  ws.send('');
  assert.strictEqual(await receive(), '');
  const big = Buffer.alloc(1 << 20, 'jackfield');
  ws.send(big);
  assert.ok(big.equals(await receive()));
  for (let number = 0; number < 1000; number += 1) ws.send(String(number));
  for (let number = 0; number < 1000; number += 1) {
    assert.strictEqual(await receive(), String(number));
  }
  ws.pong('unsolicited');
  ws.close(4002, 'done here');
  const end = await within(closed, 'the close');
  assert.strictEqual(end.code, 4002);

  // A close without a code is answered without one.
  const second = open(url, { perMessageDeflate: false });
  await second.opened;
  second.ws.close();
  assert.strictEqual((await within(second.closed, 'the close')).code, 1005);

  // A refusal is a status, not a hang.
  const refused = new WebSocket(url.replace('/echo', '/nobody'));
  const status = await within(
    new Promise((resolve) => {
      refused.on('unexpected-response', (_, response) => resolve(response.statusCode));
      refused.on('open', () => resolve('open'));
    }),
    'a refusal',
  );
  refused.on('error', () => {});
  refused.terminate();
  assert.strictEqual(status, 404);
  console.log('interop: ok');
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
