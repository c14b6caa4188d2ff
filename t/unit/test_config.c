/*
 * test_config.c - loading: every error in one go with its place, defaults,
 * sharing, hashes, comparing, dumping and reading back; and the time and
 * memory of 100,000 jobs.
 */
#include <config.h>

#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "config_fixture.h"
#include "model/job_share.h"
#include "reeve/worker.h"

#define MAIN "/etc/reeve/reeve.json"

static struct fixture
good(const char *text)
{
	struct fixture f = load_text(text);

	if (f.result != 0)
		fail_msg("%s\n%s", text, buf_str(&f.errors));
	return f;
}

/* The text is refused with exactly these lines (MAIN: left out of each). */
static void
bad(const char *text, const char *lines)
{
	struct fixture f = load_text(text);
	struct buf want;
	const char *p, *end;

	assert_int_equal(f.result, -EINVAL);
	assert_null(f.config);
	buf_init(&want, 0);
	for (p = lines; *p != '\0'; p = end + 1) {
		end = strchr(p, '\n');
		buf_addf(&want, MAIN ":%.*s\n", (int)(end - p), p);
	}
	assert_string_equal(buf_str(&f.errors), buf_str(&want));
	buf_clear(&want);
	fixture_clear(&f);
}

static void
bad_job(const char *members, const char *lines)
{
	char *text = NULL;

	if (asprintf(&text, "{\"jobs\":[\n{\"name\":\"a\",%s}]}", members) < 0)
		abort();
	bad(text, lines);
	free(text);
}

static void
test_empty(void **state)
{
	struct fixture f = good("{}");
	struct config *c = f.config;

	(void)state;
	assert_string_equal(c->timezone, "UTC");
	assert_string_equal(c->state_dir, "/var/lib/reeve");
	assert_string_equal(c->api.listen[0], "unix:/run/reeve/reeved.sock");
	assert_string_equal(c->api.listen[1], "127.0.0.1:8787");
	assert_null(c->api.listen[2]);
	assert_null(c->node);
	assert_true(c->shutdown_grace_us == 30 * 1000000);
	assert_int_equal(c->max_concurrent, 0);
	assert_int_equal(c->log.level, LOG_INFO);
	assert_true(c->ledger.max_bytes == INT64_C(2) << 30);
	assert_null(c->database.url);
	assert_int_equal(c->njobs, 0);
	assert_int_equal(c->nquotas, 1);
	assert_string_equal(c->quotas[0].name, "youtube");
	assert_string_equal(c->quotas[0].timezone, "America/Los_Angeles");
	assert_non_null(c->quotas[0].zone);
	assert_int_equal(c->quotas[0].nbuckets, 2);
	assert_string_equal(c->quotas[0].buckets[1].id, "search_list");
	assert_int_equal(c->quotas[0].buckets[1].limit, 100);
	assert_string_equal(buf_str(&f.warnings), "");
	fixture_clear(&f);
}

static void
test_job_defaults(void **state)
{
	struct fixture f =
	    good("{\"jobs\":[{\"name\":\"disk\",\"command\":\"df -h\"}]}");
	struct job *j = config_job(f.config, "disk");

	(void)state;
	assert_non_null(j);
	assert_true(j->enabled);
	assert_null(j->schedule);
	assert_string_equal(j->timezone, "UTC");
	assert_non_null(j->zone);
	assert_true(j->command_is_shell);
	assert_string_equal(j->command[0], "/bin/sh");
	assert_string_equal(j->command[1], "-c");
	assert_string_equal(j->command[2], "df -h");
	assert_null(j->command[3]);
	assert_string_equal(j->params, "{}");
	assert_int_equal(j->stdin_mode, STDIN_DEFAULT);
	assert_int_equal(job_stdin(j), STDIN_NULL);
	assert_true(j->timeout_us == INT64_C(3600) * 1000000);
	assert_true(j->run_timeout_us == 0);
	assert_true(j->kill_after_us == 10 * 1000000);
	assert_int_equal(j->retry.max_attempts, 3);
	assert_true(j->retry.delay_us == 5 * 1000000);
	assert_int_equal(j->retry.backoff, BACKOFF_EXPONENTIAL);
	assert_true(j->retry.multiplier > 1.99 && j->retry.multiplier < 2.01);
	assert_int_equal(j->breaker.failures, 3);
	assert_true(j->breaker.probe_us == 0);
	assert_int_equal(j->misfire.policy, MISFIRE_LAST);
	assert_int_equal(j->overlap, OVERLAP_SKIP);
	assert_int_equal(j->max_concurrent, 0);
	assert_int_equal(j->umask, 022);
	assert_true(j->no_new_privs);
	assert_false(j->oom_score_adj_set);
	assert_int_equal(j->oom_score_adj, 0);
	assert_true(j->limits->open_files == -1);
	assert_true(j->limits->memory_max_bytes == 0);
	assert_false(job_wants_cgroup(j));
	assert_false(job_needs_loader(j));
	assert_true(j->output_max_bytes == 64 * 1024);
	assert_string_equal(j->file, MAIN);
	assert_int_equal(j->line, 1);
	assert_null(config_job(f.config, "none"));
	fixture_clear(&f);
}

