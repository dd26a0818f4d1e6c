// The ways to guard an Express application that are compared. Every one accepts the same peer.
import clientCertificateAuth from 'client-certificate-auth';
import passport from 'passport';
import { Strategy } from 'passport-client-cert';
import { mutualAuth } from 'countersign/express';

/**
 * By name: the middleware, and who the peer is to the handler behind it. Where a package tells the
 * handler nothing, the handler says what it would have been told.
 *
 * @param {string} subject
 */
export const variants = {
  bare: (subject) => ({ guard: [], subjectOf: () => subject }),

  countersign: () => ({
    guard: [mutualAuth()],
    subjectOf: (request) => request.identity.subject,
  }),

  'passport-client-cert': (subject) => {
    passport.use(
      new Strategy(({ subject: { CN } }, done) => done(null, CN === 'teller' && { subject })),
    );
    return {
      guard: [passport.authenticate('client-cert', { session: false })],
      subjectOf: (request) => request.user.subject,
    };
  },

  'client-certificate-auth': (subject) => ({
    guard: [clientCertificateAuth((certificate) => certificate.subject.CN === 'teller')],
    subjectOf: () => subject,
  }),
};
