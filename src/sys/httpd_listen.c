/*
 * httpd_listen.c - addresses and listening sockets of the HTTP server.
 *
 * Addresses are numeric: nothing here may ask a name server. A socket file is
 * never more open than its mode, not even for a moment.
 */
#include <config.h>

#include "sys/httpd_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"

#define LISTEN_BACKLOG 512

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
	struct sockaddr_storage any;
};

/* ---- TCP ---- */

void
httpd_host_of(const struct sockaddr *sa, char out[HTTPD_HOST_BYTES])
{
	const union address *a = (const void *)sa;
	char text[INET6_ADDRSTRLEN];

	out[0] = '\0';
	if (sa->sa_family == AF_INET &&
	    inet_ntop(AF_INET, &a->in.sin_addr, text, sizeof(text)) != NULL)
		(void)snprintf(out, HTTPD_HOST_BYTES, "%s", text);
	if (sa->sa_family == AF_INET6 &&
	    inet_ntop(AF_INET6, &a->in6.sin6_addr, text, sizeof(text)) != NULL)
		(void)snprintf(out, HTTPD_HOST_BYTES, "[%s]", text);
}

/* "ADDR:PORT" or "[ADDR]:PORT" */
static int
parse_tcp(const char *address, union address *ret, socklen_t *ret_len)
{
	char host[INET6_ADDRSTRLEN];
	const char *colon = strrchr(address, ':');
	bool bracket = address[0] == '[';
	const char *from = bracket ? address + 1 : address;
	size_t len;
	int64_t port;
	int r;

	if (colon == NULL)
		return -EINVAL;
	r = text_parse_int(colon + 1, 0, 65535, &port);
	if (r < 0)
		return r;
	len = (size_t)(colon - from);
	if (bracket && (len < 2 || colon[-1] != ']'))
		return -EINVAL;
	if (bracket)
		len--;
	if (colon < from || len == 0 || len >= sizeof(host))
		return -EINVAL;
	memcpy(host, from, len);
	host[len] = '\0';
	memset(ret, 0, sizeof(*ret));
	if (bracket) {
		ret->in6.sin6_family = AF_INET6;
		ret->in6.sin6_port = htons((uint16_t)port);
		*ret_len = sizeof(ret->in6);
		return inet_pton(AF_INET6, host, &ret->in6.sin6_addr) == 1
			   ? 0
			   : -EINVAL;
	}
	ret->in.sin_family = AF_INET;
	ret->in.sin_port = htons((uint16_t)port);
	*ret_len = sizeof(ret->in);
	return inet_pton(AF_INET, host, &ret->in.sin_addr) == 1 ? 0 : -EINVAL;
}

static bool
is_loopback(const union address *a)
{
	if (a->sa.sa_family == AF_INET)
		return (ntohl(a->in.sin_addr.s_addr) >> 24) == 127;
	return a->sa.sa_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}

/* The address with the port that the kernel chose. */
static int
name_tcp(int fd, struct httpd_listener *l)
{
	union address a = {0};
	socklen_t len = sizeof(a);
	char host[HTTPD_HOST_BYTES];
	uint16_t port;

	if (getsockname(fd, &a.sa, &len) < 0)
		return -errno;
	port = a.sa.sa_family == AF_INET6 ? a.in6.sin6_port : a.in.sin_port;
	httpd_host_of(&a.sa, host);
	l->loopback = is_loopback(&a);
	(void)snprintf(l->address, sizeof(l->address), "%s:%u", host,
	    (unsigned)ntohs(port));
	return 0;
}

static int
open_tcp(const char *address, struct httpd_listener *l, int *ret_fd)
{
	union address a;
	socklen_t len;
	int on = 1;
	int fd, r;

	r = parse_tcp(address, &a, &len);
	if (r < 0)
		return r;
	fd = socket(
	    a.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    (a.sa.sa_family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) <
		    0) ||
	    bind(fd, &a.sa, len) < 0 || listen(fd, LISTEN_BACKLOG) < 0) {
		r = -errno;
		fd_close(&fd);
		return r;
	}
	r = name_tcp(fd, l);
	if (r < 0) {
		fd_close(&fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

/* ---- unix ---- */

/* Does somebody listen there? A socket that nobody has open refuses. */
static bool
is_alive(const struct sockaddr_un *un)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool alive = true;

	if (fd >= 0 &&
	    connect(fd, (const struct sockaddr *)un, sizeof(*un)) < 0)
		alive = errno != ECONNREFUSED && errno != ENOENT;
	fd_close(&fd);
	return alive;
}

static int
bind_unix(int fd, const struct sockaddr_un *un)
{
	struct stat st;

	if (bind(fd, (const struct sockaddr *)un, sizeof(*un)) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return -errno;
	if (lstat(un->sun_path, &st) < 0)
		return -errno;
	if (!S_ISSOCK(st.st_mode) || is_alive(un))
		return -EADDRINUSE;
	if (unlink(un->sun_path) < 0 && errno != ENOENT)
		return -errno;
	if (bind(fd, (const struct sockaddr *)un, sizeof(*un)) < 0)
		return -errno;
	return 0;
}

/* After bind: group, mode, and which file it is. */
static int
own_unix(const char *path, mode_t mode, gid_t gid, struct httpd_listener *l)
{
	struct stat st;

	if (gid != (gid_t)-1 && lchown(path, (uid_t)-1, gid) < 0)
		return -errno;
	if (chmod(path, mode) < 0 || lstat(path, &st) < 0)
		return -errno;
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	return 0;
}

static int
open_unix(const char *path, mode_t mode, gid_t gid, struct httpd_listener *l,
    int *ret_fd)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	int fd, r;

	if (len == 0 || path[0] != '/')
		return -EINVAL;
	if (len >= sizeof(un.sun_path))
		return -ENAMETOOLONG;
	memcpy(un.sun_path, path, len + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* The file is born with the mode of the unbound socket: closed to
	 * all but us, until it has its group. unix(7) of Linux. */
	r = fchmod(fd, mode & S_IRWXU) < 0 ? -errno : bind_unix(fd, &un);
	if (r < 0) {
		fd_close(&fd);
		return r;
	}
	r = own_unix(path, mode, gid, l);
	if (r == 0 && listen(fd, LISTEN_BACKLOG) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlink(path);
		fd_close(&fd);
		return r;
	}
	l->is_unix = true;
	(void)snprintf(l->address, sizeof(l->address), "unix:%s", path);
	*ret_fd = fd;
	return 0;
}

int
httpd_socket_open(const char *address, mode_t mode, gid_t gid,
    struct httpd_listener *l, int *ret_fd)
{
	if (strncmp(address, "unix:", 5) == 0)
		return open_unix(address + 5, mode, gid, l, ret_fd);
	return open_tcp(address, l, ret_fd);
}

void
httpd_socket_unlink(const struct httpd_listener *l)
{
	const char *path = l->address + strlen("unix:");
	struct stat st;

	if (!l->is_unix || lstat(path, &st) < 0)
		return;
	if (st.st_dev == l->dev && st.st_ino == l->ino)
		(void)unlink(path);
}
