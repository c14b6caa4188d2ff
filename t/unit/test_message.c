/*
 * test_message.c - every shape of a worker's message, right and wrong, and
 * what hostile lines become.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "model/message.h"
#include "reeve/worker.h"

/* A copy without NUL at its end, so that reading past it is seen. */
static void
parse(const char *line, size_t len, struct message *ret)
{
	char *exact = xmalloc(len > 0 ? len : 1);

	memcpy(exact, line, len);
	message_parse(exact, len, ret);
	free(exact);
}

static struct message
of(const char *line)
{
	struct message m;

	parse(line, strlen(line), &m);
	return m;
}

static void
expect_type_n(const char *line, size_t len, enum message_type type)
{
	struct message m;

	parse(line, len, &m);
	if (m.type != type)
		print_error("%.80s: %d, %s\n", line, m.type,
		    m.why != NULL ? m.why : "-");
	assert_int_equal(m.type, type);
	assert_true((m.why != NULL) == (type == MESSAGE_BAD));
	message_clear(&m);
}

static void
output(const char *line)
{
	expect_type_n(line, strlen(line), MESSAGE_OUTPUT);
}

/* BAD, and `why` begins so. */
static void
bad(const char *line, const char *why)
{
	struct message m = of(line);

	if (m.type != MESSAGE_BAD)
		print_error("not bad: %s\n", line);
	assert_int_equal(m.type, MESSAGE_BAD);
	if (strncmp(m.why, why, strlen(why)) != 0)
		assert_string_equal(m.why, why);
	assert_null(m.text);
	assert_null(m.json);
	assert_null(m.service);
	assert_null(m.buckets);
	message_clear(&m);
	assert_null(m.why);
}

static void
test_output_lines(void **state)
{
	(void)state;
	output("");
	output("plain text");
	output("   ");
	output("{");
	output("}{");
	output("[{\"type\":\"result\"}]");
	output("\"type\"");
	output("{}");
	output("{\"level\":\"info\",\"msg\":\"a log of its own\"}");
	output("{\"type\":7}");
	output("{\"type\":null}");
	output("{\"type\":{\"type\":\"result\"}}");
	output("{\"type\":\"\"}");
	output("{\"type\":\"Result\",\"result\":{}}");
	output("{\"type\":\"results\",\"result\":{}}");
	output("{\"type\":\"resul\",\"result\":{}}");
	output("{\"typ\":\"result\"");
	output("{\"type\":\"other\", broken");
	output("{\"result\":{},\"type\":\"result\"");
	output("{ \"type\" : \"resul");
	output("\xff\xfe{\"type\":\"result\",\"result\":{}}");
	expect_type_n("{\"type\"\0:\"result\"}", 18, MESSAGE_OUTPUT);
	expect_type_n("\0{\"type\":\"result\"}", 18, MESSAGE_OUTPUT);
}

static void
test_unparsable(void **state)
{
	static const char nul[] =
	    "{\"type\":\"result\",\"result\":{\"a\":\"\0\"}}";

	(void)state;
	bad("{\"type\":\"result\",\"result\":{\"a\":\"\\ud800\"}}", "result: ");
	bad("{\"type\":\"result\",\"result\":{\"a\":\"\\u0000\"}}", "result: ");
	bad("{\"type\":\"result\",\"result\":{\"a\":\"\xff\"}}", "result: ");
	bad("{\"type\":\"result\",\"result\":{\"a\":NaN}}", "result: ");
	bad("{\"type\":\"result\",\"result\":{\"a\":1,\"a\":2}}", "result: ");
	bad("{\"type\":\"result\",\"result\":{\"a\":", "result: ");
	bad("{\"type\":\"result\",\"result\":{}} trailing", "result: ");
	bad("{\"type\":\"result\",\"result\":{},}", "result: ");
	bad(" {\t\"type\" :  \"error\" , \"error\": oops}", "error: ");
	bad("{\"type\":\"usage\"", "usage: ");
	bad("{\"type\":\"result\",\"type\":\"log\",\"message\":\"x\"}",
	    "result: ");
	expect_type_n(nul, sizeof(nul) - 1, MESSAGE_BAD);
}

