// Drives Chromium: the page's own WebSocket against the echo route, then the playground page as a person uses
// it. Usage: chromium_client.cjs HOST:PORT BROWSER FOLDER
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { chromium } = require('playwright-core');

const [host, executablePath, folder] = process.argv.slice(2);
const timeout = 20_000;
const args = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

// Runs inside the page.
async function exchange(url) {
  const within = (promise, what) =>
    Promise.race([
      promise,
      new Promise((_, reject) => setTimeout(() => reject(new Error(`waited for ${what}`)), 20_000)),
    ]);
  const ws = new WebSocket(url);
  ws.binaryType = 'arraybuffer';
  const queue = [];
  const waiting = [];
  ws.onmessage = ({ data }) => {
    const next = waiting.shift();
    if (next) next(data);
    else queue.push(data);
  };
  const receive = () =>
    within(new Promise((done) => (queue.length ? done(queue.shift()) : waiting.push(done))), 'a message');
  await within(new Promise((done, fail) => ((ws.onopen = done), (ws.onerror = fail))), 'open');
  const seen = { extensions: ws.extensions };
  ws.send('text κόσμε 🎛');
  seen.text = await receive();
  ws.send(new Uint8Array([0, 1, 255]));
  seen.binary = Array.from(new Uint8Array(await receive()));
  // Chromium cuts large messages into fragments by itself.
  const big = new Uint8Array(1 << 20).map((_, index) => index % 251);
  ws.send(big);
  const back = new Uint8Array(await receive());
  seen.big = back.length === big.length && back.every((byte, index) => byte === big[index]);
  for (let number = 0; number < 1000; number += 1) ws.send(String(number));
  seen.order = true;
  for (let number = 0; number < 1000; number += 1) {
    if ((await receive()) !== String(number)) seen.order = false;
  }
  const closed = new Promise((done) => (ws.onclose = done));
  ws.close(4003, 'done here');
  const { code, wasClean } = await within(closed, 'close');
  return { ...seen, code, wasClean };
}

async function rows(page, way, kind) {
  return page.$$eval(
    `#log tr[data-way=${way}]`,
    (all, kind) =>
      all
        .filter((row) => row.querySelector('.kind').textContent === kind)
        .map((row) => row.querySelector('.preview').textContent),
    kind,
  );
}

async function main() {
  const profile = fs.mkdtempSync(path.join(folder, 'chromium-'));
  const browser = await chromium.launchPersistentContext(profile, { executablePath, args, headless: true });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(timeout);
    const problems = [];
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    page.on('pageerror', (error) => problems.push(String(error)));
    const response = await page.goto(`http://${host}/`);
    assert.strictEqual(response.status(), 200);
    assert.match(response.headers()['content-type'], /text\/html/);

    const seen = await page.evaluate(exchange, `ws://${host}/echo`);
    assert.deepStrictEqual(seen, {
      extensions: '', text: 'text κόσμε 🎛', binary: [0, 1, 255], big: true, order: true, code: 4003, wasClean: true,
    });

    // The playground: connect, send text, send a file, see frames, close with a code.
    const status = (text) => page.waitForFunction(
      (text) => document.querySelector('#status').textContent.includes(text), text);
    await page.selectOption('#route', '/echo');
    await page.click('#connect');
    await status('connected to /echo');
    await page.fill('#text', 'typed by <b>hand</b>');
    await page.click('#send-text');
    await page.waitForSelector('#log tr[data-way=in]');
    assert.deepStrictEqual(await rows(page, 'in', 'text'), ['typed by <b>hand</b>']);
    assert.deepStrictEqual(await rows(page, 'out', 'text'), ['typed by <b>hand</b>']);
    const file = path.join(folder, 'file.bin');
    fs.writeFileSync(file, Buffer.from([0xca, 0xfe, 0x00]));
    await page.setInputFiles('#file', file);
    await page.click('#send-file');
    await page.waitForFunction(() => document.querySelectorAll('#log tr[data-way=in]').length === 2);
    assert.deepStrictEqual(await rows(page, 'in', 'binary'), ['ca fe 00']);
    await page.fill('#code', '4004');
    await page.fill('#reason', 'enough');
    await page.screenshot({ path: path.join(folder, 'playground.png'), fullPage: true });
    await page.click('#close');
    await status('closed: code 4004');
    assert.deepStrictEqual(problems, []);

    // A route that wants a token: refused without, accepted with one offered as a subprotocol.
    await page.selectOption('#route', '/private');
    await page.click('#connect');
    await status('refused');
    await page.fill('#protocols', 'chat.v1, token.let-me-in');
    await page.click('#connect');
    await status('connected to /private, subprotocol chat.v1');
    await page.click('#close');
    await status('closed');

    // A page of another origin may not connect (RFC 6455 section 10.2). A document without an origin, here.
    await page.goto('data:text/html,<title>elsewhere</title>');
    const refused = await page.evaluate(
      (url) => new Promise((done) => {
        const ws = new WebSocket(url);
        ws.onopen = () => done('open');
        ws.onclose = () => done('refused');
      }),
      `ws://${host}/echo`,
    );
    assert.strictEqual(refused, 'refused');
  } finally {
    await browser.close();
  }
  console.log('interop: ok');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
