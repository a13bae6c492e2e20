#!/usr/bin/env bash
# Runs a whole training cluster on this machine.
#
#   scripts/run_local_cluster.sh --ps 1 --workers 2 -- \
#     --train_dir=/tmp/digits-model --dataset_name=digits \
#     --dataset_dir=/tmp/digits --model_name=lenet --max_number_of_steps=500
#
# Options, before the `--` that separates them from the training flags:
#   --ps N            number of parameter servers (1)
#   --workers N       number of workers, the first of which is the chief (2)
#   --evaluator       also evaluate each checkpoint as it is written
#   --port P          use ports P, P+1, ... instead of any free ports
#   --log_dir DIR     folder of each process's log and pid file (a new one)
#   --max_restarts N  how often to restart a process that fails (0)
#
# Every line of output starts with the name of its process. Ctrl-C or SIGTERM
# stops all processes; the chief saves a checkpoint first. A worker that fails
# for good does not stop the others; the chief or a parameter server does. The
# exit status is 0 if all processes succeeded, 130 or 143 after Ctrl-C or
# SIGTERM, and otherwise that of a process that failed.
set -euo pipefail

cd "$(dirname "$0")/.."
PYTHON="${PYTHON:-python}"
ps=1 workers=2 evaluators=0 port='' has_port='' log_dir='' max_restarts=0

usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "$0"; }
fail() { echo "run_local_cluster.sh: $1" >&2; exit 1; }

