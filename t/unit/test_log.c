/*
 * test_log.c - log lines through real pipes, sockets and files.
 *
 * Each scenario runs in a child whose standard streams are what the test
 * gives it; the parent reads what came and checks every line with the parser.
 * A child that blocks is ended by its alarm, and the test fails.
 */
#include <config.h>

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/text.h"

#define CHILD_DEADLINE_S 20
#define LINE_MAX_BYTES	 (64 * 1024)

typedef void scenario_fn(void);

/* A child's way to say "go on" and to wait for it, besides the log. */
static int to_parent[2], to_child[2];

static void
tell(int fd)
{
	if (write(fd, "x", 1) != 1)
		_exit(90);
}

static void
wait_told(int fd)
{
	char c;

	if (read(fd, &c, 1) != 1)
		_exit(91);
}

/* Run `fn` with `out` and `err` as standard streams; returns the child. */
static pid_t
start(scenario_fn *fn, int out, int err)
{
	pid_t pid;

	assert_int_equal(pipe2(to_parent, O_CLOEXEC), 0);
	assert_int_equal(pipe2(to_child, O_CLOEXEC), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(CHILD_DEADLINE_S);
		signal(SIGPIPE, SIG_IGN);
		if (out >= 0 ? dup2(out, 1) < 0 : close(1) < 0)
			_exit(92);
		if (err >= 0 ? dup2(err, 2) < 0 : close(2) < 0)
			_exit(92);
		if (out > 2)
			close(out);
		if (err > 2 && err != out)
			close(err);
		close(to_parent[0]);
		close(to_child[1]);
		fn();
		_exit(0);
	}
	close(to_parent[1]);
	close(to_child[0]);
	return pid;
}

/* The child has ended well. */
static void
finish(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(to_parent[0]);
	close(to_child[1]);
}

static void
read_to_eof(int fd, struct buf *b)
{
	char chunk[4096];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		buf_add(b, chunk, (size_t)n);
	assert_int_equal(n, 0);
	close(fd);
}

/* Run a scenario to its end, with what both streams said. */
static void
run(scenario_fn *fn, struct buf *out, struct buf *err)
{
	int o[2], e[2];
	pid_t pid;

	assert_int_equal(pipe2(o, O_CLOEXEC), 0);
	assert_int_equal(pipe2(e, O_CLOEXEC), 0);
	pid = start(fn, o[1], e[1]);
	close(o[1]);
	close(e[1]);
	buf_init(out, 0);
	buf_init(err, 0);
	read_to_eof(o[0], out);
	read_to_eof(e[0], err);
	finish(pid);
}

/* No byte but the newline may act on a terminal or a line. */
static void
assert_harmless(const char *line, size_t len)
{
	size_t i, n;
	uint32_t code;

	for (i = 0; i < len; i += n) {
		n = text_utf8_char(line + i, len - i, &code);
		assert_int_not_equal(n, 0);
		assert_true(code >= 0x20 && (code < 0x7f || code >= 0xa0));
		assert_true(code != 0x2028 && code != 0x2029);
	}
}

/* Take the next line off `b` (from *pos) as a tree; NULL at the end. */
static struct json *
next_line(const struct buf *b, size_t *pos)
{
	const char *line = buf_str(b) + *pos, *end;
	const struct json *at;
	struct json_error err;
	struct json *v;
	int64_t us;

	if (*pos == b->len)
		return NULL;
	end = memchr(line, '\n', b->len - *pos);
	assert_non_null(end);
	assert_true(end + 1 - line <= LINE_MAX_BYTES);
	assert_harmless(line, (size_t)(end - line));
	if (json_parse(line, (size_t)(end - line), NULL, &v, &err) < 0)
		fail_msg("%s: %.*s", err.message, (int)(end - line), line);
	assert_int_equal(v->type, JSON_OBJECT);
	at = json_get(v, "timestamp");
	assert_non_null(at);
	assert_int_equal(clock_iso_parse(at->text, &us), 0);
	assert_int_equal(at->len, 24);
	assert_non_null(json_get_str(v, "level"));
	assert_non_null(json_get_str(v, "context"));
	assert_non_null(json_get_str(v, "message"));
	*pos += (size_t)(end + 1 - line);
	return v;
}

