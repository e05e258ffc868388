import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A program that is told by lines and answers by lines. */
export interface Conversation {
  /** Its next line. Rejects when it has ended. */
  line(): Promise<string>;
  tell(text: string): void;
  end(): void;
}

/** Starts a program in a folder. It does not keep this process alive. */
export function converse(command: string, args: readonly string[], folder: string, name: string): Conversation {
  const child = spawn(command, args, { cwd: folder, stdio: ['pipe', 'pipe', 'ignore'] });
  child.unref();
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async line() {
      const { value } = await lines.next();
      if (value === undefined) throw new Error(`${name}: the program ended with status ${child.exitCode}`);
      return value;
    },
    tell: (text) => child.stdin.write(`${text}\n`),
    end: () => child.kill(),
  };
}
