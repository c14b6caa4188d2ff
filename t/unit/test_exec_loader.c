/*
 * test_exec_loader.c - the program reeve-exec as the supervisor uses it: who
 * the worker is, what it finds, what is reported when it cannot be, and that
 * it never runs with rights that should be gone.
 */
#include "config.h"

#include "sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/xalloc.h"

#define NOBODY	 65534
#define MAX_ARGS 32
/* Literals are const here; exec(3) wishes them not to be. */
#define VEC(v) ((char *const *)(uintptr_t)(v))

static char *loader;
static char dir[64];

struct outcome {
	int status;
	bool reported;
	struct spawn_error report;
	struct buf out;
};

static void
read_all(int fd, struct buf *out)
{
	char part[4096];
	ssize_t n;

	while ((n = read(fd, part, sizeof(part))) > 0)
		buf_add(out, part, (size_t)n);
	close(fd);
}

/* Run `reeve-exec ARGS…`; the list ends with NULL. */
static void
run(struct outcome *o, ...)
{
	const char *argv[MAX_ARGS] = {"reeve-exec"};
	const char *const paths[] = {loader, NULL};
	const char *const envp[] = {"PATH=/usr/bin:/bin", "HOME=/given",
	    "REEVE_JOB=real", "LC_ALL=C", NULL};
	int out[2], report[2], null, n = 1;
	struct spawn_error err;
	struct spawned child;
	struct buf word;
	struct spawn req;
	va_list ap;

	va_start(ap, o);
	while ((argv[n] = va_arg(ap, const char *)) != NULL)
		assert_true(++n < MAX_ARGS);
	va_end(ap);
	memset(o, 0, sizeof(*o));
	buf_init(&o->out, 1 << 20);
	buf_init(&word, 1024);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(report, O_CLOEXEC), 0);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	req = (struct spawn){
	    .paths = VEC(paths),
	    .argv = VEC(argv),
	    .envp = VEC(envp),
	    .fds = {null, out[1], out[1]},
	    .status_fd = report[1],
	    .umask = 022,
	    .cgroup_fd = -1,
	};
	assert_int_equal(spawn(&req, &child, &err), 0);
	close(out[1]);
	close(report[1]);
	close(null);
	read_all(report[0], &word);
	read_all(out[0], &o->out);
	assert_int_equal(waitpid(child.pid, &o->status, 0), child.pid);
	close(child.pidfd);
	if (word.len > 0) {
		assert_int_equal(word.len, sizeof(o->report));
		memcpy(&o->report, word.data, sizeof(o->report));
		o->reported = true;
	}
	buf_clear(&word);
}

/* It ran, ended with 0, and printed this. */
static void
ran(struct outcome *o, const char *want)
{
	assert_false(o->reported);
	assert_string_equal(buf_str(&o->out), want);
	assert_int_equal(o->status, 0);
	buf_clear(&o->out);
}

/* It did not, and this is why. */
static void
refused(struct outcome *o, enum spawn_step step, int err)
{
	assert_string_equal(buf_str(&o->out), "");
	assert_true(o->reported);
	assert_string_equal(spawn_step_name((enum spawn_step)o->report.step),
	    spawn_step_name(step));
	assert_int_equal(o->report.err, err);
	assert_int_equal(WEXITSTATUS(o->status), 127);
	buf_clear(&o->out);
}

static void
need_root(void)
{
	if (geteuid() != 0)
		skip();
}

static const char *
file(const char *name, const char *text, mode_t mode)
{
	static char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
	return path;
}

/* ---- the command ---- */

static void
test_runs_the_command(void **state)
{
	struct outcome o;

	(void)state;
	run(&o, "-d", "/usr", "--", "/bin/sh", "-c",
	    "echo \"$1 $REEVE_JOB $0\"; pwd", "zero", "one", NULL);
	ran(&o, "one real zero\n/usr\n");
	run(&o, "-p", "/nonexistent/x", "-p", "/bin/echo", "--", "x", "-u", "a",
	    NULL);
	ran(&o, "-u a\n");
	/* 3 is the directory that ls itself reads. */
	run(&o, "--", "/bin/ls", "/proc/self/fd", NULL);
	ran(&o, "0\n1\n2\n3\n");
}

static void
test_exec_failure_is_not_exit_127(void **state)
{
	struct outcome o;

	(void)state;
	run(&o, "--", "/nonexistent/x", NULL);
	refused(&o, SPAWN_STEP_EXEC, ENOENT);
	run(&o, "-p", "/etc/passwd", "-p", "/nonexistent", "--", "x", NULL);
	refused(&o, SPAWN_STEP_EXEC, EACCES);
	run(&o, "--", "/bin/sh", "-c", "exit 127", NULL);
	assert_false(o.reported);
	assert_int_equal(WEXITSTATUS(o.status), 127);
	buf_clear(&o.out);
}

