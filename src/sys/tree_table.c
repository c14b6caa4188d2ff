/*
 * tree_table.c - look up by number: our children by pid, sessions by id.
 * Embedded keys in a fixed table: nothing to allocate, nothing to grow.
 */
#include <config.h>

#include "sys/tree_internal.h"

static struct tree_key **
slot(struct tree_table *tab, pid_t id)
{
	/* pids are handed out in order: their low bits spread by themselves */
	return &tab->buckets[(unsigned)id % TREE_BUCKETS];
}

struct tree_key *
tree_table_get(const struct tree_table *tab, pid_t id)
{
	struct tree_key *k = tab->buckets[(unsigned)id % TREE_BUCKETS];

	while (k != NULL && k->id != id)
		k = k->next;
	return k;
}

void
tree_table_add(struct tree_table *tab, struct tree_key *k)
{
	struct tree_key **at = slot(tab, k->id);

	k->next = *at;
	*at = k;
}

void
tree_table_remove(struct tree_table *tab, struct tree_key *k)
{
	struct tree_key **at = slot(tab, k->id);

	while (*at != NULL && *at != k)
		at = &(*at)->next;
	if (*at == k)
		*at = k->next;
	k->next = NULL;
}
