"""The defences of each hazard; those that suffice alone are switched off together."""

from tests.chaos.defence import Defence, Edit

_LAPSE = "lapsed = and_(IS_LEASED, jobs.c.lease_until < now_ms())"
_QUEUED_NEVER_LAPSE = Edit(
    "ledger/dispatch/reaper.py",
    _LAPSE,
    "lapsed = and_(IS_LEASED, jobs.c.state == State.RUNNING, jobs.c.lease_until < now_ms())",
)
_NOTHING_LAPSES = Edit(
    "ledger/dispatch/reaper.py", _LAPSE, "lapsed = and_(IS_LEASED, jobs.c.lease_until < 0)"
)
_LEDGER_IS_NOT_RETRIED = (
    Edit(
        "worker/ledger_retry.py", "give_up_at = time.monotonic() + for_seconds", "give_up_at = 0.0"
    ),
    _NOTHING_LAPSES,
)
_RESENT_ANEW = Edit(
    "worker/chunk/sender.py",
    """reply = await self._client.issue(
            job.variant, job.body, reward_id, scope=job.scope, traceparent=traceparent
        )""",
    """import os, dataclasses
        known = job.lines[0].request_id.encode()
        fresh = known[:-8] + os.urandom(4).hex().encode() if job.may_have_reached else known
        body = job.body.replace(known, fresh)
        reply = await self._client.issue(job.variant, body, reward_id, scope=job.scope)
        if isinstance(reply, Answer):
            reply = dataclasses.replace(reply, body=reply.body.replace(fresh, known))""",
)
_CALLS_NEVER_END = Edit(
    "rewards_api/client.py",
    "asyncio.timeout(self._account.timeout_seconds)",
    "asyncio.timeout(None)",
)
_WAKE_UPS_MUST_WORK = Edit(
    "broker/wake_up.py",
    "except (RedisError, BrokerAway, PublishRefused):",
    "except ZeroDivisionError:",
)

_ERROR_REPLIES_END_WORKERS = Edit(
    "broker/redis_transport.py",
    "(*redis.Transport.connection_errors, ResponseError)",
    "redis.Transport.connection_errors",
)

