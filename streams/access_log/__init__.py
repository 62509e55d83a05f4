"""Access logs as input: page requests are picked out, everything else is counted by reason."""
