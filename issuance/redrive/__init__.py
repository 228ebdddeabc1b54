"""What may be done with a dead letter: resend, reissue, and with which lines."""
