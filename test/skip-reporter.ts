import type { Reporter, TestModule, TestSuite } from 'vitest/node';

/** Lists what was skipped, by name: the name of a skipped test says what is missing. */
export default class SkipReporter implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>): void {
    const skipped = new Set(
      modules.flatMap((module) => skippedNames(module).map((name) => `${module.relativeModuleId}: ${name}`)),
    );
    if (skipped.size > 0) console.log(`Skipped:\n${[...skipped].map((name) => `  ${name}`).join('\n')}\n`);
  }
}

/** The outermost skipped suites and tests below `parent`: a skipped suite stands for the tests in it. */
function skippedNames(parent: TestModule | TestSuite): string[] {
  return [...parent.children].flatMap((child) => {
    if (child.type === 'test') return child.result().state === 'skipped' ? [child.fullName] : [];
    return child.state() === 'skipped' ? [child.fullName] : skippedNames(child);
  });
}