static void
test_usage(void **state)
{
	struct outcome o;

	(void)state;
	run(&o, "-x", NULL);
	assert_int_equal(WEXITSTATUS(o.status), 64);
	buf_clear(&o.out);
	run(&o, "-u", "nobody", NULL);
	assert_int_equal(WEXITSTATUS(o.status), 64);
	assert_non_null(strstr(buf_str(&o.out), "usage:"));
	buf_clear(&o.out);
}

/* ---- who it is ---- */

#define WHO                                                                 \
	"/bin/sh", "-c",                                                    \
	    "grep -E '^(Uid|Gid|Groups|CapEff|CapPrm)' /proc/self/status |" \
	    " tr '\\t\\n' '  '"

static void
test_user(void **state)
{
	struct outcome o;

	(void)state;
	need_root();
	run(&o, "-u", "nobody", "--", WHO, NULL);
	ran(&o, "Uid: 65534 65534 65534 65534 Gid: 65534 65534 65534 65534 "
		"Groups: 65534  CapPrm: 0000000000000000 "
		"CapEff: 0000000000000000 ");
	run(&o, "-u", "nobody", "-g", "daemon", "--", "/bin/sh", "-c",
	    "id -u; id -g; id -G", NULL);
	ran(&o, "65534\n1\n1\n");
	run(&o, "-u", "54321", "--", "/bin/sh", "-c",
	    "id -u; id -g; id -G; echo ${HOME-none} ${USER-none}; pwd", NULL);
	ran(&o, "54321\n54321\n54321\nnone none\n/\n");
	run(&o, "-g", "daemon", "--", "/bin/sh", "-c", "id -u; id -g", NULL);
	ran(&o, "0\n1\n");
}

static void
test_environment_of_the_user(void **state)
{
	struct outcome o;

	(void)state;
	need_root();
	run(&o, "-u", "nobody", "--", "/bin/sh", "-c",
	    "echo $HOME $USER $LOGNAME $SHELL; pwd", NULL);
	ran(&o, "/nonexistent nobody nobody /usr/sbin/nologin\n/\n");
	run(&o, "-u", "nobody", "-k", "HOME", "--", "/bin/sh", "-c",
	    "echo $HOME $USER", NULL);
	ran(&o, "/given nobody\n");
	run(&o, "-u", "daemon", "--", "/bin/sh", "-c", "pwd", NULL);
	ran(&o, "/usr/sbin\n");
}

static void
test_unknown_names(void **state)
{
	struct outcome o;

	(void)state;
	run(&o, "-u", "no-such-user", "--", "/bin/true", NULL);
	refused(&o, SPAWN_STEP_USER, ENOENT);
	run(&o, "-g", "no-such-group", "--", "/bin/true", NULL);
	refused(&o, SPAWN_STEP_GROUP, ENOENT);
	run(&o, "-u", "-1", "--", "/bin/true", NULL);
	refused(&o, SPAWN_STEP_USER, ENOENT);
	run(&o, "-u", "4294967295", "--", "/bin/true", NULL);
	refused(&o, SPAWN_STEP_USER, ENOENT);
	run(&o, "-u", "", "--", "/bin/true", NULL);
	refused(&o, SPAWN_STEP_USER, ENOENT);
}

/* ---- rights that do not go away ---- */

/* Run `prepare`, then the test's body, in a process of its own. */
static void
prepared(void (*prepare)(void), void (*body)(void))
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		prepare();
		body();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
without_setuid(void)
{
	if (prctl(PR_CAPBSET_DROP, CAP_SETUID, 0, 0, 0) < 0)
		_exit(9);
}

static void
without_setgid(void)
{
	if (prctl(PR_CAPBSET_DROP, CAP_SETGID, 0, 0, 0) < 0)
		_exit(9);
}

/* A system call that answers "done" and does nothing. */
static void
lie_about(unsigned nr)
{
	struct sock_filter code[] = {
	    BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 0),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {4, code};

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0)
		_exit(9);
}

static void
lie_about_setresuid(void)
{
	lie_about(SYS_setresuid);
}

static void
lie_about_setresgid(void)
{
	lie_about(SYS_setresgid);
}

static void
keep_caps_over_setuid(void)
{
	if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) < 0)
		_exit(9);
}

