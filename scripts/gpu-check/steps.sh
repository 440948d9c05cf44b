# shellcheck shell=bash disable=SC2154 # gpu-check.sh, which reads this file, sets the variables
# The steps of scripts/gpu-check.sh in the order in which they run. The most important ones come first.
#
#   plan NAME SECONDS PURPOSE            The steps below belong to this plan. 0 means no time limit.
#   needs FILE REMEDY                    The next step is skipped if this file is missing.
#   alone NAME LIMIT DECIDES COMMAND…    Runs for at most LIMIT seconds. Nothing else runs meanwhile.
#   beside NAME LIMIT DECIDES COMMAND…   Runs at the same time as its neighbours, so its speed means nothing.
#
# A LIMIT of "rest" is the time that the plan has left. The limits of a plan must fit into its seconds:
# --dry-run adds them up and fails if they do not. A step's result is the JSON that its command prints.

# Makes a folder for the files of a step and prints its path.
folder() { mkdir -p "$work/files/$1" && printf '%s' "$work/files/$1"; }

memcheck=("$sanitizer" --tool memcheck --error-exitcode 1)
# torch makes some CUDA calls that fail on purpose.
torch_memcheck=("${memcheck[@]}" --report-api-errors no)
texts="$checks/text_check" soak="$checks/soak_check"
node_kit=(bash scripts/gpu-kit/run.sh "$kit" "$work/kit")
# A build that came with the kit is already in the right place.
own_build=()
[ "$build" = "$work/kit/project/build" ] || own_build=(--release "$release")
declare -A tensorrt_plugin=([tensorrt]="${plugin%torchscript.so}tensorrt.so"
  [tensorrt-rtx]="${plugin%torchscript.so}tensorrt_rtx.so")
declare -A tensorrt_library=([tensorrt]="${TENSORRT_LIBRARY:-libnvinfer.so}"
  [tensorrt-rtx]="${TENSORRT_RTX_LIBRARY:-libtensorrt_rtx.so.1}")
if [ -z "${TENSORRT_RTX_LIBRARY:-}" ] && [ -e "$rtx_kit" ]; then
  tensorrt_library[tensorrt-rtx]="$work/tensorrt-rtx/libtensorrt_rtx.so.1"
fi

needs_sanitizer() { needs "$sanitizer" 'set CUDA_HOME, or put it on PATH'; }
needs_node() { needs "$kit" 'make it with npm run gpu-kit where Node is'; }
needs_tensorrt() {
  local variable="${1^^}_LIBRARY"
  needs "${tensorrt_plugin[$1]}" "build with the headers of $1"
  needs "${tensorrt_library[$1]}" "name it by ${variable//-/_}"
}

# A session of a vision tower: session HOW TOWER PRECISIONS NAME LIMIT DECIDES.
session() {
  "$1" "$4" "$5" "$6" "$checks/gpu_session_check" cuda "$plugin" "$(folder "$4")" "$2" "$3" \
    "${libraries[@]}"
}

# The same with one kind of TensorRT: tensorrt KIND HOW TOWER PRECISIONS NAME LIMIT DECIDES.
tensorrt() {
  local path
  path="$(dirname "${tensorrt_library[$1]}"):$LD_LIBRARY_PATH"
  needs_tensorrt "$1"
  "$2" "$1-$5" "$6" "$7" env LD_LIBRARY_PATH="$path" "$checks/tensorrt_session_check" "$plugin" \
    "${tensorrt_plugin[$1]}" "${tensorrt_library[$1]}" "$(folder "$1-$5")" "$3" "$4" "${libraries[@]}"
}

# Small towers and texts with one kind of TensorRT: tensorrt_small KIND LIMIT.
tensorrt_small() {
  local tower
  for tower in eva02-small clip-small siglip2-small; do
    tensorrt "$1" beside $tower all $tower "$2" "whether plans of $tower agree with fp32 on the CPU"
  done
  needs_tensorrt "$1"
  beside "$1-texts" "$2" 'whether plans of language models and adapters agree with fp32 on the CPU' \
    "$texts" small "$(folder "$1-texts")" "$plugin" "${libraries[@]}" \
    -- "${tensorrt_plugin[$1]}" "${tensorrt_library[$1]}"
}

fault() {
  alone "fault-$1" 20 "$2" "$checks/fault_check" "$plugin" "$(folder "fault-$1")" "$1" "${libraries[@]}"
}

plan first 540 'what matters most, in one command of nine minutes'
alone kernels 30 'whether each kernel on a GPU agrees with its plain reference' "$kernels"
for tower in eva02-small clip-small siglip2-small; do
  session beside $tower all session-$tower 60 \
    "whether $tower in each precision and flavour agrees with fp32 on the CPU, and a batch with singles"
done
session alone eva02-large fp16 session-large-fp16 80 \
  'how fast EVA02-L is in fp16, how much of that is copies, and whether it agrees with fp32 on the CPU'
