#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';

/** How long a plugin's forgotten timers and sockets may keep the program alive after the end, in milliseconds. */
const LINGER = 2000;

// The space for young objects stays as small as it starts: this process only directs the work. Saves 13 MB of 90, costs no time.
setFlagsFromString('--semi-space-growth-factor=1');
// V8 collects once the heap has grown by so many percent, in place of about as much again: compiled graphs leave a lot behind. Saves another 12 to 20 MB, costs a tenth of a second.
setFlagsFromString('--heap-growing-percent=30');
const { main } = await import('./main.js');
process.exitCode = await main(process.argv.slice(2));
setTimeout(() => process.exit(), LINGER).unref();
