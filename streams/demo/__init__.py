"""`hmara demo`: all of hmara on one machine, with a site, visitors and answers."""
