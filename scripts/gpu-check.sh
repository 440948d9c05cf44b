#!/usr/bin/env bash
# All that only a GPU can show, on a Linux machine with CUDA 13.0, Python 3.12 and torch 2.11.0; no
# Node and no network. Builds into build/gpu-check unless --build names a folder that holds a build.
#
#   scripts/gpu-check.sh [--build DIR] [--out FILE] [--quick] [--steps A,B] [--minutes N] [--dry-run]
#
# --quick leaves out what takes long: the large tower, PyTorch and most of compute-sanitizer. --steps
# runs these alone, by name or pattern ("session-*"), whatever else is asked. After --minutes no further step begins, and none goes on. What is in FILE
# already stays there but for steps that ran again. A step that fails keeps no other from running;
# its last lines are in the record. --dry-run runs nothing: it prints each command, and what of it is
# missing here. Ends with 1 where anything failed.
#
# TensorRT's towers run where the build has its plugin and TENSORRT_RTX_LIBRARY, or TENSORRT_LIBRARY,
# is the path of libtensorrt_rtx.so.1, or libnvinfer.so; a build of this script's own compiles the
# plugin where TENSORRT_RTX_INCLUDE, or TENSORRT_INCLUDE, is the folder of its NvInfer.h.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build='' out="bench/results/gpu-$(date +%F).json" quick='' dry='' chosen='' minutes=''
while [ $# -gt 0 ]; do
  case "$1" in
    --build) build="$2"; shift ;;
    --out) out="$2"; shift ;;
    --quick) quick=1 ;;
    --steps) chosen="$2"; shift ;;
    --minutes) minutes="$2"; shift ;;
    --dry-run) dry=1 ;;
    *) sed -n '2,16s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
  shift
done
python="${PYTHON:-python3}"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
: >"$work/steps"
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader >"$work/gpu" 2>/dev/null ||
  echo unknown >"$work/gpu"
began=$(date +%s) planned=0

# Seconds that a step may take; what goes on beyond them hangs.
limit_of() {
  case "$1" in
    configure) echo 120 ;;
    build) echo 1800 ;;
    kernels-* | *-memcheck | torch-compile-*) echo 420 ;;
    *-large | node-*) echo 540 ;;
    kernels | native-* | fault-*) echo 120 ;;
    *) echo 300 ;;
  esac
}

# Whether a step of this name is wanted; "long" ones are left out of --quick, unless named.
wanted() {
  local pattern patterns
  [ -n "$chosen" ] || { [ -z "$quick" ] || [ "${2:-}" != long ]; return; }
  IFS=, read -ra patterns <<<"$chosen"
  for pattern in "${patterns[@]}"; do
    # shellcheck disable=SC2053 # a pattern on purpose
    [[ "$1" == $pattern ]] && return 0
  done
  return 1
}

# A line of the record: name, status, seconds, why, command.
note() { printf '%s\t%s\t%s\t%s\t%s\n' "$@" >>"$work/steps"; }

# step NAME COMMAND…, long_step likewise: what COMMAND prints as JSON becomes the step's result.
step() { if wanted "$1"; then run_step "$@"; fi; }
long_step() { if wanted "$1" long; then run_step "$@"; fi; }

# The record, after each step anew: whoever is stopped in between has what was done.
record() { "$python" bench/gpu/record.py "$work" "$out"; }

