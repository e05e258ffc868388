/** What a report's page holds, and small parts that it is made of. */

export interface Histogram {
  readonly min: number;
  readonly max: number;
  readonly counts: readonly number[];
}

export interface Fidelity {
  readonly snr: number | null;
  readonly cosine: number;
}

export interface Layer {
  readonly layer: string;
  readonly ops: readonly string[];
  readonly type: string;
  readonly multiplyAdds: number;
  readonly weightCount: number;
  readonly weights?: Histogram;
  readonly precision?: readonly { readonly bits: number; readonly snr: number | null }[];
  readonly values?: Histogram;
}

export interface Codes {
  readonly storage: string;
  readonly scale: number | { readonly min: number; readonly max: number };
  readonly zeroPoint: number;
}

export interface Diagnosis {
  readonly node: string;
  readonly damage: Fidelity;
  readonly isolated: Fidelity;
  readonly cumulative: Fidelity;
  readonly zeroWeights: number;
  readonly zeroValues: number;
  readonly clippedValues: number;
}

export interface ReportData {
  readonly name: string;
  readonly scheme: string;
  readonly layers: readonly Layer[];
  readonly diagnosis: readonly Diagnosis[];
  readonly quantization: readonly {
    readonly node: string;
    readonly operands: Readonly<Record<string, Codes>>;
    readonly result?: Codes;
  }[];
  readonly launches: readonly {
    readonly layer: string;
    readonly op: string;
    readonly kernel: string;
    readonly instruction?: string;
    readonly median: number;
    readonly predicted: number;
    readonly multiplyAdds: number;
    readonly weightBytes: number;
  }[];
  readonly arena: {
    readonly bytes: number;
    readonly launches: number;
    readonly buffers: readonly {
      readonly layer: string;
      readonly offset: number;
      readonly bytes: number;
      readonly from: number;
      readonly to: number;
    }[];
  };
  /** The layer that each node of a picture stands for, by picture and by the node's id. */
  readonly nodes: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
export const data: ReportData = JSON.parse(element('data').textContent ?? '');

/** An element with attributes, and texts or elements in it. */
export function make(
  tag: string,
  attributes: Readonly<Record<string, string>>,
  ...children: (Node | string)[]
): HTMLElement {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export const decibel = (fidelity: Fidelity | undefined): string =>
  fidelity === undefined ? '' : fidelity.snr === null ? 'exact' : `${fidelity.snr.toFixed(1)} dB`;
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
export const count = (n: number): string => n.toLocaleString('en');