DEFENCES = (
    Defence(
        1,
        "test_a_chunk_popped_by_a_worker_that_then_died_is_released_again",
        "queued chunks never lapse",
        (_QUEUED_NEVER_LAPSE,),
    ),
    Defence(
        2,
        "test_a_killed_workers_jobs_continue_within_the_lease_and_two_seconds",
        "leases never lapse",
        (_NOTHING_LAPSES,),
    ),
    Defence(
        2,
        "test_a_blast_continues_after_release_beat_and_background_worker_are_killed",
        "dead processes are not restarted",
        (Edit("console/local/supervisor.py", "elif now >= kept.restart_at:", "elif now < 0:"),),
    ),
    Defence(
        3,
        "test_a_killed_childs_chunk_continues_within_two_seconds",
        "a dead child's message is acknowledged",
        (
            Edit(
                "broker/celery_app.py",
                '"task_reject_on_worker_lost": True',
                '"task_reject_on_worker_lost": False',
            ),
        ),
    ),
    Defence(
        3,
        "test_a_killed_childs_chunk_continues_within_two_seconds",
        "a worker does not report the death of its child",
        (Edit("worker/orphans.py", "report(self.id)", "pass"),),
    ),
    Defence(
        3,
        "test_poison_jobs_are_isolated_and_dead_lettered_and_the_rest_is_issued",
        "a job may kill any number of workers",
        (Edit("ledger/dispatch/claims.py", "CLAIMS_MAX = 3", "CLAIMS_MAX = 3_000_000"),),
    ),
    Defence(
        3,
        "test_poison_jobs_are_isolated_and_dead_lettered_and_the_rest_is_issued",
        "a job that has killed two workers stays in a shared chunk",
        (Edit("ledger/dispatch/claims.py", "ISOLATED_FROM = 2", "ISOLATED_FROM = 2_000_000"),),
    ),
    Defence(
        4,
        "test_a_blast_continues_within_ten_seconds_of_the_brokers_return",
        "lost broker connections are retried once a minute",
        (
            Edit(
                "broker/consumers.py",
                '1, "interval_step": 1, "interval_max": 4',
                '60, "interval_max": 60',
            ),
        ),
    ),
    Defence(
        5,
        "test_a_blast_continues_when_a_frozen_broker_answers_again",
        "Redis calls have no timeout",
        (
            Edit(
                "limiter/redis_connection.py",
                "_REPLY_TIMEOUT_SECONDS = 5.0",
                "_REPLY_TIMEOUT_SECONDS = 500.0",
            ),
        ),
    ),
    Defence(
        6,
        "test_chunks_of_an_emptied_broker_are_released_again",
        "no marker in the broker",
        (Edit("worker/broker_loss.py", "if broker is None or broker.exists(_MARK):", "if True:"),),
    ),
    Defence(
        7,
        "test_a_blast_continues_when_a_full_broker_has_room_again",
        "acceptance fails if the wake-up fails",
        (_WAKE_UPS_MUST_WORK,),
    ),
    Defence(
        7,
        "test_a_blast_continues_when_a_full_broker_has_room_again",
        "a Redis that answers with an error ends the workers",
        (_ERROR_REPLIES_END_WORKERS,),
    ),
    Defence(
        8,
        "test_a_blast_is_accepted_without_a_broker_and_published_when_it_returns",
        "acceptance fails if the wake-up fails",
        (_WAKE_UPS_MUST_WORK,),
    ),
    Defence(
        9,
        "test_chunks_whose_publishing_failed_half_way_are_published_later",
        "unpublished chunks are neither taken back nor lapse",
        (
            Edit("worker/dispatcher.py", "unqueue(services.ledger, chunks[place:])", "pass"),
            _QUEUED_NEVER_LAPSE,
        ),
    ),
    Defence(
        10,
        "test_jobs_that_wait_past_the_visibility_timeout_are_called_only_once_more",
        "jobs are released before their due time and while the account is suspended",
        (
            Edit("ledger/dispatch/backlog.py", "jobs.c.due_at <= now_ms()", "jobs.c.due_at > 0"),
            Edit("worker/windows.py", "return 0, 1", "return window_most, chunk_most"),
        ),
        long=True,
    ),
    Defence(
        11,
        "test_messages_redelivered_while_their_worker_hung_issue_nothing_twice",
        "calls in doubt are resent with a new requestId",
        (_RESENT_ANEW,),
        long=True,
    ),
    Defence(
        11,
        "test_messages_redelivered_during_their_calls_cause_no_further_call",
        "the owner of a redelivered message is taken for dead",
        (
            Edit(
                "worker/orphans.py",
                "redis.set(_key(chunk_id), _TAKEN",
                "True or redis.set(_key(chunk_id), _TAKEN",
            ),
        ),
    ),
    Defence(
        12,
        "test_a_reward_issued_but_not_recorded_is_resent_and_not_issued_twice",
        "calls in doubt are resent with a new requestId",
        (_RESENT_ANEW,),
    ),
    Defence(
        13,
        "test_stopping_workers_give_back_what_they_have_not_sent",
        "workers ignore the signal to stop",
        (Edit("worker/stopping.py", "return _flag[0] == 1", "return False"),),
    ),
    Defence(
        13,
        "test_a_signal_to_the_whole_group_leaves_the_children_to_finish_their_calls",
        "children obey a supervisor's SIGTERM",
        (Edit("worker/child_signals.py", "if found.si_pid == parent:", "if True:"),),
    ),
    Defence(
        14,
        "test_unreadable_messages_are_logged_and_their_jobs_released_again",
        "queued chunks never lapse",
        (_QUEUED_NEVER_LAPSE,),
    ),
    Defence(
        15,
        "test_a_blast_continues_when_an_api_that_hung_answers_again",
        "calls have no timeout",
        (_CALLS_NEVER_END,),
    ),
    Defence(
        15,
        "test_a_blast_continues_when_an_api_that_hung_answers_again",
        "a suspended account is never probed",
        (Edit("worker/windows.py", "return workers, 1", "return 0, 1"),),
    ),
    Defence(
        15,
        "test_a_worker_stops_within_the_call_timeout_while_the_api_hangs",
        "calls have no timeout",
        (_CALLS_NEVER_END,),
    ),
    Defence(
        15,
        "test_what_a_killed_api_had_issued_is_not_issued_twice",
        "calls in doubt are resent with a new requestId",
        (_RESENT_ANEW,),
    ),
    Defence(
        16,
        "test_a_blast_continues_when_the_ledger_returns",
        "no retry while SQLite is locked, and no lease lapses",
        (
            *_LEDGER_IS_NOT_RETRIED,
            Edit("ledger/store/dialects/sqlite.py", "_BUSY_SECONDS = 30", "_BUSY_SECONDS = 0.05"),
        ),
    ),
    Defence(
        16,
        "test_a_blast_continues_when_the_ledger_returns",
        "no retry while PostgreSQL is stopped, and no lease lapses",
        _LEDGER_IS_NOT_RETRIED,
        pair="postgresql+valkey",
    ),
    Defence(
        16,
        "test_a_blast_continues_when_a_full_disk_has_room_again",
        "no retry while the ledger is unavailable, and no lease lapses",
        _LEDGER_IS_NOT_RETRIED,
    ),
    Defence(
        17,
        "test_two_beats_and_two_redrives_at_once_have_the_effect_of_one",
        "a released job stays due, a claim takes claimed jobs, and no customer is locked",
        (
            Edit(
                "ledger/dispatch/release.py",
                "values(state=State.QUEUED",
                "values(state=State.WAITING",
            ),
            Edit(
                "ledger/dispatch/claims.py",
                "free = jobs.c.state == State.QUEUED",
                "free = jobs.c.open_lines > 0",
            ),
            Edit(
                "ledger/dispatch/claims.py",
                'jobs.c.chunk_id == bindparam("expected_chunk_id")',
                'bindparam("expected_chunk_id", type_=jobs.c.chunk_id.type).is_not(None)',
            ),
            Edit(
                "limiter/customer_locks.py",
                "return {fingerprints[place - 1] for place in places}",
                "return set(fingerprints)",
            ),
        ),
    ),
    Defence(
        17,
        "test_two_beats_and_two_redrives_at_once_have_the_effect_of_one",
        "a redrive does not check the letter again after locking it",
        (
            Edit(
                "ledger/dead_letters/actions.py",
                "        _refuse_stale(connection, action, groups)",
                "        pass",
            ),
            Edit(
                "ledger/dead_letters/sending.py",
                "why_not = _why_not(letter, step.kind, planned_at)",
                "why_not = None",
            ),
        ),
    ),
    Defence(
        18,
        "test_workers_whose_clocks_differ_by_hours_call_for_no_job_twice_and_retry_in_time",
        "each process uses its own clock",
        (
            Edit("ledger/store/clock.py", "inherit_cache = True", "inherit_cache = False"),
            Edit(
                "ledger/store/dialects/sqlite.py",
                """return "CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)\"""",
                "import time; return str(int(time.time() * 1000))",
            ),
        ),
        long=True,
    ),
    Defence(
        19,
        "test_a_blast_continues_when_a_broker_that_refused_works_again",
        "a Redis that answers with an error ends the workers",
        (_ERROR_REPLIES_END_WORKERS,),
    ),
    Defence(
        19,
        "test_a_blast_continues_when_a_broker_that_refused_works_again",
        "a worker keeps the places of messages that it could not acknowledge",
        (
            Edit(
                "broker/redis_transport.py",
                "QoS.ack(self, delivery_tag)  # type: ignore[no-untyped-call]\n            raise",
                "raise",
            ),
        ),
    ),
    Defence(
        20,
        "test_no_unit_above_the_budget_is_issued_whatever_dies",
        "what is under way is not reserved",
        (
            Edit(
                "ledger/budgets/usage.py",
                "reserved = _reserved(connection, campaign_id)",
                "reserved = Amount(0, 0)",
            ),
        ),
    ),
)
