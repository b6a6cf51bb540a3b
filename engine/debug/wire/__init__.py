"""Messages on a socket: framing, arrays as raw bytes, handshake, and the process at the other end. Standard library only."""
