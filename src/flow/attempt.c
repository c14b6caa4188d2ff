/*
 * attempt.c - the life of one worker: made, watched, stopped, drained. Every
 * way it can end meets in attempt_check_over().
 * Must never judge the end: settle.c does.
 * On the road: before, claim.c; after, settle.c.
 */
#include <config.h>

#include "flow/attempt.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "flow/attempt_internal.h"
#include "flow/credentials.h"
#include "flow/settle.h"

/* Worker's own log lines: at most so many a second. */
#define LOG_BURST 100

static void attempt_timed_out(void *arg);
static void attempt_kill_due(void *arg);
static void attempt_drain_due(void *arg);

/* ---- made and forgotten ---- */

struct attempt *
attempt_new(struct open_run *r)
{
	struct attempt *a = xcalloc(1, sizeof(*a));
	const struct job *def = r->run.job;

	a->run = r;
	run_attempt_id(r->run.id, r->run.attempt, a->id);
	a->deadline_us = TIME_NEVER;
	a->fraction = -1;
	a->ending.transient = -1;
	a->log_limit =
	    (struct log_limit)LOG_LIMIT_INIT(LOG_BURST, USEC_PER_SEC);
	buf_init(&a->report_bytes, sizeof(struct spawn_error));
	output_init(&a->output, (size_t)def->output_max_bytes);
	line_cutter_init(&a->lines);
	timer_init(&a->timeout, TIMER_BOOT, attempt_timed_out, a);
	timer_init(&a->kill, TIMER_BOOT, attempt_kill_due, a);
	timer_init(&a->drain, TIMER_BOOT, attempt_drain_due, a);
	return a;
}

static void
free_attempt(void *ptr)
{
	struct attempt *a = ptr;

	for (unsigned i = 0; i < a->nusage; i++) {
		free(a->usage[i].service);
		free(a->usage[i].bucket);
	}
	free(a->usage);
	output_clear(&a->output);
	line_cutter_clear(&a->lines);
	buf_clear(&a->report_bytes);
	free(a->cgroup);
	free(a->credentials);
	free(a->progress);
	free(a->stop_detail);
	free(a->protocol_error);
	free(a->error_message);
	free(a->skip_reason);
	free(a->result);
	free(a);
}

static void
close_streams(struct attempt *a)
{
	stream_free(a->in);
	stream_free(a->out);
	stream_free(a->err);
	stream_free(a->report);
	a->in = a->out = a->err = a->report = NULL;
}

void
attempt_free(struct attempt *a)
{
	struct loop *lp = a->run->live->road->loop;

	timer_clear(lp, &a->timeout);
	timer_clear(lp, &a->kill);
	timer_clear(lp, &a->drain);
	close_streams(a);
	tree_free(a->tree);
	a->tree = NULL;
	if (a->cgroup != NULL && cgroup_remove(a->cgroup) == -EBUSY)
		log_warn("JobRunner", "Cgroup is not empty",
		    LF_STR("job", a->run->run.job->name),
		    LF_STR("run", a->run->run.id), LF_STR("cgroup", a->cgroup));
	credentials_remove(a->credentials);
	a->run->attempt = NULL;
	loop_bury(lp, free_attempt, a);
}

void
attempt_view(const struct attempt *a, struct attempt_view *ret)
{
	*ret = (struct attempt_view){
	    .number = a->run->run.attempt,
	    .pid = a->tree == NULL ? 0 : tree_pid(a->tree),
	    .started_at_us = a->started_at_us,
	    .fraction = a->fraction,
	    .message = a->progress,
	};
}

/* ---- begins ---- */

static void
record_started(const struct attempt *a)
{
	const struct open_run *r = a->run;
	pid_t pid = tree_pid(a->tree);

	ledger_put_attempt(r->live->road->ledger,
	    &(struct ledger_attempt){
		.run_id = r->run.id,
		.attempt = r->run.attempt,
		.job_name = r->run.job->name,
		.attempt_id = a->id,
		.started_at_us = a->started_at_us,
		.pid = pid,
		.start_ticks = (int64_t)tree_start_ticks(a->tree),
		.session = pid, /* its own: it called setsid(2) */
		.boot_id = clock_boot_id(),
		.cgroup = a->cgroup,
	    });
}

