/*
 * test_policy.c - admission over every combination of facts, and what comes
 * after an attempt: all kinds of backoff, their bounds and their ends.
 */
#include <config.h>

#include "model/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/macros.h"

#define SEC USEC_PER_SEC
#define DAY (86400 * SEC)

/* ---- admission ---- */

static struct admission
ask(struct admit_facts f)
{
	return policy_admit(&f);
}

static void
check(struct admission a, enum admit verdict, enum reason reason, bool behind)
{
	assert_int_equal(a.verdict, verdict);
	assert_int_equal(a.reason, reason);
	assert_int_equal(a.behind, behind);
}

/* A fire of an idle job on an idle machine. */
static struct admit_facts
idle(enum overlap overlap)
{
	return (struct admit_facts){
	    .trigger = TRIGGER_SCHEDULE,
	    .overlap = overlap,
	    .max_queued = 1,
	    .job_room = true,
	    .slot_free = true,
	};
}

/* The same while a run of the job has its worker. */
static struct admit_facts
busy(enum overlap overlap)
{
	struct admit_facts f = idle(overlap);

	f.open_runs = f.running_runs = 1;
	return f;
}

/* The same while a run of the job is between two attempts. */
static struct admit_facts
backing_off(enum overlap overlap)
{
	struct admit_facts f = idle(overlap);

	f.open_runs = 1;
	return f;
}

static void
test_idle_starts(void **state)
{
	(void)state;
	for (int o = OVERLAP_SKIP; o <= OVERLAP_REPLACE; o++)
		for (int t = TRIGGER_SCHEDULE; t <= TRIGGER_START; t++) {
			struct admit_facts f = idle((enum overlap)o);

			f.trigger = (enum trigger)t;
			check(ask(f), ADMIT_START, REASON_NONE, false);
			f.slot_free = false;
			check(ask(f), ADMIT_WAIT, REASON_NONE, false);
		}
}

/* A run in BACKOFF is open, so it counts as one that runs does. */
static void
test_overlap(void **state)
{
	struct admit_facts (*const others[])(enum overlap) = {
	    busy, backing_off};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		struct admit_facts f = others[i](OVERLAP_QUEUE);

		check(ask(others[i](OVERLAP_SKIP)), ADMIT_SKIP, REASON_OVERLAP,
		    false);
		check(ask(f), ADMIT_WAIT, REASON_NONE, true);
		f.max_queued = 0;
		check(ask(f), ADMIT_SKIP, REASON_OVERLAP, false);
		check(ask(others[i](OVERLAP_ALLOW)), ADMIT_START, REASON_NONE,
		    false);
		check(ask(others[i](OVERLAP_REPLACE)), ADMIT_REPLACE,
		    REASON_NONE, false);
	}
}

static void
test_queue_length(void **state)
{
	struct admit_facts f = busy(OVERLAP_QUEUE);

	(void)state;
	f.max_queued = 3;
	for (int n = 0; n < 5; n++) {
		f.open_runs = 1 + n;
		f.waiting_runs = f.behind_runs = n;
		if (n < 3)
			check(ask(f), ADMIT_WAIT, REASON_NONE, true);
		else
			check(ask(f), ADMIT_SKIP, REASON_OVERLAP, false);
	}
}

/* The queue is what stands behind the job. On a full machine the first run
 * waits for a slot: the next one is queued, as if the first one ran. */
static void
test_queue_of_a_full_machine(void **state)
{
	struct admit_facts f = idle(OVERLAP_QUEUE);

	(void)state;
	f.slot_free = false;
	f.open_runs = f.waiting_runs = 1;
	check(ask(f), ADMIT_WAIT, REASON_NONE, true);
	f.open_runs = f.waiting_runs = 2;
	f.behind_runs = 1;
	check(ask(f), ADMIT_SKIP, REASON_OVERLAP, false);
}

/* Whatever the overlap, but for allow: behind each other, none is lost. */
static void
test_catch_up(void **state)
{
	(void)state;
	for (int o = OVERLAP_SKIP; o <= OVERLAP_REPLACE; o++) {
		struct admit_facts f = busy((enum overlap)o);

		f.trigger = TRIGGER_CATCH_UP;
		f.open_runs = 100;
		f.waiting_runs = f.behind_runs = 99;
		if (o == OVERLAP_ALLOW)
			check(ask(f), ADMIT_START, REASON_NONE, false);
		else
			check(ask(f), ADMIT_WAIT, REASON_NONE, true);
	}
}

