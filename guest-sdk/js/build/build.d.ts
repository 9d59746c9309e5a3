/** The build as a function; `jackfield-js build` is its command line. @module */

/** What to build; every field has a default. */
export interface BuildOptions {
  /** The project's folder [default: the current one]. */
  project?: string;
  /** The plugin's module [default: "main" of package.json, or src/plugin.ts or .js]. */
  entry?: string;
  /** The component [default: dist/<name>.wasm]. */
  output?: string;
  /** Is given each warning of the bundler. */
  warn?: (text: string) => void;
}

/** What was built. */
export interface Built {
  /** The component's path. */
  component: string;
  /** Its size. */
  bytes: number;
  /** The groups of hooks that it exports, by their names in the contract. */
  groups: string[];
}

/** The author's mistake; the message says all there is to say, and where. */
export class BuildError extends Error {}

/**
 * Bundles a project, looks which hooks it has, and writes the component. Types are not checked here.
 *
 * @throws {BuildError} when the project does not build.
 */
export function build(options?: BuildOptions): Promise<Built>;
