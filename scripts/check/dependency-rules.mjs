// Which layer may include which: lib → binding → csrc, never the other way. Headers of vendors may
// be included in one place each.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { capture, ROOT } from '../command.mjs';

/**
 * A line in a file under `within` that matches `pattern` is a fault, unless the file is under
 * `except`.
 */
const RULES = [
  {
    rule: 'N-API only in binding',
    pattern: /#include\s*[<"](napi|node_api|js_native_api)/,
    within: ['csrc', 'test'],
  },
  {
    rule: 'TensorRT headers only in csrc/engine/tensorrt',
    pattern: /#include\s*[<"]Nv(Infer|Onnx)/,
    within: ['csrc', 'binding', 'test'],
    except: ['csrc/engine/tensorrt/'],
  },
  {
    rule: 'engines are used only through engine.h, and do not include each other',
    pattern: /#include\s*"engine\/torchscript\//,
    within: ['csrc', 'binding'],
    except: ['csrc/engine/torchscript/', 'csrc/tests/staging_test.cpp'],
  },
  {
    rule: 'engines are used only through engine.h, and do not include each other',
    pattern: /#include\s*"engine\/tensorrt\//,
    within: ['csrc', 'binding'],
    except: ['csrc/engine/tensorrt/', 'csrc/tests/tensorrt_test.cpp'],
  },
  {
    rule: "CUDA's headers nowhere: csrc/cuda declares what is used",
    pattern: /#include\s*[<"]cuda(_runtime(_api)?)?\.h/,
    within: ['csrc', 'binding', 'test'],
    except: ['csrc/kernels/cuda/'],
  },
  {
    rule: 'torch headers only in csrc/engine/torchscript',
    pattern: /#include\s*[<"](torch|ATen|c10|caffe2)\//,
    within: ['csrc', 'binding', 'test'],
    except: ['csrc/engine/torchscript/'],
  },
  {
    rule: 'csrc never includes binding',
    pattern: /#include\s*[<"](\.\.\/)*binding\//,
    within: ['csrc'],
  },
  {
    rule: 'models do not depend on files, engines, kernels or queues',
    pattern: /#include\s*"((engine|kernels|image|serving)\/|base\/file)/,
    within: ['csrc/model'],
  },
  {
    rule: 'images, queues and search do not depend on models or engines',
    pattern: /#include\s*"(model|engine)\//,
    within: ['csrc/image', 'csrc/serving', 'csrc/search'],
  },
  {
    rule: 'lib never imports from test, tools or bench',
    // lib/bench belongs to lib. The suite in the folder bench consists of .mts files.
    pattern: /(from|import|require)[\s(]*'[^']*\b((test|tools|fixtures)\/|bench\/[^']*\.mts')/,
    within: ['lib'],
  },
  {
    rule: 'nothing is handed to V8 as an external buffer (Electron forbids it)',
    pattern: /napi_create_external_(array)?buffer/,
    within: ['binding'],
  },
];

/** Returns every fault as `file:line: rule`. */
export function findForbiddenIncludes() {
  return RULES.flatMap((rule) =>
    rule.within
      .flatMap(filesIn)
      .filter((file) => !rule.except?.some((folder) => file.startsWith(folder)))
      .flatMap((file) => faultsIn(file, rule)),
  );
}

/** Checks the built addon, because templates in other headers could also use external buffers. */
export async function findExternalBuffers(addon) {
  const imported = await capture('nm', ['-D', '--undefined-only', addon]);
  return imported.match(/napi_create_external_(array)?buffer/g) ?? [];
}

function faultsIn(file, { rule, pattern }) {
  const lines = readFileSync(join(ROOT, file), 'utf8').split('\n');
  return lines.flatMap((line, index) =>
    pattern.test(line) ? [`${file}:${index + 1}: ${rule}: ${line.trim()}`] : [],
  );
}

function filesIn(path) {
  const status = statSync(join(ROOT, path), { throwIfNoEntry: false });
  if (!status) return [];
  if (status.isDirectory()) {
    return readdirSync(join(ROOT, path)).flatMap((name) => filesIn(`${path}/${name}`));
  }
  return /\.(h|cpp|cu|cuh|ts|mts)$/.test(path) ? [path] : [];
}