static void
test_job_everything(void **state)
{
	struct fixture f = good(
	    "{ \"timezone\": \"Europe/Berlin\", \"pools\":"
	    "{\"p\":{\"maxConcurrent\":2}},\n"
	    "\"jobs\":[{\"name\":\"a\", \"command\":[\"x\",\"\",\"y z\"],\n"
	    "\"description\":\"d\", \"enabled\":false, \"schedule\":"
	    "[\"0 6 * * *\",\"@every 90s\",\"@reboot\"],\n"
	    "\"timezone\":\"America/New_York\",\"dst\":\"twice\","
	    "\"protocol\":\"jsonl\",\n"
	    "\"stdin\":{\"text\":\"hi\\n\"}, \"params\":{\"k\":[1,{}]},\n"
	    "\"env\":{\"A\":\"1\",\"B\":\"\"},\"envFile\":\"x.env\","
	    "\"cwd\":\"/\",\"user\":\"nobody\",\n"
	    "\"group\":\"65534\",\"umask\":\"0077\",\"nice\":-5,"
	    "\"oomScoreAdj\":-1000,\n"
	    "\"noNewPrivileges\":false,\"leaveChildren\":true,"
	    "\"limits\":{\"cpuTime\":\"1m\",\n"
	    "\"core\":0,\"openFiles\":64,\"memoryMax\":\"1MiB\"},"
	    "\"exitCodes\":{\"skip\":[0,255]},\n"
	    "\"secrets\":{\"k\":{\"file\":\"s/k\"},\"e\":{\"env\":\"E\"}},"
	    "\"grants\":[\"prune\"],\n"
	    "\"outputMax\":\"0\",\"timeout\":\"0\",\"runTimeout\":\"2d\","
	    "\"retry\":{\"onLost\":true},\n"
	    "\"breaker\":{\"failures\":0,\"probe\":\"5m\"},"
	    "\"misfire\":{\"policy\":\"all\"},\n"
	    "\"overlap\":\"replace\",\"maxQueued\":7,\"maxConcurrent\":3,"
	    "\"pool\":\"p\",\"priority\":-9}]}");
	struct job *j = config_job(f.config, "a");

	(void)state;
	assert_string_equal(j->description, "d");
	assert_false(j->enabled);
	assert_int_equal(j->schedule->count, 3);
	assert_true(schedule_has_reboot(j->schedule));
	assert_string_equal(j->timezone, "America/New_York");
	assert_int_equal(j->dst, DST_TWICE);
	assert_false(j->command_is_shell);
	assert_string_equal(j->command[2], "y z");
	assert_int_equal(j->stdin_mode, STDIN_TEXT);
	assert_string_equal(j->stdin_text, "hi\n");
	assert_string_equal(j->params, "{\"k\":[1,{}]}");
	assert_int_equal(j->env.count, 2);
	assert_string_equal(j->env.items[1].key, "B");
	assert_string_equal(j->env.items[1].value, "");
	assert_string_equal(j->env_file, "/etc/reeve/x.env");
	assert_string_equal(j->group, "65534");
	assert_int_equal(j->umask, 077);
	assert_int_equal(j->nice, -5);
	assert_true(j->oom_score_adj_set);
	assert_int_equal(j->oom_score_adj, -1000);
	assert_false(j->no_new_privs);
	assert_true(j->limits->cpu_seconds == 60);
	assert_true(j->limits->core_bytes == 0);
	assert_true(j->limits->memory_max_bytes == 1048576);
	assert_true(j->limits->processes == -1);
	assert_true(job_wants_cgroup(j));
	assert_true(job_needs_loader(j));
	assert_true(exit_set_has(&j->exit_codes->skip, 255));
	assert_false(exit_set_has(&j->exit_codes->skip, 254));
	assert_int_equal(j->secrets.count, 2);
	assert_string_equal(j->secrets.items[0].name, "k");
	assert_string_equal(j->secrets.items[0].file, "/etc/reeve/s/k");
	assert_null(j->secrets.items[0].env);
	assert_string_equal(j->secrets.items[1].env, "E");
	assert_string_equal(j->grants[0], "prune");
	assert_true(j->output_max_bytes == 0);
	assert_true(j->timeout_us == 0);
	assert_true(j->retry.on_lost);
	assert_int_equal(j->retry.max_attempts, 3);
	assert_int_equal(j->breaker.failures, 0);
	assert_true(j->breaker.probe_us == 300 * INT64_C(1000000));
	assert_int_equal(j->overlap, OVERLAP_REPLACE);
	assert_string_equal(j->pool, "p");
	assert_int_equal(j->priority, -9);
	fixture_clear(&f);
}

static void
test_defaults_section(void **state)
{
	struct fixture f =
	    good("{\"defaults\":{\"timeout\":\"10m\",\"retry\":"
		 "{\"maxAttempts\":7},\"env\":{\"A\":\"1\",\"B\":\"2\"},"
		 "\"user\":\"u\",\"command\":\"true\",\"limits\":"
		 "{\"openFiles\":9},\"exitCodes\":{\"success\":[3]}},\n"
		 "\"jobs\":[{\"name\":\"a\"},{\"name\":\"b\",\"user\":null,"
		 "\"env\":{\"B\":\"x\",\"C\":\"3\"},\"timeout\":\"0\","
		 "\"retry\":{\"delay\":\"1s\"},\"limits\":{\"openFiles\":null}"
		 "}]}");
	struct job *a = config_job(f.config, "a");
	struct job *b = config_job(f.config, "b");

	(void)state;
	assert_true(a->timeout_us == 600 * INT64_C(1000000));
	assert_int_equal(a->retry.max_attempts, 7);
	assert_int_equal(a->env.count, 2);
	assert_string_equal(a->command[2], "true");
	assert_true(a->limits->open_files == 9);
	assert_true(exit_set_has(&a->exit_codes->success, 3));
	assert_null(b->user);
	assert_true(b->timeout_us == 0);
	assert_int_equal(b->retry.max_attempts, 7);
	assert_true(b->retry.delay_us == 1000000);
	assert_int_equal(b->env.count, 3);
	assert_string_equal(b->env.items[0].value, "1");
	assert_string_equal(b->env.items[1].value, "x");
	assert_string_equal(b->env.items[2].key, "C");
	assert_true(b->limits->open_files == -1);
	/* what is common is held once */
	assert_ptr_equal(a->exit_codes, b->exit_codes);
	assert_ptr_equal(a->timezone, b->timezone);
	fixture_clear(&f);
	bad("{\"defaults\":{\"name\":\"x\",\"retry\":{\"maxDelay\":3}}}",
	    "1:21: defaults.name: cannot be a default: it is each job's own\n"
	    "1:45: defaults.retry.maxDelay: a duration such as \"90s\" or "
	    "\"1h30m\" is expected, not a number\n");
	bad("{\"defaults\":[]}",
	    "1:13: defaults: an object is expected, not an array\n");
}

