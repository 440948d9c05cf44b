#!/usr/bin/env bash
# All that only a GPU can show, on a Linux machine with CUDA 13.0, Python 3.12 and torch 2.11.0; no
# Node and no network. Builds into build/gpu-check unless --build names a folder that holds a build.
#
#   scripts/gpu-check.sh [--build DIR] [--out FILE] [--quick] [--dry-run]
#
# --quick leaves the large tower and PyTorch out. --dry-run runs nothing on a GPU: it checks what can
# be checked without one and prints each command. Ends with 1 where anything failed. Text towers run by
# TensorRT for RTX too where TENSORRT_RTX_LIBRARY is the path of its libtensorrt_rtx.so.1 and the build
# has it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build='' out="bench/results/gpu-$(date +%F).json" quick='' dry=''
while [ $# -gt 0 ]; do
  case "$1" in
    --build) build="$2"; shift ;;
    --out) out="$2"; shift ;;
    --quick) quick=1 ;;
    --dry-run) dry=1 ;;
    *) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
  shift
done
python="${PYTHON:-python3}"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

# One line of the record for each step: its name, how it ended, its command and its end.
step() {
  local name="$1" begin status=ok
  shift
  if [ -n "$dry" ]; then
    printf '%s: %s\n' "$name" "$*"
    return
  fi
  printf '… %s\n' "$name"
  begin=$(date +%s)
  "$@" >"$work/$name.out" 2>"$work/$name.err" || status=failed
  printf '%s\t%s\t%s\t%s\n' "$name" "$status" "$(($(date +%s) - begin))" "$*" >>"$work/steps"
  [ $status = ok ] || { printf '✗ %s\n' "$name"; tail -n 20 "$work/$name.out" "$work/$name.err"; }
}

skip() {
  printf -- '- %s: %s\n' "$1" "$2"
  printf '%s\tskipped\t0\t%s\n' "$1" "$2" >>"$work/steps"
}

# The folder that holds torch/ and nvidia/, without importing torch.
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
nvcc="${CUDA_HOME:+$CUDA_HOME/bin/}nvcc"
sanitizer="${CUDA_HOME:+$CUDA_HOME/bin/}compute-sanitizer"

if [ -z "$build" ]; then
  build=build/gpu-check
  if ! command -v "$nvcc" >/dev/null; then
    echo "expected nvcc of CUDA 13, found none: set CUDA_HOME, or name a build with --build"
    [ -n "$dry" ] || exit 1
  fi
  step configure cmake -S . -B $build -DCMAKE_BUILD_TYPE=Release "-DLIBTORCH_ROOT=$site" \
    "-DLLM2CLIP_NVCC=$(command -v "$nvcc" || echo "$nvcc")"
  step build cmake --build $build --target gpu_check --parallel
fi
release="$build/Release"
plugin="$(realpath -m "$release")/llm2clip_torchscript.so"

libraries=()
for library in "$site/nvidia/cu13/lib/libcudart.so.13" "$site/nvidia/cu13/lib/libcupti.so.13" \
  "$torch"/libgomp*.so* "$torch/libc10.so" "$torch/libtorch_cpu.so" \
  "$site/nvidia/cu13/lib/libnvrtc.so.13" "$torch/libc10_cuda.so" "$torch/libtorch_cuda.so"; do
  [ -e "$library" ] && libraries+=("$library")
done
export LD_LIBRARY_PATH="$site/nvidia/cu13/lib:$torch${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

kernels="$release/gpu_check/cuda_kernels_gpu_test"
session="$release/gpu_check/gpu_session_check"
for file in "$kernels" "$session" "$plugin" "${plugin%.so}_cuda.so"; do
  [ -e "$file" ] && continue
  echo "expected $file, found none: the build failed, or --build names none"
  [ -n "$dry" ] || exit 1
done

step kernels "$kernels"
if command -v "$sanitizer" >/dev/null; then
  for tool in memcheck racecheck synccheck initcheck; do
    step "kernels-$tool" "$sanitizer" --tool $tool --error-exitcode 1 "$kernels"
  done
else
  skip compute-sanitizer "expected compute-sanitizer in CUDA_HOME/bin or on PATH, found none"
fi
for test in batching serving memory engine; do step "native-$test" "$release/tests/${test}_test"; done
mkdir -p "$work/small" "$work/large"
if command -v "$sanitizer" >/dev/null; then
  mkdir -p "$work/checked"
  step session-memcheck "$sanitizer" --tool memcheck --error-exitcode 1 \
    "$session" "$plugin" "$work/checked" small "${libraries[@]}"
fi
step session-small "$session" "$plugin" "$work/small" small "${libraries[@]}"
texts="$release/gpu_check/text_check" rtx="${plugin%torchscript.so}tensorrt_rtx.so"
mkdir -p "$work/texts"
if command -v "$sanitizer" >/dev/null; then
  step texts-memcheck "$sanitizer" --tool memcheck --error-exitcode 1 \
    "$texts" small "$work/texts" "$plugin" "${libraries[@]}"
fi
step texts-small "$texts" small "$work/texts" "$plugin" "${libraries[@]}"
if [ -e "$rtx" ] && [ -n "${TENSORRT_RTX_LIBRARY:-}" ]; then
  step texts-tensorrt-rtx "$texts" small "$work/texts" "$plugin" "${libraries[@]}" \
    -- "$rtx" "$TENSORRT_RTX_LIBRARY"
else
  skip texts-tensorrt-rtx "expected $rtx, and TENSORRT_RTX_LIBRARY to name libtensorrt_rtx.so.1"
fi
if [ -z "$quick" ]; then
  step session-large "$session" "$plugin" "$work/large" large "${libraries[@]}"
  step texts-large "$texts" large "$work/texts" "$plugin" "${libraries[@]}"
  for precision in fp16 bf16; do
    step "pytorch-$precision" "$python" bench/gpu/pytorch.py --precision $precision
    step "torch-compile-$precision" "$python" bench/gpu/pytorch.py --precision $precision --compile
  done
fi

[ -n "$dry" ] && { printf 'nothing was run; the record would be %s\n' "$out"; exit 0; }
"$python" bench/gpu/record.py "$work" "$out"
