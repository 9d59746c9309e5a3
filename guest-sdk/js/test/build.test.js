import assert from 'node:assert/strict';
import { mkdtempSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { build, BuildError } from '../build/build.js';
import { find, MissingTool, SDK } from '../build/tools.js';
import { world } from '../build/world.js';

const missing = ['esbuild', 'componentize-qjs'].filter((name) => !find(name, SDK));
const skip = missing.length > 0 && new MissingTool(missing[0]).message;

/** A project with one file; gone after the test. */
function project(t, source, name = 'src/plugin.js') {
  const folder = mkdtempSync(join(tmpdir(), 'jackfield-project-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'src'));
  writeFileSync(join(folder, name), source);
  writeFileSync(join(folder, 'package.json'), '{ "name": "@scope/trial", "type": "module" }');
  return folder;
}

test('the contract in the package is the repository’s', (t) => {
  const contract = join(SDK, '../../wit');
  let names;
  try {
    names = readdirSync(contract);
  } catch {
    return t.skip('not in the repository');
  }
  assert.deepEqual(readdirSync(join(SDK, 'wit')), names);
  for (const name of names) {
    const [ours, theirs] = [join(SDK, 'wit', name), join(contract, name)].map((path) => readFileSync(path, 'utf8'));
    assert.equal(ours, theirs, `${name}: run npm run contract`);
  }
});

test('a world exports what there is and nothing else', () => {
  const text = world(['handler', 'state']);
  assert.deepEqual(text.match(/export .*;/g), ['export jackfield:plugin/handler@0.1.0;', 'export jackfield:plugin/state@0.1.0;']);
});

test('a project becomes a component', { skip }, async (t) => {
  const folder = project(
    t,
    `import { Connection, type Message } from 'jackfield-guest';
     export async function businessHandler(connection: Connection, message: Message) { connection.send(await message); }`,
    'src/plugin.ts',
  );
  const built = await build({ project: folder });
  assert.deepEqual(built.groups, ['handler']);
  assert.equal(built.component, join(folder, 'dist', 'trial.wasm'));
  const bytes = readFileSync(built.component);
  // The preamble of a component: magic, version 13, layer 1.
  assert.deepEqual([...bytes.subarray(0, 8)], [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00]);
});

for (const [what, source, said] of [
  ['a syntax error', 'export function businessHandler( {', /src\/plugin\.js:1:/],
  ['a module that throws', 'throw new Error("at the top")', /cannot be evaluated:\nError: at the top\n.*src\/plugin\.js:1/s],
  ['a module of Node', 'import "node:fs"; export function onStarted() {}', /does not run in Node/],
  ['a slip in a name', 'export function bussinessHandler() {}', /did you mean businessHandler/],
  ['what only QuickJS misses', 'setTimeout(() => {}); export function onStarted() {}', /setTimeout is not defined\n.*src\/plugin\.js:1/],
  ['randomness at the top', 'Math.random(); export function onStarted() {}', /no randomness while the component is built/],
]) {
  test(`${what} is said in words`, { skip }, async (t) => {
    await assert.rejects(build({ project: project(t, source) }), (error) => {
      assert.ok(error instanceof BuildError, String(error));
      assert.match(error.message, said);
      return true;
    });
  });
}

test('a project without a plugin', async (t) => {
  await assert.rejects(build({ project: project(t, '', 'src/other.js') }), BuildError);
});