run_step() {
  local name="$1" limit begin code=0 why='' status=ok cut=''
  shift
  limit=$(limit_of "$name")
  begin=$(date +%s)
  if [ -n "$dry" ]; then
    printf '%s (at most %s s): %s\n' "$name" "$limit" "$*"
    command -v "$1" >/dev/null || printf '  expected %s, found none\n' "$1"
    planned=$((planned + limit))
    return
  fi
  if [ -n "$minutes" ] && [ "$limit" -gt $((60 * minutes - begin + began)) ]; then
    cut=1 limit=$((60 * minutes - begin + began))
    [ "$limit" -gt 0 ] || { skip "$name" "the $minutes minutes are over"; return; }
  fi
  printf '… %s\n' "$name"
  timeout --kill-after=10 "$limit" "$@" >"$work/$name.out" 2>"$work/$name.err" || code=$?
  if [ "$code" != 0 ]; then
    status=failed why="exit code $code"
    case "$code" in 124 | 137)
      why="not done after $limit s"
      [ -z "$cut" ] || status=skipped
      ;;
    esac
    printf '✗ %s: %s\n' "$name" "$why"
    tail -q -n 20 "$work/$name.out" "$work/$name.err"
  fi
  note "$name" "$status" "$(($(date +%s) - begin))" "$why" "$*"
  record >/dev/null || true
  printf '  %s: %s s, %s s in all\n' "$name" "$(($(date +%s) - begin))" "$(($(date +%s) - began))"
}

