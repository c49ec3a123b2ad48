#!/usr/bin/env node
// Builds a component from a JavaScript or TypeScript module: bundles it, makes a world of exactly
// what the bundle imports and exports, and hands both to the engine's toolchain.

import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const HERE = dirname(dirname(fileURLToPath(import.meta.url)));
const USAGE = `Usage: gg-build <module> -o <out.wasm> [options]

  -o, --out <file>      the component to write
      --engine <name>   qjs: QuickJS, small and quick to start (default)
                        full: StarlingMonkey, with fetch, URL, crypto, setTimeout ...
      --world <name>    handler or service; left out: as the module exports it
      --wit <folder>    another copy of the WIT package gg:host
      --fetch           engine full: import wasi:http for fetch()
      --small           engine qjs: a third smaller, a quarter slower
      --minify          minify the module`;

const EXPORTS = {
  handler: { name: 'messageHandler', wit: 'gg:host/message-handler@0.1.0' },
  service: { name: 'run', wit: 'wasi:cli/run@0.2.6' },
};

class UserError extends Error {}

async function main() {
  const options = readArguments();
  const work = await mkdtemp(join(tmpdir(), 'gg-build-'));
  try {
    const bundle = await bundleModule(options);
    const world = options.world ?? worldOf(bundle);
    if (!bundle.exports.includes(EXPORTS[world].name)) {
      throw new UserError(`a ${world} must export \`${EXPORTS[world].name}\`; this module exports: ${bundle.exports.join(', ') || 'nothing'}`);
    }
    const wit = join(work, 'wit');
    await writeWorld(wit, options.wit, bundle.imports, EXPORTS[world].wit);
    const source = join(work, 'component.js');
    await writeFile(source, bundle.code);
    const build = options.engine === 'qjs' ? buildQuickJs : buildStarlingMonkey;
    const component = await build({ ...options, source, code: bundle.code, wit });
    await mkdir(dirname(resolve(options.out)), { recursive: true });
    await writeFile(options.out, component);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function readArguments() {
  let parsed;
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: {
        out: { type: 'string', short: 'o' },
        engine: { type: 'string', default: 'qjs' },
        world: { type: 'string' },
        wit: { type: 'string' },
        fetch: { type: 'boolean' },
        small: { type: 'boolean' },
        minify: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new UserError(`${error.message}\n\n${USAGE}`);
  }
  const { values, positionals } = parsed;
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  if (positionals.length !== 1 || !values.out) throw new UserError(USAGE);
  if (!['qjs', 'full'].includes(values.engine)) throw new UserError(`--engine is qjs or full, not ${values.engine}`);
  if (values.world && !EXPORTS[values.world]) throw new UserError(`--world is handler or service, not ${values.world}`);
  const wit = values.wit ?? [join(HERE, 'wit'), join(HERE, '../../wit')].find((path) => existsSync(path));
  return { ...values, wit, module: positionals[0] };
}

// The toolchain where `GG_JS_TOOLCHAIN` says (a folder with node_modules), or beside this package,
// or where `cargo xtask setup` put it.
async function load(name) {
  const folder = toolchain();
  if (!folder) {
    try {
      return await import(name);
    } catch (error) {
      if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
      throw new UserError(`${name} is not installed: run \`npm ci\` in ${HERE}, or set GG_JS_TOOLCHAIN`);
    }
  }
  const module = join(folder, 'node_modules', name);
  const { exports, main } = JSON.parse(await readFile(join(module, 'package.json'), 'utf8'));
  let entry = exports?.['.'] ?? exports ?? main;
  while (typeof entry === 'object') entry = entry.import ?? entry.default;
  return import(pathToFileURL(join(module, entry)));
}

function toolchain() {
  const { GG_JS_TOOLCHAIN, GG_TOOLCHAINS, XDG_CACHE_HOME } = process.env;
  if (GG_JS_TOOLCHAIN) return GG_JS_TOOLCHAIN;
  // As a repository has it; an installed package finds its dependencies by itself.
  if (!existsSync(join(HERE, '../../wit')) || existsSync(join(HERE, 'node_modules'))) return undefined;
  const cache = GG_TOOLCHAINS || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'gg-host/toolchains');
  const found = existsSync(cache) ? readdirSync(cache).filter((entry) => /^js-.*[0-9a-f]$/.test(entry)) : [];
  return found.map((entry) => join(cache, entry)).sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
}

async function bundleModule({ module, minify }) {
  const { rolldown } = await load('rolldown');
  const own = JSON.parse(await readFile(join(HERE, 'package.json'), 'utf8'));
  const readable = (error) => {
    // The bundler's message shows the place; where it noticed is of no use.
    throw error.errors ? new UserError(error.message) : error;
  };
  const bundle = await rolldown({
    input: module,
    cwd: process.cwd(),
    platform: 'neutral',
    logLevel: 'warn',
    plugins: [
      {
        name: 'gg-host',
        resolveId(id) {
          // The host's interfaces stay imports, and one that nothing uses goes.
          if (/^[a-z0-9-]+:[a-z0-9-]+\//.test(id)) return { id, external: true, moduleSideEffects: false };
          if (id !== own.name && !id.startsWith(`${own.name}/`)) return null;
          const entry = own.exports[`.${id.slice(own.name.length)}`];
          return entry ? join(HERE, entry.default) : null;
        },
      },
    ],
  });
  const { output } = await bundle.generate({ format: 'esm', minify, codeSplitting: false }).catch(readable);
  const [{ code, exports }] = output;
  // The bundler also names imports of which nothing was left.
  const imports = output[0].imports.filter((id) => code.includes(`"${id}"`) || code.includes(`'${id}'`));
  const foreign = imports.filter((id) => !id.includes(':') || id.startsWith('node:'));
  if (foreign.length > 0) throw new UserError(`a component cannot import ${foreign.join(', ')}`);
  return { code, imports, exports };
}

function worldOf(bundle) {
  const found = Object.keys(EXPORTS).filter((world) => bundle.exports.includes(EXPORTS[world].name));
  if (found.length === 1) return found[0];
  throw new UserError(
    `export either \`messageHandler = defineHandler(...)\` or \`run = defineService(...)\`; this module exports: ${bundle.exports.join(', ') || 'nothing'}`,
  );
}

async function writeWorld(wit, host, imports, exported) {
  const lines = [...imports].sort().map((name) => `  import ${name};\n`);
  await mkdir(join(wit, 'deps'), { recursive: true });
  await writeFile(join(wit, 'world.wit'), `package gg:guest;\n\nworld app {\n${lines.join('')}  export ${exported};\n}\n`);
  await cp(join(host, 'deps'), join(wit, 'deps'), { recursive: true });
  const deps = join(host, 'deps');
  await cp(host, join(wit, 'deps', 'gg-host'), { recursive: true, filter: (from) => relative(deps, from).startsWith('..') });
}

async function buildQuickJs({ code, wit, small }) {
  const { componentize } = await load('componentize-qjs');
  const { component } = await componentize({ jsSource: code, witPath: wit, world: 'app', sync: true, optSize: small });
  return component;
}

async function buildStarlingMonkey({ source, wit, fetch }) {
  const { componentize } = await load('@bytecodealliance/componentize-js');
  const disableFeatures = fetch ? ['fetch-event'] : ['http', 'fetch-event'];
  const { component } = await componentize({ sourcePath: source, witPath: wit, worldName: 'app', disableFeatures });
  return component;
}

try {
  await main();
} catch (error) {
  console.error(`gg-build: ${error instanceof UserError ? error.message : (error.stack ?? error)}`);
  process.exitCode = 1;
}
