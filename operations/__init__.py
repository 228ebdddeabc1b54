"""What an operator can ask and do, without a terminal or HTTP."""