static int64_t
data_int(const struct json *v, const char *key)
{
	int64_t n;

	assert_int_equal(json_int(json_get(json_get(v, "data"), key), &n), 0);
	return n;
}

/* ---- where lines go, and their shape ---- */

static void
say_all_levels(void)
{
	log_debug("Test", "not at this level", LF_INT("n", 0));
	log_info("JobRunner", "Executing job", LF_STR("job", "disk"),
	    LF_INT("attempt", 1), LF_BOOL("forced", true), LF_STR("none", NULL),
	    LF_JSON("result", "{\"free\":[1,2]}"), LF_JSON("nothing", NULL));
	log_warn("Test", "careful", LF_INT("n", INT64_MIN));
	log_error("Test", "broken", LF_INT("n", INT64_MAX));
	log_set_level(LOG_DEBUG);
	log_plain(LOG_DEBUG, "Test", "plain");
	log_set_level(LOG_ERROR);
	log_plain(LOG_WARN, "Test", "not this one");
	log_info("Test", "nor this one", LF_INT("n", 0));
}

static void
test_shape_and_place(void **state)
{
	static const char rest[] =
	    "\"level\":\"info\",\"context\":\"JobRunner\","
	    "\"message\":\"Executing job\",\"data\":{\"job\":\"disk\","
	    "\"attempt\":1,\"forced\":true,\"none\":null,"
	    "\"result\":{\"free\":[1,2]},\"nothing\":null}}\n";
	struct buf out, err;
	struct json *v;
	size_t pos = 0;

	(void)state;
	run(say_all_levels, &out, &err);
	assert_memory_equal(out.data, "{\"timestamp\":\"20", 16);
	assert_memory_equal(out.data + 38, "\",", 2);
	assert_memory_equal(out.data + 40, rest, strlen(rest));
	json_free(next_line(&out, &pos));
	v = next_line(&out, &pos);
	assert_string_equal(json_get_str(v, "message"), "plain");
	assert_string_equal(json_get_str(v, "level"), "debug");
	assert_null(json_get(v, "data"));
	json_free(v);
	assert_null(next_line(&out, &pos));
	pos = 0;
	v = next_line(&err, &pos);
	assert_string_equal(json_get_str(v, "level"), "warn");
	assert_true(data_int(v, "n") == INT64_MIN);
	json_free(v);
	v = next_line(&err, &pos);
	assert_string_equal(json_get_str(v, "level"), "error");
	assert_true(data_int(v, "n") == INT64_MAX);
	json_free(v);
	assert_null(next_line(&err, &pos));
	buf_clear(&out);
	buf_clear(&err);
}

static void
keep_errno(void)
{
	errno = EXDEV;
	log_info("Test", "first", LF_INT("n", 1));
	log_flush();
	if (errno != EXDEV)
		_exit(1);
	close(1);
	close(2);
	log_open(NULL) == 0 ? (void)0 : _exit(2);
	errno = EXDEV;
	log_info("Test", "nowhere", LF_INT("n", 1));
	if (errno != EXDEV || log_dropped() != 1)
		_exit(3);
	log_close();
	log_close();
}

static void
test_errno_is_kept(void **state)
{
	struct buf out, err;

	(void)state;
	run(keep_errno, &out, &err);
	buf_clear(&out);
	buf_clear(&err);
}

/* ---- hostile text ---- */

static const char forged[] = "x\n{\"timestamp\":\"forged\"}\r\n\x1b[2J\x07"
			     "\x7f\xc2\x9b"
			     "31m\xe2\x80\xa8\xe2\x80\xa9"
			     "\xff\xc0\x80\xed\xa0\x80\"},\\";

static void
say_hostile(void)
{
	char all[256];
	int i;

	for (i = 0; i < 255; i++)
		all[i] = (char)(i + 1);
	all[255] = '\0';
	log_info(forged, forged, LF_STR(forged, forged), LF_STR("all", all));
	log_info("Test", "json",
	    LF_JSON("pretty", "{\n\t\"a\":\r\n 1,\n\"b\":\"\x7f\xc2\x85"
			      "\xe2\x80\xa8\xff"
			      "\xc3\xa4\\n\"}"),
	    LF_INT("after", 5));
}

