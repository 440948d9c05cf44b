# shellcheck shell=bash
# Runs the steps of scripts/gpu-check.sh in order, each for a limited time, and writes the record after
# each. steps.sh beside this file says what plan, needs, alone and beside take.
: "${python:?}" "${work:?}" "${out:?}" "${dry?}" "${chosen?}" "${only_plan?}"

# Each plan begins with unpacking what was carried to the machine.
unpack_seconds=20
# What a step has whose limit is "rest" where the plan has no bound.
unbounded_seconds=600
# Between asking a step to end and killing it, so that it can print what it has.
grace_seconds=10

plan='' plan_seconds=0 plans='' lacks=''
# The sum of a plan's limits; of steps that run at the same time the longest counts.
sum=0 longest=0 too_long=''
# Names by process; and by name what is known of a step: when it began, how long it may take, how its
# end is called if it takes longer, what it decides, and its command.
starting='' stop_wanted=''
declare -A running=() began=() limits=() late=() decides=() commands=()

plan() {
  end_of_plan
  plan="$1" plan_seconds="$2" plans+=" $1" sum=$unpack_seconds
  if printed_plan; then printf '\n%s: %s\n' "$1" "$3"; fi
}

needs() {
  [ -e "$1" ] || unpacked_later "$1" || lacks+="${lacks:+; }expected $1, found none: $2"
}

alone() {
  end_of_group
  start alone "$@"
  end_of_group
}

beside() { start beside "$@"; }

end_of_group() {
  sum=$((sum + longest)) longest=0
  while [ ${#running[@]} -gt 0 ]; do settle; done
}

end_of_plan() {
  end_of_group
  printed_plan || return 0
  printf '  limits of %s s in all, %s s to unpack included; the plan has %s\n' "$sum" "$unpack_seconds" \
    "$([ "$plan_seconds" = 0 ] && echo 'no bound' || echo "$plan_seconds s")"
  if [ "$plan_seconds" -gt 0 ] && [ "$sum" -gt "$plan_seconds" ]; then too_long+=" $plan"; fi
}

end_of_table() {
  end_of_plan
  if [ -n "$only_plan" ] && [[ " $plans " != *" $only_plan "* ]]; then
    printf 'expected one of the plans%s, found %s\n' "$plans" "$only_plan"
    exit 2
  fi
  if [ -n "$too_long" ]; then
    printf 'expected limits that fit into their plan, found more in%s: shorten them\n' "$too_long"
    exit 1
  fi
}

plan_wanted() { [ -z "$only_plan" ] || [ "$only_plan" = "$plan" ]; }
printed_plan() { [ -n "$dry" ] && [ -n "$plan" ] && [ -z "$chosen" ] && plan_wanted; }

# Steps before the first plan prepare the others.
wanted() {
  local pattern patterns
  [ -n "$plan" ] || return 0
  [ -n "$chosen" ] || { plan_wanted; return; }
  IFS=, read -ra patterns <<<"$chosen"
  for pattern in "${patterns[@]}"; do
    # shellcheck disable=SC2053 # a pattern on purpose
    [[ "$1" == $pattern ]] && return 0
  done
  return 1
}

# start alone|beside NAME LIMIT DECIDES COMMAND…
start() {
  local how="$1" name="$2" missing="$lacks"
  lacks=''
  wanted "$name" || return 0
  began[$name]=$SECONDS limits[$name]="$3" late[$name]=failed decides[$name]="$4"
  shift 4
  commands[$name]="$*"
  if [ -n "$dry" ]; then
    describe "$how" "$name" "$missing"
    return
  fi
  fit_into_plan "$name"
  if [ -n "$missing" ]; then
    finish "$name" skipped "$missing"
  elif [ "${limits[$name]}" -le 0 ]; then
    finish "$name" skipped "the $plan_seconds s of the plan are over"
  else
    printf '… %s\n' "$name"
    starting=1
    timeout --kill-after=$grace_seconds "${limits[$name]}" "$@" >"$work/$name.out" 2>"$work/$name.err" &
    running[$!]="$name"
    starting=''
    [ -z "$stop_wanted" ] || stop
  fi
}

# A step ends with its plan; it has not failed if only the plan's end cuts it.
fit_into_plan() {
  local left=$unbounded_seconds
  if [ -n "$only_plan" ] && [ "$plan_seconds" -gt 0 ]; then left=$((plan_seconds - SECONDS)); else
    [ "${limits[$1]}" = rest ] || return 0
  fi
  if [ "${limits[$1]}" = rest ] || [ "${limits[$1]}" -gt "$left" ]; then
    limits[$1]=$left late[$1]=cut
  fi
}

# Waits until a step has ended.
settle() {
  local pid code=0
  while true; do
    for pid in "${!running[@]}"; do
      # `wait -n` alone would miss a step that ended while the record was written.
      kill -0 "$pid" 2>/dev/null && continue
      wait "$pid" || code=$?
      ended "${running[$pid]}" "$code"
      unset "running[$pid]"
      return
    done
    wait -n "${!running[@]}" || true
  done
}

# ended NAME CODE; 124 and 137 are those of timeout.
ended() {
  case "$2" in
    0) finish "$1" ok '' ;;
    124 | 137) finish "$1" "${late[$1]}" "not done after ${limits[$1]} s" ;;
    *) finish "$1" failed "exit code $2" ;;
  esac
}

# finish NAME STATUS REASON
finish() {
  local seconds=$((SECONDS - began[$1]))
  printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$seconds" "$3" "${decides[$1]}" "${commands[$1]}" \
    >>"$work/steps"
  printf '%s: %s after %s s, %s s in all%s\n' "$1" "$2" "$seconds" "$SECONDS" "${3:+: $3}"
  if [ "$2" = failed ]; then tail -q -n 20 "$work/$1.out" "$work/$1.err"; fi
  record >/dev/null || true
}

# The record of all that has ended; fails if a step failed.
record() { "$python" bench/gpu/record.py "$work" "$out"; }

# Whoever stops this script keeps what was done. A program that is asked to end may print what it has.
stop() {
  local pid
  # Not between a step's start and its entry in the list of what runs.
  if [ -n "$starting" ]; then
    stop_wanted=1
    return
  fi
  trap '' TERM INT HUP
  kill "${!running[@]}" 2>/dev/null || true
  for pid in "${!running[@]}"; do
    wait "$pid" || true
    finish "${running[$pid]}" cut 'gpu-check was stopped'
  done
  record || true
  exit 143
}
trap stop TERM INT HUP

# What a dry run prints: describe alone|beside NAME MISSING.
describe() {
  local most="at most ${limits[$2]} s" missing="$3" program="${commands[$2]%% *}" command
  if [ "${limits[$2]}" = rest ]; then most='what the plan has left'; else
    [ "${limits[$2]}" -le "$longest" ] || longest=${limits[$2]}
  fi
  if [ "$1" = beside ]; then most+=', beside its neighbours'; fi
  [ -n "$missing" ] || unpacked_later "$program" || command -v "$program" >/dev/null ||
    missing="expected $program, found none"
  command="${commands[$2]//"$work"/WORK}"
  printf '  %s (%s): %s\n    %s\n' "$2" "$most" "${decides[$2]}" "${command//"$PWD/"/}"
  if [ -n "$missing" ]; then printf '    %s\n' "$missing"; fi
}

# A dry run unpacks nothing, so what is missing there may be in an archive.
unpacked_later() { [ -n "$dry" ] && [[ "$1" == "$work"/* ]]; }
