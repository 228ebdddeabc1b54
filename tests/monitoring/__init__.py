"""The shipped alerts and dashboards, proved on series of real runs."""
