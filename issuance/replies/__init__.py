"""What a reply says: its answer, the codes, and the verdict on each line and on the job."""
