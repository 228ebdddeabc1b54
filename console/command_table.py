"""The commands of `issuance`: what each says of itself in the list, and where its code is."""

from typing import Final, NamedTuple


class Command(NamedTuple):
    """A command that is not loaded yet."""

    target: str
    """`module:attribute`; the attribute is a function or a group of commands."""
    help: str
    """As the command itself says it: listing the commands loads none of them."""


COMMANDS: Final = {
    "up": Command(
        "console.local.up:up",
        "Run the whole system on this machine; prints a line with `ready` when it accepts work.",
    ),
    "run": Command(
        "console.local.run:run",
        "Run one process of the system in the foreground until SIGTERM.",
    ),
    "demo": Command(
        "console.commands.demo:demo",
        "Run a sample blast on embedded parts, then compare the ledger with what the API issued.",
    ),
    "blast": Command(
        "console.commands.blast:blast",
        "Accept a file's rows into a campaign; a second run adds only rows that are new.",
    ),
    "issue": Command(
        "console.commands.issue:issue",
        "Accept one reward for one customer, named by one identifier; prints its requestId.",
    ),
    "status": Command(
        "console.commands.status:status",
        "Show campaigns, dead letters, speed, the accounts' limits, and whether the system runs.",
    ),
    "outcomes": Command(
        "console.commands.outcomes:outcomes",
        "List a campaign's lines with their outcomes, oldest first; masked unless --reveal.",
    ),
    "totals": Command(
        "console.commands.totals:totals",
        "Add up issued units and points by campaign, reward and day; net of what was revoked.",
    ),
    "report": Command(
        "console.commands.report:app",
        "Write a closed campaign's report for finance, or verify one: `issuance report NAME`.",
    ),
    "show": Command(
        "console.commands.show:show",
        "Show one reward's story: its calls, where it is now and what may be done; masked.",
    ),
    "customer": Command(
        "console.commands.customer:app",
        "Show every line of one customer, or erase the customer.",
    ),
    "revoke": Command(
        "console.commands.revoke:revoke",
        "Cancel an issued reward's whole transaction and return its points; cannot be undone.",
    ),
    "health": Command(
        "console.commands.health:health",
        "Check whether the system works: exit status 0 if so, else 1 and a line per problem.",
    ),
    "migrate": Command(
        "console.commands.migrate:migrate",
        "Bring the ledger's schema to this program's version; safe to run again.",
    ),
    "prune": Command(
        "console.commands.prune:prune_command",
        "Remove old settled jobs; open dead letters stay, and no requestId is accepted twice.",
    ),
    "backup": Command(
        "console.commands.backup:backup_command",
        "Copy the SQLite ledger while everything runs; the copy holds customers and vouchers.",
    ),
    "restore": Command(
        "console.commands.backup:restore_command",
        "Replace the SQLite ledger with a backup; stop everything first. Keeps the old one aside.",
    ),
    "mark-restored": Command(
        "console.commands.backup:mark_restored_command",
        "Record that pg_restore or a disk snapshot replaced the ledger, before anything runs.",
    ),
    "dead-letters": Command(
        "console.commands.dead_letters:app",
        "List, group, explain, plan, redrive or discard dead letters.",
    ),
    "redrives": Command(
        "console.commands.redrives:app",
        "Follow, pace, pause, abort or undo redrives and discards of dead letters.",
    ),
    "campaign": Command(
        "console.commands.campaign:app",
        "Plan, submit, approve, pause, resume, cancel, weight or close a campaign.",
    ),
    "limits": Command(
        "console.commands.limits:app",
        "Show or set the limits of the API accounts, which all workers share.",
    ),
    "whoami": Command(
        "console.commands.whoami:whoami",
        "Show who you are to this program: your roles, what they allow, and where they come from.",
    ),
    "user": Command(
        "console.commands.user:app",
        "Manage who may log in to the web console.",
    ),
    "audit": Command(
        "console.commands.audit:app",
        "List or verify the log of all acts: each with its name, time and reason.",
    ),
    "history": Command(
        "console.commands.history:history",
        "Show who did what, when and why, each act in one sentence; the newest first.",
    ),
    "account": Command(
        "console.commands.account:app",
        "List the API accounts, or check one without issuing anything.",
    ),
}
