/*
 * test_spawn.c - sys/spawn: what a new process finds, what the caller is told
 * when there is none, and that nothing is left either way.
 */
#include <config.h>

#include "sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
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
#include "base/fd.h"
#include "sys/procfs.h"

#define CGROUP_ROOT "/sys/fs/cgroup/unified"
/* Literals are const here; exec(3) wishes them not to be. */
#define VEC(v)	    ((char *const *)(uintptr_t)(v))
#define DEADLINE_MS 10000

static const char *const plain_env[] = {"PATH=/usr/bin:/bin", "LC_ALL=C", NULL};

struct outcome {
	int r;
	struct spawn_error error;
	int status; /* of waitpid */
	struct buf out;
};

static int
null_fd(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void
request(struct spawn *req, const char *const *argv)
{
	memset(req, 0, sizeof(*req));
	req->paths = VEC(argv); /* argv[0] and, harmlessly, what follows */
	req->argv = VEC(argv);
	req->envp = VEC(plain_env);
	req->status_fd = -1;
	req->cgroup_fd = -1;
	req->umask = 022;
}

/* Run to the end with standard output in a pipe. */
static void
run(struct spawn *req, struct outcome *o)
{
	struct spawned child;
	int pipes[2], null = null_fd();
	char part[4096];
	ssize_t n;

	memset(o, 0, sizeof(*o));
	buf_init(&o->out, 1 << 20);
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	req->fds[0] = null;
	req->fds[1] = pipes[1];
	req->fds[2] = pipes[1];
	o->r = spawn(req, &child, &o->error);
	close(pipes[1]);
	close(null);
	while (o->r == 0 && (n = read(pipes[0], part, sizeof(part))) > 0)
		buf_add(&o->out, part, (size_t)n);
	close(pipes[0]);
	if (o->r == 0) {
		assert_int_equal(waitpid(child.pid, &o->status, 0), child.pid);
		close(child.pidfd);
	}
}

static void
run_shell(struct spawn *req, const char *script, struct outcome *o)
{
	const char *const argv[] = {"/bin/sh", "-c", script, NULL};
	const char *const paths[] = {"/bin/sh", NULL};

	req->argv = VEC(argv);
	req->paths = VEC(paths);
	run(req, o);
}

static int
no_child_left(void)
{
	return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD;
}

static void
test_exit_status(void **state)
{
	struct spawn req;
	struct outcome o;

	(void)state;
	request(&req, NULL);
	run_shell(&req, "echo out; echo err >&2; exit 7", &o);
	assert_int_equal(o.r, 0);
	assert_int_equal(WEXITSTATUS(o.status), 7);
	assert_string_equal(buf_str(&o.out), "out\nerr\n");
	buf_clear(&o.out);
	run_shell(&req, "kill -9 $$", &o);
	assert_true(WIFSIGNALED(o.status));
	assert_int_equal(WTERMSIG(o.status), SIGKILL);
	buf_clear(&o.out);
	assert_true(no_child_left());
}

static void
test_exec_failure_is_not_exit_127(void **state)
{
	const char *const argv[] = {"/nonexistent/x", NULL};
	struct spawn req;
	struct outcome o;

	(void)state;
	request(&req, argv);
	run(&req, &o);
	assert_int_equal(o.r, -ENOENT);
	assert_int_equal(o.error.step, SPAWN_STEP_EXEC);
	assert_int_equal(o.error.err, ENOENT);
	assert_true(no_child_left());

	run_shell(&req, "exit 127", &o);
	assert_int_equal(o.r, 0);
	assert_int_equal(WEXITSTATUS(o.status), 127);
	assert_true(no_child_left());
}

static void
test_candidates(void **state)
{
	const char *const argv[] = {"echo", "hello", NULL};
	const char *const found[] = {
	    "/nonexistent/echo", "/etc/passwd/echo", "/bin/echo", NULL};
	const char *const denied[] = {"/etc", "/nonexistent/echo", NULL};
	const char *const wrong[] = {"/etc/passwd", "/bin/echo", NULL};
	struct spawn req;
	struct outcome o;

	(void)state;
	request(&req, argv);
	req.paths = VEC(found);
	run(&req, &o);
	assert_int_equal(o.r, 0);
	assert_string_equal(buf_str(&o.out), "hello\n");
	buf_clear(&o.out);

	req.paths = VEC(denied);
	run(&req, &o);
	assert_int_equal(o.r, -EACCES);

	req.paths =
	    VEC(wrong); /* not executable: remembered, the next is tried */
	run(&req, &o);
	assert_int_equal(o.r, 0);
	buf_clear(&o.out);
	assert_true(no_child_left());
}

static void
test_bad_image_and_long_list(void **state)
{
	char path[] = "/tmp/reeve-spawn-XXXXXX", *big;
	const char *argv[] = {path, NULL, NULL};
	struct spawn req;
	struct outcome o;
	int fd;

	(void)state;
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, 0755), 0);
	assert_int_equal(write(fd, "\1\2\3\4", 4), 4);
	close(fd);
	request(&req, argv);
	run(&req, &o);
	assert_int_equal(o.r, -ENOEXEC);
	unlink(path);

	big = malloc(4 << 20);
	memset(big, 'x', 4 << 20);
	big[(4 << 20) - 1] = '\0';
	argv[0] = "/bin/true";
	argv[1] = big;
	request(&req, argv);
	run(&req, &o);
	assert_int_equal(o.r, -E2BIG);
	assert_int_equal(o.error.step, SPAWN_STEP_EXEC);
	free(big);
	assert_true(no_child_left());
}