/* Who stands in the queue waits for the job to be idle and for its turn; it
 * is never refused for the overlap, nor does it replace. */
static void
test_queued(void **state)
{
	(void)state;
	for (int o = OVERLAP_SKIP; o <= OVERLAP_REPLACE; o++) {
		struct admit_facts f = idle((enum overlap)o);

		f.was_waiting = true;
		f.max_queued = 1;
		check(ask(f), ADMIT_START, REASON_NONE, false);
		f.open_runs = f.waiting_runs = f.behind_runs = 7;
		check(ask(f), ADMIT_START, REASON_NONE, false);
		f.slot_free = false;
		check(ask(f), ADMIT_WAIT, REASON_NONE, false);
		f.slot_free = true;
		if (o == OVERLAP_ALLOW)
			continue;
		f.ahead_in_queue = true;
		check(ask(f), ADMIT_WAIT, REASON_NONE, true);
		f.ahead_in_queue = false;
		f.open_runs = 8;
		check(ask(f), ADMIT_WAIT, REASON_NONE, true);
	}
}

static void
test_pause(void **state)
{
	struct admit_facts f = idle(OVERLAP_SKIP);

	(void)state;
	f.paused = true;
	check(ask(f), ADMIT_SKIP, REASON_PAUSED, false);
	f.trigger = TRIGGER_CATCH_UP;
	check(ask(f), ADMIT_SKIP, REASON_PAUSED, false);
	f.was_waiting = true;
	check(ask(f), ADMIT_SKIP, REASON_PAUSED, false);
	f = busy(OVERLAP_REPLACE);
	f.paused = true;
	check(ask(f), ADMIT_SKIP, REASON_PAUSED, false);
	f.forced = true;
	check(ask(f), ADMIT_REPLACE, REASON_NONE, false);
	f = busy(OVERLAP_SKIP);
	f.paused = f.forced = true;
	check(ask(f), ADMIT_SKIP, REASON_OVERLAP, false);
}

static void
test_breaker(void **state)
{
	struct admit_facts f = idle(OVERLAP_SKIP);

	(void)state;
	f.breaker.open = true;
	check(ask(f), ADMIT_SKIP, REASON_BREAKER, false);
	f.slot_free = false;
	check(ask(f), ADMIT_SKIP, REASON_BREAKER, false);
	f.forced = true;
	check(ask(f), ADMIT_WAIT, REASON_NONE, false);
	f.slot_free = true;
	check(ask(f), ADMIT_START, REASON_NONE, false);
	assert_false(ask(f).probe);
	/* Behind an open run it waits, and is judged when that one is over. */
	f = busy(OVERLAP_QUEUE);
	f.breaker.open = true;
	check(ask(f), ADMIT_WAIT, REASON_NONE, true);
	f = idle(OVERLAP_QUEUE);
	f.breaker.open = f.was_waiting = true;
	check(ask(f), ADMIT_SKIP, REASON_BREAKER, false);
	/* The reason a user is told is the one that holds longest. */
	f = busy(OVERLAP_SKIP);
	f.breaker.open = true;
	check(ask(f), ADMIT_SKIP, REASON_OVERLAP, false);
}

static void
test_probe(void **state)
{
	struct admit_facts f = idle(OVERLAP_ALLOW);

	(void)state;
	f.breaker.open = f.breaker.probe_due = true;
	check(ask(f), ADMIT_START, REASON_NONE, false);
	assert_true(ask(f).probe);
	/* It is a probe when it starts, not while it waits. */
	f.slot_free = false;
	check(ask(f), ADMIT_WAIT, REASON_NONE, false);
	assert_false(ask(f).probe);
	f.slot_free = true;
	/* One is let through: not another while its end is not known. */
	f.open_runs = f.running_runs = 1;
	assert_true(ask(f).probe);
	f.probing = true;
	check(ask(f), ADMIT_SKIP, REASON_BREAKER, false);
	f.forced = true;
	check(ask(f), ADMIT_START, REASON_NONE, false);
	assert_false(ask(f).probe);
}

