// Koa 2 under its alias. What the tests use of it has the types of Koa 3.
declare module 'koa2' {
  export { default } from 'koa';
}