static void
expect(enum spawn_step step)
{
	struct outcome o;

	run(&o, "-u", "nobody", "--", "/bin/echo", "I run", NULL);
	if (!o.reported || o.report.step != (int)step ||
	    o.report.err != EPERM || o.out.len != 0)
		_exit(1);
}

static void
expect_user(void)
{
	expect(SPAWN_STEP_USER);
}

static void
expect_group(void)
{
	expect(SPAWN_STEP_GROUP);
}

static void
test_never_runs_as_root(void **state)
{
	(void)state;
	need_root();
	prepared(without_setuid, expect_user);
	prepared(without_setgid, expect_group);
	prepared(lie_about_setresuid, expect_user);
	prepared(lie_about_setresgid, expect_group);
	prepared(keep_caps_over_setuid, expect_user);
}

static void
test_without_root(void **state)
{
	struct outcome o;
	int status;
	pid_t pid;

	(void)state;
	need_root();
	pid = fork();
	if (pid == 0) {
		if (setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
		    setresuid(NOBODY, NOBODY, NOBODY) < 0)
			_exit(9);
		run(&o, "-u", "nobody", "--", "/bin/echo", "ok", NULL);
		if (o.reported || strcmp(buf_str(&o.out), "ok\n") != 0)
			_exit(1);
		run(&o, "-u", "daemon", "--", "/bin/echo", "ok", NULL);
		if (!o.reported || o.report.err != EPERM)
			_exit(2);
		run(&o, "-u", "root", "--", "/bin/echo", "ok", NULL);
		if (!o.reported || o.report.err != EPERM)
			_exit(3);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* ---- where it is ---- */

static void
test_cwd_is_entered_as_the_user(void **state)
{
	char secret[96];
	struct outcome o;

	(void)state;
	run(&o, "-d", "/nonexistent", "--", "/bin/true", NULL);
	refused(&o, SPAWN_STEP_CWD, ENOENT);
	need_root();
	snprintf(secret, sizeof(secret), "%s/secret", dir);
	assert_int_equal(mkdir(secret, 0700), 0);
	run(&o, "-u", "nobody", "-d", secret, "--", "/bin/true", NULL);
	refused(&o, SPAWN_STEP_CWD, EACCES);
	rmdir(secret);
}

/* ---- environment files ---- */

static void
test_env_file(void **state)
{
	const char *path;
	struct outcome o;

	(void)state;
	path = file("env",
	    "# a comment\n; another\n\n"
	    "A=plain text  \n"
	    "  B = 'single $A \\ \"' \n"
	    "C=\"double \\\" \\$A \\\\ \\n\"tail\n"
	    "D=\n"
	    "E=one \\\n  two\n"
	    "F=\"over\nlines\"\n"
	    "G=a\\ b\\ \n"
	    "H=#no comment\r\n"
	    "A=again\n"
	    "HOME=/file\n"
	    "REEVE_JOB=forged\nCREDENTIALS_DIRECTORY=/x\n"
	    "LAST=no newline",
	    0644);
	run(&o, "-e", path, "--", "/bin/sh", "-c",
	    "printf '%s\\n' \"$A|$B|$C|$D|$E|$F|$G|$H|$HOME|$REEVE_JOB|"
	    "$CREDENTIALS_DIRECTORY|$LAST|\"",
	    NULL);
	ran(&o, "again|single $A \\ \"|double \" $A \\ \\ntail||one   two|"
		"over\nlines|a b |#no comment|/file|real||no newline|\n");
}

static void
test_bad_env_files(void **state)
{
	static const char *const bad[] = {"A", "1A=x", "=x", "A='x", "A=\"x",
	    "A=\"x\\", "export A=1", "A B=1", "-A=1"};
	const char *path;
	struct outcome o;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		path = file("env", bad[i], 0644);
		run(&o, "-e", path, "--", "/bin/true", NULL);
		refused(&o, SPAWN_STEP_ENVFILE, EINVAL);
	}
	run(&o, "-e", "/nonexistent/env", "--", "/bin/true", NULL);
	refused(&o, SPAWN_STEP_ENVFILE, ENOENT);
	run(&o, "-e", "-/nonexistent/env", "--", "/bin/true", NULL);
	ran(&o, "");
	run(&o, "-e", dir, "--", "/bin/true", NULL);
	assert_true(o.reported);
	assert_int_equal(o.report.step, SPAWN_STEP_ENVFILE);
	buf_clear(&o.out);
}

/* ---- secrets ---- */

static void
test_credentials(void **state)
{
	char creds[96], path[128], sub[128];
	struct outcome o;
	struct stat st;

	(void)state;
	need_root();
	snprintf(creds, sizeof(creds), "%s/creds", dir);
	snprintf(sub, sizeof(sub), "%s/creds/sub", dir);
	assert_int_equal(mkdir(creds, 0700), 0);
	assert_int_equal(mkdir(sub, 0700), 0);
	file("creds/key", "secret\n", 0600);
	file("creds/sub/key", "deep\n", 0600);
	run(&o, "-u", "nobody", "-c", creds, "-d", creds, "--", "/bin/sh", "-c",
	    "stat -c '%a %u %n' . key sub sub/key; cat key sub/key", NULL);
	ran(&o, "500 65534 .\n400 65534 key\n500 65534 sub\n"
		"400 65534 sub/key\nsecret\ndeep\n");

	/* nothing outside can be given away by a link */
	file("outside", "x", 0600);
	snprintf(sub, sizeof(sub), "%s/outside", dir);
	snprintf(path, sizeof(path), "%s/creds/link", dir);
	assert_int_equal(symlink(sub, path), 0);
	run(&o, "-u", "nobody", "-c", creds, "--", "/bin/true", NULL);
	refused(&o, SPAWN_STEP_CREDENTIALS, EPERM);
	unlink(path);
	assert_int_equal(link(sub, path), 0);
	run(&o, "-u", "nobody", "-c", creds, "--", "/bin/true", NULL);
	refused(&o, SPAWN_STEP_CREDENTIALS, EPERM);
	assert_int_equal(stat(sub, &st), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	run(&o, "-c", "/nonexistent", "--", "/bin/true", NULL);
	refused(&o, SPAWN_STEP_CREDENTIALS, ENOENT);
}

/* ---- the death of the supervisor ---- */

static pid_t
worker_of_killed_parent(const char *option)
{
	const char *const argv[] = {"reeve-exec", "-u", "nobody", option, "--",
	    "/bin/sh", "-c", "echo go; exec sleep 20", NULL};
	const char *const paths[] = {loader, NULL};
	struct spawn_error err;
	struct spawned child;
	int ready[2], fds[2];
	pid_t parent, pid;
	char c;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	parent = fork();
	if (parent == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);
		struct spawn req = {
		    .paths = VEC(paths),
		    .argv = VEC(argv),
		    .envp = VEC(argv),
		    .fds = {null, ready[1], null},
		    .status_fd = -1,
		    .cgroup_fd = -1,
		    .keep_on_parent_death = option[1] == 'P',
		};

		if (spawn(&req, &child, &err) == 0)
			(void)!write(fds[1], &child.pid, sizeof(child.pid));
		if (read(ready[0], &c, 1) == 1)
			raise(SIGKILL);
		_exit(1);
	}
	close(fds[1]);
	close(ready[1]);
	assert_int_equal(read(fds[0], &pid, sizeof(pid)), sizeof(pid));
	close(fds[0]);
	close(ready[0]);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	return pid;
}

static void
test_parent_death(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	need_root();
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	pid = worker_of_killed_parent("-kX");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	pid = worker_of_killed_parent("-P");
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WTERMSIG(status), SIGTERM);
	prctl(PR_SET_CHILD_SUBREAPER, 0);
}

