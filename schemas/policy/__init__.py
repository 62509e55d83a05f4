"""The policy as code: the file `hmara.yaml` and the model that checks it."""
