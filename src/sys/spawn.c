/*
 * spawn.c - the one place where processes are made: workers by spawn(), and
 * the daemon itself by spawn_daemon().
 *
 * The worker's process shares our memory until exec (CLONE_VM|CLONE_VFORK) and
 * runs on a piece of the caller's stack, as musl's posix_spawn does: its cost
 * does not grow with ours. This thread sleeps meanwhile. What the child does
 * is in spawn_child.c.
 *
 * PR_SET_PDEATHSIG fires when the thread that spawned ends: only the main
 * thread may call spawn(). The kernel clears it in an exec of a setuid, setgid
 * or capable binary and at every change of uid: such a worker outlives a
 * supervisor that is killed, until recovery finds it.
 */
#include <config.h>

#include "sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/bug.h"
#include "base/fd.h"
#include "sys/spawn_internal.h"

#define CHILD_STACK_BYTES 32768
#define REASON_MAX	  4096
#define EXIT_SILENT	  70 /* EX_SOFTWARE: it ended without a word */

static const char *const step_names[] = {
    [SPAWN_STEP_CLONE] = "clone",
    [SPAWN_STEP_SESSION] = "setsid",
    [SPAWN_STEP_PDEATHSIG] = "parent death signal",
    [SPAWN_STEP_FDS] = "descriptors",
    [SPAWN_STEP_CWD] = "chdir",
    [SPAWN_STEP_RLIMIT] = "setrlimit",
    [SPAWN_STEP_NICE] = "nice",
    [SPAWN_STEP_OOM] = "oom_score_adj",
    [SPAWN_STEP_NNP] = "no_new_privs",
    [SPAWN_STEP_EXEC] = "exec",
    [SPAWN_STEP_USER] = "user",
    [SPAWN_STEP_GROUP] = "group",
    [SPAWN_STEP_ENVFILE] = "environment file",
    [SPAWN_STEP_CREDENTIALS] = "credentials",
};

const char *
spawn_step_name(enum spawn_step step)
{
	if ((unsigned)step >= ARRAY_SIZE(step_names))
		return "unknown step";
	return step_names[step];
}

#define CLONE_FLAGS (CLONE_VM | CLONE_VFORK | CLONE_PIDFD)

#ifdef __x86_64__
/*
 * clone and clone3 with a stack of its own cannot be called by syscall(2): the
 * child would return on the new, empty stack. It goes straight to
 * spawn_child_run() instead, from registers. Returns what the kernel returned.
 * Not by libc's clone(3): that one refuses clone3, and ThreadSanitizer replaces
 * it.
 */
IN_CHILD static long
clone_call(long nr, long a1, long a2, long a3, struct spawn_child *c)
{
	register void (*entry)(void *) __asm__("r12") = spawn_child_run;
	register void *child __asm__("r13") = c;
	long ret;

	__asm__ volatile("xorl %%r10d, %%r10d\n\t"
			 "xorl %%r8d, %%r8d\n\t"
			 "syscall\n\t"
			 "testq %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xorl %%ebp, %%ebp\n\t"
			 "movq %[child], %%rdi\n\t"
			 "callq *%[entry]\n\t"
			 "ud2\n"
			 "1:"
			 : "=a"(ret)
			 : "0"(nr), "D"(a1), "S"(a2),
			 "d"(a3), [entry] "r"(entry), [child] "r"(child)
			 : "rcx", "r8", "r10", "r11", "cc", "memory");
	return ret;
}
#else
IN_CHILD static int
clone_entry(void *arg)
{
	spawn_child_run(arg);
}

/* Elsewhere libc's clone(3) does, which has no clone3. */
static long
clone_call(
    long nr, long flags, long stack_top, long pidfd, struct spawn_child *c)
{
	int pid;

	if (nr != SYS_clone)
		return -ENOSYS;
	pid =
	    clone(clone_entry, (void *)stack_top, (int)flags, c, (int *)pidfd);
	return pid < 0 ? -errno : pid;
}
#endif

static long
clone_by_clone3(struct spawn_child *c, char *stack, int *ret_pidfd)
{
	struct clone_args args = {
	    .flags = CLONE_FLAGS,
	    .pidfd = (uint64_t)(uintptr_t)ret_pidfd,
	    .exit_signal = SIGCHLD,
	    .stack = (uint64_t)(uintptr_t)stack,
	    .stack_size = CHILD_STACK_BYTES,
	};

	if (c->req->cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)(uint32_t)c->req->cgroup_fd;
	}
	return clone_call(SYS_clone3, (long)&args, sizeof(args), 0, c);
}

/* The same by clone(2), but the child enters the cgroup by itself. */
static long
clone_by_clone(struct spawn_child *c, char *stack, int *ret_pidfd)
{
	c->join_cgroup = c->req->cgroup_fd >= 0;
	return clone_call(SYS_clone, CLONE_FLAGS | SIGCHLD,
	    (long)(stack + CHILD_STACK_BYTES), (long)ret_pidfd, c);
}

/* Kernels, seccomp filters and emulators without clone3 or its cgroups. */
static bool
clone3_missing(long err, bool cgroup)
{
	return err == -ENOSYS || err == -EPERM ||
	       (cgroup && (err == -E2BIG || err == -EINVAL));
}