/* How many fds the process has, and the highest. */
static int
fds_of(pid_t pid, int *ret_max)
{
	char cmd[64], line[32];
	int n = 0, fd;
	FILE *f;

	snprintf(cmd, sizeof(cmd), "ls /proc/%d/fd", (int)pid);
	f = popen(cmd, "re");
	assert_non_null(f);
	*ret_max = -1;
	while (fgets(line, sizeof(line), f) != NULL) {
		fd = (int)strtol(line, NULL, 10);
		if (fd > *ret_max)
			*ret_max = fd;
		n++;
	}
	pclose(f);
	return n;
}

static void
check_fd_count(int status_fd, int want)
{
	const char *const argv[] = {"/bin/sleep", "100", NULL};
	struct spawn req;
	struct spawned child;
	struct spawn_error err;
	int null = null_fd(), max, status;

	request(&req, argv);
	req.fds[0] = req.fds[1] = req.fds[2] = null;
	req.status_fd = status_fd;
	assert_int_equal(spawn(&req, &child, &err), 0);
	assert_int_equal(fds_of(child.pid, &max), want);
	assert_int_equal(max, want - 1);
	kill(child.pid, SIGKILL);
	assert_int_equal(waitpid(child.pid, &status, 0), child.pid);
	close(child.pidfd);
	close(null);
}

static void
test_no_fd_leaks(void **state)
{
	int leak[64], i, before = fd_count_open();

	(void)state;
	for (i = 0; i < 64; i++) /* without close-on-exec, to be nasty */
		leak[i] = dup(2);
	check_fd_count(-1, 3);
	check_fd_count(leak[7], 4);
	for (i = 0; i < 64; i++)
		close(leak[i]);
	assert_int_equal(fd_count_open(), before);
	assert_true(no_child_left());
}

/* In a process of our own: sources that are each other's targets. */
static void
permuted_fds(void)
{
	const char *const argv[] = {"/bin/sh", "-c",
	    "read x; echo \"out$x\"; echo \"err$x\" >&2", NULL};
	const char *const paths[] = {"/bin/sh", NULL};
	int in[2], out[2], errs[2], status;
	char text[64] = "";
	struct spawned child;
	struct spawn_error err;
	struct spawn req;

	if (pipe(in) < 0 || pipe(out) < 0 || pipe(errs) < 0)
		_exit(10);
	if (fcntl(in[1], F_DUPFD, 50) != 50 ||
	    fcntl(out[0], F_DUPFD, 51) != 51 ||
	    fcntl(errs[0], F_DUPFD, 52) != 52)
		_exit(11);
	/* stdin comes from 2, stdout from 0, stderr from 1 */
	if (fcntl(in[0], F_DUPFD, 60) != 60 ||
	    fcntl(out[1], F_DUPFD, 61) != 61 ||
	    fcntl(errs[1], F_DUPFD, 62) != 62)
		_exit(12);
	dup2(60, 2);
	dup2(61, 0);
	dup2(62, 1);
	for (status = 3; status < 50; status++)
		close(status);
	close(60);
	close(61);
	close(62);
	request(&req, argv);
	req.paths = VEC(paths);
	req.fds[0] = 2;
	req.fds[1] = 0;
	req.fds[2] = 1;
	if (spawn(&req, &child, &err) != 0)
		_exit(13);
	if (write(50, "A\n", 2) != 2)
		_exit(14);
	if (waitpid(child.pid, &status, 0) != child.pid || status != 0)
		_exit(15);
	if (read(51, text, sizeof(text)) != 5 || memcmp(text, "outA\n", 5) != 0)
		_exit(16);
	if (read(52, text, sizeof(text)) != 5 || memcmp(text, "errA\n", 5) != 0)
		_exit(17);
	_exit(0);
}

