#!/usr/bin/env bash
# Says in one sentence what is missing to build and run hmara on this machine; exit 1 if anything is.
set -u

missing() {
  echo "hmara: $1 is missing or too old: install the package $2" >&2
  exit 1
}

at_least() { # found, wanted: both whole numbers
  [ "${1:-0}" -ge "$2" ] 2>/dev/null
}

python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || missing "Python 3.11" "python3"
python3 -c 'import ensurepip, venv' 2>/dev/null || missing "Python's venv" "python3-venv"
at_least "$(node --version 2>/dev/null | sed -E 's/^v([0-9]+).*/\1/')" 18 || missing "Node.js 18" "nodejs"
command -v npm >/dev/null || missing "npm" "npm"
at_least "$(java -version 2>&1 | sed -nE 's/.*version "([0-9]+).*/\1/p' | head -n 1)" 17 \
  || missing "Java 17" "openjdk-17-jre-headless"
command -v mvn >/dev/null || missing "Maven" "maven"