static void
test_syntax_errors(void **state)
{
	(void)state;
	bad("{\"jobs\":[\n{},\n]}", "2:3: trailing comma before ]\n");
	bad("", "1:1: there is no value in this text\n");
	bad("[]", "1:1: an object is expected, not an array\n");
	bad("{\"log\":{\"level\":\"info\",\"level\":\"warn\"}}",
	    "1:24: duplicate key \"level\", first in line 1\n");
}

static void
test_keys(void **state)
{
	(void)state;
	bad_job("\"comand\":\"x\"",
	    "2:13: jobs[0]: unknown key \"comand\"; did you mean "
	    "\"command\"?\n"
	    "2:1: jobs[0]: the key \"command\" is missing\n");
	bad_job("\"command\":\"x\",\"maxAttempts\":3",
	    "2:27: jobs[0]: unknown key \"maxAttempts\"; did you mean "
	    "\"maxAttempts\" within \"retry\"?\n");
	bad_job("\"command\":\"x\",\"\\u001b[31m\":3",
	    "2:27: jobs[0]: unknown key \"\\u001b[31m\"\n");
	bad_job("\"command\":\"x\",\"retry\":{\"Delay\":\"5s\"}",
	    "2:36: jobs[0].retry: unknown key \"Delay\"; did you mean "
	    "\"delay\"?\n");
	bad_job("\"command\":\"x\",\"command\":\"y\"",
	    "2:27: jobs[0]: duplicate key \"command\", first in line 2\n");
	bad("{\"jobs\":[{\"command\":\"x\"}]}",
	    "1:10: jobs[0]: the key \"name\" is missing\n");
	bad("{\"jobs\":[3]}",
	    "1:10: jobs[0]: an object is expected, not a number\n");
	bad("{\"jobs\":{}}",
	    "1:9: jobs: an array of jobs is expected, not an object\n");
}

static void
test_all_at_once(void **state)
{
	(void)state;
	bad("{\"timezone\":\"Mars/Base\",\n"
	    " \"shutdownGrace\": 30,\n"
	    " \"api\": {\"listen\": [\"0.0.0.0:80\", \"x\", 5],\n"
	    "   \"tokens\": [{\"name\":\"a\",\"role\":\"admin\"}]},\n"
	    " \"pools\": {\"p\":{}},\n"
	    " \"jobs\": [\n"
	    "  {\"name\":\"Upper\",\"command\":[]},\n"
	    "  {\"name\":\"b\",\"command\":\"  \",\"retry\":"
	    "{\"maxAttempts\":0}}\n"
	    " ]}",
	    "1:13: timezone: unknown time zone \"Mars/Base\": no such file\n"
	    "2:19: shutdownGrace: a duration such as \"90s\" or \"1h30m\" is "
	    "expected, not a number\n"
	    "3:35: api.listen[1]: must be unix:PATH, ADDRESS:PORT or "
	    "[ADDRESS]:PORT\n"
	    "3:40: api.listen[2]: a text is expected, not a number\n"
	    "4:34: api.tokens[0].role: must be one of \"viewer\", "
	    "\"operator\"\n"
	    "4:15: api.tokens[0]: the key \"secret\" is missing\n"
	    "5:16: pools.p: the key \"maxConcurrent\" is missing\n"
	    "7:11: jobs[0].name: must be lower-case letters, digits, dot, "
	    "underscore and dash, beginning with a letter or digit\n"
	    "7:29: jobs[0].command: must have 1 to 10000 elements\n"
	    "8:25: jobs[1].command: must not be empty\n"
	    "8:53: jobs[1].retry.maxAttempts: must be between 1 and 1000\n");
}

