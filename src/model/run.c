/*
 * run.c - the state table of a run, and the one function that walks it.
 * Must never do anything but change `state`: no clock, no kernel, no ledger.
 */
#include <config.h>

#include "model/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

struct cell {
	enum run_state next;
	enum run_action action;
};

/* clang-format off */
static const struct cell cells[RUN_NSTATES][RUN_NEVENTS] = {
	[RUN_NEW] = {
		[RUN_EV_ADMIT]          = {RUN_CLAIMING, RUN_ACT_CLAIM},
		[RUN_EV_WAIT]           = {RUN_WAITING,  RUN_ACT_ENQUEUE},
		[RUN_EV_SKIP]           = {RUN_DONE,     RUN_ACT_SKIP},
		[RUN_EV_RESUME_WAITING] = {RUN_WAITING,  RUN_ACT_ENQUEUE},
		[RUN_EV_RESUME_BACKOFF] = {RUN_BACKOFF,  RUN_ACT_BACKOFF},
		[RUN_EV_RESUME_LIVE]    = {RUN_DRAINING, RUN_ACT_TRACE},
	},
	[RUN_WAITING] = {
		[RUN_EV_ADMIT]          = {RUN_CLAIMING, RUN_ACT_CLAIM},
		[RUN_EV_SKIP]           = {RUN_DONE,     RUN_ACT_SKIP},
		/* a later attempt that is not wanted any more */
		[RUN_EV_FINISH]         = {RUN_DONE,     RUN_ACT_FINISH},
	},
	[RUN_CLAIMING] = {
		[RUN_EV_CLAIMED]        = {RUN_STARTING, RUN_ACT_SPAWN},
		/* shutdown before the worker was made: it waits in the ledger */
		[RUN_EV_WAIT]           = {RUN_WAITING,  RUN_ACT_ENQUEUE},
		[RUN_EV_SKIP]           = {RUN_DONE,     RUN_ACT_SKIP},
		[RUN_EV_FINISH]         = {RUN_DONE,     RUN_ACT_FINISH},
	},
	[RUN_STARTING] = {
		[RUN_EV_SPAWNED]        = {RUN_RUNNING,  RUN_ACT_WATCH},
		[RUN_EV_SPAWN_FAILED]   = {RUN_DRAINING, RUN_ACT_SETTLE},
	},
	[RUN_RUNNING] = {
		[RUN_EV_STOP]           = {RUN_STOPPING, RUN_ACT_TERM},
		[RUN_EV_KILL]           = {RUN_STOPPING, RUN_ACT_KILL},
		[RUN_EV_EXITED]         = {RUN_DRAINING, RUN_ACT_DRAIN},
	},
	[RUN_STOPPING] = {
		/* a second cause changes nothing: the first one counts */
		[RUN_EV_STOP]           = {RUN_STOPPING, RUN_ACT_NONE},
		[RUN_EV_KILL]           = {RUN_STOPPING, RUN_ACT_KILL},
		[RUN_EV_EXITED]         = {RUN_DRAINING, RUN_ACT_DRAIN},
	},
	[RUN_DRAINING] = {
		[RUN_EV_STOP]           = {RUN_DRAINING, RUN_ACT_KILL},
		[RUN_EV_KILL]           = {RUN_DRAINING, RUN_ACT_KILL},
		[RUN_EV_DRAIN_DUE]      = {RUN_DRAINING, RUN_ACT_KILL},
		[RUN_EV_OVER]           = {RUN_DRAINING, RUN_ACT_SETTLE},
		[RUN_EV_RETRY]          = {RUN_BACKOFF,  RUN_ACT_BACKOFF},
		[RUN_EV_FINISH]         = {RUN_DONE,     RUN_ACT_FINISH},
	},
	[RUN_BACKOFF] = {
		[RUN_EV_ADMIT]          = {RUN_CLAIMING, RUN_ACT_CLAIM},
		[RUN_EV_WAIT]           = {RUN_WAITING,  RUN_ACT_ENQUEUE},
		[RUN_EV_FINISH]         = {RUN_DONE,     RUN_ACT_FINISH},
	},
	[RUN_DONE] = {{0, 0}},
};

#define NAME_STATE(name, help)  [RUN_##name] = #name,
#define NAME_EVENT(name, help)  [RUN_EV_##name] = #name,
#define NAME_ACTION(name, help) [RUN_ACT_##name] = #name,
static const char *const state_names[] = {RUN_STATES(NAME_STATE)};
static const char *const event_names[] = {RUN_EVENTS(NAME_EVENT)};
static const char *const action_names[] = {
	[RUN_ACT_INVALID] = "INVALID", RUN_ACTIONS(NAME_ACTION)
};
/* clang-format on */

void
run_init(struct run *r, struct job *job, const char *id, enum trigger trigger,
    int64_t scheduled_at_us, int64_t created_at_us, char *params, bool forced)
{
	struct run blank = {
	    .state = RUN_NEW,
	    .job = job_ref(job),
	    .trigger = trigger,
	    .scheduled_at_us = scheduled_at_us,
	    .created_at_us = created_at_us,
	    .first_started_at_us = TIME_NEVER,
	    .next_attempt_at_us = TIME_NEVER,
	    .params = params,
	    .forced = forced,
	};

	snprintf(blank.id, sizeof(blank.id), "%s", id);
	memcpy((void *)r, &blank, sizeof(blank));
}

void
run_clear(struct run *r)
{
	job_unref(r->job);
	r->job = NULL;
	free(r->params);
	r->params = NULL;
}

void
run_redefine(struct run *r, struct job *job)
{
	struct job *before = r->job;

	r->job = job_ref(job);
	job_unref(before);
}

enum run_action
run_apply(struct run *r, enum run_event event)
{
	enum run_state before = r->state;
	const struct cell *c = &cells[before][event];

	if (c->action == RUN_ACT_INVALID)
		return RUN_ACT_INVALID;
	*(enum run_state *)&r->state = c->next;
	log_debug("Run", "Run state", LF_STR("job", r->job->name),
	    LF_STR("run", r->id), LF_STR("from", run_state_name(before)),
	    LF_STR("event", run_event_name(event)),
	    LF_STR("to", run_state_name(c->next)));
	return c->action;
}

const char *
run_state_name(enum run_state s)
{
	return state_names[s];
}

const char *
run_event_name(enum run_event e)
{
	return event_names[e];
}

const char *
run_action_name(enum run_action a)
{
	return action_names[a];
}

void
run_dump_table(struct buf *out)
{
	for (int s = 0; s < RUN_NSTATES; s++)
		for (int e = 0; e < RUN_NEVENTS; e++) {
			const struct cell *c = &cells[s][e];

			if (c->action == RUN_ACT_INVALID)
				continue;
			buf_addf(out, "%-9s %-15s -> %-9s %s\n", state_names[s],
			    event_names[e], state_names[c->next],
			    action_names[c->action]);
		}
}

const char *
run_attempt_id(const char *run_id, int attempt, char out[RUN_ATTEMPT_ID_BYTES])
{
	snprintf(out, RUN_ATTEMPT_ID_BYTES, "%.36s.%d", run_id, attempt);
	return out;
}
