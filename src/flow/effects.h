/*
 * effects.h - what to do once the record that justifies it is durable: spawn,
 * arm, reply. A queue in the order of sequence numbers.
 */
#ifndef REEVE_FLOW_EFFECTS_H
#define REEVE_FLOW_EFFECTS_H

#include <stddef.h>
#include <stdint.h>

typedef void effect_fn(void *arg);

struct effect {
	uint64_t seq;
	effect_fn *fn;
	void *arg;
};

struct effects {
	struct effect *items; /* ring */
	size_t start, count, cap;
};

void effects_clear(struct effects *e);
/* Do fn(arg) when `seq` is durable. `seq` never goes backwards. */
void effects_add(struct effects *e, uint64_t seq, effect_fn *fn, void *arg);
/*
 * Do what `durable_seq` allows, at most `max` of them; returns how many were
 * done. An effect may add further ones.
 */
size_t effects_run(struct effects *e, uint64_t durable_seq, size_t max);

#endif