static void
test_job_values(void **state)
{
	(void)state;
	bad_job("\"command\":\"x\",\"schedule\":\"0 25 * * *\"",
	    "2:41: jobs[0].schedule: hour: 25 is not within 0-23\n");
	bad_job("\"command\":\"x\",\"schedule\":[\"@every 5m\",7]",
	    "2:51: jobs[0].schedule: a text is expected, not a number\n");
	bad_job("\"command\":\"x\",\"schedule\":[]",
	    "2:38: jobs[0].schedule: must have 1 to 64 elements\n");
	bad_job("\"command\":\"x\",\"timezone\":\"\"",
	    "2:38: jobs[0].timezone: unknown time zone \"\": no such file\n");
	bad_job("\"command\":[\"\",\"x\"]",
	    "2:24: jobs[0].command: the program must not be empty\n");
	bad_job("\"command\":5",
	    "2:23: jobs[0].command: a command (a text, or an array of texts) "
	    "is expected, not a number\n");
	bad_job("\"command\":\"x\",\"env\":{\"REEVE_JOB\":\"y\",\"A=B\":\"\","
		"\"C\":1}",
	    "2:46: jobs[0].env.REEVE_JOB: the name begins with REEVE_, which "
	    "is for Reeve itself\n"
	    "2:56: jobs[0].env[\"A=B\"]: the name must be a name of letters, "
	    "digits and underscore\n"
	    "2:63: jobs[0].env.C: a text is expected, not a number\n");
	bad_job("\"command\":\"x\",\"stdin\":\"yes\"",
	    "2:35: jobs[0].stdin: \"null\", \"request\" or {\"text\": "
	    "\"...\"} is expected, not a text\n");
	bad_job("\"command\":\"x\",\"secrets\":{\"a\":{},"
		"\"b\":{\"file\":\"x\",\"env\":\"Y\"},\"../c\":{\"env\":\"Z\"},"
		"\"d\":{\"env\":\"\"}}",
	    "2:42: jobs[0].secrets.a: exactly one of \"file\" and \"env\" is "
	    "needed\n"
	    "2:49: jobs[0].secrets.b: exactly one of \"file\" and \"env\" is "
	    "needed\n"
	    "2:79: jobs[0].secrets[\"../c\"]: the name must be a file name of "
	    "at most 64 letters, digits, dot, underscore and dash\n"
	    "2:102: jobs[0].secrets.d.env: must be a name of letters, digits "
	    "and underscore\n");
	bad_job("\"command\":\"x\",\"secrets\":{\"reeve-token\":"
		"{\"env\":\"Z\"}}",
	    "2:37: jobs[0].secrets: the name reeve-token is for what "
	    "\"grants\" gives\n");
	bad_job("\"command\":\"x\",\"grants\":[\"root\"]",
	    "2:37: jobs[0].grants[0]: must be database or prune\n");
	bad_job("\"command\":\"x\",\"umask\":\"0800\",\"user\":\"\","
		"\"cwd\":\"srv\"",
	    "2:35: jobs[0].umask: a text of octal digits such as \"022\" is "
	    "expected\n"
	    "2:49: jobs[0].user: must be a name or a number\n"
	    "2:58: jobs[0].cwd: must be an absolute path\n");
	bad_job("\"command\":\"x\",\"exitCodes\":{\"skip\":[1,256],"
		"\"success\":[1.5]}",
	    "2:50: jobs[0].exitCodes.skip[1]: an exit code from 0 to 255 is "
	    "expected\n"
	    "2:66: jobs[0].exitCodes.success[0]: an exit code from 0 to 255 "
	    "is expected\n");
	bad_job("\"command\":\"x\",\"exitCodes\":{\"skip\":[1],"
		"\"success\":[1]}",
	    "2:39: jobs[0].exitCodes: exit code 1 has more than one "
	    "meaning\n");
	bad_job("\"command\":\"x\",\"pool\":\"p\"",
	    "2:34: jobs[0].pool: there is no pool \"p\" under pools\n");
	bad_job("\"command\":\"x\",\"limits\":{\"cpuTime\":\"1500ms\","
		"\"openFiles\":1e30,\"memoryMax\":\"1\"}",
	    "2:47: jobs[0].limits.cpuTime: must be a whole number of "
	    "seconds\n"
	    "2:68: jobs[0].limits.openFiles: must be between 3 and 1048576\n"
	    "2:85: jobs[0].limits.memoryMax: must be at least \"4KiB\"\n");
	bad_job("\"command\":\"x\",\"retry\":{\"multiplier\":0.5,"
		"\"delay\":\"99999999999999w\"},\"timeout\":null",
	    "2:49: jobs[0].retry.multiplier: must be between 1 and 100\n"
	    "2:61: jobs[0].retry.delay: must be between \"0\" and \"30d\"\n"
	    "2:90: jobs[0].timeout: a duration such as \"90s\" or \"1h30m\" "
	    "is expected, not null\n");
}

static void
test_limits(void **state)
{
	char name[64], text[400];
	struct fixture f;

	(void)state;
	memset(name, 'n', sizeof(name));
	name[REEVE_MAX_NAME] = '\0';
	snprintf(text, sizeof(text),
	    "{\"jobs\":[{\"name\":\"%s\",\"command\":\"x\"}]}", name);
	f = good(text);
	fixture_clear(&f);
	name[REEVE_MAX_NAME] = 'n';
	name[REEVE_MAX_NAME + 1] = '\0';
	snprintf(text, sizeof(text),
	    "{\"jobs\":[{\"name\":\"%s\",\"command\":\"x\"}]}", name);
	bad(text, "1:18: jobs[0].name: is longer than 50 bytes\n");
}

static void
test_params_limit(void **state)
{
	struct buf t;
	struct fixture f;
	int extra;

	(void)state;
	buf_init(&t, 0);
	for (extra = 0; extra < 2; extra++) {
		buf_reset(&t);
		buf_addstr(&t, "{\"jobs\":[{\"name\":\"a\",\"command\":\"x\","
			       "\"params\":{\"k\":\"");
		/* {"k":""} is 8 bytes */
		for (int i = 0; i < REEVE_MAX_PARAMS - 8 + extra; i++)
			buf_addch(&t, 'v');
		buf_addstr(&t, "\"}}]}");
		f = load_text(buf_str(&t));
		assert_int_equal(f.result, extra == 0 ? 0 : -EINVAL);
		if (extra > 0)
			assert_string_equal(buf_str(&f.errors),
			    MAIN ":1:45: jobs[0].params: is longer than 65536 "
				 "bytes\n");
		fixture_clear(&f);
	}
	buf_clear(&t);
}

