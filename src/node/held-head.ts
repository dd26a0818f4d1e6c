// A head that a handler has written, and that waits for its proof. To everybody else it has been sent: Node
// takes no more fields, and no second head.
//
// Node keeps none of this apart from the text that it sends. So that text is a stand-in meanwhile, and should
// somebody send past our own `write` and `end`, by those that he took before we were there, it must not leave.
import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { NodeResponse } from './head.ts';

interface Http1Response {
  _header: string | null;
  _send: (...args: unknown[]) => boolean;
}

const held = Symbol('held');
type Holding = { [held]?: { isHeld: boolean; readonly trap: () => void } };

/** Makes a head that has not been sent look like one that has. @param trap is called where it would leave */
export function holdHead(response: NodeResponse, trap: () => void): void {
  const holding = response as Holding;
  if (holding[held] === undefined) {
    holding[held] = { isHeld: true, trap };
    if ('stream' in response) watchStream(response);
    else watchSocket(response);
  }
  holding[held].isHeld = true;
  if (!('stream' in response)) (response as unknown as Http1Response)._header = 'held';
}

/** Ends that, right before the head is sent indeed. */
export function releaseHead(response: NodeResponse): void {
  const holding = (response as Holding)[held];
  if (holding?.isHeld !== true) return;
  holding.isHeld = false;
  if (!('stream' in response)) (response as unknown as Http1Response)._header = null;
}

function watchSocket(given: ServerResponse): void {
  const response = given as unknown as Http1Response;
  const { _send: send } = response;
  response._send = function (this: Http1Response & Holding, ...args) {
    if (this[held]?.isHeld !== true) return send.apply(this, args);
    this[held].trap();
    return false;
  };
}

function watchStream(response: Http2ServerResponse & Holding): void {
  const { stream } = response;
  const { write } = stream;
  stream.write = (...args: unknown[]): boolean => {
    if (response[held]?.isHeld !== true)
      return write.apply(stream, args as [unknown, BufferEncoding]);
    response[held].trap();
    // Node would send a head of its own in front of it.
    throw new Error('the head waits for its proof');
  };
  Object.defineProperty(response, 'headersSent', {
    configurable: true,
    get: () => response[held]?.isHeld === true || stream.headersSent,
  });
}