void
attempt_act_spawn(struct open_run *r)
{
	struct road *rd = r->live->road;
	struct attempt *a = attempt_new(r);

	r->claiming = false;
	r->attempt = a;
	a->started_at_us = clock_real_us();
	a->started_boot_us = clock_boot_us();
	if (r->run.first_started_at_us == TIME_NEVER)
		r->run.first_started_at_us = a->started_at_us;
	rd->started++;
	log_info("JobRunner", "Executing job", LF_STR("job", r->run.job->name),
	    LF_INT("attempt", r->run.attempt),
	    LF_INT("maxRetries", r->run.job->retry.max_attempts),
	    LF_STR("run", r->run.id),
	    LF_STR("trigger", trigger_name(r->run.trigger)));
	CRASH_POINT("spawn-before");
	if (attempt_spawn(a) != 0) {
		road_step(r, RUN_EV_SPAWN_FAILED);
		return;
	}
	CRASH_POINT("spawn-after");
	record_started(a);
	road_step(r, RUN_EV_SPAWNED);
}

/* The earlier of the attempt's and the run's deadline; which one it is. */
static enum stop_cause
attempt_deadline(const struct attempt *a, int64_t *ret_left_us)
{
	const struct run *run = &a->run->run;
	int64_t left_us = run->job->timeout_us;
	enum stop_cause cause = left_us > 0 ? STOP_TIMEOUT : STOP_NONE;

	if (run->job->run_timeout_us > 0) {
		int64_t run_left_us = run->first_started_at_us +
				      run->job->run_timeout_us -
				      a->started_at_us;

		if (run_left_us < 0)
			run_left_us = 0;
		if (cause == STOP_NONE || run_left_us < left_us) {
			left_us = run_left_us;
			cause = STOP_RUN_TIMEOUT;
		}
	}
	*ret_left_us = left_us;
	return cause;
}

void
attempt_set_deadline(struct attempt *a)
{
	int64_t left_us;

	if (attempt_deadline(a, &left_us) != STOP_NONE)
		a->deadline_us = a->started_at_us + left_us;
}

void
attempt_act_watch(struct open_run *r)
{
	struct attempt *a = r->attempt;
	int64_t left_us;

	if (attempt_deadline(a, &left_us) != STOP_NONE)
		timer_set(r->live->road->loop, &a->timeout,
		    a->started_boot_us + left_us);
}

/* ---- is stopped ---- */

static const char *
cause_name(enum stop_cause cause)
{
	static const char *const names[] = {
	    [STOP_NONE] = "none",
	    [STOP_TIMEOUT] = "timeout",
	    [STOP_RUN_TIMEOUT] = "runTimeout",
	    [STOP_CANCEL] = "cancel",
	    [STOP_SHUTDOWN] = "shutdown",
	    [STOP_REPLACED] = "replaced",
	};

	return names[cause];
}

static void
note_cause(struct attempt *a, enum stop_cause cause, const char *detail)
{
	if (a->ending.stop != STOP_NONE || a->exited)
		return;
	a->ending.stop = cause;
	free(a->stop_detail);
	a->stop_detail = xstrdup_null(detail);
	a->ending.stop_detail = a->stop_detail;
}

void
attempt_stop(struct open_run *r, enum stop_cause cause, const char *detail)
{
	if (r->attempt == NULL || r->run.state == RUN_STARTING)
		return;
	note_cause(r->attempt, cause, detail);
	road_step(r, RUN_EV_STOP);
}

void
attempt_kill(struct open_run *r, enum stop_cause cause)
{
	if (r->attempt == NULL || r->run.state == RUN_STARTING)
		return;
	note_cause(r->attempt, cause, NULL);
	road_step(r, RUN_EV_KILL);
}

static void
attempt_timed_out(void *arg)
{
	struct attempt *a = arg;
	const struct job *def = a->run->run.job;
	int64_t left_us;
	enum stop_cause cause = attempt_deadline(a, &left_us);

	a->ending.limit_us =
	    cause == STOP_TIMEOUT ? def->timeout_us : def->run_timeout_us;
	attempt_stop(a->run, cause, NULL);
}

