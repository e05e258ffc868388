import { writeFileSync } from 'node:fs';

// Loaded before a command (`node --import`): at its end the most memory that it has held, in MB, is written to a file.

process.on('exit', () => {
  writeFileSync(process.env.QC_PEAK_FILE as string, String(process.resourceUsage().maxRSS / 1024));
});
