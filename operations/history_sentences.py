"""The sentence of each act of the audit log: what was done, in plain words."""

from collections.abc import Mapping
from typing import Final

SENTENCES: Final[Mapping[str, str]] = {
    "pause": "paused {what}",
    "resume": "resumed {what}",
    "cancel": "cancelled {what}",
    "stop": "stopped {what}",
    "start": "started {what}",
    "set": "changed the settings of {what} from {before} to {after}",
    "submit": "submitted {what} for approval: {after}",
    "schedule": "submitted {what}: {after}",
    "approve": "approved {what}: {after}",
    "reject": "rejected {what}",
    "stop reward": "stopped {after} of {what}",
    "continue reward": "let {what} continue with {after}",
    "remove reward": "took {after} out of {what}",
    "canary passed": "found the canary of {what} good: {after}",
    "weight": "changed the weight of {what} from {before} to {after}",
    "accept": "began to accept {after} into {what}",
    "accept one": "accepted {what}",
    "replace": "replaced lines of {what} by {before}: {after}",
    "accepted": "read {before} into {what}: {after}",
    "resend": "sent {what} again",
    "reissue": "reissued {what} under new requestIds",
    "discard": "discarded {what}",
    "begin resend": "began to send dead letters again as {what}: {after}",
    "begin reissue": "began to reissue dead letters as {what}: {after}",
    "begin discard": "began to discard dead letters as {what}: {after}",
    "rate": "changed the rate of {what} from {before} to {after}",
    "abort": "aborted {what}",
    "continue": "sent what the trial of {what} held back",
    "undo": "undid {what}",
    "reopen": "opened {what} again",
    "reveal": "looked at {what} in the clear",
    "export": "exported {what}: {after}",
    "revoke": "asked to revoke {what}",
    "revoked": "revoked {what}",
    "not revoked": "could not revoke {what}: {after}",
    "revoke in doubt": "tried to revoke {what}, which may have failed: {after}",
    "bulk revoke": "began to revoke rewards of {what}: {after}",
    "bulk revoked": "revoked rewards of {what}: {after}",
    "set limit": "asked to set the limit of {what} from {before} to {after}",
    "set limit done": "set the limit of {what} from {before} to {after}",
    "set limit failed": "could not set the limit of {what}: {after}",
    "end suspensions": "asked to end the suspensions of {what}",
    "end suspensions done": "ended the suspensions of {what}: {after}",
    "end suspensions failed": "could not end the suspensions of {what}: {after}",
    "verify": "began to compare {what} with the API: {after}",
    "verified": "compared {what} with the API: {after}",
    "close": "ended {what}: {after}",
    "report": "made a report of {what}: {after}",
    "erase": "erased {what}: {after}",
    "prune": "began to prune {what}: {before}",
    "pruned": "pruned {what}: {after}",
    "backup": "backed up {what} {after}",
    "backup failed": "could not back up {what} {after}",
    "restore": "restored {what} {after}",
    "migrate": "changed the schema of {what} from {before} to {after}",
    "grant": "granted on {what}: {after}",
    "log in": "logged in to the web console as {what} {after}",
    "log in failed": "failed to log in to the web console as {what} {after}",
    "log out": "logged out of the web console as {what}",
    "login link": "made a link that logs in to the web console as {what}",
    "user add": "added {what}: {after}",
    "user disable": "disabled {what}",
    "user enable": "enabled {what}",
    "user roles": "changed the roles of {what} from {before} to {after}",
    "user passwd": "changed the password of {what}",
    "user log out": "ended the sessions of {what}: {after}",
    "chain broken": "found that {what} was changed",
}
"""By verb; `what` is the target in words, `before` and `after` are as the entry has them."""

BEGINNINGS: Final[Mapping[str, str]] = {
    "set limit done": "set limit",
    "set limit failed": "set limit",
    "end suspensions done": "end suspensions",
    "end suspensions failed": "end suspensions",
    "revoked": "revoke",
    "not revoked": "revoke",
    "revoke in doubt": "revoke",
    "bulk revoked": "bulk revoke",
    "accepted": "accept",
    "pruned": "prune",
    "verified": "verify",
}
"""By the verb of an outcome, that of the entry that began the act."""

_NONE = "nothing"


def sentence(verb: str, what: str, before: str, after: str) -> str:
    """Say what was done; a verb without a sentence of its own is shown with its change.

    Args:
        verb: the entry's verb.
        what: its target, in words.
        before: the state or limit before it.
        after: the same after it.
    """
    wording = SENTENCES.get(verb)
    if wording is not None:
        return wording.format(what=what, before=before or _NONE, after=after or _NONE)
    change = " → ".join(text for text in (before, after) if text)
    return f"{verb}: {what}{f' ({change})' if change else ''}"
