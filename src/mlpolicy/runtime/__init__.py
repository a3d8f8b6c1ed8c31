"""Plan and function become a driver: generated source, one flat function per target."""
