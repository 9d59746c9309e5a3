// Type-checks a TypeScript project against the SDK that builds it.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { tmpdir } from 'node:os';
import { find, MissingTool, SDK } from './tools.js';

/**
 * Prints what is wrong; true: nothing is. A project without a tsconfig.json is not checked; one whose tests have
 * another, as they run in Node and the plugin does not, is checked with both.
 */
export function checkTypes(project) {
  const configs = ['tsconfig.json', 'test/tsconfig.json'].map((name) => join(project, name));
  return configs.filter((config) => existsSync(config)).every((config) => passes(project, config));
}

function passes(project, config) {
  const manifest = find('typescript/package.json', project);
  if (!manifest) throw new MissingTool('typescript');
  const folder = mkdtempSync(join(tmpdir(), 'jackfield-types-'));
  try {
    // A configuration beside the project's own, so that `jackfield-guest` is found without being installed.
    const own = join(folder, 'tsconfig.json');
    writeFileSync(
      own,
      JSON.stringify({
        extends: config,
        compilerOptions: {
          noEmit: true,
          // The SDK and Node each declare console, crypto and text coding.
          skipLibCheck: true,
          // Looked for beside the project's configuration, not beside this one.
          typeRoots: [join(project, 'node_modules/@types')],
          paths: {
            'jackfield-guest': [join(SDK, 'src/index.d.ts')],
            'jackfield-guest/testing': [join(SDK, 'src/testing.d.ts')],
          },
        },
      }),
    );
    const tsc = join(dirname(manifest), 'bin/tsc');
    return spawnSync(process.execPath, [tsc, '-p', own], { cwd: project, stdio: 'inherit' }).status === 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
