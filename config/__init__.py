"""Settings, logging, queues: what the outermost modules read and pass down."""
