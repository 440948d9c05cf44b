#!/usr/bin/env bash
# Runs the kit that `npm run gpu-kit` packed, on a Linux machine with Python 3. LLM2CLIP_LIBTORCH must be
# the folder that contains torch/. No Node and no network are needed. The result is JSON on stdout.
#
#   scripts/gpu-kit/run.sh KIT.tar.xz FOLDER suite|bench [--release DIR] [--device cuda] [SHARE|NAME…]
#
# FOLDER: where the kit is unpacked, once. --release: a build of this tree, whose libraries replace those
# in the kit. SHARE, NAME: tests, as for suite.mjs.
set -euo pipefail

kit="$1" folder="$2" task="$3" release='' device=cuda
shift 3
names=()
while [ $# -gt 0 ]; do
  case "$1" in
    --release) release="$2"; shift ;;
    --device) device="$2"; shift ;;
    *) names+=("$1") ;;
  esac
  shift
done
: "${LLM2CLIP_LIBTORCH:?expected the folder that holds torch/}"

mkdir -p "$folder"
folder="$(realpath "$folder")"
node="$folder/node" project="$folder/project"
if [ ! -x "$node" ]; then
  "${PYTHON:-python3}" "$(dirname "${BASH_SOURCE[0]}")/unpack.py" "$kit" "$folder"
fi
if [ -n "$release" ]; then
  for library in "$release"/llm2clip*.so "$release"/llm2clip.node; do
    [ -e "$library" ] && cp "$library" "$project/build/Release/"
  done
fi

# The addon needs the C++ library of the compiler that built it. If the one here is older, it is
# built here.
addon="$project/build/Release/llm2clip.node"
if ! "$node" -p "require('$addon')" >/dev/null 2>"$folder/addon.err"; then
  [ -n "$release" ] || { cat "$folder/addon.err" >&2; exit 1; }
  [ -e node_modules ] || ln -s "$project/node_modules" node_modules
  cmake --build "$release/.." --target llm2clip fake_engine --parallel >&2
  cp "$release/llm2clip.node" "$addon"
  cp "$release/tests/fake_engine.so" "$project/build/Release/tests/"
fi

# Node starts without the runtime's folders, as for a user, and must find its libraries by itself.
paths="$(tr ':' '\n' <<<"${LD_LIBRARY_PATH:-}" | grep -v "^$LLM2CLIP_LIBTORCH" | paste -s -d : || true)"
export LD_LIBRARY_PATH="$paths" LLM2CLIP_LIBTORCH LLM2CLIP_CACHE="$folder/cache"
export LLM2CLIP_TEST_DEVICE="$device" PATH="$folder:$PATH"
cd "$project"
case "$task" in
  suite) exec "$node" --import tsx scripts/gpu-kit/suite.mjs "${names[@]}" ;;
  bench) exec "$node" --import tsx bench/gpu/served.mts "${names[@]}" ;;
  *) echo "expected suite or bench, received $task" >&2; exit 2 ;;
esac
