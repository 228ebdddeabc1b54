"""What the API's transactions show of a job, and which state it gets when they show nothing."""
