import { existsSync } from 'node:fs';

/** A browser of this machine; undefined where there is none. */
export const browserPath = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find((path) => existsSync(path));
