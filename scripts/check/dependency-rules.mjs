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
    rule: 'engines are used only through engine.h, and do not include each other',
    pattern: /#include\s*"engine\/cpu\/(?!cpu_engine\.h")/,
    within: ['csrc', 'binding'],
    except: ['csrc/engine/cpu/', 'csrc/tests/cpu_', 'csrc/tests/changed_plans.'],
  },
  {
    rule: "the CPU's operations know no engine",
    pattern: /#include\s*"(engine|model|serving)\//,
    within: ['csrc/ops'],
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
    rule: 'what a run takes depends on csrc/base alone',
    pattern: /#include\s*"(model|engine|serving|image|search|cuda|kernels)\//,
    within: ['csrc/batch'],
  },
  {
    rule: 'engines know no queues: pipelines run behind them',
    pattern: /#include\s*"serving\//,
    within: ['csrc/engine'],
    except: ['csrc/engine/pipeline.', 'csrc/engine/served_session.'],
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
    rule: 'functions of the addon are made by make_function() alone, which catches what C++ throws',
    pattern: /Function::New\b/,
    within: ['binding'],
    except: ['binding/function.h'],
  },
  {
    rule: 'threads are started by csrc/base/threads.h alone, which says where the system has no more',
    pattern: /std::(jthread|thread)[({]|std::async\b/,
    within: ['binding', 'csrc'],
    except: ['csrc/base/threads.h', 'csrc/bench/', 'csrc/gpu_check/', 'csrc/tests/'],
  },
  {
    rule: "native work is kept off libuv's threads, which files need",
    pattern: /AsyncWorker\b|uv_queue_work|napi_create_async_work/,
    within: ['binding'],
  },
  {
    rule: 'engines are named in lib/engines alone',
    // In a string, not in a comment: a kind by itself or in a sentence, or a comparison with one.
    pattern:
      /^(?!\s*(\/\/|\/?\*)).*(['"`][^'"`]*(?<![./\w])(torchscript|tensorrt(-rtx)?)\b|\bengine(\.kind)?\s*[!=]==?\s*['"`])/,
    within: ['lib'],
    // The vendors' libraries, which are called like the engines that they run.
    except: [
      'lib/engines/',
      'lib/runtime/pins.ts',
      'lib/runtime/record.ts',
      'lib/runtime/tensorrt.ts',
      'lib/cli/runtime.ts',
    ],
  },
  {
    rule: 'nothing is handed to V8 as an external buffer (Electron forbids it)',
    pattern: /napi_create_external_(array)?buffer/,
    within: ['binding'],
  },
];

/** Returns every fault under `root` as `file:line: rule`. */
export function findForbiddenIncludes(root = ROOT) {
  return RULES.flatMap((rule) =>
    rule.within
      .flatMap((folder) => filesIn(root, folder))
      .filter((file) => !rule.except?.some((folder) => file.startsWith(folder)))
      .flatMap((file) => faultsIn(root, file, rule)),
  );
}

/** How many files may lie at the top of lib; all others are in a room. */
const MOST_AT_THE_TOP = 12;

/** A subject of lib is a file or a folder, never `x.ts` beside `x/`; few files lie at the top. */
export function findMisplacedFiles(root = ROOT) {
  const files = filesIn(root, 'lib');
  const besideFolders = files
    .filter((file) => files.some((other) => other.startsWith(file.replace(/\.m?ts$/, '/'))))
    .map((file) => `${file}: a folder of its name lies beside it; move it into that folder`);
  const top = files.filter((file) => file.split('/').length === 2).length;
  return top <= MOST_AT_THE_TOP
    ? besideFolders
    : [
        ...besideFolders,
        `lib: expected ${MOST_AT_THE_TOP} files at its top or fewer, found ${top}`,
      ];
}

/** Checks the built addon, because templates in other headers could also use external buffers. */
export async function findExternalBuffers(addon) {
  const imported = await capture('nm', ['-D', '--undefined-only', addon]);
  return imported.match(/napi_create_external_(array)?buffer/g) ?? [];
}

function faultsIn(root, file, { rule, pattern }) {
  const lines = readFileSync(join(root, file), 'utf8').split('\n');
  return lines.flatMap((line, index) =>
    pattern.test(line) ? [`${file}:${index + 1}: ${rule}: ${line.trim()}`] : [],
  );
}

/** @returns {string[]} Sources under a path, from the root. */
function filesIn(root, path) {
  const status = statSync(join(root, path), { throwIfNoEntry: false });
  if (!status) return [];
  if (status.isDirectory()) {
    return readdirSync(join(root, path)).flatMap((name) => filesIn(root, `${path}/${name}`));
  }
  return /\.(h|cpp|cu|cuh|ts|mts)$/.test(path) ? [path] : [];
}
