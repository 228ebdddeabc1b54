"""Starts the process that reads, checks or accepts an upload; there is at most one for each."""

import os
from dataclasses import replace
from multiprocessing import get_context
from typing import Final

from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.errors import UsageError
from operations.services import Services
from operations.uploads.state import Order, Progress, Stage, State
from operations.uploads.store import find_upload
from operations.uploads.upload import Upload
from producers.uploads.passed_lock import PassedLock
from producers.uploads.work import Job, Task, run

_SOON_SECONDS = 2.0
"""A small file is done by then, so that the next page shows the result at once."""
_BEGINS: Final = {
    Task.READ: Stage.READING,
    Task.CHECK: Stage.CHECKING,
    Task.ACCEPT: Stage.ACCEPTING,
}
_AFTER: Final = {
    # A file can be read again, with another sheet, and checked again until its rows are accepted.
    Task.READ: (Stage.READING, Stage.READY, Stage.CHECKING, Stage.CHECKED),
    Task.CHECK: (Stage.READY, Stage.CHECKING, Stage.CHECKED),
    Task.ACCEPT: (Stage.CHECKED, Stage.ACCEPTING),
}
"""The stages after which a task may begin; a stage of its own was interrupted."""


@needs(Right.BLAST)
def start(
    subject: Subject,
    services: Services,
    upload_id: str,
    task: Task,
    *,
    order: Order | None = None,
) -> None:
    """Begin a task, and wait until it is done, but at most two seconds.

    Nothing begins while a process works on the upload, or if its rows are accepted already: a
    second press does nothing.

    Args:
        subject: asks for it.
        services: this process's.
        upload_id: the upload.
        task: what is to be done.
        order: what is wanted from now on; None: what was wanted before.

    Raises:
        NoSuchUploadError: there is no such upload, or it is another person's.
        UsageError: the task cannot follow on what was done before.
    """
    upload = find_upload(subject, services, upload_id)
    lock = upload.claim()
    if lock is None:
        return
    try:
        state = upload.read()
        if state.stage is Stage.ACCEPTED:
            return
        _begin(upload, state, task, order)
        job = Job(
            services.settings,
            services.servers,
            subject,
            upload,
            task,
            console=os.getpid(),
            lock=PassedLock(lock),
        )
        process = get_context("spawn").Process(target=run, args=(job,))
        process.start()
    finally:
        os.close(lock)  # the process has inherited it
    process.join(_SOON_SECONDS)


def _begin(upload: Upload, state: State, task: Task, order: Order | None) -> None:
    if state.stage not in _AFTER[task]:
        raise UsageError(f"The file is {state.stage}: check it first")
    changed = replace(state, stage=_BEGINS[task], order=order or state.order, problem="")
    if task is not Task.ACCEPT:
        changed = replace(changed, checked=None)
    upload.write(changed)
    upload.write_progress(Progress())