static void
test_progress(void **state)
{
	static const struct {
		const char *line;
		double fraction;
	} rows[] = {
	    {"{\"type\":\"progress\"}", -1},
	    {"{\"type\":\"progress\",\"fraction\":null}", -1},
	    {"{\"type\":\"progress\",\"fraction\":0}", 0},
	    {"{\"type\":\"progress\",\"fraction\":1}", 1},
	    {"{\"type\":\"progress\",\"fraction\":1.0000000000000002}", 1},
	    {"{\"type\":\"progress\",\"fraction\":-3}", 0},
	};
	struct message m;
	size_t i;

	(void)state;
	m = of("{\"type\":\"progress\",\"fraction\":0.5,"
	       "\"message\":\"page 2 of 5\",\"extra\":[1]}");
	assert_int_equal(m.type, MESSAGE_PROGRESS);
	assert_true(m.fraction == 0.5);
	assert_string_equal(m.text, "page 2 of 5");
	message_clear(&m);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		m = of(rows[i].line);
		assert_int_equal(m.type, MESSAGE_PROGRESS);
		assert_true(m.fraction == rows[i].fraction);
		assert_null(m.text);
		message_clear(&m);
	}
	bad("{\"type\":\"progress\",\"fraction\":\"0.4\"}",
	    "progress: fraction: must be a number, not ");
	bad("{\"type\":\"progress\",\"fraction\":1e999}", "progress: ");
	bad("{\"type\":\"progress\",\"message\":[]}",
	    "progress: message: must be a string, not ");
}

static void
test_log(void **state)
{
	struct message m;

	(void)state;
	m = of("{\"type\":\"log\",\"level\":\"warn\",\"message\":\"m\\n2\","
	       "\"data\":{ \"a\" : [1, 2.50] }}");
	assert_int_equal(m.type, MESSAGE_LOG);
	assert_int_equal(m.level, LOG_WARN);
	assert_string_equal(m.text, "m\n2");
	assert_string_equal(m.json, "{\"a\":[1,2.50]}");
	message_clear(&m);
	m = of("{\"message\":\"m\",\"type\":\"log\"}");
	assert_int_equal(m.type, MESSAGE_LOG);
	assert_int_equal(m.level, LOG_INFO);
	assert_null(m.json);
	message_clear(&m);
	bad("{\"type\":\"log\"}", "log: message: missing");
	bad("{\"type\":\"log\",\"message\":1}", "log: message: must be a str");
	bad("{\"type\":\"log\",\"message\":\"m\",\"level\":1}", "log: level: ");
	bad("{\"type\":\"log\",\"message\":\"m\",\"level\":\"loud\"}",
	    "log: level: must be debug, info, warn or error");
	bad("{\"type\":\"log\",\"message\":\"m\",\"data\":[]}",
	    "log: data: must be an object, not ");
}

static void
test_usage(void **state)
{
	struct message m;

	(void)state;
	m = of("{\"type\":\"usage\",\"service\":\"youtube\","
	       "\"bucket\":\"search_list\",\"units\":100}");
	assert_int_equal(m.type, MESSAGE_USAGE);
	assert_string_equal(m.service, "youtube");
	assert_string_equal(m.bucket, "search_list");
	assert_int_equal(m.units, 100);
	message_clear(&m);
	m = of("{\"type\":\"usage\",\"service\":\"a.b-c_9\",\"units\":0}");
	assert_string_equal(m.bucket, "default");
	assert_int_equal(m.units, 0);
	message_clear(&m);
	m = of("{\"type\":\"usage\",\"service\":\"s\",\"units\":1000000000}");
	assert_int_equal(m.units, 1000000000);
	message_clear(&m);
}

#define USAGE(rest) "{\"type\":\"usage\"," rest "}"

static void
test_usage_bad(void **state)
{
	static const char sixty_four[] =
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	char *line;

	(void)state;
	bad(USAGE("\"units\":1"), "usage: service: missing");
	bad(USAGE("\"service\":\"s\""), "usage: units: missing");
	bad(USAGE("\"service\":\"s\",\"units\":null"), "usage: units: missing");
	bad(USAGE("\"service\":\"s\",\"units\":-1"), "usage: units: out of");
	bad(USAGE("\"service\":\"s\",\"units\":1000000001"),
	    "usage: units: out");
	bad(USAGE("\"service\":\"s\",\"units\":99999999999999999999"),
	    "usage: units: out of range");
	bad(USAGE("\"service\":\"s\",\"units\":1.5"),
	    "usage: units: must be a w");
	bad(USAGE("\"service\":\"s\",\"units\":\"1\""),
	    "usage: units: must be a n");
	bad(USAGE("\"service\":\"\",\"units\":1"), "usage: service: must be 1");
	bad(USAGE("\"service\":\"S\",\"units\":1"),
	    "usage: service: must be 1");
	bad(USAGE("\"service\":\"a b\",\"units\":1"),
	    "usage: service: must be 1");
	bad(USAGE("\"service\":[],\"units\":1"), "usage: service: must be a s");
	bad(USAGE("\"service\":\"s\",\"bucket\":\"\\u00e4\",\"units\":1"),
	    "usage: bucket: must be 1");
	line = xasprintf(USAGE("\"service\":\"%s\",\"units\":1"), sixty_four);
	expect_type_n(line, strlen(line), MESSAGE_USAGE);
	free(line);
	line = xasprintf(USAGE("\"service\":\"%sa\",\"units\":1"), sixty_four);
	bad(line, "usage: service: must be 1");
	free(line);
}

