/*
 * ledger_queue.c - what the loop and the writer's thread share: batches that
 * wait, batches to fill again, requests, how it goes. All of it is guarded by
 * one lock that is never held across a system call that could wait, so the
 * loop never waits for the disk.
 */
#include <config.h>

#include "sys/ledger_internal.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

/* What one transaction takes at most: bounds the wait of those behind. */
#define TX_BYTES_MAX	((size_t)4 << 20)
#define RETRY_FIRST_MS	100
#define RETRY_MAX_MS	1000
#define SPARES_MAX	8
#define SPARE_BYTES_MAX ((size_t)256 << 10)

void
ledger_queue_tell(int fd)
{
	uint64_t one = 1;

	/* Fails only when the counter is full: then it was told. */
	if (write(fd, &one, sizeof(one)) < 0)
		return;
}

static void
swallow(int fd)
{
	uint64_t count;

	if (read(fd, &count, sizeof(count)) < 0)
		return;
}

static void
wait_on(int fd, int timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	(void)poll(&p, 1, timeout_ms);
}

/* ---- the thread: batches ---- */

/* Sleep until there is something; false when it is time to end. */
bool
ledger_queue_wait(struct ledger_writer *w)
{
	bool idle, over;

	pthread_mutex_lock(&w->lock);
	over = w->stop && w->first == NULL;
	idle = !w->stop && w->first == NULL && !w->pruning;
	w->idle = idle;
	pthread_mutex_unlock(&w->lock);
	if (idle) {
		wait_on(w->wake_fd, -1);
		swallow(w->wake_fd);
	}
	return !over;
}

/* Detach from the queue what fits one transaction. */
struct ledger_batch *
ledger_queue_take(struct ledger_writer *w)
{
	struct ledger_batch *list, *b;
	size_t bytes = 0;

	pthread_mutex_lock(&w->lock);
	list = w->first;
	for (b = list; b != NULL; b = b->next) {
		bytes += b->len;
		if (b->next == NULL || bytes + b->next->len > TX_BYTES_MAX)
			break;
	}
	if (b != NULL) {
		w->first = b->next;
		b->next = NULL;
		if (w->first == NULL)
			w->last = &w->first;
	}
	atomic_store(&w->work, w->first != NULL);
	pthread_mutex_unlock(&w->lock);
	return list;
}

/* Keep a few of the arenas; gives the rest, to be freed without the lock. */
static struct ledger_batch *
keep_spares(struct ledger_writer *w, struct ledger_batch *list)
{
	struct ledger_batch *rest = NULL, *b;

	while ((b = list) != NULL) {
		list = b->next;
		if (w->spares < SPARES_MAX && b->cap <= SPARE_BYTES_MAX) {
			ledger_batch_reset(b);
			b->next = w->spare;
			w->spare = b;
			w->spares++;
		} else {
			b->next = rest;
			rest = b;
		}
	}
	return rest;
}

void
ledger_queue_done(struct ledger_writer *w, struct ledger_batch *list)
{
	struct ledger_batch *b, *rest;
	uint64_t seq = 0, count = 0;

	for (b = list; b != NULL; b = b->next) {
		seq = b->seq;
		count++;
	}
	atomic_fetch_add(&w->conflicts, w->tx.conflicts);
	atomic_fetch_add(&w->rejected, w->tx.rejected);
	pthread_mutex_lock(&w->lock);
	atomic_store(&w->durable_seq, seq);
	atomic_fetch_sub(&w->backlog, count);
	w->oldest_boot_us =
	    w->first != NULL ? w->first->submitted_boot_us : TIME_NEVER;
	rest = keep_spares(w, list);
	pthread_mutex_unlock(&w->lock);
	ledger_batch_free_all(rest);
	ledger_queue_tell(w->event_fd);
}

/* ---- the thread: trouble ---- */

void
ledger_queue_failing(struct ledger_writer *w, const char *reason)
{
	pthread_mutex_lock(&w->lock);
	if (!w->failing)
		w->failing_since_boot_us = clock_boot_us();
	w->failing = true;
	memcpy(w->reason, reason, sizeof(w->reason));
	pthread_mutex_unlock(&w->lock);
	if (!w->in_trouble)
		ledger_queue_tell(w->event_fd);
	w->in_trouble = true;
}

