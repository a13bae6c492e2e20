#!/usr/bin/env bash
# Runs a whole training cluster on this machine.
#
#   scripts/run_local_cluster.sh --ps 1 --workers 2 -- \
#     --train_dir=/tmp/digits-model --dataset_name=digits \
#     --dataset_dir=/tmp/digits --model_name=lenet --max_number_of_steps=500
#
# Options, before the `--` that parts them from the training flags:
#   --ps N            parameter servers (1)
#   --workers N       workers, the first of which is the chief (2)
#   --evaluator       also evaluate the checkpoints while they come
#   --port P          P, P+1, ... instead of ports that are free now
#   --log_dir DIR     a log and a pid file of every process (a new folder)
#   --max_restarts N  how often a process that fails is started again (0)
#
# Every line of output says from which process it is. Ctrl-C, or SIGTERM, ends
# all processes; the chief saves a checkpoint before. A worker that fails for
# good does not end the others; the chief or a parameter server does. The exit
# status is 0 if all of them ended well, else that of one that did not.
set -euo pipefail

cd "$(dirname "$0")/.."
PYTHON="${PYTHON:-python}"
ps=1 workers=2 evaluators=0 port='' log_dir='' max_restarts=0

usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "$0"; }
fail() { echo "run_local_cluster.sh: $1" >&2; exit 1; }

while [[ $# -gt 0 && "$1" != -- ]]; do
  case "$1" in
    --help|-h) usage; exit 0 ;;
    --evaluator) evaluators=1; shift; continue ;;
    --ps|--workers|--port|--log_dir|--max_restarts)
      [[ $# -gt 1 ]] || fail "$1 needs a value."
      declare "${1#--}=$2"; shift 2 ;;
    *) fail "unknown option $1; the training flags follow after --." ;;
  esac
done
[[ "${1:-}" == -- ]] || fail 'the training flags are missing: ... -- --train_dir=...'
shift
for number in "$ps" "$workers" "$max_restarts"; do
  [[ "$number" =~ ^[0-9]+$ ]] || fail "$number is not a number."
done
[[ "$ps" -ge 1 && "$workers" -ge 1 ]] || fail 'at least 1 ps and 1 worker.'
log_dir="${log_dir:-$(mktemp -d -t cluster-XXXXXX)}"
mkdir -p "$log_dir"
rm -f "$log_dir"/*.pid "$log_dir"/*.status "$log_dir/stop"
echo "Logs are in $log_dir."

# Prints that many different free ports, or consecutive ones from --port on.
ports() {
  if [[ -n "$port" ]]; then
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
join() { local IFS=,; echo "$*"; }
ps_hosts="$(join "${hosts[@]:0:ps}")"
worker_hosts="$(join "${hosts[@]:ps}")"

# Runs one process, and again after a failure; writes its last exit status.
member() {
  local job="$1" task="$2" name="$1-$2" status restarts=0
  shift 2
  while true; do
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

# Starts one process and shows its log, each line with the name of the process.
names=()
launch() {
  names+=("$1-$2")
  : > "$log_dir/$1-$2.log"
  member "$@" &
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

stopped=0
stop() {
  stopped=$((stopped + 1))
  touch "$log_dir/stop"
  for pid in "$log_dir"/*.pid; do
    [[ -e "$pid" ]] && kill -TERM "$(cat "$pid")" 2>/dev/null || true
  done
}
trap stop INT TERM HUP

status_of() { cat "$log_dir/$1.status" 2>/dev/null || true; }
# The chief and the parameter servers are needed; without them all must end.
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
  if [[ $stopped -eq 0 ]] && lost; then stop; fi
  sleep 0.3 || true
done

wait
result=0
for name in "${names[@]}"; do
  status="$(status_of "$name")"
  echo "$name ended with status $status."
  # One that failed by itself says more than those that were ended (143).
  [[ $result -ne 0 && $result -ne 143 || $status -eq 0 ]] || result="$status"
done
exit "$result"
