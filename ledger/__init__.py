"""The SQL record of campaigns, jobs, lines, attempts, dead letters and operators' actions."""