static void
test_permuted_fds(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0)
		permuted_fds();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
nothing(int signo)
{
	(void)signo;
}

static void
test_signals_are_default(void **state)
{
	const char *const argv[] = {"/bin/cat", "/proc/self/status", NULL};
	const char *const paths[] = {"/bin/cat", NULL};
	struct sigaction catch = {.sa_handler = nothing};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t some, now;
	struct spawn req;
	struct outcome o;

	(void)state;
	sigaction(SIGUSR1, &catch, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGHUP, &ignore, NULL);
	sigaction(SIGRTMAX, &ignore, NULL);
	sigemptyset(&some);
	sigaddset(&some, SIGTERM);
	sigprocmask(SIG_BLOCK, &some, NULL);
	request(&req, argv);
	req.paths = VEC(paths);
	run(&req, &o);
	assert_int_equal(o.r, 0);
	assert_non_null(strstr(buf_str(&o.out), "SigBlk:\t0000000000000000"));
	assert_non_null(strstr(buf_str(&o.out), "SigIgn:\t0000000000000000"));
	assert_non_null(strstr(buf_str(&o.out), "SigCgt:\t0000000000000000"));
	buf_clear(&o.out);
	/* and ours are as they were */
	sigprocmask(SIG_SETMASK, NULL, &now);
	assert_true(sigismember(&now, SIGTERM));
	assert_false(sigismember(&now, SIGUSR1));
	sigaction(SIGUSR1, NULL, &catch);
	assert_ptr_equal(catch.sa_handler, nothing);
	sigprocmask(SIG_UNBLOCK, &some, NULL);
	assert_true(no_child_left());
}

static void
test_settings(void **state)
{
	struct spawn_rlimit limits[] = {
	    {RLIMIT_NOFILE, {100, 200}},
	    {RLIMIT_CORE, {0, RLIM_INFINITY}},
	};
	struct spawn req;
	struct outcome o;

	(void)state;
	limits[1].value.rlim_max = RLIM_INFINITY;
	if (geteuid() != 0)
		limits[1].value.rlim_max = 0;
	request(&req, NULL);
	req.cwd = "/usr";
	req.umask = 027;
	req.rlimits = limits;
	req.nrlimits = 2;
	req.nice = 5;
	req.set_oom_score_adj = true;
	req.oom_score_adj = 321;
	req.no_new_privs = true;
	run_shell(&req,
	    "pwd; umask; ulimit -Sn; ulimit -Hn; ulimit -Sc; nice;"
	    "cat /proc/self/oom_score_adj;"
	    "grep NoNewPrivs /proc/self/status;"
	    "cut -d' ' -f6 /proc/$$/stat; echo $$",
	    &o);
	assert_int_equal(o.r, 0);
	{
		char want[160];
		const char *pid = strrchr(buf_str(&o.out), '\n');

		while (pid > o.out.data && pid[-1] != '\n')
			pid--;
		snprintf(want, sizeof(want),
		    "/usr\n0027\n100\n200\n0\n5\n321\nNoNewPrivs:\t1\n%s%s",
		    pid, pid);
		assert_string_equal(buf_str(&o.out), want);
	}
	buf_clear(&o.out);
	assert_true(no_child_left());
}

static void
test_cwd(void **state)
{
	struct spawn req;
	struct outcome o;

	(void)state;
	request(&req, NULL);
	req.cwd = "/nonexistent";
	run_shell(&req, "pwd", &o);
	assert_int_equal(o.r, -ENOENT);
	assert_int_equal(o.error.step, SPAWN_STEP_CWD);
	req.cwd_optional = true;
	run_shell(&req, "pwd", &o);
	assert_int_equal(o.r, 0);
	assert_string_equal(buf_str(&o.out), "/\n");
	buf_clear(&o.out);
	assert_true(no_child_left());
}

