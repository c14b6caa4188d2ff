/*
 * attempt_internal.h - an attempt's inside, shared by attempt*.c alone and
 * read by settle.c.
 */
#ifndef REEVE_FLOW_ATTEMPT_INTERNAL_H
#define REEVE_FLOW_ATTEMPT_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "flow/road.h"
#include "model/lines.h"
#include "model/message.h"
#include "model/outcome.h"
#include "model/output.h"
#include "sys/stream.h"
#include "sys/tree.h"

struct attempt_usage {
	char *service, *bucket;
	int64_t units;
};

struct attempt {
	struct open_run *run;
	char id[RUN_ATTEMPT_ID_BYTES];
	int64_t started_at_us; /* real */
	int64_t started_boot_us;
	int64_t deadline_us; /* real; TIME_NEVER: none */

	/* The process, and what we hold of it. */
	struct tree *tree;
	struct stream *in, *out, *err;
	struct stream *report; /* the chain loader's word */
	struct buf report_bytes;
	char *cgroup;
	char *credentials;
	struct timer timeout, kill, drain;
	int64_t poll_us; /* of a trace: how long until the next look */

	/* How far its end is. */
	bool exited, emptied, drained, over;
	struct tree_end end;

	/* What it wrote and said. */
	struct output output;
	struct line_cutter lines;
	struct log_limit log_limit;
	double fraction;
	char *progress;
	unsigned nusage;
	struct attempt_usage *usage;

	/* The verdict's input; its texts are owned here. */
	struct ending ending;
	char *stop_detail, *protocol_error, *error_message, *skip_reason;
	char *result;
};

/* attempt_spawn.c: make the worker. -errno with ending.spawn_* filled. */
MUSTUSE int attempt_spawn(struct attempt *a);
/* attempt_spawn.c: did the chain loader report a failure? Fills ending. */
void attempt_read_report(struct attempt *a);
/* attempt_say.c: bytes of standard output under protocol jsonl. */
void attempt_said(struct attempt *a, const char *data, size_t len);
void attempt_said_all(struct attempt *a);
/* attempt.c: a blank one for the run, and its end. */
struct attempt *attempt_new(struct open_run *r);
void attempt_free(struct attempt *a);
/* attempt.c: fills deadline_us, before the request is made. */
void attempt_set_deadline(struct attempt *a);
/* attempt.c: the tree, the pipes or the drain deadline changed something. */
void attempt_check_over(struct attempt *a);

/* Stream callbacks, wired by attempt_spawn(). */
void attempt_read_out(void *arg, const char *data, size_t len, int err);
void attempt_read_err(void *arg, const char *data, size_t len, int err);
void attempt_read_report_bytes(
    void *arg, const char *data, size_t len, int err);
void attempt_wrote_in(void *arg);
extern const struct tree_events attempt_tree_events;

#endif