static void
test_reserved(void **state)
{
	static const char *const keys[] = {"blackout", "startsAt", "endsAt",
	    "after", "requires", "runner", "require", "cluster"};
	struct fixture f;
	char text[300];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		snprintf(text, sizeof(text),
		    "{\"jobs\":[{\"name\":\"a\",\"command\":\"x\","
		    "\"%s\":[]}]}",
		    keys[i]);
		f = load_text(text);
		assert_int_equal(f.result, -EINVAL);
		assert_non_null(strstr(buf_str(&f.errors), "does not act on"));
		fixture_clear(&f);
		snprintf(text, sizeof(text),
		    "{\"jobs\":[{\"name\":\"a\",\"command\":\"x\","
		    "\"%s\":null}]}",
		    keys[i]);
		f = good(text);
		fixture_clear(&f);
	}
	f = good("{\"cluster\":{\"enabled\":false}}");
	fixture_clear(&f);
	bad("{\"cluster\":{\"enabled\":true}}",
	    "1:23: cluster.enabled: this version of reeve does not act on "
	    "\"enabled\", and going on without it would not be what it asks "
	    "for; remove the key\n");
}

static void
test_warnings(void **state)
{
	struct fixture f = good(
	    "{\"database\":{\"url\":\"postgresql:///x\"},"
	    "\"alerts\":{\"channels\":[{\"name\":\"c\",\"type\":\"webhook\","
	    "\"url\":{\"env\":\"URL\"}}],\"rules\":[]},\n"
	    "\"jobs\":[{\"name\":\"a\",\"command\":\"x\",\"jitter\":\"5s\"},"
	    "{\"name\":\"b\",\"command\":\"x\",\"jitter\":\"0\"}]}");

	(void)state;
	assert_string_equal(buf_str(&f.warnings),
	    MAIN ":1:20: database.url: warning: this version of reeve does "
		 "not act on \"url\"\n" MAIN
		 ":1:60: alerts.channels: warning: this version of reeve does "
		 "not act on \"channels\"\n" MAIN
		 ":2:44: jobs[0].jitter: warning: this version of reeve does "
		 "not act on \"jitter\"\n");
	assert_string_equal(f.config->alerts.channels[0].url.secret.env, "URL");
	fixture_clear(&f);
}

static void
test_listen(void **state)
{
	static const char *const local[] = {"unix:/x", "unix:rel",
	    "127.0.0.1:0", "127.9.8.7:65535", "[::1]:80"};
	static const char *const remote[] = {
	    "0.0.0.0:80", "[::]:80", "10.0.0.1:1", "[::ffff:1.2.3.4]:9"};
	static const char *const wrong[] = {"", "unix:", "localhost:80",
	    "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
	    "256.0.0.1:1", "1.2.3:4", "1.2.3.4.5:6", "[::1]", "[::1:80",
	    "::1:80", "[g::]:1", "[]:80", ":80", "*:80", "1.2.3.4x:5"};
	struct fixture f;
	char text[300];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
		snprintf(text, sizeof(text), "{\"api\":{\"listen\":[\"%s\"]}}",
		    local[i]);
		f = good(text);
		fixture_clear(&f);
	}
	for (i = 0; i < sizeof(remote) / sizeof(remote[0]); i++) {
		snprintf(text, sizeof(text), "{\"api\":{\"listen\":[\"%s\"]}}",
		    remote[i]);
		bad(text,
		    "1:19: api.listen[0]: this address can be reached from "
		    "other machines: it needs at least one token under "
		    "api.tokens\n");
		snprintf(text, sizeof(text),
		    "{\"api\":{\"listen\":[\"%s\"],\"tokens\":[{\"name\":"
		    "\"t\",\"role\":\"viewer\",\"secret\":{\"env\":\"T\"}}]}}",
		    remote[i]);
		f = good(text);
		assert_int_equal(f.config->api.tokens[0].role, ROLE_VIEWER);
		fixture_clear(&f);
	}
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(text, sizeof(text), "{\"api\":{\"listen\":[\"%s\"]}}",
		    wrong[i]);
		f = load_text(text);
		assert_int_equal(f.result, -EINVAL);
		assert_non_null(strstr(buf_str(&f.errors), "api.listen[0]: "));
		fixture_clear(&f);
	}
}

static void
test_names(void **state)
{
	(void)state;
	bad("{\"jobs\":[{\"name\":\"a-b\",\"command\":\"x\"},\n"
	    "{\"name\":\"a-b\",\"command\":\"x\"},\n"
	    "{\"name\":\"a.b\",\"command\":\"x\"},\n"
	    "{\"name\":\"ab\",\"command\":\"x\"}]}",
	    "2:9: jobs[1].name: the name a-b is taken by " MAIN ":1\n"
	    "3:9: jobs[2].name: the name a.b is the same in camel case (aB) "
	    "as a-b at " MAIN ":1\n");
}

