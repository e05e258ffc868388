const entities: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;' };

/** A text as HTML and XML write it, also between double quotes. */
export function escapeMarkup(text: string): string {
  return text.replaceAll(/[<>&"]/g, (sign) => entities[sign] as string);
}
