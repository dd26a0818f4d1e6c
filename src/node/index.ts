// The door `countersign/node`: what a frontend is built from.
export { guard, prepare, respond } from './guard.ts';
export { guardUpgrade } from './upgrade.ts';
export { type NodeRequest, exchangeOf } from './exchange.ts';
export type { NodeResponse } from './response-hook.ts';
