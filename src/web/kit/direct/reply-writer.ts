import { StreamableFile } from '@nestjs/common';
import type { DirectResponse, ExpressParts } from './express-parts.js';

/** Of media types, all of which are our own words; a bound all the same. */
const MAX_TYPES = 100;
const JSON_TYPE = /^application\/json\b/i;
/** Express's settings that change what it sends for a value. */
const SETTINGS = ['etag fn', 'json escape', 'json replacer', 'json spaces'];

/**
 * Writes texts and objects to the response as Express does, without its work for all the cases that are none here. How it
 * spells a media type is learned from Express itself, which writes the first response of each.
 */
export class ReplyWriter {
  private readonly headerTypes = new Map<string, string>();
  private readonly sentTypes = new Map<string, string>();

  constructor(private readonly express: ExpressParts) {}

  /** Express sends the header as it is. */
  isPlainHeader(name: string, value: unknown): boolean {
    return typeof value === 'string' && !isContentType(name);
  }

  /** @param write Express's own way, for a media type that is new here, and for what is no text */
  setContentType(response: DirectResponse, [name, value]: readonly [string, unknown], write: () => void): void {
    if (typeof value !== 'string') return write();
    const known = this.headerTypes.get(value);
    if (known !== undefined) return void response.setHeader(name, known);
    write();
    learn(this.headerTypes, value, response);
  }

  /** @param write Express's own way, for every other body */
  send(response: DirectResponse, body: unknown, write: () => void): void {
    const type = response.getHeader('Content-Type');
    const text = this.isUsual(response) ? textOf(body, type) : undefined;
    if (text === undefined) return write();
    const key = typeof type === 'string' ? type : '';
    const known = this.sentTypes.get(key);
    if (known === undefined) {
      write();
      return learn(this.sentTypes, key, response);
    }
    if (known !== type) response.setHeader('Content-Type', known);
    response.setHeader('Content-Length', Buffer.byteLength(text));
    response.end(text, 'utf8');
  }

  /** Neither HEAD nor a conditional request, a status that has a body, and Express's settings as they are made. */
  private isUsual(response: DirectResponse): boolean {
    const { statusCode } = response;
    const { method, headers } = response.req;
    if (method !== 'POST' && (method !== 'GET' || isConditional(headers))) return false;
    if (statusCode === 204 || statusCode === 205 || statusCode === 304) return false;
    if (response.hasHeader('Transfer-Encoding')) return false;
    return SETTINGS.every((setting) => this.express.get(setting) === undefined);
  }
}

function isConditional(headers: DirectResponse['req']['headers']): boolean {
  return headers['if-none-match'] !== undefined || headers['if-modified-since'] !== undefined;
}

function isContentType(name: string): boolean {
  return name.length === 12 && name.toLowerCase() === 'content-type';
}

/** What Express sends for a body; undefined: that is its own business. */
function textOf(body: unknown, type: unknown): string | undefined {
  if (typeof body === 'string') return typeof type === 'string' ? body : undefined;
  if (typeof body !== 'object' || body === null || body instanceof Error || body instanceof StreamableFile)
    return undefined;
  if (type !== undefined && !(typeof type === 'string' && JSON_TYPE.test(type))) return undefined;
  return JSON.stringify(body);
}

function learn(types: Map<string, string>, key: string, response: DirectResponse): void {
  const written = response.getHeader('Content-Type');
  if (typeof written === 'string' && types.size < MAX_TYPES) types.set(key, written);
}
