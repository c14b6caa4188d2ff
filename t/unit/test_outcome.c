/*
 * test_outcome.c - what was seen of an attempt, and the verdict and words that
 * come of it.
 */
#include <config.h>

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/text.h"
#include "model/outcome.h"
#include "reeve/worker.h"

#define MINUTE (60 * INT64_C(1000000))

static const struct exit_codes plain;

/* An ending that says nothing yet. */
#define ENDING(...) (&(struct ending){.transient = -1, __VA_ARGS__})

static struct outcome
judge(enum protocol protocol, const struct ending *e)
{
	struct outcome o;

	outcome_from(&plain, protocol, e, &o);
	return o;
}

static void
expect(
    struct outcome o, enum status status, enum reason reason, const char *error)
{
	assert_int_equal(o.status, status);
	assert_int_equal(o.reason, reason);
	if (error == NULL)
		assert_null(o.error);
	else
		assert_string_equal(o.error, error);
	outcome_clear(&o);
	assert_null(o.error);
}

static void
fails(const struct ending *e, enum reason reason, const char *error)
{
	expect(judge(PROTOCOL_EXIT, e), STATUS_FAILURE, reason, error);
	expect(judge(PROTOCOL_JSONL, e), STATUS_FAILURE, reason, error);
}

static void
test_success(void **state)
{
	struct outcome o = judge(PROTOCOL_EXIT, ENDING(.last_line = "done"));

	(void)state;
	assert_int_equal(o.exit_code, 0);
	assert_int_equal(o.signal, 0);
	assert_false(o.permanent || o.counted || o.canceled_by_us);
	expect(o, STATUS_SUCCESS, REASON_NONE, NULL);
}

static void
test_words(void **state)
{
	(void)state;
	fails(ENDING(.code = 3), REASON_EXIT, "exit status 3");
	fails(ENDING(.code = 3, .last_line = "no space left"), REASON_EXIT,
	    "exit status 3: no space left");
	fails(ENDING(.signaled = true, .code = SIGKILL), REASON_SIGNAL,
	    "killed by signal 9 (SIGKILL)");
	fails(ENDING(.signaled = true, .code = SIGSEGV, .core_dumped = true,
		  .last_line = "x"),
	    REASON_SIGNAL, "killed by signal 11 (SIGSEGV), core dumped: x");
	fails(ENDING(.signaled = true, .code = 40), REASON_SIGNAL,
	    "killed by signal 40");
	fails(ENDING(.stop = STOP_TIMEOUT, .limit_us = 10 * MINUTE),
	    REASON_TIMEOUT, "timed out after 10m");
	fails(ENDING(.stop = STOP_TIMEOUT, .limit_us = 10 * MINUTE,
		  .last_line = "page 3"),
	    REASON_TIMEOUT, "timed out after 10m: page 3");
	fails(ENDING(.stop = STOP_RUN_TIMEOUT, .limit_us = 60 * MINUTE),
	    REASON_TIMEOUT, "run timed out after 1h");
	fails(ENDING(.oom = true, .signaled = true, .code = SIGKILL),
	    REASON_OOM, "out of memory (cgroup)");
	fails(ENDING(.lost = true), REASON_LOST,
	    "lost: the supervisor ended while it ran");
	fails(ENDING(.spawn_failed = true, .spawn_step = "exec",
		  .spawn_errno = ENOENT),
	    REASON_SPAWN, "spawn failed: exec: No such file or directory");
	fails(ENDING(.spawn_failed = true, .spawn_step = "clone",
		  .spawn_errno = 4000),
	    REASON_SPAWN, "spawn failed: clone: error 4000");
	fails(ENDING(.protocol_error = "result: missing"), REASON_PROTOCOL,
	    "bad message: result: missing");
}

