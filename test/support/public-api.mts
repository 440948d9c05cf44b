// Reads what a user can call from the package's declarations, using the compiler, so that the tests
// cannot forget a function.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  API,
  type Checker,
  isIntersectionType,
  isObjectType,
  isUnionType,
  type Signature,
  SignatureKind,
  SymbolFlags,
  type Type,
  type Symbol as TypeSymbol,
} from 'typescript/unstable/sync';

const DECLARATIONS = fileURLToPath(new URL('../../dist/index.d.ts', import.meta.url));

/** A function of the public API. */
export interface PublicFunction {
  /** Name as in the documentation: `recall`, `VectorIndex.create` or `VectorIndex#search`. */
  name: string;
  returns: 'promise' | 'iterator' | 'value';
  /** Largest number of parameters of any overload. */
  parameters: number;
  /** Names of options by the path of their object: 'options' or 'options.batching'. */
  options: Map<string, Set<string>>;
}

/** @param folder An empty folder. */
export function publicFunctions(folder: string): PublicFunction[] {
  const compilerOptions = { module: 'nodenext', strict: true, noEmit: true, types: [] };
  const config = join(folder, 'tsconfig.json');
  writeFileSync(config, JSON.stringify({ compilerOptions, files: [DECLARATIONS] }));
  const api = new API({ cwd: folder });
  try {
    const project = api.updateSnapshot({ openProjects: [config] }).getProject(config);
    const file = project?.program.getSourceFile(DECLARATIONS);
    const module = file && project?.checker.getSymbolAtLocation(file);
    if (!project || !module) throw new Error(`the compiler does not read ${DECLARATIONS}`);
    return project.checker
      .getExportsOfModule(module)
      .flatMap((symbol) => [...functionsOf(project.checker, symbol)]);
  } finally {
    api.close();
  }
}

function* functionsOf(checker: Checker, exported: TypeSymbol): Generator<PublicFunction> {
  const { name } = exported;
  const isAlias = (exported.flags & SymbolFlags.Alias) !== 0;
  const symbol = isAlias ? checker.getAliasedSymbol(exported) : exported;
  const type = checker.getTypeOfSymbol(symbol);
  if ((symbol.flags & SymbolFlags.Function) !== 0 && type) yield describe(checker, name, type);
  if ((symbol.flags & SymbolFlags.Class) === 0 || !type) return;
  yield* methodsOf(checker, `${name}.`, type);
  yield* methodsOf(checker, `${name}#`, checker.getDeclaredTypeOfSymbol(symbol));
}

function* methodsOf(checker: Checker, prefix: string, owner: Type): Generator<PublicFunction> {
  for (const property of checker.getPropertiesOfType(owner)) {
    const type = checker.getTypeOfSymbol(property);
    const isInternal = checker
      .getJsDocTagsOfSymbol(property)
      .some(({ name }) => name === 'internal');
    const isPublic = /^[a-z]\w*$/i.test(property.name) && !isInternal;
    if (!isPublic || !type || signaturesOf(checker, type).length === 0) continue;
    yield describe(checker, `${prefix}${property.name}`, type);
  }
}

function signaturesOf(checker: Checker, type: Type): readonly Signature[] {
  return checker.getSignaturesOfType(type, SignatureKind.Call);
}

function describe(checker: Checker, name: string, type: Type): PublicFunction {
  const options = new Map<string, Set<string>>();
  let [parameters, returns]: [number, PublicFunction['returns']] = [0, 'value'];
  for (const signature of signaturesOf(checker, type)) {
    const taken = signature.getParameters();
    parameters = Math.max(parameters, taken.length);
    const returned = checker.getReturnTypeOfSignature(signature)?.getSymbol()?.name;
    if (returned === 'Promise') returns = 'promise';
    if (returned === 'AsyncGenerator') returns = 'iterator';
    for (const [i, { name }] of taken.entries()) {
      const parameter = checker.getParameterType(signature, i);
      if (parameter)
        collect(checker, name, objectsOf(checker, parameter, name === 'options'), options);
    }
  }
  return { name, returns, parameters, options };
}

/**
 * Returns those alternatives of a type that are options objects, by their names, or all objects.
 */
function objectsOf(checker: Checker, type: Type, all: boolean): Type[] {
  const given = checker.getNonNullableType(type) ?? type;
  const alternatives = isUnionType(given) ? (given.getTypes() ?? []) : [given];
  return alternatives.filter((each) => {
    const isObject = isObjectType(each) || isIntersectionType(each);
    if (!isObject || signaturesOf(checker, each).length > 0) return false;
    const names = [each.getSymbol()?.name, each.getAliasSymbol()?.name];
    return all || names.some((name) => name?.endsWith('Options'));
  });
}

/** Collects the names of options, including those of nested options objects. */
function collect(
  checker: Checker,
  path: string,
  objects: readonly Type[],
  into: Map<string, Set<string>>,
): void {
  for (const object of objects) {
    const names = into.get(path) ?? new Set();
    into.set(path, names);
    for (const property of checker.getPropertiesOfType(object)) {
      names.add(property.name);
      const type = checker.getTypeOfSymbol(property);
      if (!type) continue;
      const inner = objectsOf(checker, type, true).filter((each) => {
        const name = each.getSymbol()?.name ?? '';
        return name.endsWith('Options') || name === '__type';
      });
      collect(checker, `${path}.${property.name}`, inner, into);
    }
  }
}
