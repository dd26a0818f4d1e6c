/** Answers the questions of `Child`, by name, until the parent is gone. */
export function answerParent(answers) {
  process.on('message', async ({ question, given }) => {
    try {
      process.send({ answer: await answers[question](given) });
    } catch (error) {
      process.send({ error: error?.stack ?? String(error) });
    }
  });
  process.once('disconnect', () => process.exit());
}
