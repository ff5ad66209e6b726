// What the system knows of processes.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Pages of its own. */
export function anonymousBytes(pid) {
  const [, kilobytes] = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(kilobytes) * 1024;
}

/** What its descriptors lead to. */
export function openFiles(pid) {
  return readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${descriptor}`)];
    } catch {
      return []; // That of reading this very folder.
    }
  });
}

export function childrenOf(pid) {
  return processesThat((each) => / (?<parent>\d+) /.exec(statusAfterName(each))?.groups.parent === String(pid));
}

/** Those with a text in their environment, without this one. */
export function processesWith(text) {
  return processesThat((pid) => readFileSync(`/proc/${pid}/environ`, 'latin1').includes(text));
}

function processesThat(test) {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false;
    try {
      return test(pid);
    } catch {
      return false; // It ended, or is somebody else's.
    }
  });
}

/** ` S 123 …`: its state and its parent. A name may have blanks and brackets. */
function statusAfterName(pid) {
  const status = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return status.slice(status.lastIndexOf(')') + 1);
}