void
ledger_queue_healed(struct ledger_writer *w)
{
	if (!w->in_trouble)
		return;
	pthread_mutex_lock(&w->lock);
	w->failing = false;
	pthread_mutex_unlock(&w->lock);
	w->in_trouble = false;
	ledger_queue_tell(w->event_fd);
}

static bool
abandoned(struct ledger_writer *w)
{
	bool yes;

	pthread_mutex_lock(&w->lock);
	yes = w->abandon;
	pthread_mutex_unlock(&w->lock);
	return yes;
}

/* Sleep before the next try; only ledger_close() ends it early. */
bool
ledger_queue_pause(struct ledger_writer *w, int *pause_ms)
{
	if (*pause_ms == 0)
		*pause_ms = RETRY_FIRST_MS;
	else
		*pause_ms *= 2;
	if (*pause_ms > RETRY_MAX_MS)
		*pause_ms = RETRY_MAX_MS;
	wait_on(w->wake_fd, *pause_ms);
	swallow(w->wake_fd);
	return !abandoned(w);
}

/* ---- the thread: prunes ---- */

bool
ledger_queue_prune(struct ledger_writer *w, struct ledger_prune_state *ret)
{
	bool yes;

	pthread_mutex_lock(&w->lock);
	yes = w->pruning && !w->stop;
	*ret = w->prune;
	pthread_mutex_unlock(&w->lock);
	return yes;
}

/* One request may have come while the slice was at work: add up. */
void
ledger_queue_pruned(struct ledger_writer *w,
    const struct ledger_prune_state *was, const struct ledger_prune_state *now,
    uint64_t removed)
{
	struct ledger_prune_state *p = &w->prune;
	bool over;

	pthread_mutex_lock(&w->lock);
	p->rows_left -= was->rows_left - now->rows_left;
	p->outputs_left -= was->outputs_left - now->outputs_left;
	p->at_us = now->at_us;
	p->at_id = now->at_id;
	w->pruned += removed;
	over = p->rows_left == 0 && p->outputs_left == 0;
	w->pruning = !over;
	pthread_mutex_unlock(&w->lock);
	if (over)
		ledger_queue_tell(w->event_fd);
}

/* ---- the loop ---- */

struct ledger_batch *
ledger_writer_submit(struct ledger_writer *w, struct ledger_batch *b)
{
	struct ledger_batch *empty;
	bool wake;

	b->next = NULL;
	b->submitted_boot_us = clock_boot_us();
	pthread_mutex_lock(&w->lock);
	if (atomic_fetch_add(&w->backlog, 1) == 0)
		w->oldest_boot_us = b->submitted_boot_us;
	*w->last = b;
	w->last = &b->next;
	atomic_store(&w->work, true);
	wake = w->idle;
	w->idle = false;
	empty = w->spare;
	if (empty != NULL) {
		w->spare = empty->next;
		w->spares--;
	}
	pthread_mutex_unlock(&w->lock);
	if (wake)
		ledger_queue_tell(w->wake_fd);
	if (empty == NULL)
		return ledger_batch_new();
	empty->next = NULL;
	return empty;
}

void
ledger_writer_prune(struct ledger_writer *w, int64_t before_us,
    int64_t output_before_us, int64_t max_rows)
{
	struct ledger_prune_state *p = &w->prune;
	bool wake;

	if (max_rows <= 0)
		return;
	pthread_mutex_lock(&w->lock);
	if (!w->pruning) {
		p->rows_left = p->outputs_left = 0;
		p->before_us = p->output_before_us = INT64_MIN;
	}
	if (p->before_us < before_us)
		p->before_us = before_us;
	if (p->output_before_us < output_before_us)
		p->output_before_us = output_before_us;
	p->rows_left += max_rows;
	p->outputs_left += max_rows;
	w->pruning = true;
	wake = w->idle;
	w->idle = false;
	pthread_mutex_unlock(&w->lock);
	if (wake)
		ledger_queue_tell(w->wake_fd);
}
