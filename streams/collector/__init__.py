"""The collector: routes route, the service decides, a sink stores."""
