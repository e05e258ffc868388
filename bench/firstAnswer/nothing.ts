// The memory of a process that loads no model. Arguments: one that is not used, the folder of the inputs.
import { printAnswer, readInputs } from './script.ts';

readInputs(process.argv[3] ?? '');
printAnswer(performance.now(), []);
