"""The defences of each hazard's tests. Where several would each do, they are switched off together."""

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
_NOBODY_WAITS_FOR_THE_LEDGER = (
    Edit(
        "worker/ledger_retry.py", "give_up_at = time.monotonic() + for_seconds", "give_up_at = 0.0"
    ),
    _NOTHING_LAPSES,
)
_RESENT_ANEW = Edit(
    "worker/chunk/sender.py",
    "reply = await self._client.issue(job.variant, job.body, reward_id)",
    """import os, dataclasses
        known = job.lines[0].request_id.encode()
        fresh = known[:-8] + os.urandom(4).hex().encode() if job.may_have_reached else known
        reply = await self._client.issue(job.variant, job.body.replace(known, fresh), reward_id)
        if isinstance(reply, Answer):
            reply = dataclasses.replace(reply, body=reply.body.replace(fresh, known))""",
)
_CALLS_NEVER_END = Edit(
    "rewards_api/client.py",
    "asyncio.timeout(self._account.timeout_seconds)",
    "asyncio.timeout(None)",
)
_NUDGES_MUST_WORK = Edit(
    "broker/wakeup.py", "except (RedisError, BrokerAway):", "except ZeroDivisionError:"
)

DEFENCES = (
    Defence(
        1,
        "test_a_chunk_that_a_frozen_worker_popped_and_took_to_its_grave_is_released_again",
        "queued chunks never lapse",
        (_QUEUED_NEVER_LAPSE,),
    ),
    Defence(
        2,
        "test_the_jobs_of_a_killed_worker_go_on_within_their_lease_and_two_seconds",
        "leases never lapse",
        (_NOTHING_LAPSES,),
    ),
    Defence(
        2,
        "test_a_blast_goes_on_when_release_beat_and_background_worker_were_killed",
        "nobody starts again what has died",
        (Edit("console/local/supervisor.py", "elif now >= kept.restart_at:", "elif now < 0:"),),
    ),
    Defence(
        3,
        "test_the_chunk_of_a_killed_child_goes_on_within_two_seconds",
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
        "test_the_chunk_of_a_killed_child_goes_on_within_two_seconds",
        "a worker does not tell that its child has died",
        (Edit("worker/orphans.py", "tell(self.id)", "pass"),),
    ),
    Defence(
        3,
        "test_jobs_that_kill_every_worker_are_tried_alone_and_dead_lettered_and_the_rest_of_their_chunk_is_issued",
        "a job may cost any number of workers",
        (Edit("ledger/dispatch/claims.py", "CLAIMS_MAX = 3", "CLAIMS_MAX = 3_000_000"),),
    ),
    Defence(
        3,
        "test_jobs_that_kill_every_worker_are_tried_alone_and_dead_lettered_and_the_rest_of_their_chunk_is_issued",
        "a job that has cost two workers does not travel alone",
        (Edit("ledger/dispatch/claims.py", "ISOLATED_FROM = 2", "ISOLATED_FROM = 2_000_000"),),
    ),
    Defence(
        4,
        "test_a_blast_goes_on_within_ten_seconds_of_the_brokers_return",
        "who has lost the broker looks for it once a minute",
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
        "test_a_blast_goes_on_when_a_frozen_broker_answers_again",
        "whoever asks Redis waits for its answer as long as it takes",
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
        "test_what_was_queued_in_an_emptied_broker_is_released_again",
        "no mark in the broker",
        (Edit("worker/broker_loss.py", "if broker is None or broker.exists(_MARK):", "if True:"),),
    ),
    Defence(
        7,
        "test_a_blast_goes_on_when_a_full_broker_has_room_again",
        "acceptance fails where its nudge does",
        (_NUDGES_MUST_WORK,),
    ),
    Defence(
        7,
        "test_a_blast_goes_on_when_a_full_broker_has_room_again",
        "a Redis without memory ends its workers",
        (Edit("broker/consumers.py", "(*known, OutOfMemoryError)", "known"),),
    ),
    Defence(
        8,
        "test_a_blast_is_accepted_without_a_broker_and_published_when_it_is_there",
        "acceptance fails where its nudge does",
        (_NUDGES_MUST_WORK,),
    ),
    Defence(
        9,
        "test_chunks_whose_publishing_failed_half_way_are_published_later",
        "what was not published is neither taken back nor lapses",
        (
            Edit("worker/dispatcher.py", "unqueue(parts.ledger, chunks[place:])", "pass"),
            _QUEUED_NEVER_LAPSE,
        ),
    ),
    Defence(
        10,
        "test_jobs_that_wait_longer_than_the_visibility_timeout_are_called_once_more_and_no_more",
        "nothing in the ledger waits for its due time, nor for the account",
        (
            Edit("ledger/dispatch/backlog.py", "jobs.c.due_at <= now_ms()", "jobs.c.due_at > 0"),
            Edit("worker/dispatcher.py", "return 0, 1", "return window_most, chunk_most"),
        ),
        long=True,
    ),
    Defence(
        11,
        "test_messages_that_were_doubled_while_their_worker_hung_do_nothing_twice",
        "what may have reached the API is sent again with a new requestId",
        (_RESENT_ANEW,),
        long=True,
    ),
    Defence(
        11,
        "test_messages_delivered_again_while_their_calls_are_under_way_call_nobody",
        "whose message comes again is taken for dead",
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
        "test_what_was_issued_and_not_recorded_is_sent_again_and_not_issued_twice",
        "what may have reached the API is sent again with a new requestId",
        (_RESENT_ANEW,),
    ),
    Defence(
        13,
        "test_workers_told_to_stop_give_back_what_they_have_not_sent",
        "workers do not hear that they are told to stop",
        (Edit("worker/stopping.py", "return _flag[0] == 1", "return False"),),
    ),
    Defence(
        14,
        "test_spoilt_messages_are_noticed_and_their_jobs_are_released_again",
        "queued chunks never lapse",
        (_QUEUED_NEVER_LAPSE,),
    ),
    Defence(
        15,
        "test_a_blast_goes_on_when_an_api_that_hung_answers_again",
        "a call may take as long as it likes",
        (_CALLS_NEVER_END,),
    ),
    Defence(
        15,
        "test_a_blast_goes_on_when_an_api_that_hung_answers_again",
        "nobody probes an account that was closed",
        (Edit("worker/dispatcher.py", "return workers, 1", "return 0, 1"),),
    ),
    Defence(
        15,
        "test_a_worker_stops_within_the_longest_wait_for_an_answer_though_the_api_hangs",
        "a call may take as long as it likes",
        (_CALLS_NEVER_END,),
    ),
    Defence(
        15,
        "test_an_api_that_was_killed_is_called_again_and_what_it_had_issued_is_not_issued_anew",
        "what may have reached the API is sent again with a new requestId",
        (_RESENT_ANEW,),
    ),
    Defence(
        16,
        "test_a_blast_goes_on_when_the_ledger_is_back",
        "nobody waits for a locked SQLite, and no lease lapses",
        (
            *_NOBODY_WAITS_FOR_THE_LEDGER,
            Edit("ledger/store/dialects/sqlite.py", "_BUSY_SECONDS = 30", "_BUSY_SECONDS = 0.05"),
        ),
    ),
    Defence(
        16,
        "test_a_blast_goes_on_when_the_ledger_is_back",
        "nobody waits for a stopped PostgreSQL, and no lease lapses",
        _NOBODY_WAITS_FOR_THE_LEDGER,
        pair="postgresql+valkey",
    ),
    Defence(
        16,
        "test_a_blast_goes_on_when_a_full_disk_has_room_again",
        "nobody waits for the ledger, and no lease lapses",
        _NOBODY_WAITS_FOR_THE_LEDGER,
    ),
    Defence(
        17,
        "test_two_beats_and_two_redrives_at_once_have_the_effect_of_one",
        "a released job stays due, a claim takes what another has, and no customer is locked",
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
                "limiter/customer_locks.py",
                "return {fingerprints[place - 1] for place in places}",
                "return set(fingerprints)",
            ),
        ),
    ),
    Defence(
        17,
        "test_two_beats_and_two_redrives_at_once_have_the_effect_of_one",
        "a redrive does not look at the letter again once it has it to itself",
        (
            Edit(
                "ledger/dead_letters/redrive.py",
                "lambda row: refusal(row.case, verb)",
                "lambda row: None",
            ),
        ),
    ),
    Defence(
        18,
        "test_workers_whose_clocks_are_hours_apart_call_for_no_job_twice_and_try_again_in_time",
        "each process tells the time by its own clock",
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
)