static void
test_each_step_is_named(void **state)
{
	struct spawn_rlimit bad = {9999, {1, 1}};
	struct spawn req;
	struct outcome o;

	(void)state;
	request(&req, NULL);
	req.rlimits = &bad;
	req.nrlimits = 1;
	run_shell(&req, "true", &o);
	assert_int_equal(o.r, -EINVAL);
	assert_int_equal(o.error.step, SPAWN_STEP_RLIMIT);

	request(&req, NULL);
	req.set_oom_score_adj = true;
	req.oom_score_adj = 5000;
	run_shell(&req, "true", &o);
	assert_int_equal(o.r, -EINVAL);
	assert_int_equal(o.error.step, SPAWN_STEP_OOM);

	request(&req, NULL);
	req.status_fd = 12345;
	run_shell(&req, "true", &o);
	assert_int_equal(o.r, -EBADF);
	assert_int_equal(o.error.step, SPAWN_STEP_FDS);

	assert_string_equal(spawn_step_name(SPAWN_STEP_EXEC), "exec");
	assert_string_equal(
	    spawn_step_name(SPAWN_STEP_CREDENTIALS), "credentials");
	assert_non_null(spawn_step_name((enum spawn_step)99));
	assert_true(no_child_left());
}

/* A parent that spawns a sleeper, tells its pid, and is killed. */
static pid_t
orphan_of_killed_parent(bool keep)
{
	const char *const argv[] = {"/bin/sleep", "100", NULL};
	struct spawn_error err;
	struct spawned child;
	struct spawn req;
	int fds[2], status;
	pid_t parent, pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	parent = fork();
	if (parent == 0) {
		request(&req, argv);
		req.fds[0] = req.fds[1] = req.fds[2] = null_fd();
		req.keep_on_parent_death = keep;
		if (spawn(&req, &child, &err) == 0)
			(void)!write(fds[1], &child.pid, sizeof(child.pid));
		raise(SIGKILL);
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &pid, sizeof(pid)), sizeof(pid));
	close(fds[0]);
	assert_int_equal(waitpid(parent, &status, 0), parent);
	return pid;
}

static void
test_parent_death(void **state)
{
	struct pollfd pfd;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	pid = orphan_of_killed_parent(false);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

	pid = orphan_of_killed_parent(true);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	pfd.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	pfd.events = POLLIN;
	assert_int_equal(poll(&pfd, 1, 50), 0); /* must not come */
	close(pfd.fd);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	assert_true(no_child_left());
}

static void
test_pidfd(void **state)
{
	const char *const argv[] = {"/bin/sleep", "100", NULL};
	struct spawn_error err;
	struct spawned child;
	struct spawn req;
	struct pollfd pfd;
	siginfo_t info;

	(void)state;
	request(&req, argv);
	req.fds[0] = req.fds[1] = req.fds[2] = null_fd();
	assert_int_equal(spawn(&req, &child, &err), 0);
	assert_true(fcntl(child.pidfd, F_GETFD) & FD_CLOEXEC);
	pfd.fd = child.pidfd;
	pfd.events = POLLIN;
	assert_int_equal(poll(&pfd, 1, 0), 0);
	assert_int_equal(
	    syscall(SYS_pidfd_send_signal, child.pidfd, SIGTERM, NULL, 0), 0);
	assert_int_equal(poll(&pfd, 1, DEADLINE_MS), 1);
	assert_int_equal(waitid(P_PIDFD, (id_t)child.pidfd, &info, WEXITED), 0);
	assert_int_equal(info.si_status, SIGTERM);
	close(child.pidfd);
	close(req.fds[0]);
	assert_true(no_child_left());
}

static void
test_many_leave_nothing(void **state)
{
	const char *const good[] = {"/bin/true", NULL};
	const char *const bad[] = {"/nonexistent", NULL};
	int i, before = fd_count_open();
	struct spawn req;
	struct outcome o;

	(void)state;
	for (i = 0; i < 300; i++) {
		request(&req, i % 3 == 0 ? bad : good);
		run(&req, &o);
		assert_int_equal(o.r, i % 3 == 0 ? -ENOENT : 0);
		buf_clear(&o.out);
	}
	assert_int_equal(fd_count_open(), before);
	assert_true(no_child_left());
}

static char cgroup_dir[64];

