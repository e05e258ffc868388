import type { EvaluateOptions } from '../api/evaluate.ts';
import type { DetectionOutputs } from '../api/measure/scenes.ts';
import { readNpy } from '../calibrate/data/index.ts';
import type { HostTensor } from '../support/tensor.ts';
import { readFile } from './files.ts';
import { UsageError } from './usage.ts';

const help =
  'write boxes=NAME,scores=NAME, classes=NAME where they are an output too, and suppress=0.5 where the model drops no boxes itself';

/** What `--detections` says. @throws UsageError */
function outputsOf(text: string): DetectionOutputs {
  const said = new Map(
    text.split(',').map((part): [string, string] => {
      const [key = '', ...value] = part.split('=');
      return [key, value.join('=')];
    }),
  );
  const unknown = [...said.keys()].find((key) => !['boxes', 'scores', 'classes', 'suppress'].includes(key));
  if (unknown !== undefined) throw new UsageError(`--detections: '${unknown}' is not known`, help);
  const [boxes, scores] = [said.get('boxes'), said.get('scores')];
  if (!boxes || !scores) throw new UsageError(`--detections ${text} names no ${boxes ? 'scores' : 'boxes'}`, help);
  const suppress = said.has('suppress') ? Number(said.get('suppress')) : undefined;
  if (suppress !== undefined && !(suppress >= 0 && suppress <= 1)) {
    throw new UsageError(`--detections: suppress is ${said.get('suppress')}`, 'it is a share, 0 to 1');
  }
  return { boxes, scores, classes: said.get('classes'), suppress };
}

/** The rows of the first samples. */
function ofFirst(objects: HostTensor, limit: number): HostTensor {
  const columns = objects.shape[1] ?? 0;
  const rows = Array.from({ length: objects.shape[0] ?? 0 }, (_, i) =>
    Array.from(objects.data.subarray(i * columns, (i + 1) * columns) as ArrayLike<number | bigint>, Number),
  ).filter(([sample = 0]) => sample < limit);
  return { dtype: 'f64', shape: [rows.length, columns], data: Float64Array.from(rows.flat()) };
}

/**
 * What a detection model's outputs are, and what there is to be found.
 *
 * @throws UsageError where only one of both is given
 */
export function readDetections(
  said: string | undefined,
  path: string | undefined,
  limit: number | undefined,
): EvaluateOptions['detections'] {
  if (said === undefined && path === undefined) return undefined;
  if (said === undefined) throw new UsageError('--objects come with --detections', help);
  if (path === undefined) {
    throw new UsageError(
      '--detections come with --objects',
      'give a .npy file with rows of sample, class and four edges',
    );
  }
  const objects = readNpy(readFile(path), path);
  return { ...outputsOf(said), objects: limit === undefined ? objects : ofFirst(objects, limit) };
}