static void
test_hostile_text(void **state)
{
	const struct json *v;
	struct buf out, err, expect;
	struct json *line;
	size_t pos = 0;

	(void)state;
	run(say_hostile, &out, &err);
	line = next_line(&out, &pos);
	buf_init(&expect, 0);
	text_utf8_scrub(&expect, forged, sizeof(forged) - 1);
	assert_string_equal(json_get_str(line, "message"), buf_str(&expect));
	assert_string_equal(
	    json_get_str(json_get(line, "data"), buf_str(&expect)),
	    buf_str(&expect));
	json_free(line);
	line = next_line(&out, &pos);
	v = json_get(json_get(line, "data"), "pretty");
	assert_non_null(v);
	assert_int_equal(v->type, JSON_OBJECT);
	assert_string_equal(json_get_str(v, "b"),
	    "\x7f\xc2\x85\xe2\x80\xa8\xef\xbf\xbd\xc3\xa4\n");
	assert_true(data_int(line, "after") == 5);
	json_free(line);
	assert_null(next_line(&out, &pos));
	buf_clear(&expect);
	buf_clear(&out);
	buf_clear(&err);
}

/* ---- long text ---- */

static void
say_long(void)
{
	static char text[20001], json[20001];
	int shift;

	/* characters of three bytes, cut at each of their places */
	for (shift = 0; shift < 3; shift++) {
		memset(text, 'a', (size_t)shift);
		for (size_t i = (size_t)shift; i + 3 < sizeof(text); i += 3)
			memcpy(text + i, "\xe2\x82\xac", 4);
		log_info("Test", "long", LF_STR("v", text), LF_INT("n", 1));
	}
	memset(json, '[', 10000);
	memset(json + 10000, ']', 10000);
	log_info("Test", "long json", LF_JSON("v", json), LF_INT("n", 1));
	/* the worst: each byte becomes six */
	memset(text, '\x01', sizeof(text) - 1);
	log_info(text, text, LF_STR(text, text), LF_INT("small", 7),
	    LF_STR("b", text), LF_STR("c", text), LF_INT("last", 8));
	log_info("Test", "next", LF_INT("n", 2));
	log_close();
}

static void
test_long_text_is_cut(void **state)
{
	static const char mark[] = "\xe2\x80\xa6";
	struct buf out, err;
	struct json *line;
	const struct json *v;
	size_t pos = 0;
	int i;

	(void)state;
	run(say_long, &out, &err);
	for (i = 0; i < 4; i++) {
		line = next_line(&out, &pos);
		v = json_get(json_get(line, "data"), "v");
		assert_int_equal(v->type, JSON_STRING);
		assert_true(v->len > 8192 - 3 && v->len <= 8192 + 3);
		assert_string_equal(v->text + v->len - 3, mark);
		assert_int_equal(text_utf8_valid(v->text, v->len), v->len);
		assert_true(strstr(v->text, "\xef\xbf\xbd") == NULL);
		assert_true(data_int(line, "n") == 1);
		json_free(line);
	}
	line = next_line(&out, &pos);
	v = json_get(line, "data");
	assert_true(json_get(v, "truncated")->boolean);
	/* what is small still fits */
	assert_true(data_int(line, "small") == 7);
	assert_true(data_int(line, "last") == 8);
	json_free(line);
	line = next_line(&out, &pos);
	assert_true(data_int(line, "n") == 2);
	json_free(line);
	assert_null(next_line(&out, &pos));
	buf_clear(&out);
	buf_clear(&err);
}

/* ---- a reader that does not read ---- */

#define FLOOD  6000
#define AFTER  50
#define NOTICE "Log lines dropped"

static bool
is_told(int fd, int wait_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, wait_ms) == 1;
}