static int
make_cgroup(void)
{
	snprintf(cgroup_dir, sizeof(cgroup_dir), CGROUP_ROOT "/rv-spawn-%d",
	    (int)getpid());
	if (mkdir(cgroup_dir, 0755) < 0)
		return -1;
	return open(cgroup_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int
in_cgroup(void)
{
	struct outcome o;
	struct spawn req;
	int fd = make_cgroup(), ok;

	if (fd < 0)
		return -1;
	request(&req, NULL);
	req.cgroup_fd = fd;
	run_shell(&req, "grep ^0:: /proc/self/cgroup", &o);
	ok = o.r == 0 && strstr(buf_str(&o.out), "/rv-spawn-") != NULL;
	buf_clear(&o.out);
	close(fd);
	if (rmdir(cgroup_dir) < 0)
		ok = 0;
	return ok;
}

static void
test_into_cgroup(void **state)
{
	int r;

	(void)state;
	r = in_cgroup();
	if (r < 0)
		skip();
	assert_int_equal(r, 1);
}

/* Answer clone3 by `err` from now on, as old container runtimes do. */
static int
forbid_clone3(int err)
{
	struct sock_filter code[] = {
	    BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)err),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {4, code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

static void
without_clone3(int err)
{
	const char *const bad[] = {"/nonexistent", NULL};
	struct spawn req;
	struct outcome o;

	if (forbid_clone3(err) < 0)
		_exit(99);
	if (syscall(SYS_clone3, NULL, 0) != -1 || errno != err)
		_exit(98);
	request(&req, NULL);
	run_shell(&req, "echo here; exit 5", &o);
	if (o.r != 0 || WEXITSTATUS(o.status) != 5 ||
	    strcmp(buf_str(&o.out), "here\n") != 0)
		_exit(1);
	buf_clear(&o.out);
	request(&req, bad);
	run(&req, &o);
	if (o.r != -ENOENT || o.error.step != SPAWN_STEP_EXEC)
		_exit(2);
	if (in_cgroup() == 0)
		_exit(3);
	_exit(no_child_left() ? 0 : 4);
}

static void
test_fallback(void **state)
{
	static const int errs[] = {ENOSYS, EPERM};
	int status;
	size_t i;
	pid_t pid;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(errs); i++) {
		pid = fork();
		if (pid == 0)
			without_clone3(errs[i]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WEXITSTATUS(status) == 99)
			skip();
		assert_int_equal(status, 0);
	}
}

/* ---- reeved -d ---- */

enum daemon_kind {
	READY,
	FAILED,
	SILENT,
	KILLED
};

/* What the process that called `reeved -d` ends with; its stderr in out. */
static int
daemon_status(enum daemon_kind kind, struct buf *out)
{
	int pipes[2], report = -1, status;
	char part[256];
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		dup2(pipes[1], 2);
		close(pipes[1]);
		if (spawn_daemon(&report) < 0)
			_exit(90);
		if (kind == READY)
			spawn_daemon_ready(&report);
		else if (kind == FAILED)
			spawn_daemon_failed(&report, "no port", 78);
		else if (kind == KILLED)
			raise(SIGKILL);
		_exit(kind == SILENT ? 3 : 0);
	}
	close(pipes[1]);
	while ((n = read(pipes[0], part, sizeof(part))) > 0)
		buf_add(out, part, (size_t)n);
	close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
test_daemon(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	assert_int_equal(daemon_status(READY, &out), 0);
	assert_string_equal(buf_str(&out), "");
	assert_int_equal(daemon_status(FAILED, &out), 78);
	assert_string_equal(buf_str(&out), "reeved: no port\n");
	buf_reset(&out);
	assert_int_equal(daemon_status(SILENT, &out), 3);
	assert_int_equal(daemon_status(KILLED, &out), 70);
	assert_non_null(strstr(buf_str(&out), "signal 9"));
	buf_clear(&out);
	assert_true(no_child_left());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_exit_status),
	    cmocka_unit_test(test_exec_failure_is_not_exit_127),
	    cmocka_unit_test(test_candidates),
	    cmocka_unit_test(test_bad_image_and_long_list),
	    cmocka_unit_test(test_no_fd_leaks),
	    cmocka_unit_test(test_permuted_fds),
	    cmocka_unit_test(test_signals_are_default),
	    cmocka_unit_test(test_settings),
	    cmocka_unit_test(test_cwd),
	    cmocka_unit_test(test_each_step_is_named),
	    cmocka_unit_test(test_parent_death),
	    cmocka_unit_test(test_pidfd),
	    cmocka_unit_test(test_many_leave_nothing),
	    cmocka_unit_test(test_into_cgroup),
	    cmocka_unit_test(test_fallback),
	    cmocka_unit_test(test_daemon),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
