// A worker that solves the puzzle of streamhub/web/flood.py: find the number with which the token's digest begins with
// enough zero bits. Many at once, because each digest is answered later.

const MANY = 512;

function zeroBits(bytes) {
  let bits = 0;
  for (const byte of bytes) {
    if (byte) return bits + Math.clz32(byte) - 24;
    bits += 8;
  }
  return bits;
}

self.addEventListener("message", async ({ data: { token, bits } }) => {
  const encoder = new TextEncoder();
  for (let first = 0; ; first += MANY) {
    const digests = await Promise.all(
      Array.from({ length: MANY }, (_, at) => crypto.subtle.digest("SHA-256", encoder.encode(`${token}:${first + at}`))),
    );
    const found = digests.findIndex((digest) => zeroBits(new Uint8Array(digest)) >= bits);
    if (found >= 0) {
      self.postMessage(`${token}:${first + found}`);
      return;
    }
  }
});
