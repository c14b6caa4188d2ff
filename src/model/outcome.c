/*
 * outcome.c - from what was seen of an attempt to its verdict. One function
 * per kind of end, tried in the order of outcome.h; each says what it is in
 * words, so the words of the history are all here.
 *
 * It must never let a byte of a worker's text through that could break a line.
 */
#include <config.h> /* not the one of this folder */

#include "model/outcome.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "reeve/worker.h"

/* What an exit code says. */
enum verdict {
	VERDICT_SUCCESS,
	VERDICT_SKIP,
	VERDICT_TRANSIENT,
	VERDICT_PERMANENT,
};

/* Everything beyond this is cut anyway. */
#define WORDS_BYTES ((size_t)4 * REEVE_MAX_ERROR)

static enum verdict
verdict_of_exit(
    const struct exit_codes *codes, enum protocol protocol, int code)
{
	if (exit_set_has(&codes->success, code))
		return VERDICT_SUCCESS;
	if (exit_set_has(&codes->skip, code))
		return VERDICT_SKIP;
	if (exit_set_has(&codes->permanent, code))
		return VERDICT_PERMANENT;
	if (code == REEVE_EXIT_SUCCESS)
		return VERDICT_SUCCESS;
	if (code == REEVE_EXIT_NOT_EXECUTABLE || code == REEVE_EXIT_NOT_FOUND)
		return VERDICT_PERMANENT;
	if (protocol == PROTOCOL_EXIT)
		return VERDICT_TRANSIENT;
	if (code == REEVE_EXIT_SKIPPED)
		return VERDICT_SKIP;
	if (code >= REEVE_EXIT_USAGE && code <= REEVE_EXIT_CONFIG &&
	    code != REEVE_EXIT_TRANSIENT)
		return VERDICT_PERMANENT;
	return VERDICT_TRANSIENT;
}

/* The same call with the same program would fail the same way. */
static bool
is_permanent_errno(int err)
{
	switch (err) {
	case ENOENT:
	case EACCES:
	case ENOEXEC:
	case ENOTDIR:
	case ELOOP:
	case EISDIR:
	case ENAMETOOLONG:
	case E2BIG:
		return true;
	default:
		return false;
	}
}

static bool
is_final_byte(char c)
{
	return c >= 0x40 && c <= 0x7e;
}

/* Length of a terminal's control sequence (ESC [ ... letter), or 0. */
static size_t
escape_length(const char *text, size_t len)
{
	size_t n;

	if (len < 3 || text[0] != '\033' || text[1] != '[')
		return 0;
	for (n = 2; n < len; n++) {
		if (is_final_byte(text[n]))
			return n + 1;
		if (text[n] < 0x20)
			return 0;
	}
	return 0;
}

/*
 * Length of the character when it is one that ends or disturbs a line: C0 and
 * DEL, C1 (U+0080 to U+009F), U+2028 and U+2029; else 0.
 */
static size_t
control_length(const char *text, size_t len)
{
	const unsigned char *u = (const unsigned char *)text;

	if (u[0] < 0x20 || u[0] == 0x7f)
		return 1;
	if (len >= 2 && u[0] == 0xc2 && u[1] >= 0x80 && u[1] <= 0x9f)
		return 2;
	if (len >= 3 && u[0] == 0xe2 && u[1] == 0x80 &&
	    (u[2] == 0xa8 || u[2] == 0xa9))
		return 3;
	return 0;
}

/* Cut at a whole character and without blanks at the end. */
static void
cut_line(struct buf *line)
{
	size_t len = text_utf8_cut(buf_str(line), line->len, REEVE_MAX_ERROR);

	while (len > 0 && line->data[len - 1] == ' ')
		len--;
	if (line->data != NULL)
		line->data[len] = '\0';
	line->len = len;
}

