#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';

/** How long a plugin's forgotten timers and sockets may keep the program alive after the end, in milliseconds. */
const LINGER = 2000;

// The space for young objects stays as small as it starts: this process only directs the work. Saves 13 MB of 90, costs no time.
setFlagsFromString('--semi-space-growth-factor=1');
const { main } = await import('./main.js');
process.exitCode = await main(process.argv.slice(2));
setTimeout(() => process.exit(), LINGER).unref();
