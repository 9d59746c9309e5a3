// From a project to a component: bundle, look at the hooks, write their world, componentize.
// The documentation of `build` is in build.d.ts.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { bundleForComponent, bundleForNode } from './bundle.js';
import { look } from './look.js';
import { first, load } from './tools.js';
import { writeWorld } from './world.js';

const ENTRIES = ['src/plugin.ts', 'src/plugin.js', 'src/index.ts', 'src/index.js', 'plugin.ts', 'plugin.js'];

const SDK_VERSION = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;

/** A build that failed for a reason of the author's; the message is complete. */
export class BuildError extends Error {}

export async function build({ project = '.', entry, output, warn = () => {} } = {}) {
  const root = resolve(project);
  const main = entry ? resolve(root, entry) : entryOf(root);
  const component = output ? resolve(root, output) : join(root, 'dist', `${nameOf(root)}.wasm`);
  const esbuild = await load('esbuild', root);
  const { componentize } = await load('componentize-qjs', root);
  const folder = mkdtempSync(join(tmpdir(), 'jackfield-build-'));
  try {
    const { groups, problems } = await lookAt(esbuild, root, main, folder);
    if (problems.length > 0) throw new BuildError(problems.join('\n'));
    const bundled = await explained(esbuild, bundleForComponent(esbuild, { project: root, entry: main, groups }));
    for (const text of await esbuild.formatMessages(bundled.warnings, { kind: 'warning' })) warn(text.trimEnd());
    const wit = join(folder, 'wit');
    writeWorld(wit, groups);
    const { component: bytes } = await componentize({
      witPath: wit,
      world: 'plugin',
      jsSource: bundled.code,
      // No async runtime: the host's engine has no component-model-async.
      sync: true,
      // For speed: half a megabyte more, and a call takes two thirds of the time (docs/languages.md).
      optSize: false,
    }).catch((error) => {
      // A place in the bundle is none that the author knows.
      const said = error.message.replace(/^: /, '').replace(/componentize-qjs:user\.js:(\d+)(:\d+)?/g, (place, line) => {
        return bundled.placeOf(Number(line)) ?? place;
      });
      throw new BuildError(`the component could not be made: ${said}`);
    });
    mkdirSync(dirname(component), { recursive: true });
    const labelled = Buffer.concat([bytes, label(`jackfield-guest ${SDK_VERSION} (JavaScript)`)]);
    writeFileSync(component, labelled);
    return { component, bytes: labelled.length, groups };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A custom section that says what the component was written with; `jackfield check` shows it. */
function label(text) {
  const name = Buffer.from('jackfield.sdk');
  const content = Buffer.from(text);
  // Both are shorter than 128 bytes, so that one byte holds each length.
  return Buffer.concat([Buffer.from([0, 1 + name.length + content.length, name.length]), name, content]);
}

/** The file that a project's plugin is in. */
export function entryOf(root) {
  const main = manifestOf(root).main;
  const entry = main ? resolve(root, main) : first(root, ENTRIES);
  if (!entry) throw new BuildError(`no plugin found in ${root}: neither "main" in package.json nor ${ENTRIES.join(', ')}`);
  return entry;
}

/** The project's name, from its package.json or its folder. */
export function nameOf(root) {
  const name = manifestOf(root).name ?? root;
  return name.split(/[\\/]/).at(-1);
}

/** Waits for esbuild; its errors become text with file, line and the line itself. */
export async function explained(esbuild, bundling) {
  try {
    return await bundling;
  } catch (error) {
    if (!error.errors) throw error;
    for (const problem of error.errors) {
      // What esbuild advises there is for those who call it themselves.
      const missing = /^Could not resolve "(.*)"/.exec(problem.text)?.[1];
      if (missing) problem.notes = [];
      if (missing?.startsWith('node:')) problem.text += ': a plugin does not run in Node and has none of its modules';
    }
    const messages = await esbuild.formatMessages(error.errors, { kind: 'error', color: process.stderr.isTTY });
    throw new BuildError(messages.map((text) => text.trimEnd()).join('\n'));
  }
}

async function lookAt(esbuild, root, main, folder) {
  const outdir = join(folder, 'look');
  const bundle = bundleForNode(esbuild, { project: root, entries: { plugin: main }, outdir });
  await explained(esbuild, bundle);
  try {
    return await look(join(outdir, 'plugin.mjs'));
  } catch (error) {
    throw new BuildError(error.message);
  }
}

function manifestOf(root) {
  try {
    return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return {};
    throw new BuildError(`package.json: ${error.message}`);
  }
}
