// The door `countersign/node`: what a frontend is built from.
export { guard, prepare, respond } from './guard.ts';
export { exchangeOf } from './exchange.ts';