alone pytorch-fp16 50 'how much faster that is than eager PyTorch' \
  "$python" bench/gpu/pytorch.py --precision fp16
needs_sanitizer
beside kernels-memcheck 140 'whether a kernel accesses memory out of bounds' \
  "${memcheck[@]}" "$kernels"
needs_node
beside node-suite 140 'whether models that JavaScript loads and serves agree with the references' \
  "${node_kit[@]}" suite "${own_build[@]}" first
tensorrt_small tensorrt-rtx 60
tensorrt tensorrt-rtx alone eva02-large fp16 large-fp16 80 \
  'how fast EVA02-L is with TensorRT for RTX in fp16, and whether it agrees with fp32 on the CPU'
alone torch-compile-fp16 rest 'how much faster the TorchScript engine is than torch.compile' \
  "$python" bench/gpu/pytorch.py --precision fp16 --compile --batches 64,1,8

plan second 240 'what matters next, in one command of four minutes'
beside texts-small 80 'whether language models and adapters agree with fp32 on the CPU' \
  "$texts" small "$(folder texts-small)" "$plugin" "${libraries[@]}"
needs_node
beside node-suite-more 80 'whether workers, exits in flight, the text cache and classification work on this GPU' \
  "${node_kit[@]}" suite "${own_build[@]}" second
for tool in synccheck initcheck; do
  needs_sanitizer
  beside kernels-$tool 80 'whether a barrier is missing (synccheck), or memory is read before it is written (initcheck)' \
    "$sanitizer" --tool $tool --error-exitcode 1 "$kernels"
done
session alone eva02-large bf16 session-large-bf16 50 \
  'how fast EVA02-L is in bf16, and whether it agrees with fp32 on the CPU'
fault memory-at-run 'whether a batch that finds no memory for its run is halved or fails alone'
fault device-lost 'whether requests on a lost GPU fail with ERR_DEVICE_LOST, and nothing hangs'
fault memory-at-open 'whether opening a session fails without GPU memory, and succeeds later'
alone soak 30 'whether memory use stays constant over 20,000 requests and 20 sessions' \
  "$soak" cuda "$plugin" "$(folder soak)" eva02-small 20000 20 "${libraries[@]}"
alone pytorch-bf16 rest 'how much faster bf16 is than eager PyTorch' \
  "$python" bench/gpu/pytorch.py --precision bf16

plan rest 0 'what takes long or decides little beyond the others'
needs_sanitizer
alone kernels-racecheck 420 'whether threads of a kernel race for shared memory' \
  "$sanitizer" --tool racecheck --error-exitcode 1 "$kernels"
needs_sanitizer
alone session-memcheck 420 'whether a session accesses memory out of bounds' \
  "${torch_memcheck[@]}" "$checks/gpu_session_check" cuda "$plugin" "$(folder session-memcheck)" \
  eva02-small fp16 "${libraries[@]}"
needs_sanitizer
alone texts-memcheck 420 'whether a batch of texts accesses memory out of bounds' \
  "${torch_memcheck[@]}" "$texts" small "$(folder texts-memcheck)" "$plugin" "${libraries[@]}"
alone texts-large 300 'how fast a language model of 1B is, and whether it agrees with fp32 on the CPU' \
  "$texts" large "$(folder texts-large)" "$plugin" "${libraries[@]}"
needs_node
alone node-full-size 300 'whether EVA02-L that JavaScript converts agrees with timm on this GPU' \
  "${node_kit[@]}" suite "${own_build[@]}" full-size
needs_node
alone node-bench 540 'how many images per second llm2clip bench serves with EVA02-L in fp16' \
  "${node_kit[@]}" bench "${own_build[@]}"
session alone eva02-large fp32 session-large-fp32 300 \
  'how fast EVA02-L is in fp32, and whether it agrees with fp32 on the CPU'
alone soak-long 300 'whether memory use stays constant over 100,000 requests and 100 sessions' \
  "$soak" cuda "$plugin" "$(folder soak-long)" eva02-small 100000 100 "${libraries[@]}"
alone torch-compile-bf16 420 'how much faster bf16 is than torch.compile' \
  "$python" bench/gpu/pytorch.py --precision bf16 --compile --batches 64,1,8
tensorrt tensorrt-rtx alone eva02-large bf16 large-bf16 300 \
  'how fast EVA02-L is with TensorRT for RTX in bf16, and whether it agrees with fp32 on the CPU'
tensorrt_small tensorrt 300
tensorrt tensorrt alone eva02-large fp16 large-fp16 300 \
  'how fast EVA02-L is with TensorRT in fp16, and whether it agrees with fp32 on the CPU'
tensorrt tensorrt alone eva02-large bf16 large-bf16 300 \
  'how fast EVA02-L is with TensorRT in bf16, and whether it agrees with fp32 on the CPU'
