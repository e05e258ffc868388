import type { z } from 'zod';
import { QcError } from './diagnostics.ts';

/** What is said of a text that is no document of its kind. */
export interface DocumentErrors {
  /** Where it is no JSON. */
  readonly noJson: string;
  /** Where it holds something else. */
  readonly another: string;
  readonly where?: string | undefined;
  readonly help: string;
}

/** Parses JSON. @throws QcError when it is none */
export function parseJson(text: string, { noJson, where, help }: Omit<DocumentErrors, 'another'>): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new QcError({ what: noJson, where, why: (error as SyntaxError).message, help });
  }
}

/** Reads a JSON document. @throws QcError when it is no JSON, or not as the schema says: by the first difference */
export function readDocument<T>(schema: z.ZodType<T>, text: string, errors: DocumentErrors): T {
  const { success, data, error } = schema.safeParse(parseJson(text, errors));
  if (success) return data;
  const [issue] = error.issues;
  const why = issue && `${issue.path.join('.') || 'the document'}: ${issue.message}`;
  throw new QcError({ what: errors.another, where: errors.where, why, help: errors.help });
}