/* A retry was admitted long ago: neither pause nor breaker ends its run. */
static void
test_later_attempt(void **state)
{
	(void)state;
	for (int o = OVERLAP_SKIP; o <= OVERLAP_REPLACE; o++) {
		struct admit_facts f = idle((enum overlap)o);

		f.later_attempt = f.paused = f.breaker.open = true;
		f.open_runs = f.waiting_runs = f.behind_runs = 3;
		f.ahead_in_queue = true;
		check(ask(f), ADMIT_START, REASON_NONE, false);
		assert_false(ask(f).probe);
		f.slot_free = false;
		check(ask(f), ADMIT_WAIT, REASON_NONE, false);
		f.job_room = false;
		check(ask(f), ADMIT_WAIT, REASON_NONE, true);
	}
}

/* Two runs of a job may be open since its overlap was allow: once it is not,
 * their attempts must not live at the same time. */
static void
test_later_attempt_never_overlaps(void **state)
{
	(void)state;
	for (int o = OVERLAP_SKIP; o <= OVERLAP_REPLACE; o++) {
		struct admit_facts f = busy((enum overlap)o);

		f.later_attempt = true;
		if (o == OVERLAP_ALLOW)
			check(ask(f), ADMIT_START, REASON_NONE, false);
		else
			check(ask(f), ADMIT_WAIT, REASON_NONE, true);
		f.was_waiting = true;
		if (o == OVERLAP_ALLOW)
			check(ask(f), ADMIT_START, REASON_NONE, false);
		else
			check(ask(f), ADMIT_WAIT, REASON_NONE, true);
	}
}

static void
test_job_room(void **state)
{
	struct admit_facts f = busy(OVERLAP_ALLOW);

	(void)state;
	f.job_room = false;
	check(ask(f), ADMIT_WAIT, REASON_NONE, true);
	f.slot_free = false;
	check(ask(f), ADMIT_WAIT, REASON_NONE, true);
}

/* One bit of `n` after another. */
static bool
bit(unsigned *n)
{
	bool b = (*n & 1) != 0;

	*n >>= 1;
	return b;
}

#define FACT_BITS 16

/* Any combination, also those that flow never makes. */
static struct admit_facts
facts_of(unsigned n)
{
	struct admit_facts f = {.max_queued = 1};

	f.overlap = (enum overlap)(n & 3);
	n >>= 2;
	f.trigger = bit(&n) ? TRIGGER_CATCH_UP : TRIGGER_SCHEDULE;
	f.forced = bit(&n);
	f.later_attempt = bit(&n);
	f.paused = bit(&n);
	f.breaker.open = bit(&n);
	f.breaker.probe_due = bit(&n);
	f.probing = bit(&n);
	f.was_waiting = bit(&n);
	f.ahead_in_queue = bit(&n);
	f.job_room = bit(&n);
	f.slot_free = bit(&n);
	f.running_runs = bit(&n);
	f.behind_runs = bit(&n);
	f.waiting_runs = f.behind_runs + bit(&n);
	f.open_runs = f.running_runs + f.waiting_runs;
	return f;
}

static void
check_start(const struct admit_facts *f, const struct admission *a)
{
	bool exclusive = f->overlap != OVERLAP_ALLOW;

	assert_true(f->job_room && f->slot_free);
	assert_false(exclusive && f->running_runs > 0);
	if (f->later_attempt) {
		assert_false(a->probe);
		return;
	}
	assert_true(f->forced || !f->paused);
	assert_false(exclusive && f->was_waiting && f->ahead_in_queue);
	assert_false(exclusive && !f->was_waiting && f->open_runs > 0);
	assert_int_equal(a->probe, f->breaker.open && !f->forced);
	assert_false(a->probe && (!f->breaker.probe_due || f->probing));
}

static void
check_skip(const struct admit_facts *f, const struct admission *a)
{
	assert_false(f->later_attempt);
	switch ((int)a->reason) {
	case REASON_PAUSED:
		assert_true(f->paused && !f->forced);
		break;
	case REASON_BREAKER:
		assert_true(f->breaker.open && !f->forced);
		assert_true(f->overlap == OVERLAP_ALLOW || f->open_runs == 0 ||
			    f->was_waiting);
		break;
	case REASON_OVERLAP:
		assert_true(
		    f->overlap == OVERLAP_SKIP || f->overlap == OVERLAP_QUEUE);
		assert_true(f->open_runs > 0 && !f->was_waiting);
		assert_int_not_equal(f->trigger, TRIGGER_CATCH_UP);
		break;
	default:
		fail_msg("reason %d", (int)a->reason);
	}
}

