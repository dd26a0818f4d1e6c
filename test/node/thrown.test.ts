import assert from 'node:assert/strict';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { AuthError } from '../../src/index.ts';
import { answerToThrown } from '../../src/node/thrown.ts';
import { recordEvents } from '../support/events.ts';

const tooPoor = new AuthError('x-too-poor', 'a secret reason', {
  status: 402,
  headers: { 'retry-after': '7' },
});

function exchange(): readonly [IncomingMessage, ServerResponse] {
  const request = new IncomingMessage(new Socket());
  return [request, new ServerResponse(request)];
}

describe('answerToThrown', () => {
  it('answers the status, the fields and the problem document of a refusal', () => {
    const { status, headers, body } = answerToThrown(tooPoor, ...exchange());
    assert.deepEqual([status, headers['retry-after']], [402, '7']);
    assert.equal(body, '{"status":402,"title":"Payment Required"}');
  });

  it('makes a 403 of a 401 that asks for nothing', () => {
    const missing = new AuthError('ERR_CREDENTIAL_MISSING', 'a secret reason');
    assert.equal(answerToThrown(missing, ...exchange()).status, 403);
  });

  it('takes back what the handler has said of its content, and no more', () => {
    const [request, response] = exchange();
    response.setHeader('content-encoding', 'gzip').setHeader('etag', '"1"');
    response.setHeader('content-security-policy', "default-src 'none'").setHeader('vary', 'origin');
    answerToThrown(tooPoor, request, response);
    assert.deepEqual(response.getHeaderNames(), ['content-security-policy', 'vary']);
  });

  it('leaves a head alone that has left', () => {
    const [request, response] = exchange();
    response.setHeader('etag', '"1"').flushHeaders();
    answerToThrown(tooPoor, request, response);
    assert.deepEqual(response.getHeaderNames(), ['etag']);
  });

  it('is published with its reason', () => {
    using events = recordEvents();
    answerToThrown(tooPoor, ...exchange());
    const [{ code, status, reason }] = events.refused as [(typeof events.refused)[number]];
    assert.deepEqual([code, status, reason], ['x-too-poor', 402, 'a secret reason']);
  });
});
