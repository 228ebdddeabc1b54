"""What the API's transactions show of a job, and what holds when they show nothing."""
