import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { HostTensor } from '../../support/tensor.ts';
import { buildPipe } from './c.ts';
import { failure, type NativeSource } from './native.ts';
import { NativeStream } from './stream.ts';

/** Generated C that runs in a process of its own for as long as it is needed. */
export interface CProcess {
  /** Runs once on inputs in the order of the signature. Rejects with a QcError when the program reports an error. */
  run(inputs: readonly HostTensor[]): Promise<HostTensor[]>;
  /** Begins anew: with states of zero. */
  restart(): void;
  close(): void;
}

/** Compiles generated C with the host's compiler and starts it. @throws QcError when there is none, or it fails */
export function startC(artifact: NativeSource): CProcess {
  const built = buildPipe(artifact);
  let running = begin(artifact, built.folder);
  return {
    run: (inputs) => running.run(inputs),
    restart() {
      running.end();
      running = begin(artifact, built.folder);
    },
    close() {
      running.end();
      built.remove();
    },
  };
}

interface Running {
  run(inputs: readonly HostTensor[]): Promise<HostTensor[]>;
  end(): void;
}

function begin({ signature }: NativeSource, folder: string): Running {
  const stream = new NativeStream(signature);
  const child = spawn(join(folder, 'model'), { cwd: folder });
  let complaint = '';
  child.stderr.on('data', (data: Buffer) => {
    complaint += data.toString();
  });
  // what is written to a program that has ended is told of by its end
  child.stdin.on('error', () => {});
  return {
    async run(inputs) {
      const run = stream.next(inputs);
      for (const bytes of [run.sizes, ...run.inputs]) child.stdin.write(bytes);
      const results = await read(child, stream.bytes, () => complaint);
      let at = 0;
      return stream.read((bytes) => {
        at += bytes;
        return results.slice(at - bytes, at);
      });
    },
    end: () => child.stdin.end(),
  };
}

/** So many bytes of what a program writes. */
function read(child: ChildProcessWithoutNullStreams, bytes: number, complaint: () => string): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let count = 0;
    const onData = (data: Buffer) => {
      parts.push(data);
      count += data.length;
      if (count < bytes) return;
      stop();
      resolve(new Uint8Array(Buffer.concat(parts)));
    };
    const onClose = (code: number | null, signal: string | null) => {
      stop();
      reject(failure(signal ?? `status ${code}`, complaint()));
    };
    const stop = () => {
      child.stdout.off('data', onData);
      child.off('close', onClose);
    };
    child.stdout.on('data', onData);
    child.on('close', onClose);
  });
}