/* Any text as one line of valid UTF-8; NULL when nothing is left of it. */
static char *
one_line(const struct buf *words)
{
	struct buf clean, line;
	size_t at = 0, n;

	buf_init(&clean, 0);
	text_utf8_scrub(&clean, buf_str(words), words->len);
	buf_init(&line, 0);
	while (at < clean.len) {
		const char *c = clean.data + at;

		if ((n = escape_length(c, clean.len - at)) > 0) {
			at += n;
		} else if ((n = control_length(c, clean.len - at)) > 0) {
			at += n;
			if (line.len > 0)
				buf_addch(&line, ' ');
		} else {
			at++;
			if (line.len > 0 || *c != ' ')
				buf_addch(&line, *c);
		}
	}
	cut_line(&line);
	buf_clear(&clean);
	if (line.len == 0) {
		buf_clear(&line);
		return NULL;
	}
	return buf_steal(&line);
}

static bool
has_text(const char *text)
{
	return text != NULL && text[0] != '\0';
}

/* ": detail" after the words, when there is any. */
static void
add_detail(struct buf *words, const char *detail)
{
	if (!has_text(detail))
		return;
	buf_addstr(words, ": ");
	buf_addstr(words, detail);
}

static void
add_signal_words(const struct ending *e, struct buf *words)
{
	const char *name = sigabbrev_np(e->code);

	buf_addf(words, "killed by signal %d", e->code);
	if (name != NULL)
		buf_addf(words, " (SIG%s)", name);
	if (e->core_dumped)
		buf_addstr(words, ", core dumped");
	add_detail(words, e->last_line);
}

static void
set_failure(struct outcome *o, enum reason reason, bool counted)
{
	o->status = STATUS_FAILURE;
	o->reason = reason;
	o->counted = counted;
}

static void
from_timeout(const struct ending *e, struct outcome *o, struct buf *words)
{
	char limit[TEXT_DURATION_BYTES];

	set_failure(o, REASON_TIMEOUT, true);
	if (e->stop == STOP_RUN_TIMEOUT) {
		o->permanent = true;
		buf_addstr(words, "run ");
	}
	buf_addstr(words, "timed out");
	if (e->limit_us > 0)
		buf_addf(words, " after %s",
		    text_format_duration(e->limit_us, limit));
	add_detail(words, e->last_line);
}

static void
from_cancel(const struct ending *e, struct outcome *o, struct buf *words)
{
	set_failure(o, REASON_CANCELED, false);
	o->permanent = true;
	o->canceled_by_us = true;
	if (e->stop == STOP_REPLACED) {
		buf_addstr(words,
		    has_text(e->stop_detail) ? e->stop_detail : "replaced");
		return;
	}
	buf_addstr(words, "canceled");
	if (e->stop == STOP_SHUTDOWN)
		buf_addstr(words, ": shutdown");
	else
		add_detail(words, e->stop_detail);
}

static void
from_spawn(const struct ending *e, struct outcome *o, struct buf *words)
{
	const char *step = has_text(e->spawn_step) ? e->spawn_step : "start";
	const char *text = strerrordesc_np(e->spawn_errno);

	set_failure(o, REASON_SPAWN, true);
	o->permanent =
	    strcmp(step, "exec") == 0 && is_permanent_errno(e->spawn_errno);
	buf_addf(words, "spawn failed: %s: ", step);
	if (text != NULL)
		buf_addstr(words, text);
	else
		buf_addf(words, "error %d", e->spawn_errno);
}

static void
from_error_message(const struct ending *e, enum verdict verdict,
    struct outcome *o, struct buf *words)
{
	set_failure(o, REASON_EXIT, true);
	o->permanent = e->transient == 0 ||
		       (e->transient < 0 && verdict == VERDICT_PERMANENT);
	o->retry_after_us = e->retry_after_us > 0 ? e->retry_after_us : 0;
	buf_addstr(words, e->error_message);
}