static void
test_canceled(void **state)
{
	static const enum stop_cause causes[] = {
	    STOP_CANCEL, STOP_SHUTDOWN, STOP_REPLACED};
	size_t i;

	(void)state;
	fails(ENDING(.stop = STOP_CANCEL, .last_line = "x"), REASON_CANCELED,
	    "canceled");
	fails(ENDING(.stop = STOP_SHUTDOWN), REASON_CANCELED,
	    "canceled: shutdown");
	fails(ENDING(.stop = STOP_REPLACED, .stop_detail = "replaced by R1"),
	    REASON_CANCELED, "replaced by R1");
	fails(ENDING(.stop = STOP_REPLACED), REASON_CANCELED, "replaced");
	for (i = 0; i < 3; i++) {
		struct outcome o =
		    judge(PROTOCOL_EXIT, ENDING(.stop = causes[i], .code = 1));

		assert_true(o.canceled_by_us && o.permanent);
		assert_false(o.counted);
		outcome_clear(&o);
	}
}

/* Each thing seen beats all below it. */
static void
test_order(void **state)
{
	struct ending e = {.stop = STOP_CANCEL,
	    .oom = true,
	    .signaled = true,
	    .code = SIGTERM,
	    .protocol_error = "p",
	    .error_message = "e",
	    .transient = -1,
	    .skip = true,
	    .skip_reason = "s",
	    .last_line = "l"};

	(void)state;
	fails(&e, REASON_CANCELED, "canceled");
	e.stop = STOP_TIMEOUT;
	fails(&e, REASON_TIMEOUT, "timed out: l");
	e.stop = STOP_NONE;
	fails(&e, REASON_OOM, "out of memory (cgroup): l");
	e.oom = false;
	fails(&e, REASON_SIGNAL, "killed by signal 15 (SIGTERM): l");
	e.signaled = false;
	e.code = 7;
	fails(&e, REASON_EXIT, "e");
	e.error_message = NULL;
	fails(&e, REASON_EXIT, "exit status 7: bad message: p");
	e.protocol_error = NULL;
	fails(&e, REASON_EXIT, "exit status 7: l");
	e.code = 0;
	e.protocol_error = "p";
	fails(&e, REASON_PROTOCOL, "bad message: p");
	e.protocol_error = NULL;
	expect(judge(PROTOCOL_JSONL, &e), STATUS_SKIPPED, REASON_WORKER, "s");
	e.skip = false;
	e.skip_reason = NULL;
	expect(judge(PROTOCOL_JSONL, &e), STATUS_SUCCESS, REASON_NONE, NULL);
	/* Stopped by us while it could not be made: no retry. */
	fails(ENDING(.stop = STOP_CANCEL, .spawn_failed = true),
	    REASON_CANCELED, "canceled");
}