static void
test_files(void **state)
{
	static const struct fixture_file files[] = {
	    {MAIN, "{\"jobs\":[{\"name\":\"m\",\"command\":\"x\"}]}"},
	    {"/etc/reeve/jobs.d/a.json",
		"// one\n{\"name\":\"one\",\"command\":\"x\","
		"\"envFile\":\"e\"}\n"},
	    {"/etc/reeve/jobs.d/b.json", "[{\"name\":\"z\",\"command\":\"x\"},"
					 "{\"name\":\"b\",\"command\":\"x\"}]"},
	    {"/etc/reeve/jobs.d/c.json", "[]"},
	};
	static const struct fixture_file wrong[] = {
	    {MAIN, "{\"jobs\":[{\"name\":\"m\",\"command\":\"x\"}]}"},
	    {"/j/a.json", "{\"name\":\"m\",\"command\":\"x\"}"},
	    {"/j/b.json", "[{\"name\":\"x\",\"command\":\"x\","
			  "\"retry\":5},{}]"},
	    {"/j/c.json", "5"},
	    {"/j/d\n.json", "{"},
	    {"/j/e.json", "{\"jobs\":[]}"},
	};
	struct fixture f = load_files(files, 4);

	(void)state;
	assert_int_equal(f.result, 0);
	assert_int_equal(f.config->njobs, 4);
	assert_string_equal(f.config->jobs[0]->name, "b");
	assert_string_equal(f.config->jobs[3]->name, "z");
	assert_string_equal(
	    config_job(f.config, "one")->env_file, "/etc/reeve/jobs.d/e");
	assert_int_equal(config_job(f.config, "one")->line, 2);
	fixture_clear(&f);
	f = load_files(wrong, 6);
	assert_string_equal(buf_str(&f.errors),
	    "/j/a.json:1:9: name: the name m is taken by " MAIN ":1\n"
	    "/j/b.json:1:36: [0].retry: an object is expected, not a number\n"
	    "/j/b.json:1:39: [1]: the key \"name\" is missing\n"
	    "/j/b.json:1:39: [1]: the key \"command\" is missing\n"
	    "/j/c.json:1:1: one job (an object) or an array of jobs is "
	    "expected\n"
	    "/j/d?.json:1:2: the text ends too early: the object that begins "
	    "in line 1 is not closed\n"
	    "/j/e.json:1:2: unknown key \"jobs\"\n"
	    "/j/e.json:1:1: the key \"name\" is missing\n"
	    "/j/e.json:1:1: the key \"command\" is missing\n");
	fixture_clear(&f);
}

static void
test_file_errors(void **state)
{
	struct config_load *l = config_load_new(fixture_zone, NULL);
	struct config *c = NULL;
	struct buf errors, warnings;

	(void)state;
	buf_init(&errors, 0);
	buf_init(&warnings, 0);
	config_load_error(l, "/a", "%s", "cannot be read");
	config_load_file(l, "/b", strdup("{"), 1);
	config_load_dirs(l, "/s", NULL, "/w");
	assert_int_equal(
	    config_load_finish(l, &c, &errors, &warnings), -EINVAL);
	assert_string_equal(buf_str(&errors),
	    "/a: cannot be read\n"
	    "/b:1:2: the text ends too early: the object that begins in line "
	    "1 is not closed\n");
	buf_clear(&errors);
	buf_clear(&warnings);
	/* given up in the middle */
	l = config_load_new(fixture_zone, NULL);
	config_load_file(l, "/b", strdup("{\"jobs\":[{\"name\":\"a\"}]}"), 23);
	assert_int_equal(config_load_step(l), 1);
	assert_int_equal(config_load_step(l), 1);
	config_load_free(l);
	config_load_free(NULL);
}

static void
test_built_in_dirs(void **state)
{
	static const char text[] =
	    "{\"stateDir\":\"rel\",\"log\":{\"file\":\"l\"}}";
	struct config_load *l = config_load_new(fixture_zone, NULL);
	struct config *c = NULL;

	(void)state;
	config_load_dirs(l, "/s", "/r", NULL);
	config_load_file(l, "/etc/x/m.json", strdup(text), strlen(text));
	assert_int_equal(config_load_finish(l, &c, NULL, NULL), 0);
	assert_string_equal(c->state_dir, "/etc/x/rel");
	assert_string_equal(c->run_dir, "/r");
	assert_string_equal(c->workers_dir, "/usr/libexec/reeve/workers");
	assert_string_equal(c->log.file, "/etc/x/rel/l");
	assert_string_equal(c->api.listen[0], "unix:/r/reeved.sock");
	config_free(c);
}