static int
setup(void **state)
{
	const char *build = getenv("REEVE_BUILDDIR");

	(void)state;
	loader = xasprintf("%s/reeve-exec", build != NULL ? build : ".");
	snprintf(dir, sizeof(dir), "/tmp/reeve-loader-XXXXXX");
	return mkdtemp(dir) != NULL && chmod(dir, 0755) == 0 &&
		       access(loader, X_OK) == 0
		   ? 0
		   : -1;
}

static int
teardown(void **state)
{
	char *cmd = xasprintf("rm -rf %s", dir);
	int r = system(cmd);

	(void)state;
	free(cmd);
	free(loader);
	return r == 0 && waitpid(-1, NULL, WNOHANG) == -1 ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_runs_the_command),
	    cmocka_unit_test(test_exec_failure_is_not_exit_127),
	    cmocka_unit_test(test_usage),
	    cmocka_unit_test(test_user),
	    cmocka_unit_test(test_environment_of_the_user),
	    cmocka_unit_test(test_unknown_names),
	    cmocka_unit_test(test_never_runs_as_root),
	    cmocka_unit_test(test_without_root),
	    cmocka_unit_test(test_cwd_is_entered_as_the_user),
	    cmocka_unit_test(test_env_file),
	    cmocka_unit_test(test_bad_env_files),
	    cmocka_unit_test(test_credentials),
	    cmocka_unit_test(test_parent_death),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