static void
test_counted(void **state)
{
	static const struct {
		struct ending e;
		bool counted;
	} rows[] = {
	    {{.code = 1}, true},
	    {{.signaled = true, .code = 9}, true},
	    {{.stop = STOP_TIMEOUT}, true},
	    {{.stop = STOP_RUN_TIMEOUT}, true},
	    {{.oom = true}, true},
	    {{.protocol_error = "x"}, true},
	    {{.spawn_failed = true}, true},
	    {{.error_message = "x"}, true},
	    {{.stop = STOP_CANCEL}, false},
	    {{.stop = STOP_SHUTDOWN}, false},
	    {{.lost = true}, false},
	    {{.skip = true}, false},
	    {{.code = 0}, false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct outcome o = judge(PROTOCOL_JSONL, &rows[i].e);

		assert_int_equal(o.counted, rows[i].counted);
		outcome_clear(&o);
	}
}

/* 's'uccess, s'k'ipped, 't'ransient, 'p'ermanent. */
static char
verdict(const struct exit_codes *codes, enum protocol protocol, int code)
{
	struct outcome o;
	char c;

	outcome_from(codes, protocol, ENDING(.code = code), &o);
	assert_int_equal(o.exit_code, code);
	c = o.status == STATUS_SUCCESS	 ? 's'
	    : o.status == STATUS_SKIPPED ? 'k'
	    : o.permanent		 ? 'p'
					 : 't';
	outcome_clear(&o);
	return c;
}

static void
test_exit_codes(void **state)
{
	int code;

	(void)state;
	for (code = 0; code < 256; code++) {
		char exit_wanted = code == 0			? 's'
				   : code == 126 || code == 127 ? 'p'
								: 't';
		char jsonl_wanted = exit_wanted;

		if (code == 100)
			jsonl_wanted = 'k';
		if (code >= 64 && code <= 78 && code != 75)
			jsonl_wanted = 'p';
		assert_int_equal(
		    verdict(&plain, PROTOCOL_EXIT, code), exit_wanted);
		assert_int_equal(
		    verdict(&plain, PROTOCOL_JSONL, code), jsonl_wanted);
	}
}

static void
add_code(struct exit_set *set, int code)
{
	set->bits[code / 64] |= UINT64_C(1) << (code % 64);
}

static void
test_job_exit_codes(void **state)
{
	struct exit_codes codes = {0};

	(void)state;
	add_code(&codes.success, 1);
	add_code(&codes.success, 255);
	add_code(&codes.skip, 99);
	add_code(&codes.permanent, 2);
	add_code(&codes.permanent, 75);
	assert_int_equal(verdict(&codes, PROTOCOL_EXIT, 0), 's');
	assert_int_equal(verdict(&codes, PROTOCOL_EXIT, 1), 's');
	assert_int_equal(verdict(&codes, PROTOCOL_EXIT, 255), 's');
	assert_int_equal(verdict(&codes, PROTOCOL_EXIT, 99), 'k');
	assert_int_equal(verdict(&codes, PROTOCOL_EXIT, 2), 'p');
	assert_int_equal(verdict(&codes, PROTOCOL_EXIT, 3), 't');
	assert_int_equal(verdict(&codes, PROTOCOL_JSONL, 75), 'p');
	assert_int_equal(verdict(&codes, PROTOCOL_JSONL, 1), 's');
}

static void
test_skip(void **state)
{
	(void)state;
	expect(judge(PROTOCOL_JSONL,
		   ENDING(.skip = true, .skip_reason = "nothing new")),
	    STATUS_SKIPPED, REASON_WORKER, "nothing new");
	expect(judge(PROTOCOL_JSONL,
		   ENDING(.skip = true, .skip_reason = "x", .code = 100)),
	    STATUS_SKIPPED, REASON_WORKER, "x");
	expect(judge(PROTOCOL_JSONL, ENDING(.skip = true)), STATUS_SKIPPED,
	    REASON_WORKER, NULL);
	expect(
	    judge(PROTOCOL_JSONL, ENDING(.code = 100, .last_line = "no work")),
	    STATUS_SKIPPED, REASON_WORKER, "exit status 100: no work");
	/* Saying skip does not undo a failing exit. */
	expect(judge(PROTOCOL_JSONL,
		   ENDING(.skip = true, .skip_reason = "x", .code = 1)),
	    STATUS_FAILURE, REASON_EXIT, "exit status 1");
}

static void
expect_error(int code, int transient, bool permanent)
{
	struct outcome o = judge(
	    PROTOCOL_JSONL, &(struct ending){.error_message = "rate limited",
				.code = code,
				.transient = transient,
				.retry_after_us = 90000000,
				.last_line = "not this"});

	assert_int_equal(o.permanent, permanent);
	assert_int_equal(o.retry_after_us, 90000000);
	expect(o, STATUS_FAILURE, REASON_EXIT, "rate limited");
}

static void
test_error_message(void **state)
{
	struct outcome o;

	(void)state;
	/* `transient` beats the code; unsaid, the code decides. */
	expect_error(0, 1, false);
	expect_error(0, 0, true);
	expect_error(0, -1, false);
	expect_error(75, 0, true);
	expect_error(64, 1, false);
	expect_error(64, -1, true);
	expect_error(1, -1, false);
	expect_error(100, -1, false);
	fails(ENDING(.error_message = ""), REASON_EXIT, "exit status 0");
	/* A signal is not the worker's word. */
	o = judge(PROTOCOL_JSONL, &(struct ending){.error_message = "e",
				      .signaled = true,
				      .code = 9,
				      .retry_after_us = 5});
	assert_int_equal(o.retry_after_us, 0);
	assert_int_equal(o.signal, 9);
	assert_int_equal(o.exit_code, -1);
	assert_false(o.permanent);
	outcome_clear(&o);
}

static bool
spawn_is_permanent(const char *step, int err)
{
	struct outcome o =
	    judge(PROTOCOL_EXIT, ENDING(.spawn_failed = true,
				     .spawn_step = step, .spawn_errno = err));
	bool permanent = o.permanent;

	assert_int_equal(o.exit_code, -1);
	assert_int_equal(o.signal, 0);
	outcome_clear(&o);
	return permanent;
}

static void
test_permanent(void **state)
{
	static const int yes[] = {ENOENT, EACCES, ENOEXEC, ENOTDIR, ELOOP,
	    EISDIR, ENAMETOOLONG, E2BIG};
	static const int no[] = {EAGAIN, ENOMEM, ETXTBSY, EIO, EMFILE, 0};
	struct outcome o;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		assert_true(spawn_is_permanent("exec", yes[i]));
		assert_false(spawn_is_permanent("cwd", yes[i]));
	}
	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		assert_false(spawn_is_permanent("exec", no[i]));
	o = judge(PROTOCOL_JSONL, ENDING(.protocol_error = "x"));
	assert_false(o.permanent);
	outcome_clear(&o);
	o = judge(PROTOCOL_EXIT, ENDING(.stop = STOP_RUN_TIMEOUT));
	assert_true(o.permanent);
	outcome_clear(&o);
	o = judge(PROTOCOL_EXIT, ENDING(.stop = STOP_TIMEOUT));
	assert_false(o.permanent);
	outcome_clear(&o);
}

