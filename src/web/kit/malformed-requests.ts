import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { newRequestId } from '../../platform/requests/request-id.js';
import { renderErrorPage } from '../pages/pages.js';

/** Browsers send every cookie of the host, also those of other services on it: much more than the 16 KiB of the runtime. */
const MAX_HEADER_BYTES = 64 * 1024;

/** As Node answers them without us. */
const STATUS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Payload Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/**
 * What the HTTP parser refuses never becomes a request, so no filter sees it. Too many cookies are a person's trouble and
 * get a page that says what to do; everything else is answered as the runtime does.
 */
export function answerMalformedRequests(server: Server): void {
  // An option of `createServer` that the adapter does not pass on; the server reads it for each connection.
  Object.assign(server, { maxHeaderSize: MAX_HEADER_BYTES });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
    const status = STATUS[error.code ?? ''] ?? '400 Bad Request';
    const requestId = newRequestId();
    const page = error.code === 'HPE_HEADER_OVERFLOW' ? tooManyCookies(requestId) : '\r\n';
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nX-Request-Id: ${requestId}\r\n${page}`);
  });
}

function tooManyCookies(requestId: string): string {
  const nonce = randomBytes(16).toString('base64');
  const html = renderErrorPage({
    nonce,
    status: 431,
    title: 'Your browser sent too much',
    message: 'It holds more cookies for this address than we can read.',
    whatNow: 'Delete the cookies of this site in your browser, then go back to the application and start again.',
    requestId,
    ways: [{ url: '/', label: 'Try again' }],
  });
  const headers = [
    'Content-Type: text/html; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(html)}`,
    `Content-Security-Policy: default-src 'none'; style-src 'nonce-${nonce}'; img-src data:; base-uri 'none'; frame-ancestors 'none'`,
    'Cache-Control: no-store',
    'Referrer-Policy: no-referrer',
  ];
  return `${headers.join('\r\n')}\r\n\r\n${html}`;
}
