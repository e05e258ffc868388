/** The runtime of a compiled model that several threads run together, beside that of wasm.ts. */

import {
  type Crew,
  type Defaults,
  instantiate,
  type LoadOptions,
  type Model,
  type ModelInfo,
  type Relaxed,
  type Run,
} from './wasm.ts';

export interface ThreadedInfo extends ModelInfo {
  /** Size of the memory that threads share, in pages of 64 KiB. */
  readonly pages: number;
}

export interface ThreadedOptions extends LoadOptions {
  /** How many threads run the model. `auto`: one for each processor, at most 8, or one where memory can't be shared. */
  readonly threads?: 'auto' | number;
}

export interface ThreadedModel extends Model {
  /**
   * Threads that are there, the caller's own among them. A model whose sizes are fixed leaves the others alone where its
   * first runs were faster without them.
   */
  readonly threads: number;
  /** Ends the other threads; the model can't run any more. */
  close(): void;
}

/** What a worker is told before it begins. */
interface Orders {
  readonly module: WebAssembly.Module;
  readonly relaxed: { readonly module: WebAssembly.Module; readonly mask: number } | undefined;
  readonly memory: WebAssembly.Memory;
  readonly thread: number;
  readonly threads: number;
  /** The number of the run, then the sizes of the run. */
  readonly told: Int32Array;
}

/** A worker of a page or of Node. */
interface Colleague {
  postMessage(message: unknown): void;
  terminate(): unknown;
  /** Its next message. Rejects where it fails. */
  heard(): Promise<unknown>;
  /** From now on it does not keep the process alive. */
  rest(): void;
}

const mostThreads = 8;

/** What a worker runs: its source is all that the worker is given. */
function work(): void {
  interface Port {
    postMessage(message: unknown): void;
    onmessage?: (event: { data: Orders }) => void;
    on?(name: 'message', listener: (data: Orders) => void): void;
  }
  const host = globalThis as unknown as Port & { process?: { getBuiltinModule?(name: string): { parentPort: Port } } };
  const port = host.process?.getBuiltinModule?.('node:worker_threads').parentPort ?? host;
  const begin = async ({ module, relaxed, memory, thread, threads, told }: Orders) => {
    const shared = { memory, thread, threads, sleeps: 1 };
    let { exports } = await WebAssembly.instantiate(module, { qc: shared });
    if (relaxed) {
      const qc = { ...exports, ...shared, mask: relaxed.mask };
      exports = (await WebAssembly.instantiate(relaxed.module, { qc })).exports;
    }
    const run = exports.run as Run;
    let number = Atomics.load(told, 0);
    port.postMessage('ready');
    for (;;) {
      Atomics.wait(told, 0, number);
      number = Atomics.load(told, 0);
      run(...told.subarray(1));
    }
  };
  if (port.on) port.on('message', begin);
  else port.onmessage = ({ data }) => begin(data);
  port.postMessage('here');
}

/** The next message of something that tells of messages and errors. */
function nextOf(
  listen: (event: 'message' | 'error', listener: (what: unknown) => void) => void,
): () => Promise<unknown> {
  const [messages, waiting]: [unknown[], ((message: unknown) => void)[]] = [[], []];
  let fail: (error: unknown) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {});
  listen('message', (message) => {
    const next = waiting.shift();
    if (next) next(message);
    else messages.push(message);
  });
  listen('error', fail);
  return () =>
    messages.length > 0
      ? Promise.resolve(messages.shift())
      : Promise.race([failed, new Promise((resolve) => waiting.push(resolve))]);
}

interface NodeWorker {
  postMessage(message: unknown): void;
  terminate(): unknown;
  on(event: string, listener: (what: unknown) => void): void;
  unref(): void;
}

/** A worker that runs `work`. */
function hire(): Colleague {
  const source = `(${work})()`;
  const host = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } };
  const node = host.process?.getBuiltinModule?.('node:worker_threads') as
    | { Worker: new (source: string, options: { eval: boolean }) => NodeWorker }
    | undefined;
  if (node) {
    const worker = new node.Worker(source, { eval: true });
    const heard = nextOf((event, listener) => worker.on(event, listener));
    return {
      postMessage: (message) => worker.postMessage(message),
      terminate: () => worker.terminate(),
      heard,
      rest: () => worker.unref(),
    };
  }
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const worker = new Worker(url);
  const heard = nextOf((event, listener) => {
    worker.addEventListener(event, (what) => {
      if (event === 'message') return listener((what as MessageEvent).data);
      what.preventDefault();
      listener(
        new Error((what as ErrorEvent).message || "a worker could not be started: the page's policy may forbid it"),
      );
    });
  });
  return {
    postMessage: (message) => worker.postMessage(message),
    terminate: () => worker.terminate(),
    heard,
    rest() {},
  };
}