/* Whatever a worker says stays one line of text. */
static void
test_one_line(void **state)
{
	static const struct {
		const char *said, *wanted;
	} rows[] = {
	    {"a\nb\r\nc", "a b  c"},
	    {"  \n padded \t ", "padded"},
	    {"\n", "exit status 0"},
	    {"\033[31;1mred\033[0m!", "red!"},
	    {"\033[31", "[31"},
	    {"\033]0;title\a", "]0;title"},
	    {"\033[1\n2m", "[1 2m"},
	    {"a\x7f"
	     "b\xc2\x85"
	     "c\xc2\x9b"
	     "31md",
		"a b c 31md"},
	    {"a\u2028b\u2029c", "a b c"},
	    {"a\xff\xed\xa0\x80z", "a\ufffd\ufffd\ufffd\ufffdz"},
	    {"\u20ac \u00e4", "\u20ac \u00e4"},
	    {"\"}{", "\"}{"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect(judge(PROTOCOL_JSONL,
			   ENDING(.error_message = rows[i].said)),
		    STATUS_FAILURE, REASON_EXIT, rows[i].wanted);
}

static void
expect_length(const char *said, size_t wanted)
{
	struct outcome o = judge(PROTOCOL_JSONL, ENDING(.error_message = said));

	assert_int_equal(strlen(o.error), wanted);
	assert_int_equal(text_utf8_valid(o.error, wanted), wanted);
	outcome_clear(&o);
}

static void
test_length(void **state)
{
	static char text[REEVE_MAX_ERROR * 20];
	size_t i;

	(void)state;
	memset(text, 'x', REEVE_MAX_ERROR);
	expect_length(text, REEVE_MAX_ERROR);
	memset(text, 'x', sizeof(text) - 1);
	expect_length(text, REEVE_MAX_ERROR);
	for (i = 0; i + 3 < sizeof(text); i += 3)
		memcpy(text + i, "\u20ac", 3);
	text[i] = '\0';
	expect_length(text, REEVE_MAX_ERROR / 3 * 3);
	memset(text, 0xff, sizeof(text) - 1);
	expect_length(text, REEVE_MAX_ERROR / 3 * 3);
	memset(text, 'x', 10);
	memset(text + 10, '\n', sizeof(text) - 11);
	expect_length(text, 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_success),
	    cmocka_unit_test(test_words),
	    cmocka_unit_test(test_canceled),
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_counted),
	    cmocka_unit_test(test_exit_codes),
	    cmocka_unit_test(test_job_exit_codes),
	    cmocka_unit_test(test_skip),
	    cmocka_unit_test(test_error_message),
	    cmocka_unit_test(test_permanent),
	    cmocka_unit_test(test_one_line),
	    cmocka_unit_test(test_length),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
