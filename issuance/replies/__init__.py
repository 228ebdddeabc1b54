"""What a reply means: the answer's model, the codes, and the verdicts on lines and job."""
