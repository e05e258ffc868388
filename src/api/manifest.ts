import { z } from 'zod';
import type { CSignature } from '../../backends/c/signature.ts';
import { readDocument } from '../support/document.ts';
import type { CalibrationRecord } from './calibration.ts';
import { type TargetName, targetNames } from './choices.ts';
import type { FloatOps } from './floatOps.ts';
import type { QuantizationSummary } from './layers.ts';
import type { SelfTest } from './selfTest.ts';
import type { Signature } from './signature.ts';
import type { FloatOperation } from './work.ts';

/** What `manifest.json` of an artifact says. */
export interface Manifest {
  readonly format: 1;
  readonly name: string;
  readonly target: TargetName;
  /** The name of the scheme or recipe. */
  readonly scheme: string;
  /** The files beside the manifest. */
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>;
  readonly signature: Signature;
  readonly quantization: QuantizationSummary;
  /** Where the ranges of activations come from; absent where none were needed. */
  readonly calibration?: CalibrationRecord;
  /** Memory for values between layers, planned at compile time. */
  readonly arenaBytes: number;
  /** Memory for what is kept between runs; absent where there is none. */
  readonly stateBytes?: number;
  readonly weightsBytes: number;
  /** Bytes of instructions without weights, where the target has them. */
  readonly codeBytes?: number;
  /** All memory that a run needs: weights where they are copied, arena, states, inputs and outputs. */
  readonly ramBytes: number;
  readonly multiplyAdds: number;
  /** Share of the multiply-adds that is computed in integers, 0 to 1. */
  readonly integerShare: number;
  /** Float operations of the program and the functions that they are in. */
  readonly floatOps: FloatOps;
  /** Operations that stayed float, and why; empty for the scheme `float`. */
  readonly stayedFloat: readonly FloatOperation[];
  /** SHA-256 of the text form of the model as it was imported, its dimensions fixed. */
  readonly source: { readonly sha256: string };
  /** What runs, in order: kernel launches with the layers whose work they do. */
  readonly launches: readonly LaunchSummary[];
  readonly selfTest: SelfTest;
  /** What a caller of the C code must know. */
  readonly c?: CSignature;
}

/** One kernel launch of a program. */
export interface LaunchSummary {
  /** The model's own name of the node. */
  readonly layer: string;
  /** The op whose work it is, such as `int.conv`. */
  readonly op: string;
  readonly multiplyAdds: number;
}

/** The parts that are relied on when an artifact is read again. */
const readable = z.looseObject({
  format: z.literal(1),
  name: z.string(),
  target: z.enum(targetNames),
  scheme: z.string(),
  files: z.record(z.string(), z.looseObject({ bytes: z.number() })),
  signature: z.looseObject({ inputs: z.array(z.looseObject({})), outputs: z.array(z.looseObject({})) }),
  arenaBytes: z.number(),
  weightsBytes: z.number(),
  ramBytes: z.number(),
  multiplyAdds: z.number(),
  integerShare: z.number(),
});

/** A manifest's bytes: JSON, indented, the same for the same content. */
export function writeManifest(manifest: Manifest): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(manifest, undefined, 2)}\n`);
}

/** Reads `manifest.json`. @throws QcError when it is none, or of another format */
export function readManifest(bytes: Uint8Array, where: string): Manifest {
  const content: unknown = readDocument(readable, new TextDecoder().decode(bytes), {
    noJson: 'the manifest is no JSON',
    another: 'this is no manifest of an artifact of format 1',
    where,
    help: 'give a folder that qc compile wrote',
  });
  return content as Manifest;
}
