import { expect } from '@jest/globals';

/** Typed arrays of the same bytes are equal: a picture is not walked number by number to find out. Those of other bytes are, which says where they differ. */
function equalBytes(a, b) {
  const comparable =
    ArrayBuffer.isView(a) && ArrayBuffer.isView(b) && Object.getPrototypeOf(a) === Object.getPrototypeOf(b);
  return comparable && bytesOf(a).equals(bytesOf(b)) ? true : undefined;
}

function bytesOf({ buffer, byteOffset, byteLength }) {
  return Buffer.from(buffer, byteOffset, byteLength);
}

expect.addEqualityTesters([equalBytes]);
