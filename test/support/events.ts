import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Events } from '../../src/events.ts';

type Recorded = { readonly [Event in keyof Events]: Events[Event][] };

/** Everything that is published from now on, by event, until it is disposed of. */
export function recordEvents(): Recorded & Disposable {
  const recorded: Recorded = {
    accepted: [],
    refused: [],
    'field-removed': [],
    proof: [],
    'insecure-option': [],
    'insecure-runtime': [],
    rotation: [],
    revocation: [],
    store: [],
  };
  const stops = Object.entries(recorded).map(([event, messages]) => {
    const listen = (message: unknown) => void (messages as unknown[]).push(message);
    subscribe(`countersign:${event}`, listen);
    return () => unsubscribe(`countersign:${event}`, listen);
  });
  return { ...recorded, [Symbol.dispose]: () => stops.forEach((stop) => stop()) };
}
