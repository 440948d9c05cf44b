# shellcheck shell=bash
# Runs the steps of scripts/gpu-check.sh in order, each with a time limit, and writes the record
# after each one. steps.sh describes the arguments of plan, needs, alone and beside.
: "${python:?}" "${work:?}" "${out:?}" "${dry?}" "${chosen?}" "${only_plan?}"

# The time that each plan has for unpacking the archives.
unpack_seconds=20
# The time for a step whose limit is "rest" when its plan has no time limit.
unbounded_seconds=600
# The time between asking a step to end and killing it, so that it can print its results.
grace_seconds=10

plan='' plan_seconds=0 plans='' lacks=''
# The sum of a plan's limits. Of steps that run at the same time, only the longest counts.
sum=0 longest=0 too_long=''
# `running` maps process ids to step names. The others map a step's name to its start, its limit,
# its status if it exceeds the limit, what it decides, and its command.
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

# Steps before the first plan always run, because the others need them.
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

# A step must not run longer than its plan. If only the end of the plan stops it, it has not failed.
fit_into_plan() {
  local left=$unbounded_seconds
  if [ -n "$only_plan" ] && [ "$plan_seconds" -gt 0 ]; then left=$((plan_seconds - SECONDS)); else
    [ "${limits[$1]}" = rest ] || return 0
  fi
  if [ "${limits[$1]}" = rest ] || [ "${limits[$1]}" -gt "$left" ]; then
    limits[$1]=$left late[$1]=cut
  fi
}

# Waits until one step has ended.
settle() {
  local pid code=0
  while true; do
    for pid in "${!running[@]}"; do
      # `wait -n` alone would miss a step that ended while the record was being written.
      kill -0 "$pid" 2>/dev/null && continue
      wait "$pid" || code=$?
      ended "${running[$pid]}" "$code"
      unset "running[$pid]"
      return
    done
    wait -n "${!running[@]}" || true
  done
}

# ended NAME CODE. 124 and 137 are the exit codes of timeout.
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

# Writes the record of all steps that have ended. Fails if a step failed.
record() { "$python" bench/gpu/record.py "$work" "$out"; }

# When this script is stopped, it records what was done. Programs are asked to end, so that they can
# print their results.
stop() {
  local pid
  # A step that has started but is not yet in the list of running steps must not be missed.
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

# Prints a step in a dry run: describe alone|beside NAME MISSING.
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

# A dry run unpacks nothing, so a file that is missing may be in an archive.
unpacked_later() { [ -n "$dry" ] && [[ "$1" == "$work"/* ]]; }