static void
from_failed_exit(const struct ending *e, enum verdict verdict,
    struct outcome *o, struct buf *words)
{
	set_failure(o, REASON_EXIT, true);
	o->permanent = verdict == VERDICT_PERMANENT;
	buf_addf(words, "exit status %d", e->code);
	if (e->protocol_error != NULL)
		buf_addf(words, ": bad message: %s", e->protocol_error);
	else
		add_detail(words, e->last_line);
}

static void
from_skip(const struct ending *e, struct outcome *o, struct buf *words)
{
	o->status = STATUS_SKIPPED;
	o->reason = REASON_WORKER;
	if (has_text(e->skip_reason)) {
		buf_addstr(words, e->skip_reason);
	} else if (!e->skip) {
		buf_addf(words, "exit status %d", e->code);
		add_detail(words, e->last_line);
	}
}

/* It ended by an exit of its own. */
static void
from_exit(const struct exit_codes *codes, enum protocol protocol,
    const struct ending *e, struct outcome *o, struct buf *words)
{
	enum verdict verdict = verdict_of_exit(codes, protocol, e->code);

	if (e->error_message != NULL) {
		from_error_message(e, verdict, o, words);
	} else if (verdict == VERDICT_TRANSIENT ||
		   verdict == VERDICT_PERMANENT) {
		from_failed_exit(e, verdict, o, words);
	} else if (e->protocol_error != NULL) {
		set_failure(o, REASON_PROTOCOL, true);
		buf_addstr(words, "bad message");
		add_detail(words, e->protocol_error);
	} else if (e->skip || verdict == VERDICT_SKIP) {
		from_skip(e, o, words);
	}
}

/* It began and nobody stopped it. */
static void
from_end(const struct exit_codes *codes, enum protocol protocol,
    const struct ending *e, struct outcome *o, struct buf *words)
{
	if (e->oom) {
		set_failure(o, REASON_OOM, true);
		buf_addstr(words, "out of memory (cgroup)");
		add_detail(words, e->last_line);
	} else if (e->signaled) {
		set_failure(o, REASON_SIGNAL, true);
		add_signal_words(e, words);
	} else {
		from_exit(codes, protocol, e, o, words);
	}
}

static void
judge(const struct exit_codes *codes, enum protocol protocol,
    const struct ending *e, struct outcome *o, struct buf *words)
{
	switch (e->stop) {
	case STOP_TIMEOUT:
	case STOP_RUN_TIMEOUT:
		from_timeout(e, o, words);
		return;
	case STOP_CANCEL:
	case STOP_SHUTDOWN:
	case STOP_REPLACED:
		from_cancel(e, o, words);
		return;
	case STOP_NONE:
		break;
	}
	if (e->lost) {
		set_failure(o, REASON_LOST, false);
		buf_addstr(words, "lost: the supervisor ended while it ran");
	} else if (e->spawn_failed) {
		from_spawn(e, o, words);
	} else {
		from_end(codes, protocol, e, o, words);
	}
}

void
outcome_from(const struct exit_codes *codes, enum protocol protocol,
    const struct ending *e, struct outcome *ret)
{
	struct buf words;

	memset(ret, 0, sizeof(*ret));
	ret->status = STATUS_SUCCESS;
	ret->reason = REASON_NONE;
	ret->exit_code = -1;
	if (!e->spawn_failed && !e->lost) {
		if (e->signaled)
			ret->signal = e->code;
		else
			ret->exit_code = e->code;
	}
	buf_init(&words, WORDS_BYTES);
	judge(codes, protocol, e, ret, &words);
	ret->error = one_line(&words);
	/* A worker whose error message is blank; a failure has words. */
	if (ret->error == NULL && ret->status == STATUS_FAILURE)
		ret->error = xasprintf("exit status %d", e->code);
	buf_clear(&words);
}

void
outcome_clear(struct outcome *o)
{
	free(o->error);
	o->error = NULL;
}
