/** A module of this process from its text, in Node, in a page or in a worker. */
export const importText = (text: string): Promise<unknown> =>
  import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(text)}`);