while [[ $# -gt 0 && "$1" != -- ]]; do
  case "$1" in
    --help|-h) usage; exit 0 ;;
    --evaluator) evaluators=1; shift; continue ;;
    --ps|--workers|--port|--log_dir|--max_restarts)
      [[ $# -gt 1 && "$2" != --* ]] || fail "$1 needs a value."
      if [[ "$1" == --port ]]; then has_port=yes; fi
      declare "${1#--}=$2"; shift 2 ;;
    *) fail "unknown option $1; the training flags follow after --." ;;
  esac
done
[[ "${1:-}" == -- ]] || fail 'the training flags are missing: add -- --train_dir=...'
shift

# Checks that an option is a whole number in a range. Its pattern comes first,
# because the shell's arithmetic would run commands in a text.
check_number() {
  local name="$1" value="$2" least="$3" most="$4"
  if [[ ! "$value" =~ ^(0|[1-9][0-9]{0,4})$ ]] \
    || (( value < least || value > most )); then
    fail "--$name $value: must be a whole number from $least to $most."
  fi
}
check_number ps "$ps" 1 1000
check_number workers "$workers" 1 1000
check_number max_restarts "$max_restarts" 0 99999
if [[ -n "$has_port" ]]; then
  check_number port "$port" 1 $((65536 - ps - workers))
fi
command -v "$PYTHON" > /dev/null \
  || fail "there is no program $PYTHON. Set PYTHON to that of the environment."
log_dir="${log_dir:-$(mktemp -d -t cluster-XXXXXX)}"
mkdir -p "$log_dir" 2> /dev/null && [[ -w "$log_dir" ]] \
  || fail "--log_dir $log_dir: no folder that can be written to."
rm -f "$log_dir"/*.pid "$log_dir"/*.status "$log_dir/stop"
echo "Logs are in $log_dir."

# Prints that many free ports, or consecutive ones from --port on.
ports() {
  if [[ -n "$has_port" ]]; then
    seq "$port" $((port + $1 - 1))
  else
    "$PYTHON" -c "
import socket
sockets = [socket.socket() for _ in range($1)]
for s in sockets:
  s.bind(('localhost', 0))
print(*(s.getsockname()[1] for s in sockets), sep='\n')"
  fi
}
mapfile -t hosts < <(ports $((ps + workers)) | sed 's/^/localhost:/')
[[ ${#hosts[@]} -eq $((ps + workers)) ]] || fail 'no free ports were found.'
join() { local IFS=,; echo "$*"; }
ps_hosts="$(join "${hosts[@]:0:ps}")"
worker_hosts="$(join "${hosts[@]:ps}")"

# Runs one process, and again after a failure; writes its last exit status.
member() {
  local job="$1" task="$2" name="$1-$2" status restarts=0
  shift 2
  status=143
  while [[ ! -e "$log_dir/stop" ]]; do
    set +e
    (
      echo "$BASHPID" > "$log_dir/$name.pid"
      exec "$PYTHON" train_image_classifier.py --ps_hosts="$ps_hosts" \
        --worker_hosts="$worker_hosts" --job_name="$job" --task="$task" "$@"
    ) >> "$log_dir/$name.log" 2>&1
    status=$?
    set -e
    rm -f "$log_dir/$name.pid"
    [[ $status -ne 0 && ! -e "$log_dir/stop" ]] || break
    [[ $restarts -lt $max_restarts ]] || break
    restarts=$((restarts + 1))
    echo "run_local_cluster.sh: restart $restarts after status $status." \
      >> "$log_dir/$name.log"
  done
  echo "$status" > "$log_dir/$name.status.new"
  mv "$log_dir/$name.status.new" "$log_dir/$name.status"
}

# Sends SIGTERM once to every process, also to those that are just starting.
stopped=0 stop_status=0
declare -A signalled=()
stop() {
  touch "$log_dir/stop"
  local file pid
  for file in "$log_dir"/*.pid; do
    pid="$(cat "$file" 2> /dev/null || true)"
    if [[ -n "$pid" && -z "${signalled[$pid]:-}" ]]; then
      signalled[$pid]=yes
      kill -TERM "$pid" 2> /dev/null || true
    fi
  done
}
# shellcheck disable=SC2317,SC2329  # The traps call it.
# A second signal reaches the processes again, which ends them at once.
on_signal() {
  [[ $stop_status -ne 0 ]] || echo "run_local_cluster.sh: Stopped by SIG$1." >&2
  stopped=1 stop_status="$2"
  signalled=()
  stop
}
trap 'on_signal HUP 129' HUP
trap 'on_signal INT 130' INT
trap 'on_signal TERM 143' TERM

# Starts one process and shows its log, each line with the name of the process.
names=()
launch() {
  names+=("$1-$2")
  : > "$log_dir/$1-$2.log"
  # What the shell itself says of a member that a signal ended goes to the log.
  member "$@" 2>> "$log_dir/$1-$2.log" &
  tail --pid=$! -s 0.2 -n +1 -f "$log_dir/$1-$2.log" \
    | sed -u "s/^/[$1-$2] /" &
}
# Every process gets a process group of its own, so that Ctrl-C in a terminal
# reaches this script alone.
set -m
for ((task = 0; task < ps; task++)); do launch ps "$task" "$@"; done
for ((task = 0; task < workers; task++)); do launch worker "$task" "$@"; done
for ((task = 0; task < evaluators; task++)); do
  launch evaluator "$task" "$@"
done
set +m

status_of() { cat "$log_dir/$1.status" 2>/dev/null || true; }
# Without the chief or a parameter server, training cannot go on.
lost() {
  local name status
  for name in "${names[@]}"; do
    status="$(status_of "$name")"
    [[ "$name" =~ ^(ps-|worker-0$) && -n "$status" && "$status" != 0 ]] \
      && return 0
  done
  return 1
}
while true; do
  running=0
  for name in "${names[@]}"; do
    [[ -n "$(status_of "$name")" ]] || running=$((running + 1))
  done
  [[ $running -gt 0 ]] || break
  if [[ $stopped -eq 0 ]] && lost; then stopped=1; fi
  if [[ $stopped -ne 0 ]]; then stop; fi
  sleep 0.3 || true
done

wait
result=0
for name in "${names[@]}"; do
  status="$(status_of "$name")"
  echo "$name ended with status $status."
  # A process that failed by itself says more than one that was stopped (143).
  [[ $result -ne 0 && $result -ne 143 || $status -eq 0 ]] || result="$status"
done
if [[ $stop_status -ne 0 && ($result -eq 0 || $result -eq 143) ]]; then
  result="$stop_status"
fi
exit "$result"
