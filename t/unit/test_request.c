/*
 * test_request.c - what an attempt is told: the request byte for byte, and an
 * environment in which a job can set everything but what is ours.
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

#include "base/clock.h"
#include "base/json.h"
#include "model/request.h"

static char name[] = "video-discovery";
static const struct job plain_job = {.name = name};
static const struct request_user user = {"ops", "/home/ops", "/bin/bash"};

static struct request
plain_request(const struct job *job)
{
	struct request r = {.job = job,
	    .run_id = "0198a",
	    .attempt_id = "0198b",
	    .attempt = 2,
	    .max_attempts = 3,
	    .trigger = TRIGGER_SCHEDULE,
	    .scheduled_at_us = TIME_NEVER,
	    .deadline_us = TIME_NEVER};

	return r;
}

static void
expect_request(const struct request *r, const char *wanted)
{
	struct json_error err;
	struct json *root;
	struct buf out;

	buf_init(&out, 0);
	request_print(r, &out);
	assert_string_equal(buf_str(&out), wanted);
	assert_ptr_equal(
	    strchr(buf_str(&out), '\n'), buf_str(&out) + out.len - 1);
	assert_int_equal(json_parse(out.data, out.len, NULL, &root, &err), 0);
	json_free(root);
	buf_clear(&out);
}

static void
test_request_least(void **state)
{
	struct request r = plain_request(&plain_job);

	(void)state;
	expect_request(&r,
	    "{\"v\":1,\"job\":\"video-discovery\",\"runId\":\"0198a\","
	    "\"attempt\":2,\"maxAttempts\":3,\"trigger\":\"schedule\","
	    "\"scheduledAt\":null,\"deadline\":null,\"params\":{},"
	    "\"previous\":null,\"quota\":null,\"parent\":null}\n");
}

static void
test_request_full(void **state)
{
	struct request r = plain_request(&plain_job);

	(void)state;
	r.trigger = TRIGGER_CATCH_UP;
	assert_int_equal(
	    clock_iso_parse("2026-11-23T17:00:00Z", &r.scheduled_at_us), 0);
	r.deadline_us = r.scheduled_at_us + 600004000;
	r.params = "{\n\t\"a\": \"\\n\",\r\n\t\"b\": [1]\n}";
	r.previous = "{\"status\":\"success\"}";
	r.quota = "{\"youtube\":{}}";
	r.parent = "{\"job\":\"p\"}";
	expect_request(&r,
	    "{\"v\":1,\"job\":\"video-discovery\",\"runId\":\"0198a\","
	    "\"attempt\":2,\"maxAttempts\":3,\"trigger\":\"catch-up\","
	    "\"scheduledAt\":\"2026-11-23T17:00:00.000Z\","
	    "\"deadline\":\"2026-11-23T17:10:00.004Z\","
	    "\"params\":{ \t\"a\": \"\\n\",  \t\"b\": [1] },"
	    "\"previous\":{\"status\":\"success\"},"
	    "\"quota\":{\"youtube\":{}},\"parent\":{\"job\":\"p\"}}\n");
}

/* All of the environment, one a line, in order. */
static void
expect_env(
    const struct request *r, const struct request_user *u, const char *wanted)
{
	char **env = request_env(r, u), **entry;
	struct buf all;

	buf_init(&all, 0);
	for (entry = env; *entry != NULL; entry++)
		buf_addf(&all, "%s\n", *entry);
	assert_string_equal(buf_str(&all), wanted);
	buf_clear(&all);
	request_env_free(env);
}

#define PATH_LINE \
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
#define USER_LINES "HOME=/home/ops\nUSER=ops\nLOGNAME=ops\nSHELL=/bin/bash\n"
#define OUR_LINES                                                          \
	"REEVE_JOB=video-discovery\nREEVE_RUN_ID=0198a\nREEVE_ATTEMPT=2\n" \
	"REEVE_ATTEMPT_ID=0198b\n"

static void
test_env_plain(void **state)
{
	struct request r = plain_request(&plain_job);
	const struct request_user nobody = {"nobody", NULL, NULL};

	(void)state;
	expect_env(&r, &user, USER_LINES PATH_LINE "LANG=C.UTF-8\n" OUR_LINES);
	/* The chain loader knows the user. */
	expect_env(&r, NULL, PATH_LINE "LANG=C.UTF-8\n" OUR_LINES);
	expect_env(&r, &nobody,
	    "USER=nobody\nLOGNAME=nobody\n" PATH_LINE
	    "LANG=C.UTF-8\n" OUR_LINES);
	request_env_free(NULL);
}

static void
test_env_times(void **state)
{
	struct request r = plain_request(&plain_job);

	(void)state;
	r.scheduled_at_us = 0;
	r.deadline_us = 1500000;
	r.credentials_dir = "/run/reeve/c";
	expect_env(&r, NULL,
	    PATH_LINE "LANG=C.UTF-8\n" OUR_LINES
		      "REEVE_SCHEDULED_AT=1970-01-01T00:00:00.000Z\n"
		      "REEVE_DEADLINE=1970-01-01T00:00:01.500Z\n"
		      "CREDENTIALS_DIRECTORY=/run/reeve/c\n");
}

static void
test_env_of_job(void **state)
{
	struct text_pair pairs[] = {
	    {(char[]){"LANG"}, (char[]){"C"}},
	    {(char[]){"HOME"}, (char[]){""}},
	    {(char[]){"HOMER"}, (char[]){"simpson=1"}},
	    {(char[]){"REEVE_JOB"}, (char[]){"forged"}},
	    {(char[]){"REEVE_DEADLINE"}, (char[]){"forged"}},
	    {(char[]){"REEVE_"}, (char[]){"forged"}},
	    {(char[]){"CREDENTIALS_DIRECTORY"}, (char[]){"/forged"}},
	    {(char[]){"REEVER"}, (char[]){"fine"}},
	    {(char[]){"PATH"}, (char[]){"/opt/bin"}},
	};
	struct job job = {.name = name,
	    .env = {.count = sizeof(pairs) / sizeof(pairs[0]), .items = pairs}};
	struct request r = plain_request(&job);

	(void)state;
	expect_env(&r, &user,
	    "HOME=\nUSER=ops\nLOGNAME=ops\nSHELL=/bin/bash\n"
	    "PATH=/opt/bin\nLANG=C\nHOMER=simpson=1\nREEVER=fine\n" OUR_LINES);
	expect_env(&r, NULL,
	    "PATH=/opt/bin\nLANG=C\nHOME=\nHOMER=simpson=1\n"
	    "REEVER=fine\n" OUR_LINES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_request_least),
	    cmocka_unit_test(test_request_full),
	    cmocka_unit_test(test_env_plain),
	    cmocka_unit_test(test_env_times),
	    cmocka_unit_test(test_env_of_job),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