static void
test_quota(void **state)
{
	struct message m;
	int64_t at;

	(void)state;
	m = of("{\"type\":\"quota\",\"service\":\"youtube\",\"buckets\":["
	       "{\"id\":\"default\",\"limit\":10000,\"used\":120,"
	       "\"resetAt\":\"2027-01-01T00:00:00Z\",\"exhausted\":true,"
	       "\"source\":\"google\"},{\"id\":\"b\"}]}");
	assert_int_equal(m.type, MESSAGE_QUOTA);
	assert_string_equal(m.service, "youtube");
	assert_int_equal(m.nbuckets, 2);
	assert_string_equal(m.buckets[0].id, "default");
	assert_int_equal(m.buckets[0].limit, 10000);
	assert_int_equal(m.buckets[0].used, 120);
	assert_int_equal(clock_iso_parse("2027-01-01T00:00:00Z", &at), 0);
	assert_int_equal(m.buckets[0].reset_at_us, at);
	assert_true(m.buckets[0].exhausted);
	assert_string_equal(m.buckets[0].source, "google");
	assert_string_equal(m.buckets[1].id, "b");
	assert_int_equal(m.buckets[1].limit, -1);
	assert_int_equal(m.buckets[1].used, -1);
	assert_int_equal(m.buckets[1].reset_at_us, TIME_NEVER);
	assert_false(m.buckets[1].exhausted);
	assert_null(m.buckets[1].source);
	message_clear(&m);
	m = of("{\"type\":\"quota\",\"service\":\"s\",\"buckets\":[]}");
	assert_int_equal(m.type, MESSAGE_QUOTA);
	assert_int_equal(m.nbuckets, 0);
	message_clear(&m);
}

#define QUOTA(buckets) \
	"{\"type\":\"quota\",\"service\":\"s\",\"buckets\":" buckets "}"

static void
test_quota_bad(void **state)
{
	struct buf line;
	int i;

	(void)state;
	bad("{\"type\":\"quota\",\"buckets\":[]}", "quota: service: missing");
	bad("{\"type\":\"quota\",\"service\":\"s\"}",
	    "quota: buckets: missing");
	bad(QUOTA("{}"), "quota: buckets: must be an array, not ");
	bad(QUOTA("[1]"), "quota: buckets[0]: bucket: must be an object");
	bad(QUOTA("[{}]"), "quota: buckets[0]: id: missing");
	bad(QUOTA("[{\"id\":\"a\"},{\"id\":\"b\",\"limit\":\"x\"}]"),
	    "quota: buckets[1]: limit: must be a number");
	bad(QUOTA("[{\"id\":\"a\",\"used\":-5}]"),
	    "quota: buckets[0]: used: out");
	bad(QUOTA("[{\"id\":\"a\",\"resetAt\":5}]"),
	    "quota: buckets[0]: resetAt: must be a string");
	bad(QUOTA("[{\"id\":\"a\",\"resetAt\":\"tomorrow\"}]"),
	    "quota: buckets[0]: resetAt: must be a time");
	bad(QUOTA("[{\"id\":\"a\",\"exhausted\":1}]"),
	    "quota: buckets[0]: exhausted: must be true or false");
	bad(QUOTA("[{\"id\":\"a\",\"source\":{}}]"),
	    "quota: buckets[0]: source: must be a string");
	buf_init(&line, 0);
	buf_addstr(
	    &line, "{\"type\":\"quota\",\"service\":\"s\",\"buckets\":[");
	for (i = 0; i < MESSAGE_MAX_BUCKETS; i++)
		buf_addf(&line, "%s{\"id\":\"b%d\"}", i > 0 ? "," : "", i);
	buf_addstr(&line, "]}");
	expect_type_n(buf_str(&line), line.len, MESSAGE_QUOTA);
	line.len -= 2;
	buf_addstr(&line, ",{\"id\":\"x\"}]}");
	bad(buf_str(&line), "quota: buckets: more than 100");
	buf_clear(&line);
}

