// `npm run api` writes what each door offers to test/api, where the diff is the review of a change to the
// public interface. `npm run api -- --check` fails where it would write something else.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';

const root = resolve(import.meta.dirname, '../..');
const check = process.argv.includes('--check');
const manifestPath = join(root, 'package.json');
const manifest = JSON.parse(readFileSync(manifestPath, 'utf8')) as {
  exports: Record<string, string | { types: string }>;
};

for (const [door, target] of Object.entries(manifest.exports)) {
  if (typeof target === 'string') continue;
  const name = door === '.' ? 'index' : door.slice(2).replaceAll('/', '-');
  const same = report(name, join(root, target.types));
  if (!same) {
    console.log(`test/api/${name}.api.md ${check ? 'is out of date: npm run api' : 'written'}`);
    if (check) process.exitCode = 1;
  }
}

function report(name: string, declarations: string): boolean {
  const { apiReportChanged, errorCount } = Extractor.invoke(
    ExtractorConfig.prepare({
      configObjectFullPath: join(root, 'api-extractor.json'),
      packageJsonFullPath: manifestPath,
      configObject: {
        projectFolder: root,
        mainEntryPointFilePath: declarations,
        newlineKind: 'lf',
        compiler: { tsconfigFilePath: join(root, 'tsconfig.json') },
        apiReport: {
          enabled: true,
          reportFileName: `${name}.api.md`,
          reportFolder: join(root, 'test/api'),
          reportTempFolder: join(root, 'temp'),
        },
        docModel: { enabled: false },
        dtsRollup: { enabled: false },
        tsdocMetadata: { enabled: false },
        messages: {
          compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
          // Forgotten exports stand in the report itself, where the review sees them.
          extractorMessageReporting: {
            default: { logLevel: ExtractorLogLevel.None, addToApiReportFile: true },
            'ae-missing-release-tag': { logLevel: ExtractorLogLevel.None },
            'ae-undocumented': { logLevel: ExtractorLogLevel.None },
          },
          tsdocMessageReporting: {
            default: { logLevel: ExtractorLogLevel.None, addToApiReportFile: true },
          },
        },
      },
    }),
    {
      localBuild: !check,
      messageCallback: (message) => {
        message.handled = message.logLevel !== ExtractorLogLevel.Error;
      },
    },
  );
  if (errorCount > 0) throw new Error(`${name}: api-extractor reports ${errorCount} errors`);
  return !apiReportChanged;
}
