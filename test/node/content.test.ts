import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, type Server, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { setImmediate as setImmediateLater } from 'node:timers/promises';
import { AuthError, type Content } from '../../src/index.ts';
import { exchangeOf } from '../../src/node/index.ts';

describe('the content of a request', () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  /** Posts these chunks; resolves to what the handler read, or the error it got in place of the end. */
  async function post(
    look: (content: Content, request: IncomingMessage) => void | Promise<void>,
    chunks: readonly string[] = ['hello ', 'world'],
  ): Promise<string> {
    let read = (_text: string): void => {};
    const handled = new Promise<string>((resolve) => (read = resolve));
    server = createServer((req, res) => {
      void (async () => {
        try {
          await look(exchangeOf(req).content, req);
          let text = '';
          for await (const chunk of req) text += String(chunk);
          read(text);
        } catch (error) {
          read(error instanceof AuthError ? error.code : String(error));
        }
        res.end();
      })();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const outgoing = request({ port, host: '127.0.0.1', method: 'POST' }).on('error', () => {});
    const [first, second] = chunks;
    if (first !== undefined) outgoing.write(first);
    setImmediate(() => outgoing.end(second));
    return handled;
  }

  it('is seen by every sink as it passes, and reaches the handler whole', async () => {
    const seen = ['', ''];
    const text = await post((content) => {
      for (const i of [0, 1]) {
        content.tap({
          chunk: (bytes) => (seen[i] += Buffer.from(bytes).toString()),
          end: () => (seen[i] += '.'),
        });
      }
    });
    assert.deepEqual([text, ...seen], ['hello world', 'hello world.', 'hello world.']);
  });

  it('does not end cleanly for the handler where a sink throws at the end', async () => {
    const text = await post((content) =>
      content.tap({
        chunk() {},
        end() {
          throw new AuthError('x-digest', 'another content');
        },
      }),
    );
    assert.equal(text, 'x-digest');
  });

  it('stops where a sink throws', async () => {
    const text = await post((content) =>
      content.tap({
        chunk() {
          throw new AuthError('x-too-much', 'enough');
        },
        end() {},
      }),
    );
    assert.equal(text, 'x-too-much');
  });

  it('cannot be looked at once somebody has read of it', async () => {
    const text = await post(async (content, req) => {
      await once(req, 'data');
      content.tap({ chunk() {}, end() {} });
    });
    assert.equal(text, 'ERR_BODY_CONSUMED');
  });

  it('cannot be looked at once its end has passed, for no sink would be told of it', async () => {
    const text = await post(async (content, req) => {
      while (!req.complete) await setImmediateLater();
      assert.equal(req.readableLength, 0);
      content.tap({ chunk() {}, end() {} });
    }, []);
    assert.equal(text, 'ERR_BODY_CONSUMED');
  });

  it('cannot be looked at once it waits to be read, for some of it has passed unseen', async () => {
    const text = await post(async (content, req) => {
      await once(req, 'readable');
      content.tap({ chunk() {}, end() {} });
    });
    assert.equal(text, 'ERR_BODY_CONSUMED');
  });
});