skip() {
  wanted "$1" || return 0
  printf -- '- %s: %s\n' "$1" "$2"
  note "$1" skipped 0 "$2" ''
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
# In CUDA_HOME, on PATH, or where CUDA's installer puts it; else its name alone.
cuda_tool() {
  PATH="${CUDA_HOME:+$CUDA_HOME/bin:}$PATH:/usr/local/cuda/bin" command -v "$1" || echo "$1"
}
nvcc="$(cuda_tool nvcc)" sanitizer="$(cuda_tool compute-sanitizer)"

if [ -z "$build" ]; then
  build=build/gpu-check
  if ! command -v "$nvcc" >/dev/null; then
    echo "expected nvcc of CUDA 13, found none: set CUDA_HOME, or name a build with --build"
    [ -n "$dry" ] || exit 1
  fi
  # What cmake-js says elsewhere; all errors of a build at once.
  generator=() go_on=()
  if command -v ninja >/dev/null; then generator=(-G Ninja) go_on=(-- -k 0); fi
  run_step configure cmake -S . -B $build "${generator[@]}" -DCMAKE_BUILD_TYPE=Release \
    "-DCMAKE_LIBRARY_OUTPUT_DIRECTORY=$PWD/$build/Release" "-DLIBTORCH_ROOT=$site" \
    -DLLM2CLIP_WARNINGS_ARE_ERRORS=OFF \
    "-DLLM2CLIP_NVCC=$nvcc" \
    "-DTENSORRT_RTX_INCLUDE=${TENSORRT_RTX_INCLUDE:-}" "-DTENSORRT_INCLUDE=${TENSORRT_INCLUDE:-}"
  run_step build cmake --build $build --target gpu_check --parallel "$(nproc)" "${go_on[@]}"
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

checks="$release/gpu_check"
kernels="$checks/cuda_kernels_gpu_test"
session="$checks/gpu_session_check"
for file in "$kernels" "$session" "$plugin" "${plugin%.so}_cuda.so"; do
  [ -e "$file" ] && continue
  echo "expected $file, found none: the build failed, or --build names none"
  [ -n "$dry" ] || { record || true; exit 1; }
done

# A folder for what a step writes, of its own.
folder() { mkdir -p "$work/$1" && printf '%s' "$work/$1"; }

# Kernels and native code.
step kernels "$kernels"
if [ -n "$dry" ] || command -v "$sanitizer" >/dev/null; then
  step kernels-memcheck "$sanitizer" --tool memcheck --error-exitcode 1 "$kernels"
  for tool in racecheck synccheck initcheck; do
    long_step "kernels-$tool" "$sanitizer" --tool $tool --error-exitcode 1 "$kernels"
  done
  # Of torch's own calls to CUDA some fail and are meant to.
  long_step session-memcheck "$sanitizer" --tool memcheck --report-api-errors no --error-exitcode 1 \
    "$session" cuda "$plugin" "$(folder checked)" eva02-small fp16 "${libraries[@]}"
else
  skip compute-sanitizer "expected compute-sanitizer in CUDA_HOME/bin or on PATH, found none"
fi
for test in batching serving memory staging engine; do step "native-$test" "$release/tests/${test}_test"; done

# Vision towers by TorchScript.
for tower in eva02-small clip-small siglip2-small; do
  step "session-$tower" "$session" cuda "$plugin" "$(folder $tower)" $tower all "${libraries[@]}"
done

# What fails, each in a process of its own.
for fault in memory-at-open memory-at-run device-lost; do
  step "fault-$fault" "$checks/fault_check" "$plugin" "$(folder $fault)" $fault "${libraries[@]}"
done

# Whether memory stays where it is.
step soak "$checks/soak_check" cuda "$plugin" "$(folder soak)" eva02-small 100000 100 "${libraries[@]}"

# TensorRT, of either kind: tensorrt_steps KIND LIBRARY VARIABLE FILE.
tensorrt_steps() {
  local kind="$1" library="${2:-${dry:+$4}}" tower
  local engine="${plugin%torchscript.so}${kind//-/_}.so"
  if [ ! -e "$engine" ] || [ -z "$library" ]; then
    skip "$kind" "expected ${engine##*/} in the build, and $3 to name ${4}"
    return
  fi
  LD_LIBRARY_PATH="$(dirname "$library"):$LD_LIBRARY_PATH"  # exported above
  for tower in eva02-small clip-small siglip2-small; do
    step "$kind-$tower" "$checks/tensorrt_session_check" "$plugin" "$engine" "$library" \
      "$(folder "$kind-$tower")" $tower all "${libraries[@]}"
  done
  step "$kind-texts" "$checks/text_check" small "$(folder "$kind-texts")" "$plugin" \
    "${libraries[@]}" -- "$engine" "$library"
  long_step "$kind-large" "$checks/tensorrt_session_check" "$plugin" "$engine" "$library" \
    "$(folder "$kind-large")" eva02-large fp16,bf16 "${libraries[@]}"
}
tensorrt_steps tensorrt-rtx "${TENSORRT_RTX_LIBRARY:-}" TENSORRT_RTX_LIBRARY libtensorrt_rtx.so.1
tensorrt_steps tensorrt "${TENSORRT_LIBRARY:-}" TENSORRT_LIBRARY libnvinfer.so

# Texts, by TorchScript.
texts="$checks/text_check"
if [ -n "$dry" ] || command -v "$sanitizer" >/dev/null; then
  long_step texts-memcheck "$sanitizer" --tool memcheck --report-api-errors no --error-exitcode 1 \
    "$texts" small "$(folder texts-checked)" "$plugin" "${libraries[@]}"
fi
step texts-small "$texts" small "$(folder texts)" "$plugin" "${libraries[@]}"
long_step texts-large "$texts" large "$(folder texts-large)" "$plugin" "${libraries[@]}"

# The JavaScript suite and the command on this GPU, by the Node that `npm run gpu-kit` packed elsewhere.
kit=build/gpu-kit/kit.tar.xz
export LLM2CLIP_LIBTORCH="$site" PYTHON="$python"
served=(bash scripts/gpu-kit/run.sh "$kit" "$work/kit")
if [ -n "$dry" ] || [ -e "$kit" ]; then
  step node-suite "${served[@]}" suite --release "$release"
  long_step node-bench "${served[@]}" bench --release "$release"
else
  skip node-suite "expected $kit, which \`npm run gpu-kit\` makes on a machine with Node, found none"
fi

# EVA02-L, and PyTorch beside it.
long_step session-large "$session" cuda "$plugin" "$(folder large)" eva02-large all "${libraries[@]}"
for precision in fp16 bf16; do
  long_step "pytorch-$precision" "$python" bench/gpu/pytorch.py --precision $precision
  long_step "torch-compile-$precision" "$python" bench/gpu/pytorch.py --precision $precision \
    --compile --batches 64,1,8 --stop-after 240
done

# Further steps go above this line: step or long_step, and in limit_of where 300 s are not right.
if [ -n "$dry" ]; then
  printf 'nothing was run; at most %s s; the record would be %s\n' "$planned" "$out"
  exit 0
fi
record
