"""Put drivers around the functions of a running process, and take them away again."""
