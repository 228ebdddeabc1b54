"""Settings, endpoints, logging: what the outermost modules read and pass down."""