/* Far more than a pipe and the waiting lines hold, then a sign of life. */
static void
flood(void)
{
	static char filler[6000];
	int64_t i;

	memset(filler, 'f', sizeof(filler) - 1);
	for (i = 0; i < FLOOD; i++)
		/* every 50th is longer than a pipe takes in one piece */
		log_info("Flood", "line", LF_INT("n", i),
		    LF_STR("fill", i % 50 == 0 ? filler : "some text"));
	if (log_dropped() == 0)
		_exit(3);
	tell(to_parent[1]);
	while (!is_told(to_child[0], 1))
		log_flush();
	/* there is room now: nothing more is lost */
	for (i = FLOOD; i < FLOOD + AFTER; i++)
		log_info("Flood", "line", LF_INT("n", i));
	log_close();
}

/* Read on until `text` has come. */
static void
read_until(int fd, struct buf *b, const char *text)
{
	size_t from = 0, back = strlen(text);
	char chunk[4096];
	ssize_t n;

	while (b->len == 0 || strstr(b->data + from, text) == NULL) {
		from = b->len > back ? b->len - back : 0;
		n = read(fd, chunk, sizeof(chunk));
		assert_true(n > 0);
		buf_add(b, chunk, (size_t)n);
	}
}

/* Lines in order, none in pieces; what is missing is told exactly. */
static void
check_flood(const struct buf *b)
{
	int64_t told = 0, seen = 0, n;
	struct json *v;
	size_t pos = 0;
	int notices = 0;

	while ((v = next_line(b, &pos)) != NULL) {
		if (strcmp(json_get_str(v, "message"), "line") == 0) {
			n = data_int(v, "n");
			/* the notice stands where lines are missing */
			assert_true(n == seen + told);
			seen++;
		} else {
			assert_string_equal(json_get_str(v, "message"), NOTICE);
			assert_string_equal(json_get_str(v, "level"), "warn");
			n = data_int(v, "dropped");
			assert_true(n > 0);
			told += n;
			notices++;
		}
		json_free(v);
	}
	assert_true(seen + told == FLOOD + AFTER);
	assert_int_equal(notices, 1);
	/* a pipe or socket and 256 KiB were kept */
	assert_true(seen > 1000);
}

static void
flood_through(scenario_fn *fn, int reader, int writer)
{
	int flags = fcntl(writer, F_GETFL);
	struct buf b;
	pid_t pid;

	buf_init(&b, 0);
	pid = start(fn, writer, writer);
	wait_told(to_parent[0]);
	/* the description that others share is as it was */
	assert_int_equal(fcntl(writer, F_GETFL), flags);
	close(writer);
	read_until(reader, &b, NOTICE);
	tell(to_child[1]);
	read_to_eof(reader, &b);
	finish(pid);
	check_flood(&b);
	buf_clear(&b);
}

static void
test_full_pipe(void **state)
{
	int p[2];

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	flood_through(flood, p[0], p[1]);
}

static void
test_full_socket(void **state)
{
	int p[2];

	(void)state;
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p), 0);
	flood_through(flood, p[0], p[1]);
}

/* Both streams in one pipe: lines of both, whole and in order. */
static void
alternate(void)
{
	static char filler[7000];
	int64_t i;

	memset(filler, 'f', sizeof(filler) - 1);
	for (i = 0; i < 36; i++)
		log_write(i % 2 == 0 ? LOG_INFO : LOG_WARN, "Test", "line",
		    LF_INT("n", i), LF_STR("fill", filler));
	if (log_dropped() != 0)
		_exit(3);
	tell(to_parent[1]);
	while (!is_told(to_child[0], 1))
		log_flush();
	log_close();
}

static void
test_one_pipe_for_both(void **state)
{
	struct buf b;
	struct json *v;
	size_t pos = 0;
	int64_t i;
	int p[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	/* small: most lines go out in pieces */
	assert_true(fcntl(p[1], F_SETPIPE_SZ, 4096) > 0);
	pid = start(alternate, p[1], p[1]);
	close(p[1]);
	wait_told(to_parent[0]);
	buf_init(&b, 0);
	read_until(p[0], &b, "\"n\":35,");
	tell(to_child[1]);
	read_to_eof(p[0], &b);
	finish(pid);
	for (i = 0; i < 36; i++) {
		v = next_line(&b, &pos);
		assert_non_null(v);
		assert_true(data_int(v, "n") == i);
		json_free(v);
	}
	assert_null(next_line(&b, &pos));
	buf_clear(&b);
}

static void
say_many(void)
{
	int64_t i;

	for (i = 0; i < 20000; i++)
		log_warn("Test", "line", LF_INT("n", i));
	if (log_dropped() == 0 || log_dropped() >= 20000)
		_exit(3);
	log_close();
}

static void
test_dead_reader(void **state)
{
	int p[2];

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	close(p[0]);
	finish(start(say_many, p[1], p[1]));
	close(p[1]);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p), 0);
	close(p[0]);
	finish(start(say_many, p[1], p[1]));
	close(p[1]);
}

