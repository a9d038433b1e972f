# For scripts that keep what they make in the cache; to be sourced. Sets `cache`.
cache=${TIDEMILL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tidemill}
mkdir -p "$cache"

say() { echo "$(basename "$0"): $*" >&2; }

# quietly LOG COMMAND...: runs a command; shows what it printed only if it fails, and then ends the script.
quietly() {
  local log=$1
  shift
  if ! "$@" >"$log" 2>&1; then
    cat "$log" >&2
    say "this failed: $*"
    exit 1
  fi
}

# make_once FOLDER COMMAND...: has a command make a folder of the cache, unless it is there. One process makes it, others
# wait for that one. The mark at the end tells a finished folder from one that was interrupted.
make_once() {
  local folder=$1
  shift
  exec 9>"$folder.lock"
  flock 9
  if [ ! -e "$folder/complete" ]; then
    say "making $folder"
    rm -rf "$folder"
    mkdir -p "$folder"
    quietly "$folder.log" "$@"
    rm -f "$folder.log"
    touch "$folder/complete"
  fi
  exec 9>&-
}

# python_environment FOLDER REQUIREMENTS...: a virtual environment with exactly these packages.
python_environment() {
  local folder=$1 file wanted=()
  shift
  for file in "$@"; do wanted+=(-r "$file"); done
  python3 -m venv "$folder" &&
    "$folder/bin/pip" install --disable-pip-version-check --no-input --no-deps "${wanted[@]}"
}
