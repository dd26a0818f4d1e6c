/** Answers the questions of `Child`, by name, until the parent is gone. */
export function answerParent(answers) {
  const answer = async ({ question, given }) => {
    try {
      process.send({ answer: await answers[question](given) });
    } catch (error) {
      process.send({ error: error?.stack ?? String(error) });
    }
  };
  process.on('message', (message) => void answer(message));
  process.once('disconnect', () => process.exit());
}