static void
test_every_combination(void **state)
{
	unsigned seen[ADMIT_REPLACE + 1] = {0};

	(void)state;
	for (unsigned n = 0; n < 1U << FACT_BITS; n++) {
		struct admit_facts f = facts_of(n);
		struct admission a = policy_admit(&f);

		seen[a.verdict]++;
		if (a.verdict != ADMIT_SKIP)
			assert_int_equal(a.reason, REASON_NONE);
		if (a.verdict != ADMIT_WAIT)
			assert_false(a.behind);
		if (a.verdict != ADMIT_START)
			assert_false(a.probe);
		switch (a.verdict) {
		case ADMIT_START:
			check_start(&f, &a);
			break;
		case ADMIT_SKIP:
			check_skip(&f, &a);
			break;
		case ADMIT_REPLACE:
			assert_int_equal(f.overlap, OVERLAP_REPLACE);
			assert_true(f.open_runs > 0 && !f.was_waiting);
			assert_int_not_equal(f.trigger, TRIGGER_CATCH_UP);
			assert_false(f.later_attempt);
			break;
		case ADMIT_WAIT:
			/* There is somebody or something to wait for. */
			assert_true(!f.job_room || !f.slot_free ||
				    f.open_runs > 0 || f.ahead_in_queue);
			break;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(seen); i++)
		assert_int_not_equal(seen[i], 0);
}

/* ---- backoff ---- */

/* As a job has it that says nothing. */
static const struct retry_policy plain = {
    .max_attempts = 3,
    .delay_us = 5 * SEC,
    .backoff = BACKOFF_EXPONENTIAL,
    .multiplier = 2,
    .max_delay_us = 3600 * SEC,
    .jitter = JITTER_NONE,
};

static void
test_backoff(void **state)
{
	struct retry_policy p = plain;

	(void)state;
	assert_int_equal(policy_backoff(&p, 1, 0), 5 * SEC);
	assert_int_equal(policy_backoff(&p, 2, 0), 10 * SEC);
	assert_int_equal(policy_backoff(&p, 3, 0), 20 * SEC);
	assert_int_equal(policy_backoff(&p, 10, 0), 2560 * SEC);
	assert_int_equal(policy_backoff(&p, 11, 0), 3600 * SEC);
	assert_int_equal(policy_backoff(&p, 1000, 0), 3600 * SEC);
	p.multiplier = 1.5;
	assert_int_equal(policy_backoff(&p, 3, 0), 11250000);
	p.multiplier = 1;
	assert_int_equal(policy_backoff(&p, 1000, 0), 5 * SEC);

	p.backoff = BACKOFF_LINEAR;
	for (int n = 1; n <= 720; n++)
		assert_int_equal(policy_backoff(&p, n, 0), 5 * n * SEC);
	assert_int_equal(policy_backoff(&p, 721, 0), 3600 * SEC);

	p.backoff = BACKOFF_FIXED;
	p.multiplier = 100;
	assert_int_equal(policy_backoff(&p, 1, 0), 5 * SEC);
	assert_int_equal(policy_backoff(&p, 1000, 0), 5 * SEC);
}

/* What the configuration allows at most, and at least. */
static void
test_backoff_extremes(void **state)
{
	struct retry_policy p = plain;

	(void)state;
	p.multiplier = 100;
	p.delay_us = p.max_delay_us = 30 * DAY;
	for (int n = 1; n <= 1000; n++)
		assert_int_equal(policy_backoff(&p, n, 0), 30 * DAY);
	/* From the smallest delay to the largest. */
	p.delay_us = USEC_PER_MSEC;
	assert_int_equal(policy_backoff(&p, 5, 0), 100 * 1000 * SEC);
	assert_int_equal(policy_backoff(&p, 7, 0), 30 * DAY);
	assert_int_equal(policy_backoff(&p, 1000, 0), 30 * DAY);
	/* A delay above the cap, no delay, no cap at all. */
	p = plain;
	p.max_delay_us = SEC;
	assert_int_equal(policy_backoff(&p, 1, 0), SEC);
	p.max_delay_us = 0;
	assert_int_equal(policy_backoff(&p, 1, 0), 0);
	p = plain;
	p.delay_us = 0;
	assert_int_equal(policy_backoff(&p, 1000, UINT64_MAX), 0);
}

/* A few good seeds and the worst. */
static uint64_t
seed_of(unsigned i)
{
	uint64_t x = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

	if (i < 2)
		return i == 0 ? 0 : UINT64_MAX;
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	return x ^ x >> 27;
}

static void
check_jitter(enum jitter jitter, int64_t least_us, int64_t most_us)
{
	struct retry_policy p = plain;
	int64_t low_us = INT64_MAX, high_us = -1;
	unsigned n = 2000;
	double sum = 0, middle = (double)(least_us + most_us) / 2;

	p.jitter = jitter;
	for (unsigned i = 0; i < n; i++) {
		int64_t us = policy_backoff(&p, 3, seed_of(i));

		assert_int_equal(us, policy_backoff(&p, 3, seed_of(i)));
		assert_true(us >= least_us && us <= most_us);
		low_us = us < low_us ? us : low_us;
		high_us = us > high_us ? us : high_us;
		sum += (double)us;
	}
	/* All of the range is used, evenly. */
	assert_int_equal(low_us, least_us);
	assert_true(high_us >= most_us - 10);
	assert_true(sum / n > middle * 0.9 && sum / n < middle * 1.1);
}

static void
test_jitter(void **state)
{
	struct retry_policy p = plain;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(policy_backoff(&p, 3, seed_of(i)), 20 * SEC);
	check_jitter(JITTER_FULL, 0, 20 * SEC);
	check_jitter(JITTER_EQUAL, 10 * SEC, 20 * SEC);
	/* The cap is a cap with jitter too. */
	p.jitter = JITTER_EQUAL;
	assert_in_range(
	    policy_backoff(&p, 900, UINT64_MAX), 1800 * SEC, 3600 * SEC);
	p.jitter = JITTER_FULL;
	assert_in_range(
	    policy_backoff(&p, 900, UINT64_MAX), 3599 * SEC, 3600 * SEC);
}

/* ---- what comes after an attempt ---- */

#define NOW (1795000000 * SEC)

static struct outcome
failed(enum reason reason)
{
	return (struct outcome){
	    .status = STATUS_FAILURE, .reason = reason, .counted = true};
}

static struct verdict
decide(const struct retry_policy *p, const struct outcome *o, int attempt)
{
	return policy_decide(p, o, attempt, false, NOW, TIME_NEVER, 42);
}

static void
check_ends(struct verdict v, enum decision how)
{
	assert_int_equal(v.decision, how);
	assert_true(v.retry_at_us == TIME_NEVER);
}

static void
test_done(void **state)
{
	struct outcome o = {.status = STATUS_SUCCESS};

	(void)state;
	o.retry_after_us = 90 * SEC;
	check_ends(decide(&plain, &o, 1), DECIDE_DONE);
	o.status = STATUS_SKIPPED;
	o.reason = REASON_WORKER;
	o.permanent = true;
	check_ends(decide(&plain, &o, 1), DECIDE_DONE);
	check_ends(
	    policy_decide(&plain, &o, 3, true, NOW, NOW, 0), DECIDE_DONE);
}

static void
test_retry(void **state)
{
	static const enum reason reasons[] = {REASON_EXIT, REASON_SIGNAL,
	    REASON_TIMEOUT, REASON_OOM, REASON_PROTOCOL, REASON_SPAWN};
	struct retry_policy once = plain;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		struct outcome o = failed(reasons[i]);
		struct verdict v = decide(&plain, &o, 1);

		assert_int_equal(v.decision, DECIDE_RETRY);
		assert_int_equal(v.delay_us, 5 * SEC);
		assert_int_equal(v.retry_at_us, NOW + 5 * SEC);
		assert_int_equal(
		    decide(&plain, &o, 2).retry_at_us, NOW + 10 * SEC);
		check_ends(decide(&plain, &o, 3), DECIDE_GIVE_UP);
		/* maxAttempts was lowered by a reload meanwhile. */
		check_ends(decide(&plain, &o, 4), DECIDE_GIVE_UP);
		once.max_attempts = 1;
		check_ends(decide(&once, &o, 1), DECIDE_GIVE_UP);
	}
}