void
attempt_act_term(struct open_run *r)
{
	struct attempt *a = r->attempt;
	struct loop *lp = r->live->road->loop;

	log_info("JobRunner", "Stopping job", LF_STR("job", r->run.job->name),
	    LF_STR("run", r->run.id), LF_INT("attempt", r->run.attempt),
	    LF_STR("cause", cause_name(a->ending.stop)));
	timer_clear(lp, &a->timeout);
	timer_set(lp, &a->kill, loop_boot_us(lp) + r->run.job->kill_after_us);
	tree_signal(a->tree, SIGTERM);
}

static void
attempt_kill_due(void *arg)
{
	struct attempt *a = arg;

	road_step(a->run, RUN_EV_KILL);
}

void
attempt_act_kill(struct open_run *r)
{
	struct attempt *a = r->attempt;

	timer_clear(r->live->road->loop, &a->timeout);
	timer_clear(r->live->road->loop, &a->kill);
	if (a->tree != NULL && !a->emptied)
		tree_kill(a->tree);
	else
		attempt_check_over(a);
}

/* ---- ends ---- */

static void
attempt_exited(void *arg, const struct tree_end *end)
{
	struct attempt *a = arg;

	a->exited = true;
	a->end = *end;
	a->ending.signaled = end->signaled;
	a->ending.code = end->code;
	a->ending.core_dumped = end->core;
	a->ending.oom = end->oom;
	road_step(a->run, RUN_EV_EXITED);
}

static void
attempt_emptied(void *arg)
{
	struct attempt *a = arg;

	a->emptied = true;
	attempt_check_over(a);
}

const struct tree_events attempt_tree_events = {
    .exited = attempt_exited,
    .emptied = attempt_emptied,
};

void
attempt_act_drain(struct open_run *r)
{
	struct attempt *a = r->attempt;
	struct loop *lp = r->live->road->loop;

	timer_clear(lp, &a->timeout);
	timer_clear(lp, &a->kill);
	timer_set(lp, &a->drain, loop_boot_us(lp) + ATTEMPT_DRAIN_US);
	tree_look(a->tree);
}

static void
attempt_drain_due(void *arg)
{
	struct attempt *a = arg;

	a->drained = true;
	road_step(a->run, RUN_EV_DRAIN_DUE);
}

static void
take_last_bytes(struct attempt *a)
{
	/* A pipe holds at most 64 KiB unless a worker enlarged it. */
	if (a->report != NULL)
		stream_drain(a->report, sizeof(struct spawn_error));
	if (a->out != NULL)
		stream_drain(a->out, STREAM_READ_BYTES);
	if (a->err != NULL)
		stream_drain(a->err, STREAM_READ_BYTES);
	if (a->run->run.job->protocol == PROTOCOL_JSONL)
		attempt_said_all(a);
	attempt_read_report(a);
}

void
attempt_check_over(struct attempt *a)
{
	if (a->over || !a->exited || !a->emptied)
		return;
	if (!a->drained && (a->out != NULL || a->err != NULL))
		return;
	a->over = true;
	timer_clear(a->run->live->road->loop, &a->drain);
	take_last_bytes(a);
	CRASH_POINT("attempt-over");
	road_step(a->run, RUN_EV_OVER);
}

/* ---- its pipes ---- */

static void
close_stream(struct attempt *a, struct stream **s)
{
	stream_free(*s);
	*s = NULL;
	attempt_check_over(a);
}

void
attempt_read_out(void *arg, const char *data, size_t len, int err)
{
	struct attempt *a = arg;

	(void)err;
	if (len == 0)
		close_stream(a, &a->out);
	else if (a->run->run.job->protocol == PROTOCOL_JSONL)
		attempt_said(a, data, len);
	else
		output_feed(&a->output, data, len);
}

void
attempt_read_err(void *arg, const char *data, size_t len, int err)
{
	struct attempt *a = arg;

	(void)err;
	if (len == 0)
		close_stream(a, &a->err);
	else
		output_feed(&a->output, data, len);
}

void
attempt_read_report_bytes(void *arg, const char *data, size_t len, int err)
{
	struct attempt *a = arg;

	(void)err;
	if (len > 0) {
		buf_add(&a->report_bytes, data, len);
		return;
	}
	stream_free(a->report);
	a->report = NULL;
}

void
attempt_wrote_in(void *arg)
{
	struct attempt *a = arg;

	stream_free(a->in);
	a->in = NULL;
}
