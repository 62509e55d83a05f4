"""The commands of `hmara`, one module per group; each registers itself with `register(app)`."""

import logging

# It logs a failed connection with a traceback; the sentence that a command ends with says the same.
logging.getLogger("clickhouse_driver").addHandler(logging.NullHandler())