static void
test_no_retry(void **state)
{
	struct outcome o = failed(REASON_EXIT);

	(void)state;
	check_ends(policy_decide(&plain, &o, 1, true, NOW, TIME_NEVER, 0),
	    DECIDE_GIVE_UP);
	o.permanent = true;
	o.retry_after_us = SEC;
	check_ends(decide(&plain, &o, 1), DECIDE_GIVE_UP);
	o = failed(REASON_CANCELED);
	o.canceled_by_us = true;
	check_ends(decide(&plain, &o, 1), DECIDE_GIVE_UP);
}

static void
test_lost(void **state)
{
	struct outcome o = failed(REASON_LOST);
	struct retry_policy p = plain;

	(void)state;
	check_ends(decide(&p, &o, 1), DECIDE_GIVE_UP);
	p.on_lost = true;
	assert_int_equal(decide(&p, &o, 1).decision, DECIDE_RETRY);
	check_ends(decide(&p, &o, 3), DECIDE_GIVE_UP);
	/* It says nothing about other failures. */
	o = failed(REASON_SIGNAL);
	p.on_lost = false;
	assert_int_equal(decide(&p, &o, 1).decision, DECIDE_RETRY);
}

/* A lower bound: never sooner, but later when the backoff says so; the cap
 * and the jitter are not for it. */
