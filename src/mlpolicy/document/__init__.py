"""Text becomes located nodes; the only place that knows YAML."""
