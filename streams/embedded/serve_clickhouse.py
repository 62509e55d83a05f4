"""Serves ClickHouse out of libchdb: a program of its own, `serve_clickhouse.py LIBRARY CONFIG`.

libchdb has no server to call; it has a command line, and two statements that open the ports. The
third keeps the call from returning for nine years. Only the standard library is imported: what
the process weighs is ClickHouse.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from typing import Final

_STATEMENTS: Final = (
    "SYSTEM START LISTEN TCP; SYSTEM START LISTEN HTTP; "
    "SELECT sum(sleepEachRow(3)) FROM numbers(100000000)"
    " SETTINGS function_sleep_max_microseconds_per_block = 0, max_block_size = 1"
)
_ARGUMENTS: Final = 3
_USAGE: Final = 2


def serve(library: str, config: str) -> str:
    """Serve until the process is ended; returns, with the reason, only if it can not."""
    # The image of a crashed server holds what people sent: none is written.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    chdb = ctypes.CDLL(library)
    # Its handler spends seconds on a stack trace without names; the supervisor restarts at once.
    chdb.chdb_set_signal_handlers_enabled(0)
    words = ["clickhouse", f"--config-file={config}", f"--query={_STATEMENTS}"]
    arguments = (ctypes.c_char_p * (len(words) + 1))(*(word.encode() for word in words), None)
    chdb.chdb_query_cmdline.restype = ctypes.c_void_p
    result = chdb.chdb_query_cmdline(len(words), arguments)
    chdb.chdb_result_error.restype = ctypes.c_char_p
    chdb.chdb_result_error.argtypes = [ctypes.c_void_p]
    error: bytes | None = chdb.chdb_result_error(result) if result else None
    return error.decode(errors="replace") if error else "libchdb has stopped serving"


if __name__ == "__main__":
    if len(sys.argv) != _ARGUMENTS:
        sys.exit(_USAGE)
    sys.stderr.write(serve(sys.argv[1], sys.argv[2]) + "\n")
    sys.stderr.flush()
    os._exit(1)  # the library's threads are still there: an ordinary end would run into them