static void
test_retry_after(void **state)
{
	struct outcome o = failed(REASON_EXIT);
	struct retry_policy p = plain;

	(void)state;
	o.retry_after_us = 90 * SEC;
	assert_int_equal(decide(&p, &o, 1).delay_us, 90 * SEC);
	assert_int_equal(decide(&p, &o, 1).retry_at_us, NOW + 90 * SEC);
	p.max_attempts = 100;
	assert_int_equal(decide(&p, &o, 6).delay_us, 160 * SEC);
	o.retry_after_us = 2 * DAY;
	assert_int_equal(decide(&p, &o, 99).delay_us, 2 * DAY);
	o.retry_after_us = 20 * SEC;
	p.jitter = JITTER_FULL;
	for (unsigned i = 0; i < 500; i++)
		assert_true(
		    policy_decide(&p, &o, 3, false, NOW, TIME_NEVER, seed_of(i))
			.delay_us == 20 * SEC);
	o.retry_after_us = 366 * DAY;
	assert_int_equal(decide(&p, &o, 1).retry_at_us, NOW + 366 * DAY);
}

/* No attempt begins at the end of the run or after it. */
static void
test_run_timeout(void **state)
{
	struct outcome o = failed(REASON_EXIT);
	const struct retry_policy *p = &plain;
	const int64_t due = NOW + 5 * SEC;

	(void)state;
	assert_int_equal(
	    policy_decide(p, &o, 1, false, NOW, due + 1, 0).decision,
	    DECIDE_RETRY);
	check_ends(policy_decide(p, &o, 1, false, NOW, due, 0), DECIDE_GIVE_UP);
	check_ends(
	    policy_decide(p, &o, 1, false, NOW, NOW - 1, 0), DECIDE_GIVE_UP);
	/* retryAfter counts as well. */
	o.retry_after_us = 60 * SEC;
	check_ends(
	    policy_decide(p, &o, 1, false, NOW, due + 1, 0), DECIDE_GIVE_UP);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_idle_starts),
	    cmocka_unit_test(test_overlap),
	    cmocka_unit_test(test_queue_length),
	    cmocka_unit_test(test_queue_of_a_full_machine),
	    cmocka_unit_test(test_catch_up),
	    cmocka_unit_test(test_queued),
	    cmocka_unit_test(test_pause),
	    cmocka_unit_test(test_breaker),
	    cmocka_unit_test(test_probe),
	    cmocka_unit_test(test_later_attempt),
	    cmocka_unit_test(test_later_attempt_never_overlaps),
	    cmocka_unit_test(test_job_room),
	    cmocka_unit_test(test_every_combination),
	    cmocka_unit_test(test_backoff),
	    cmocka_unit_test(test_backoff_extremes),
	    cmocka_unit_test(test_jitter),
	    cmocka_unit_test(test_done),
	    cmocka_unit_test(test_retry),
	    cmocka_unit_test(test_no_retry),
	    cmocka_unit_test(test_lost),
	    cmocka_unit_test(test_retry_after),
	    cmocka_unit_test(test_run_timeout),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