static void
test_full_disk(void **state)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	finish(start(say_many, fd, fd));
	close(fd);
}

static void
say_nowhere(void)
{
	log_info("Test", "nobody hears", LF_INT("n", 1));
	log_error("Test", "nobody hears", LF_INT("n", 1));
	log_flush();
	if (log_dropped() != 2)
		_exit(3);
	log_close();
}

static void
test_closed_streams(void **state)
{
	(void)state;
	finish(start(say_nowhere, -1, -1));
}

/* A pipe that cannot be opened again, being another user's. */
static void
flood_as_nobody(void)
{
	if (setuid(65534) < 0)
		_exit(4);
	flood();
}

static void
test_pipe_of_another_user(void **state)
{
	int p[2];

	(void)state;
	/* cmocka's skip() is a failure in TAP */
	if (geteuid() != 0)
		return;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	flood_through(flood_as_nobody, p[0], p[1]);
}

/* ---- files ---- */

static char dir[64];

static int
enter_directory(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/reeve-log.XXXXXX");
	return mkdtemp(dir) == NULL || chdir(dir) < 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int
leave_directory(void **state)
{
	(void)state;
	return chdir("/") < 0 ||
	       nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0;
}

static void
rotate(void)
{
	umask(0);
	log_info("Test", "line", LF_INT("n", 0));
	if (log_open("log") != 0)
		_exit(1);
	log_info("Test", "line", LF_INT("n", 1));
	log_error("Test", "line", LF_INT("n", 2));
	if (rename("log", "log.1") < 0 || chdir("/") < 0)
		_exit(2);
	log_info("Test", "line", LF_INT("n", 3));
	if (log_reopen() != 0)
		_exit(3);
	log_info("Test", "line", LF_INT("n", 4));
	/* what cannot be opened changes nothing */
	if (log_open("/nowhere/log") != -ENOENT)
		_exit(4);
	log_info("Test", "line", LF_INT("n", 5));
	if (log_open(NULL) != 0 || log_reopen() != 0)
		_exit(5);
	log_info("Test", "line", LF_INT("n", 6));
	log_error("Test", "line", LF_INT("n", 7));
	log_close();
}

static void
assert_numbers(const struct buf *b, const char *digits)
{
	struct json *v;
	size_t pos = 0;

	for (; *digits != '\0'; digits++) {
		v = next_line(b, &pos);
		assert_non_null(v);
		assert_true(data_int(v, "n") == *digits - '0');
		json_free(v);
	}
	assert_null(next_line(b, &pos));
}

static void
assert_file(const char *path, const char *digits)
{
	struct stat st;
	struct buf b;

	buf_init(&b, 0);
	assert_int_equal(fd_read_file(path, 1 << 20, false, &b), 0);
	assert_numbers(&b, digits);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	buf_clear(&b);
}

static void
test_file_and_rotation(void **state)
{
	struct buf out, err;

	(void)state;
	run(rotate, &out, &err);
	assert_numbers(&out, "06");
	assert_numbers(&err, "7");
	assert_file("log.1", "123");
	assert_file("log", "45");
	buf_clear(&out);
	buf_clear(&err);
}

static void
append_between(void)
{
	log_info("Test", "line", LF_INT("n", 1));
	if (write(1, "{\"other\":2}\n", 12) != 12)
		_exit(1);
	log_info("Test", "line", LF_INT("n", 3));
	log_close();
}

/* A redirection without O_APPEND: everybody shares the one offset. */
static void
test_redirected_to_file(void **state)
{
	struct buf b;
	char *middle;
	int fd = open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	(void)state;
	assert_int_equal(write(fd, "first\n", 6), 6);
	finish(start(append_between, fd, fd));
	assert_int_equal(write(fd, "last\n", 5), 5);
	close(fd);
	buf_init(&b, 0);
	assert_int_equal(fd_read_file("file", 1 << 20, false, &b), 0);
	assert_memory_equal(b.data, "first\n{\"timestamp\"", 18);
	middle = strstr(b.data, "\n{\"other\":2}\n{\"timestamp\"");
	assert_non_null(middle);
	assert_string_equal(b.data + b.len - 5, "last\n");
	buf_clear(&b);
}

/* What waits for a stuck pipe comes into the file instead. */
static void
move_to_file(void)
{
	static char filler[3000];
	int64_t i;

	memset(filler, 'f', sizeof(filler) - 1);
	for (i = 0; i < 40; i++)
		log_info("Test", "line", LF_INT("n", i), LF_STR("f", filler));
	if (log_dropped() != 0 || log_open("log") != 0)
		_exit(1);
	log_close();
}

static void
test_waiting_lines_move(void **state)
{
	struct buf file, piped;
	struct json *v;
	size_t pos = 0;
	int64_t seen = 0;
	int p[2];

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_true(fcntl(p[1], F_SETPIPE_SZ, 16384) > 0);
	finish(start(move_to_file, p[1], p[1]));
	close(p[1]);
	buf_init(&file, 0);
	buf_init(&piped, 0);
	read_to_eof(p[0], &piped);
	assert_int_equal(fd_read_file("log", 1 << 20, false, &file), 0);
	while ((v = next_line(&piped, &pos)) != NULL) {
		assert_true(data_int(v, "n") == seen++);
		json_free(v);
	}
	assert_true(seen > 0 && seen < 40);
	pos = 0;
	while ((v = next_line(&file, &pos)) != NULL) {
		assert_true(data_int(v, "n") == seen++);
		json_free(v);
	}
	assert_true(seen == 40);
	buf_clear(&file);
	buf_clear(&piped);
}

/* The same, when a line was half out: it is lost, and that is told. */
static void
move_long_lines(void)
{
	static char filler[6000];
	int64_t i;

	memset(filler, 'f', sizeof(filler) - 1);
	for (i = 0; i < 30; i++)
		log_info("Test", "line", LF_INT("n", i), LF_STR("f", filler));
	if (log_dropped() != 0 || log_open("log") != 0 || log_dropped() != 1)
		_exit(1);
	log_close();
}

static void
test_half_a_line_does_not_move(void **state)
{
	struct buf file, piped;
	struct json *v;
	size_t pos = 0;
	int64_t whole = 0, n;
	const char *p;
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_true(fcntl(fds[1], F_SETPIPE_SZ, 16384) > 0);
	finish(start(move_long_lines, fds[1], fds[1]));
	close(fds[1]);
	buf_init(&file, 0);
	buf_init(&piped, 0);
	read_to_eof(fds[0], &piped);
	for (p = buf_str(&piped); (p = strchr(p, '\n')) != NULL; p++)
		whole++;
	assert_int_not_equal(piped.data[piped.len - 1], '\n');
	assert_int_equal(fd_read_file("log", 1 << 20, false, &file), 0);
	for (n = whole + 1; n < 30; n++) {
		v = next_line(&file, &pos);
		assert_non_null(v);
		assert_true(data_int(v, "n") == n);
		json_free(v);
	}
	v = next_line(&file, &pos);
	assert_non_null(v);
	assert_true(data_int(v, "dropped") == 1);
	json_free(v);
	assert_null(next_line(&file, &pos));
	buf_clear(&file);
	buf_clear(&piped);
}

/* Lines that end at each place around the longest. */
static void
say_up_to_the_brim(void)
{
	static char full[8193], text[8193];
	int64_t i;

	if (log_open("log") != 0)
		_exit(1);
	memset(full, 'f', sizeof(full) - 1);
	for (i = 7850; i < 8150; i++) {
		memset(text, 't', (size_t)i);
		log_info("Test", "brim", LF_STR("1", full), LF_STR("2", full),
		    LF_STR("3", full), LF_STR("4", full), LF_STR("5", full),
		    LF_STR("6", full), LF_STR("7", full), LF_STR("v", text),
		    LF_INT("n", i));
	}
	log_close();
}

static void
test_line_at_the_brim(void **state)
{
	size_t pos = 0, whole = 0, cut = 0;
	const struct json *data;
	struct buf file;
	struct json *v;

	(void)state;
	finish(start(say_up_to_the_brim, 1, 2));
	buf_init(&file, 0);
	assert_int_equal(fd_read_file("log", 1 << 26, false, &file), 0);
	while ((v = next_line(&file, &pos)) != NULL) {
		data = json_get(v, "data");
		assert_non_null(json_get(data, "7"));
		if (json_get(data, "truncated") != NULL)
			cut++;
		else
			whole += json_get(data, "v") && json_get(data, "n");
		json_free(v);
	}
	assert_int_equal(whole + cut, 300);
	assert_true(whole > 20 && cut > 20);
	buf_clear(&file);
}

/* ---- the small things ---- */

static void
test_parse_level(void **state)
{
	enum log_level level = LOG_ERROR;

	(void)state;
	assert_int_equal(log_parse_level("debug", &level), 0);
	assert_int_equal(level, LOG_DEBUG);
	assert_int_equal(log_parse_level("info", &level), 0);
	assert_int_equal(level, LOG_INFO);
	assert_int_equal(log_parse_level("warn", &level), 0);
	assert_int_equal(level, LOG_WARN);
	assert_int_equal(log_parse_level("error", &level), 0);
	assert_int_equal(level, LOG_ERROR);
	assert_int_equal(log_parse_level("INFO", &level), -EINVAL);
	assert_int_equal(log_parse_level("", &level), -EINVAL);
	assert_int_equal(log_parse_level("warning", &level), -EINVAL);
}

static void
test_limit(void **state)
{
	struct log_limit l = LOG_LIMIT_INIT(2, 10 * USEC_PER_SEC);
	const int64_t t = 1000 * USEC_PER_SEC;
	uint64_t suppressed = 99;

	(void)state;
	assert_true(log_limit_pass(&l, t, &suppressed));
	assert_int_equal(suppressed, 0);
	assert_true(log_limit_pass(&l, t + 1, &suppressed));
	assert_false(log_limit_pass(&l, t + 2, &suppressed));
	assert_false(
	    log_limit_pass(&l, t + 10 * USEC_PER_SEC - 1, &suppressed));
	assert_true(log_limit_pass(&l, t + 10 * USEC_PER_SEC, &suppressed));
	assert_int_equal(suppressed, 2);
	assert_true(log_limit_pass(&l, t + 10 * USEC_PER_SEC + 1, &suppressed));
	assert_int_equal(suppressed, 0);
	assert_false(
	    log_limit_pass(&l, t + 10 * USEC_PER_SEC + 2, &suppressed));
}

int
main(void)
{
#define IN_DIRECTORY(f) \
	cmocka_unit_test_setup_teardown(f, enter_directory, leave_directory)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_shape_and_place),
	    cmocka_unit_test(test_errno_is_kept),
	    cmocka_unit_test(test_hostile_text),
	    cmocka_unit_test(test_long_text_is_cut),
	    cmocka_unit_test(test_full_pipe),
	    cmocka_unit_test(test_full_socket),
	    cmocka_unit_test(test_one_pipe_for_both),
	    cmocka_unit_test(test_dead_reader),
	    cmocka_unit_test(test_full_disk),
	    cmocka_unit_test(test_closed_streams),
	    cmocka_unit_test(test_pipe_of_another_user),
	    IN_DIRECTORY(test_file_and_rotation),
	    IN_DIRECTORY(test_redirected_to_file),
	    IN_DIRECTORY(test_waiting_lines_move),
	    IN_DIRECTORY(test_half_a_line_does_not_move),
	    IN_DIRECTORY(test_line_at_the_brim),
	    cmocka_unit_test(test_parse_level),
	    cmocka_unit_test(test_limit),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