/* Returns the pid or -errno. The caller's thread sleeps until exec or exit. */
static long
clone_child(struct spawn_child *c, int *ret_pidfd)
{
	char stack[CHILD_STACK_BYTES] __attribute__((aligned(16)));
	uint64_t all = ~(uint64_t)0, old;
	long pid;

	/* Not sigprocmask(3): that one spares two signals of libc's own. */
	syscall(
	    SYS_rt_sigprocmask, SIG_SETMASK, &all, &old, KERNEL_SIGSET_BYTES);
	pid = clone_by_clone3(c, stack, ret_pidfd);
	if (pid < 0 && clone3_missing(pid, c->req->cgroup_fd >= 0))
		pid = clone_by_clone(c, stack, ret_pidfd);
	syscall(
	    SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, KERNEL_SIGSET_BYTES);
	return pid;
}

static void
reap_failed(int pidfd)
{
	siginfo_t info;

	while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) < 0) {
		if (errno != EINTR)
			return;
	}
}

int
spawn(
    const struct spawn *req, struct spawned *ret, struct spawn_error *ret_error)
{
	struct spawn_child c = {.req = req, .parent = getpid()};
	int pidfd = -1, n;
	long pid;

	BUG_ON(req->paths == NULL || req->argv == NULL || req->envp == NULL);
	c.error.step = -1;
	n = snprintf(c.oom_text, sizeof(c.oom_text), "%d", req->oom_score_adj);
	c.oom_text_len = (size_t)n;

	pid = clone_child(&c, &pidfd);
	if (pid < 0) {
		ret_error->step = SPAWN_STEP_CLONE;
		ret_error->err = (int)-pid;
		return (int)pid;
	}
	if (c.error.step >= 0) {
		*ret_error = c.error;
		reap_failed(pidfd);
		fd_close(&pidfd);
		return -c.error.err;
	}
	ret->pid = (pid_t)pid;
	ret->pidfd = pidfd;
	return 0;
}

/*
 * ---- `reeved -d` ----
 * The parent stays at the terminal until the daemon works or has said why it
 * does not. The word is one byte, the exit status, then the reason as text.
 */

static void
read_word(int fd, struct buf *ret)
{
	char part[512];
	ssize_t n;

	for (;;) {
		n = read(fd, part, sizeof(part));
		if (n > 0)
			buf_add(ret, part, (size_t)n);
		else if (n == 0 || errno != EINTR)
			return;
	}
}

/* No word: the daemon was killed or ended by itself. */
static int
silent_status(pid_t pid)
{
	siginfo_t info;

	while (waitid(P_PID, (id_t)pid, &info, WEXITED) < 0) {
		if (errno != EINTR)
			return EXIT_SILENT;
	}
	if (info.si_code != CLD_EXITED) {
		fprintf(stderr,
		    "reeved: killed by signal %d before it was ready\n",
		    info.si_status);
		return EXIT_SILENT;
	}
	return info.si_status == 0 ? EXIT_SILENT : info.si_status;
}

NORETURN static void
parent_wait(pid_t pid, int fd)
{
	struct buf word;
	int code;

	buf_init(&word, REASON_MAX);
	read_word(fd, &word);
	if (word.len == 0)
		exit(silent_status(pid));
	code = (unsigned char)word.data[0];
	if (word.len > 1)
		fprintf(stderr, "reeved: %s\n", buf_str(&word) + 1);
	buf_clear(&word);
	exit(code);
}

int
spawn_daemon(int *ret_report_fd)
{
	int fds[2], err;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	fflush(NULL); /* or both would print what waits */
	pid = fork();
	if (pid < 0) {
		err = -errno;
		fd_close(&fds[0]);
		fd_close(&fds[1]);
		return err;
	}
	if (pid > 0) {
		fd_close(&fds[1]);
		parent_wait(pid, fds[0]);
	}
	fd_close(&fds[0]);
	setsid(); /* cannot fail: a new process leads no group */
	*ret_report_fd = fds[1];
	return 0;
}

static void
standard_fds_to_null(void)
{
	int fd, i;

	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	for (i = 0; i < 3; i++) {
		if (i != fd)
			(void)dup2(fd, i);
	}
	if (fd > 2)
		fd_close(&fd);
}

static void
send_word(int *report_fd, int code, const char *reason)
{
	unsigned char byte = (unsigned char)code;
	struct iovec parts[2] = {
	    {&byte, 1},
	    {(void *)(uintptr_t)reason, strnlen(reason, REASON_MAX - 1)},
	};

	if (*report_fd < 0)
		return;
	/* A parent that was killed does not make the daemon fail. */
	(void)!writev(*report_fd, parts, 2);
	fd_close(report_fd);
}

void
spawn_daemon_ready(int *report_fd)
{
	if (*report_fd < 0)
		return;
	standard_fds_to_null();
	send_word(report_fd, 0, "");
}

void
spawn_daemon_failed(int *report_fd, const char *reason, int code)
{
	send_word(report_fd, code, reason);
}
