// What can be said of a PowerShell script without running it. usage: read.mjs FILE...
//
// It has PowerShell's grammar; a command is a function of its own or one of the cmdlets below, which PowerShell 5.1 of Windows
// Server 2016 has; a variable is one that somebody sets. Each rule has to notice a copy of the script that breaks it, too.
// Closes with "N passed, N failed".
import { readFileSync } from 'node:fs';
import { Language, Parser } from 'web-tree-sitter';

const cmdlets = `Copy-Item ForEach-Object Get-Acl Get-AuthenticodeSignature Get-ChildItem Get-Content Get-FileHash Get-Item
  Get-ItemProperty Join-Path Move-Item New-Item New-ItemProperty New-Object Remove-Item Set-Acl Set-StrictMode Sort-Object
  Split-Path Test-Path Where-Object Write-Verbose Write-Warning`.split(/\s+/);
const automatic = ['_', 'PSCmdlet', 'PSScriptRoot', 'true', 'false', 'null'];

await Parser.init();
const parser = new Parser();
parser.setLanguage(await Language.load(new URL(import.meta.resolve('tree-sitter-powershell/tree-sitter-powershell.wasm')).pathname));

const line = (node) => node.startPosition.row + 1;
const texts = (root, type) => root.descendantsOfType(type).map((node) => node.text);

function wrongGrammar(root) {
  if (!root.hasError) return [];
  const nodes = root.descendantsOfType('ERROR'); // none if only something is missing
  return [nodes.length > 0 ? `line ${line(nodes[0])} is no PowerShell` : 'it is no PowerShell'];
}

function unknownCommands(root) {
  const known = new Set([...cmdlets, ...texts(root, 'function_name')].map((name) => name.toLowerCase()));
  return root
    .descendantsOfType('command_name')
    .filter((node) => !known.has(node.text.toLowerCase()))
    .map((node) => `line ${line(node)}: who knows the command ${node.text}?`);
}

// Names without $, @ and braces; what is inside of a text in double quotes counts.
function unsetVariables(root) {
  const name = (text) => text.replace(/^[$@]\{?|\}$/g, '').toLowerCase();
  const set = new Set(automatic.map((text) => text.toLowerCase()));
  for (const node of root.descendantsOfType('left_assignment_expression')) set.add(name(node.text));
  for (const node of root.descendantsOfType('script_parameter')) {
    for (const variable of node.descendantsOfType('variable').slice(0, 1)) set.add(name(variable.text));
  }
  for (const node of root.descendantsOfType('foreach_statement')) {
    set.add(name(node.children.find((child) => child.type === 'variable').text));
  }
  return root
    .descendantsOfType('variable')
    .filter((node) => !/^\$env:/i.test(node.text) && !set.has(name(node.text)))
    .map((node) => `line ${line(node)}: nobody sets ${node.text}`);
}

function findings(source) {
  const root = parser.parse(source).rootNode;
  return [...wrongGrammar(root), ...unknownCommands(root), ...unsetVariables(root)];
}

const breaks = [
  ['a brace that is missing', (source) => source.replace(/\}\s*$/, '')],
  ['a bracket too many', (source) => source.replace('Set-StrictMode', ')Set-StrictMode')],
  ['a command that nobody knows', (source) => source.replace('Get-FileHash', 'Get-Filehsah')],
  ['a function that is gone', (source) => source.replace('function Assert-NoMsi', 'function Assert-NoMsy')],
  ['a variable that nobody sets', (source) => source.replace('-LiteralPath $file ', '-LiteralPath $fiel ')],
  ['one within a text', (source) => source.replace('"$sums in', '"$sumz in')],
];

let passed = 0;
let failed = 0;
function check(what, ok, why = []) {
  ok ? passed++ : failed++;
  console.log(`${ok ? 'ok' : 'FAILED'}: ${what}`, ...why);
}

for (const file of process.argv.slice(2)) {
  const source = readFileSync(file, 'utf8');
  const found = findings(source);
  check(file, found.length === 0, found);
  for (const [what, mutate] of breaks) {
    const broken = mutate(source);
    check(`${what} is noticed`, broken !== source && findings(broken).length > 0);
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