static void
test_result(void **state)
{
	struct message m;

	(void)state;
	m = of(" { \"result\" : { \"n\" : 1.0, \"t\" : \"\\u00e4\" } ,"
	       " \"type\" : \"result\" } ");
	assert_int_equal(m.type, MESSAGE_RESULT);
	assert_string_equal(m.json, "{\"n\":1.0,\"t\":\"\u00e4\"}");
	message_clear(&m);
	m = of("{\"type\":\"result\",\"result\":null}");
	assert_int_equal(m.type, MESSAGE_RESULT);
	assert_null(m.json);
	message_clear(&m);
	bad("{\"type\":\"result\"}", "result: result: missing");
	bad("{\"type\":\"result\",\"result\":[]}",
	    "result: result: must be an object, not ");
	bad("{\"type\":\"result\",\"result\":\"done\"}",
	    "result: result: must be an object, not ");
}

/* A result of `depth` levels. */
static char *
nested(int depth)
{
	struct buf line;
	int i;

	buf_init(&line, 0);
	buf_addstr(&line, "{\"type\":\"result\",\"result\":");
	for (i = 0; i < depth; i++)
		buf_addstr(&line, "{\"a\":");
	buf_addstr(&line, "1");
	for (i = 0; i <= depth; i++)
		buf_addstr(&line, "}");
	return buf_steal(&line);
}

static void
test_result_depth(void **state)
{
	char *line;

	(void)state;
	line = nested(REEVE_MAX_JSON_DEPTH);
	expect_type_n(line, strlen(line), MESSAGE_RESULT);
	free(line);
	line = nested(REEVE_MAX_JSON_DEPTH + 1);
	bad(line, "result: ");
	free(line);
	line = nested(5000);
	bad(line, "result: ");
	free(line);
}

/* A line of `len` bytes, whose result is full of `fill`. */
static char *
filled(size_t len, const char *fill)
{
	struct buf line;

	buf_init(&line, 0);
	buf_addstr(&line, "{\"type\":\"result\",\"result\":{\"a\":\"");
	while (line.len + strlen(fill) + 3 <= len)
		buf_addstr(&line, fill);
	while (line.len + 3 < len)
		buf_addch(&line, 'x');
	buf_addstr(&line, "\"}}");
	return buf_steal(&line);
}

static void
test_result_length(void **state)
{
	struct message m;
	char *line;

	(void)state;
	line = filled(REEVE_MAX_MESSAGE_LINE, "x");
	assert_int_equal(strlen(line), REEVE_MAX_MESSAGE_LINE);
	m = of(line);
	assert_int_equal(m.type, MESSAGE_RESULT);
	assert_int_equal(strlen(m.json), REEVE_MAX_MESSAGE_LINE - 27);
	message_clear(&m);
	free(line);
	line = filled(REEVE_MAX_MESSAGE_LINE + 1, "x");
	bad(line, "result: line longer than 262144 bytes");
	message_parse_overlong(line, REEVE_MAX_MESSAGE_LINE, &m);
	assert_int_equal(m.type, MESSAGE_BAD);
	message_clear(&m);
	line[0] = ' ';
	message_parse_overlong(line, REEVE_MAX_MESSAGE_LINE, &m);
	assert_int_equal(m.type, MESSAGE_OUTPUT);
	message_clear(&m);
	free(line);
	/* What is stored is what counts: DEL is longer escaped. */
	line = filled(REEVE_MAX_MESSAGE_LINE, "\x7f");
	bad(line, "result: result: longer than 262144 bytes");
	free(line);
}

static void
test_skip(void **state)
{
	struct message m;

	(void)state;
	m = of("{\"type\":\"skip\",\"reason\":\"nothing new\","
	       "\"result\":{\"seen\":4}}");
	assert_int_equal(m.type, MESSAGE_SKIP);
	assert_string_equal(m.text, "nothing new");
	assert_string_equal(m.json, "{\"seen\":4}");
	message_clear(&m);
	m = of("{\"type\":\"skip\"}");
	assert_int_equal(m.type, MESSAGE_SKIP);
	assert_null(m.text);
	assert_null(m.json);
	message_clear(&m);
	bad("{\"type\":\"skip\",\"reason\":5}", "skip: reason: must be a str");
	bad("{\"type\":\"skip\",\"result\":5}", "skip: result: must be an ob");
}

