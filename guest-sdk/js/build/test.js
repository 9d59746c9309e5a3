// Runs a project's tests under Node: the tests' host stands in for the real one.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { BuildError, explained } from './build.js';
import { bundleForNode } from './bundle.js';
import { load } from './tools.js';

/** The exit code of `node --test` for the files test/*.test.{js,ts} of a project. */
export async function test({ project = '.' } = {}) {
  const root = resolve(project);
  const folder = join(root, 'test');
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => /\.test\.(js|mjs|ts|mts)$/.test(name)) : [];
  if (names.length === 0) throw new BuildError(`no tests in ${folder}: name them test/….test.js or .ts`);
  const esbuild = await load('esbuild', root);
  const outdir = mkdtempSync(join(tmpdir(), 'jackfield-test-'));
  try {
    const entries = names.map((name) => join(folder, name));
    await explained(esbuild, bundleForNode(esbuild, { project: root, entries, outdir, external: ['node:*'] }));
    const files = readdirSync(outdir).filter((name) => name.endsWith('.mjs'));
    const node = ['--enable-source-maps', '--test', ...files.map((name) => join(outdir, name))];
    return spawnSync(process.execPath, node, { cwd: root, stdio: 'inherit' }).status ?? 1;
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}
