import {
  mergeStatistics,
  type ObserverName,
  parseStatistics,
  printStatistics,
  type Statistics,
} from '../calibrate/index.ts';
import type { OptionValues, Pipeline, Sample } from '../pass/index.ts';
import { sha256 } from './digest.ts';
import type { PipelineOptions } from './pipeline.ts';
import { wasmProbe } from './probe.ts';
import { wasmProducts } from './products.ts';

export interface CalibrationOptions {
  /** Calibration samples, input tensors by name. They are read once, one after the other. */
  readonly calibration?: Iterable<Sample> | undefined;
  /** How ranges are chosen. Default: the scheme's. */
  readonly observer?: ObserverName | undefined;
  /** Of the observer `percentile`: above 50, at most 100. Default 99.99. */
  readonly percentile?: number | undefined;
  /** Texts that `keepStatistics` was given for the same model and options, in place of samples; several are merged. */
  readonly statistics?: readonly string[] | undefined;
  /** Gets what calibration has seen, as text. */
  readonly keepStatistics?: ((text: string) => void) | undefined;
  /** Bytes for what is collected of one sample; with less than all of it the samples are read several times. */
  readonly maxRam?: number | undefined;
}

/** Where the ranges of activations come from. */
export interface CalibrationRecord {
  /** What ran the model; floats of different engines differ in the last bits. */
  readonly engine: 'wasm' | 'interpreter';
  readonly samples: number;
  /** SHA-256 of the text of the statistics. */
  readonly sha256: string;
}

/** Whether there is anything that ranges could be taken from. */
export function hasCalibration({ calibration, statistics = [] }: CalibrationOptions): boolean {
  return calibration !== undefined || statistics.length > 0;
}

/** What passes are told about calibration, and what it was in the end. @throws QcError for bad statistics */
export function calibrationContext(options: CalibrationOptions): {
  readonly context: PipelineOptions;
  readonly record: () => Promise<CalibrationRecord | undefined>;
} {
  const { calibration, statistics = [], keepStatistics } = options;
  let used: string | undefined;
  const context: PipelineOptions = {
    calibration,
    probe: wasmProbe,
    products: wasmProducts,
    statistics:
      statistics.length > 0 ? printStatistics(statistics.map(parseStatistics).reduce(mergeStatistics)) : undefined,
    keepStatistics: (text) => {
      used = used === undefined ? text : printStatistics(joined(parseStatistics(used), parseStatistics(text)));
      keepStatistics?.(used);
    },
  };
  const record = async (): Promise<CalibrationRecord | undefined> => {
    if (used === undefined) return undefined;
    const { engine, samples } = parseStatistics(used);
    return { engine, samples, sha256: await sha256(new TextEncoder().encode(used)) };
  };
  return { context, record };
}

/** What two passes have seen of different values on the same samples. */
function joined(first: Statistics, second: Statistics): Statistics {
  const values = new Map([...first.values, ...second.values]);
  const windows = new Map([...first.windows, ...second.windows]);
  return { ...first, values, windows, raised: new Set([...first.raised, ...second.raised]) };
}

/** The passes, with calibration as the options say. */
export function withCalibration(steps: Pipeline, { observer, percentile, maxRam }: CalibrationOptions): Pipeline {
  const ram: OptionValues = maxRam === undefined ? {} : { max_ram: maxRam };
  const given: OptionValues = {
    ...(observer === undefined ? {} : { observer }),
    ...(percentile === undefined ? {} : { percentile }),
    ...ram,
  };
  return steps.map(({ pass, options }) => ({
    pass,
    options: pass === 'calibrate' ? { ...options, ...given } : pass === 'calibrate-islands' ? ram : options,
  }));
}