static void
expect_error(const char *line, int transient, int64_t retry_after_us)
{
	struct message m = of(line);

	assert_int_equal(m.type, MESSAGE_ERROR);
	assert_string_equal(m.text, "e");
	assert_int_equal(m.transient, transient);
	assert_int_equal(m.retry_after_us, retry_after_us);
	message_clear(&m);
}

#define ERROR(rest) "{\"type\":\"error\",\"error\":\"e\"" rest "}"

static void
test_error(void **state)
{
	(void)state;
	expect_error(ERROR(""), -1, 0);
	expect_error(ERROR(",\"transient\":null,\"retryAfter\":null"), -1, 0);
	expect_error(ERROR(",\"transient\":true,\"retryAfter\":\"90s\""), 1,
	    90 * INT64_C(1000000));
	expect_error(ERROR(",\"transient\":false"), 0, 0);
	expect_error(
	    ERROR(",\"retryAfter\":\"366d\""), -1, MESSAGE_MAX_RETRY_AFTER_US);
	bad("{\"type\":\"error\"}", "error: error: missing");
	bad("{\"type\":\"error\",\"error\":null}", "error: error: missing");
	bad("{\"type\":\"error\",\"error\":{}}", "error: error: must be a str");
	bad(ERROR(",\"transient\":\"yes\""), "error: transient: must be true");
	bad(ERROR(",\"retryAfter\":90"), "error: retryAfter: must be a dur");
	bad(ERROR(",\"retryAfter\":\"90\""), "error: retryAfter: must be a d");
	bad(ERROR(",\"retryAfter\":\"-1s\""), "error: retryAfter: must be a d");
	bad(ERROR(",\"retryAfter\":\"367d\""), "error: retryAfter: longer");
	bad(ERROR(",\"retryAfter\":\"99999999999999999999w\""),
	    "error: retryAfter: ");
}

/* Error texts are cut, at a whole character. */
static void
test_error_length(void **state)
{
	struct buf line;
	struct message m;
	int i;

	(void)state;
	buf_init(&line, 0);
	buf_addstr(&line, "{\"type\":\"error\",\"error\":\"");
	for (i = 0; i < 5000; i++)
		buf_addstr(&line, "\u20ac");
	buf_addstr(&line, "\"}");
	m = of(buf_str(&line));
	assert_int_equal(m.type, MESSAGE_ERROR);
	assert_int_equal(strlen(m.text), REEVE_MAX_ERROR / 3 * 3);
	assert_int_equal(
	    text_utf8_valid(m.text, strlen(m.text)), strlen(m.text));
	message_clear(&m);
	buf_clear(&line);
}

/* Each prefix and each damaged byte of good messages is survived. */
static void
test_damage(void **state)
{
	static const char *const lines[] = {
	    USAGE("\"service\":\"s\",\"units\":1"),
	    QUOTA("[{\"id\":\"a\"}]"),
	    ERROR(",\"retryAfter\":\"9s\""),
	};
	size_t i, at;
	int c;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char *line = xstrdup(lines[i]);
		size_t len = strlen(line);
		struct message m;

		for (at = 0; at < len; at++) {
			parse(line, at, &m);
			assert_true(
			    m.type == MESSAGE_OUTPUT || m.type == MESSAGE_BAD);
			message_clear(&m);
			for (c = 0; c < 256; c++) {
				line[at] = (char)c;
				parse(line, len, &m);
				message_clear(&m);
			}
			line[at] = lines[i][at];
		}
		free(line);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_output_lines),
	    cmocka_unit_test(test_unparsable),
	    cmocka_unit_test(test_progress),
	    cmocka_unit_test(test_log),
	    cmocka_unit_test(test_usage),
	    cmocka_unit_test(test_usage_bad),
	    cmocka_unit_test(test_quota),
	    cmocka_unit_test(test_quota_bad),
	    cmocka_unit_test(test_result),
	    cmocka_unit_test(test_result_depth),
	    cmocka_unit_test(test_result_length),
	    cmocka_unit_test(test_skip),
	    cmocka_unit_test(test_error),
	    cmocka_unit_test(test_error_length),
	    cmocka_unit_test(test_damage),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
