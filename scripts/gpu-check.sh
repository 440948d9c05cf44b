#!/usr/bin/env bash
# Runs the checks that need a GPU, on a Linux machine with CUDA 13.0, Python 3.12 and torch 2.11.0. It
# needs neither Node nor a network. scripts/gpu-check/steps.sh lists the steps, their limits and what
# each of them decides. --dry-run prints that list and what is missing here, and runs nothing.
#
#   scripts/gpu-check.sh [--plan NAME | --steps A,B] [--build DIR] [--out FILE] [--dry-run]
#
# --plan   first: the most important steps, within 9 minutes; second: the next most important ones,
#          within 4 minutes; rest: all others. Without --plan, all steps run, without a time limit.
# --steps  only these steps, by name or pattern ("session-*"), whatever their plan.
# --build  a folder with a build. Without it, the programs come from build/gpu-kit/kit.tar.xz, which
#          `npm run gpu-kit` makes. If that is missing, they are compiled into build/gpu-check.
# --table  another list of steps, for tests.
#
# FILE is the record. It is written after each step, and keeps earlier steps until they run again. A
# step that fails or takes too long does not stop the others. The exit code is 1 if a step failed.
# TENSORRT_RTX_LIBRARY and TENSORRT_LIBRARY are the paths of libtensorrt_rtx.so.1 and libnvinfer.so.
# TENSORRT_RTX_INCLUDE and TENSORRT_INCLUDE are the folders of their NvInfer.h, which compiling needs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build='' out="bench/results/gpu-$(date +%F).json" dry='' chosen='' only_plan='' table=scripts/gpu-check/steps.sh
while [ $# -gt 0 ]; do
  case "$1" in
    --plan) only_plan="$2"; shift ;;
    --steps) chosen="$2"; shift ;;
    --build) build="$2"; shift ;;
    --out) out="$2"; shift ;;
    --table) table="$2"; shift ;;
    --dry-run) dry=1 ;;
    *) sed -n '2,19s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
  shift
done
python="${PYTHON:-python3}"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
: >"$work/steps"
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader >"$work/gpu" 2>/dev/null ||
  echo unknown >"$work/gpu"
# shellcheck source=scripts/gpu-check/schedule.sh
. scripts/gpu-check/schedule.sh

# Finds the folder that contains torch/ and nvidia/, without importing torch.
site_packages() {
  "$python" - <<'PYTHON'
import importlib.util, pathlib
spec = importlib.util.find_spec("torch")
if spec is None or spec.origin is None:
    raise SystemExit("expected torch 2.11.0 in this Python, found none")
print(pathlib.Path(spec.origin).parents[1])
PYTHON
}

site="${LLM2CLIP_LIBTORCH:-$(site_packages || { [ -n "$dry" ] && echo SITE_PACKAGES; })}"
torch="$site/torch/lib"
# Finds a tool in CUDA_HOME, on PATH, or in the folder of CUDA's installer. Otherwise prints only
# its name.
cuda_tool() {
  PATH="${CUDA_HOME:+$CUDA_HOME/bin:}$PATH:/usr/local/cuda/bin" command -v "$1" || echo "$1"
}
nvcc="$(cuda_tool nvcc)" sanitizer="$(cuda_tool compute-sanitizer)"

# The archives that were copied here. A kit that was packed without CUDA's compiler has no GPU
# programs.
kit=build/gpu-kit/kit.tar.xz rtx_kit=build/gpu-kit/tensorrt-rtx.tar.xz
for archive in "$kit" "$rtx_kit"; do
  [ -e "$archive" ] || continue
  name="$(basename "$archive" .tar.xz)"
  beside "unpack-$name" $unpack_seconds "nothing, it prepares the others" \
    "$python" scripts/gpu-kit/unpack.py "$archive" "$work/$name"
done
end_of_group
if [ -z "$build" ] && [ -e "$kit" ] && { [ -n "$dry" ] || [ -d "$work/kit/project/build/Release/gpu_check" ]; }; then
  build="$work/kit/project/build"
fi

if [ -z "$build" ]; then
  build=build/gpu-check
  if ! command -v "$nvcc" >/dev/null; then
    echo "expected nvcc of CUDA 13, found none: set CUDA_HOME, or name a build with --build"
    [ -n "$dry" ] || exit 1
  fi
  # Ninja is the generator that cmake-js chooses elsewhere. -k 0 shows all errors of a build at
  # once.
  generator=() go_on=()
  if command -v ninja >/dev/null; then generator=(-G Ninja) go_on=(-- -k 0); fi
  alone configure 120 'nothing, it prepares the others' \
    cmake -S . -B $build "${generator[@]}" -DCMAKE_BUILD_TYPE=Release \
    "-DCMAKE_LIBRARY_OUTPUT_DIRECTORY=$PWD/$build/Release" "-DLIBTORCH_ROOT=$site" \
    -DLLM2CLIP_WARNINGS_ARE_ERRORS=OFF "-DLLM2CLIP_NVCC=$nvcc" \
    "-DTENSORRT_RTX_INCLUDE=${TENSORRT_RTX_INCLUDE:-}" "-DTENSORRT_INCLUDE=${TENSORRT_INCLUDE:-}"
  alone build 1800 'whether the programs compile on this machine' \
    cmake --build $build --target gpu_check --parallel "$(nproc)" "${go_on[@]}"
fi
release="$build/Release"
checks="$release/gpu_check"
kernels="$checks/cuda_kernels_gpu_test"
plugin="$(realpath -m "$release")/llm2clip_torchscript.so"
for file in "$kernels" "$checks/gpu_session_check" "$plugin" "${plugin%.so}_cuda.so"; do
  [ -e "$file" ] || unpacked_later "$file" && continue
  echo "expected $file, found none: the build failed, or --build names none"
  [ -n "$dry" ] || { record || true; exit 1; }
done

libraries=()
for library in "$site/nvidia/cu13/lib/libcudart.so.13" "$site/nvidia/cu13/lib/libcupti.so.13" \
  "$torch"/libgomp*.so* "$torch/libc10.so" "$torch/libtorch_cpu.so" \
  "$site/nvidia/cu13/lib/libnvrtc.so.13" "$torch/libc10_cuda.so" "$torch/libtorch_cuda.so"; do
  [ -e "$library" ] && libraries+=("$library")
done
export LD_LIBRARY_PATH="$site/nvidia/cu13/lib:$torch${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export LLM2CLIP_LIBTORCH="$site" PYTHON="$python"

# shellcheck source=scripts/gpu-check/steps.sh
. "$table"
end_of_table
if [ -n "$dry" ]; then echo "nothing was run; the record would be $out"; else record; fi
