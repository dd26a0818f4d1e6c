// A reporter for `node --test`: one JSON object at the end, the same on every Node. JavaScript, because
// Node 20 loads reporters before it lets tsx in.

export default async function* verdict(events) {
  const path = [];
  const failed = [];
  const skipped = [];
  let tests = 0;
  let passed = 0;
  for await (const { type, data } of events) {
    if (type === 'test:start') path.splice(data.nesting, Infinity, data.name);
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const { details, nesting, skip, todo } = data;
    const name = [...path.slice(0, nesting), data.name].join(' > ');
    const isTest = details.type !== 'suite';
    if (isTest) tests++;
    if (isSaid(skip) || isSaid(todo)) skipped.push(name);
    else if (type === 'test:pass') passed += Number(isTest);
    // What holds a failed test fails as well, and says nothing new.
    else if (details.error.failureType !== 'subtestsFailed') failed.push(name);
  }
  yield JSON.stringify({ tests, passed, failed, skipped });
}

// A reason may be an empty string.
function isSaid(reason) {
  return reason !== undefined && reason !== false;
}