static void
test_many_errors(void **state)
{
	struct buf t;
	struct fixture f;
	const char *p;
	int i, lines = 0;

	(void)state;
	buf_init(&t, 0);
	buf_addstr(&t, "{\"jobs\":[");
	for (i = 0; i < 1500; i++)
		buf_addf(&t, "%s5", i == 0 ? "" : ",");
	buf_addstr(&t, "]}");
	f = load_text(buf_str(&t));
	for (p = buf_str(&f.errors); (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	assert_int_equal(lines, 1001);
	assert_non_null(strstr(buf_str(&f.errors), "\n500 more errors\n"));
	fixture_clear(&f);
	buf_clear(&t);
}

static void
test_quota(void **state)
{
	struct fixture f =
	    good("{\"quota\":{\"maps\":{\"limits\":{\"default\":5}},"
		 "\"youtube\":{\"limits\":{\"default\":7}}}}");
	struct config *c = f.config;

	(void)state;
	assert_int_equal(c->nquotas, 2);
	assert_string_equal(c->quotas[0].timezone, "UTC");
	assert_ptr_equal(c->quotas[0].zone, zone_utc());
	assert_int_equal(c->quotas[0].nbuckets, 1);
	assert_int_equal(c->quotas[1].buckets[0].limit, 7);
	assert_string_equal(c->quotas[1].buckets[1].id, "search_list");
	fixture_clear(&f);
	bad("{\"quota\":{\"y\":{\"limits\":{\"a\":-1}}}}",
	    "1:30: quota.y.limits.a: a whole number between 0 and "
	    "1000000000000 is expected\n");
}

static const char rich[] =
    "{\"timezone\":\"Europe/Berlin\",\"node\":\"n\",\"maxConcurrent\":5,"
    "\"pools\":{\"p\":{\"maxConcurrent\":2}},"
    "\"api\":{\"tokens\":[{\"name\":\"t\",\"role\":\"operator\",\"secret\":"
    "{\"file\":\"t\"}}],\"hosts\":[\"h\"],\"socketGroup\":\"g\"},"
    "\"alerts\":{\"channels\":[{\"name\":\"c\",\"type\":\"command\","
    "\"command\":[\"x\"],\"secret\":{\"env\":\"S\"}}],\"rules\":[{\"on\":"
    "\"late\",\"channels\":[\"c\"]}]},"
    "\"defaults\":{\"breaker\":{\"probe\":\"1m\"},\"nice\":5},"
    "\"jobs\":[{\"name\":\"b\",\"command\":[\"x\",\"\\u2028\"],"
    "\"schedule\":[\"5 4 * * 1\",\"@every 2h\"],\"oomScoreAdj\":1,"
    "\"env\":{\"A\":\"s3cret\"},\"params\":{\"a\":{\"b\":[]}},"
    "\"limits\":{\"addressSpace\":\"1GiB\",\"pidsMax\":4},"
    "\"exitCodes\":{\"permanent\":[1,2,3]},\"secrets\":{\"x\":{\"env\":"
    "\"X\"}},\"stdin\":{\"text\":\"t\"},\"pool\":\"p\"},"
    "{\"name\":\"a\",\"command\":\"y\",\"stdin\":\"request\","
    "\"overlap\":\"queue\",\"breaker\":{\"probe\":null}}]}";

static int changes;

static void
count_change(void *arg, enum config_change change, const char *name,
    const struct job *before, const struct job *after)
{
	struct buf *out = arg;

	changes++;
	buf_addf(out, "%d %s %d%d\n", (int)change, name, before != NULL,
	    after != NULL);
}

static void
diff(const char *a, const char *b, const char *want)
{
	struct fixture before = good(a), after = good(b);
	struct config_diff_pos pos = {0};
	struct buf out;
	int steps = 0;

	buf_init(&out, 0);
	changes = 0;
	while (config_diff(before.config, after.config, &pos, 1, count_change,
		   &out) > 0)
		assert_true(steps++ < 100);
	assert_string_equal(buf_str(&out), want);
	buf_clear(&out);
	fixture_clear(&before);
	fixture_clear(&after);
}

static void
test_dump_round_trip(void **state)
{
	struct fixture f = good(rich), again;
	struct buf one, two;

	(void)state;
	buf_init(&one, 0);
	buf_init(&two, 0);
	config_dump(f.config, &one);
	again = good(buf_str(&one));
	config_dump(again.config, &two);
	assert_string_equal(buf_str(&one), buf_str(&two));
	diff(rich, buf_str(&one), "");
	assert_true(config_job(f.config, "b")->hash ==
		    config_job(again.config, "b")->hash);
	fixture_clear(&f);
	fixture_clear(&again);
	buf_clear(&one);
	buf_clear(&two);
}

static void
test_dump_masks(void **state)
{
	static const char *const urls[][2] = {
	    {"postgresql://u:hunter2@h:5/db", "postgresql://u:***@h:5/db"},
	    {"postgresql://u:hun@ter2@h/db", "postgresql://u:***@h/db"},
	    {"postgresql://u@h/db?x=1&password=hunter2&y=2",
		"postgresql://u@h/db?x=1&password=***&y=2"},
	    {"host=h password=hunter2 user=u", "host=h password=*** user=u"},
	    {"host=h PASSWORD = 'hunter2'", "host=h PASSWORD = '***'"},
	    {"postgresql:///reeve", "postgresql:///reeve"},
	};
	struct fixture f;
	struct buf out;
	char text[300];
	size_t i;

	(void)state;
	buf_init(&out, 0);
	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		snprintf(text, sizeof(text), "{\"database\":{\"url\":\"%s\"}}",
		    urls[i][0]);
		f = good(text);
		buf_reset(&out);
		config_dump(f.config, &out);
		assert_null(strstr(buf_str(&out), "hunter2"));
		assert_null(strstr(buf_str(&out), "ter2"));
		assert_non_null(strstr(buf_str(&out), urls[i][1]));
		fixture_clear(&f);
	}
	f = good(rich);
	buf_reset(&out);
	config_dump_job(config_job(f.config, "b"), &out);
	assert_null(strstr(buf_str(&out), "s3cret"));
	assert_non_null(strstr(buf_str(&out), "\"env\":{\"A\":\"***\"}"));
	assert_non_null(strstr(buf_str(&out), "\"command\":[\"x\","));
	fixture_clear(&f);
	buf_clear(&out);
}

#define JOB(name, more) "{\"name\":\"" name "\",\"command\":\"x\"" more "}"

static void
test_diff(void **state)
{
	(void)state;
	diff("{}", "{}", "");
	diff("{\"jobs\":[" JOB("a", "") "," JOB("b", "") "," JOB("c", "") "]}",
	    "{\"jobs\":[" JOB("d", "") "," JOB("c", ",\"nice\":1") "," JOB(
		"a", "") "]}",
	    "1 b 10\n2 c 11\n0 d 01\n");
	/* the same said otherwise is the same */
	diff("{\"jobs\":[" JOB("a", ",\"timeout\":\"60m\",\"env\":{},"
				    "\"retry\":{}") "]}",
	    "{\"defaults\":{\"timeout\":\"1h\"},\"timezone\":\"UTC\","
	    "\"jobs\":[ " JOB("a", "") "]}",
	    "");
	/* the zone is part of a job */
	diff("{\"jobs\":[" JOB("a", "") "]}",
	    "{\"timezone\":\"Europe/Berlin\",\"jobs\":[" JOB("a", "") "]}",
	    "3 timezone 00\n2 a 11\n");
	diff("{\"log\":{\"level\":\"info\"}}",
	    "{\"log\":{\"level\":\"warn\"},\"stateDir\":\"/x\","
	    "\"history\":{\"keep\":\"31d\"}}",
	    "4 stateDir 00\n3 log.level 00\n3 history.keep 00\n");
	diff("{\"database\":{\"url\":\"postgresql://u:a@h\"}}",
	    "{\"database\":{\"url\":\"postgresql://u:b@h\"}}",
	    "4 database.url 00\n");
}

/* A job outlives its configuration. */
static void
test_job_lives_on(void **state)
{
	struct fixture f = good(rich);
	struct job *j = job_ref(config_job(f.config, "b"));
	char hash[JOB_HASH_TEXT_BYTES];

	(void)state;
	fixture_clear(&f);
	assert_string_equal(j->timezone, "Europe/Berlin");
	assert_string_equal(j->command[0], "x");
	assert_int_equal(j->schedule->count, 2);
	assert_string_equal(j->file, MAIN);
	assert_true(j->limits->pids_max == 4);
	assert_int_equal(strlen(job_hash_text(j, hash)), 16);
	job_unref(j);
	job_unref(NULL);
}

static double
cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Names out of order, so that sorting has something to do. */
static char *
many_jobs(unsigned count, size_t *ret_len)
{
	struct buf t;
	unsigned i;

	buf_init(&t, 0);
	buf_addstr(&t, "{\"jobs\":[\n");
	for (i = 0; i < count; i++) {
		unsigned n = (unsigned)((i * UINT64_C(7919)) % count);

		buf_addf(&t,
		    "%s{\"name\":\"job-%06u\",\"schedule\":\"%u %u * * *\","
		    "\"command\":[\"/usr/bin/true\",\"%u\"],"
		    "\"timeout\":\"10m\",\"retry\":{\"maxAttempts\":5}}",
		    i == 0 ? "" : ",\n", n, n % 60, n / 60 % 24, n);
	}
	buf_addstr(&t, "]}\n");
	*ret_len = t.len;
	return buf_steal(&t);
}

/*
 * Generous bounds, for sanitizers and busy machines; the figures are printed.
 * What this would catch is anything quadratic, or a copy of the defaults in
 * each job.
 */
static void
test_hundred_thousand(void **state)
{
	const unsigned count = 100000;
	struct config_load *l = config_load_new(fixture_zone, NULL);
	struct config *c = NULL;
	size_t len, used = mallinfo2().uordblks;
	char *text = many_jobs(count, &len);
	double begin = cpu_ms(), before, worst = 0;
	unsigned i, steps = 0;
	int r;

	(void)state;
	config_load_file(l, MAIN, text, len);
	do {
		before = cpu_ms();
		r = config_load_step(l);
		if (cpu_ms() - before > worst)
			worst = cpu_ms() - before;
		steps++;
	} while (r > 0);
	assert_int_equal(config_load_finish(l, &c, NULL, NULL), 0);
	print_message("# %u jobs of %zu bytes: %.0f ms, %u steps, worst "
		      "%.2f ms, %zu KiB\n",
	    count, len, cpu_ms() - begin, steps, worst,
	    (mallinfo2().uordblks - used) / 1024);
	assert_int_equal(c->njobs, count);
	for (i = 1; i < count; i++)
		assert_true(strcmp(c->jobs[i - 1]->name, c->jobs[i]->name) < 0);
	assert_true(cpu_ms() - begin < 20000);
	assert_true(steps > 1000);
	/* 0 where a sanitizer's own allocator is at work */
	assert_true(mallinfo2().uordblks - used < (size_t)60 << 20 ||
		    mallinfo2().uordblks < used);
	while (config_free_some(c) > 0)
		continue;
}

static void
test_too_many(void **state)
{
	size_t len;
	char *text = many_jobs(REEVE_MAX_JOBS + 2, &len);
	struct fixture_file file = {MAIN, text};
	struct fixture f = load_files(&file, 1);

	(void)state;
	assert_int_equal(f.result, -EINVAL);
	assert_string_equal(buf_str(&f.errors),
	    MAIN ":200002:1: jobs[200000]: more than 200000 jobs\n");
	fixture_clear(&f);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_job_defaults),
	    cmocka_unit_test(test_job_everything),
	    cmocka_unit_test(test_defaults_section),
	    cmocka_unit_test(test_syntax_errors),
	    cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_all_at_once),
	    cmocka_unit_test(test_job_values),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_params_limit),
	    cmocka_unit_test(test_reserved),
	    cmocka_unit_test(test_warnings),
	    cmocka_unit_test(test_listen),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_files),
	    cmocka_unit_test(test_file_errors),
	    cmocka_unit_test(test_built_in_dirs),
	    cmocka_unit_test(test_many_errors),
	    cmocka_unit_test(test_quota),
	    cmocka_unit_test(test_dump_round_trip),
	    cmocka_unit_test(test_dump_masks),
	    cmocka_unit_test(test_diff),
	    cmocka_unit_test(test_job_lives_on),
	    cmocka_unit_test(test_hundred_thousand),
	    cmocka_unit_test(test_too_many),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