/** Workers that are there, or why there can be none. */
async function hireAll(count: number): Promise<Colleague[] | string> {
  const { crossOriginIsolated = true } = globalThis as { crossOriginIsolated?: boolean };
  if (!crossOriginIsolated) {
    return 'memory can be shared only in pages that are cross-origin isolated (headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp)';
  }
  const hired: Colleague[] = [];
  try {
    for (let i = 0; i < count; i++) hired.push(hire());
    await Promise.all(hired.map((one) => one.heard()));
    return hired;
  } catch (error) {
    for (const one of hired) one.terminate();
    return error instanceof Error ? error.message : `${error}`;
  }
}

/** Runs of each way that are timed, behind as many that are not: engines optimize code meanwhile. */
const trials = 8;

/**
 * Runs two ways of computing the same in turn until it is known which is faster, by the middle time of each, and from then
 * on that one: waking the others takes longer than a small model.
 */
export function faster(ways: readonly [Run, Run], now: () => number = () => performance.now()): Run {
  const times: [number[], number[]] = [[], []];
  const middle = (way: 0 | 1) => times[way].sort((a, b) => a - b)[trials >> 1] as number;
  let chosen: Run | undefined;
  let runs = 0;
  return (...sizes) => {
    if (chosen) return chosen(...sizes);
    const way = runs % 2 === 0 ? 0 : 1;
    const start = now();
    ways[way](...sizes);
    const took = now() - start;
    runs++;
    if (runs > 2 * trials) times[way].push(took);
    if (runs === 4 * trials) chosen = ways[middle(0) <= middle(1) ? 0 : 1];
  };
}

/** The run of a thread that has the whole memory to itself. */
async function runAlone(
  imports: Crew['imports'],
  module: WebAssembly.Module,
  relaxed: Relaxed | undefined,
): Promise<Run> {
  const shared = { ...imports, threads: 1 };
  const { exports } = await WebAssembly.instantiate(module, { qc: shared });
  if (!relaxed) return exports.run as Run;
  const qc = { ...exports, ...shared, mask: relaxed.mask };
  return (await WebAssembly.instantiate(relaxed.module, { qc })).exports.run as Run;
}

/** How many threads are asked for. */
function asked({ threads = 'auto' }: ThreadedOptions): number {
  if (threads === 'auto') return Math.min(mostThreads, globalThis.navigator?.hardwareConcurrency ?? 1);
  if (Number.isInteger(threads) && threads >= 1) return threads;
  throw new TypeError(`threads must be "auto" or a whole number from 1 on, not ${JSON.stringify(threads)}`);
}

/**
 * Loads a model that threads share. Results are the same, bit for bit, for any number of them. Rejects as `instantiate`
 * does, and when a number of threads is asked for that can't be had.
 */
export async function instantiateThreaded(
  info: ThreadedInfo,
  defaults: Defaults,
  options: ThreadedOptions = {},
): Promise<ThreadedModel> {
  const wanted = asked(options);
  const found = wanted === 1 ? [] : await hireAll(wanted - 1);
  if (typeof found === 'string' && typeof options.threads === 'number') {
    throw new Error(`${wanted} threads can't be used: ${found}`);
  }
  const colleagues = typeof found === 'string' ? [] : found;
  const threads = colleagues.length + 1;
  const memory = new WebAssembly.Memory({ initial: info.pages, maximum: info.pages, shared: true });
  let isOpen = true;
  const close = () => {
    isOpen = false;
    for (const one of colleagues) one.terminate();
  };
  const crew: Crew = {
    imports: { memory, thread: 0, threads, sleeps: typeof document === 'undefined' ? 1 : 0 },
    async begin(run, module, relaxed) {
      if (threads === 1) return run;
      const told = new Int32Array(new SharedArrayBuffer(4 * (1 + info.symbols.length)));
      colleagues.forEach((one, i) => {
        const used = relaxed && { module: relaxed.module, mask: relaxed.mask };
        one.postMessage({ module, relaxed: used, memory, thread: i + 1, threads, told } satisfies Orders);
      });
      await Promise.all(colleagues.map((one) => one.heard()));
      for (const one of colleagues) one.rest();
      const together: Run = (...sizes) => {
        told.set(sizes, 1);
        Atomics.add(told, 0, 1);
        Atomics.notify(told, 0);
        run(...sizes);
      };
      // runs of open sizes are not alike
      const isAlike = info.symbols.length === 0;
      const way = isAlike ? faster([together, await runAlone(crew.imports, module, relaxed)]) : together;
      return (...sizes) => {
        if (!isOpen) throw new Error('the model is closed');
        way(...sizes);
      };
    },
  };
  try {
    return Object.assign(await instantiate(info, defaults, options, crew), { threads, close });
  } catch (error) {
    close();
    throw error;
  }
}
