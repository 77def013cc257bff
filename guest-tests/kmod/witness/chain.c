// SPDX-License-Identifier: GPL-2.0
/*
 * Call chains: who called the DMA API. A chain is sent as text when it first occurs, and by its number afterwards, so
 * that a call in steady state costs an unwinding and a look into a table. What is below an interrupt's entry is another
 * program's, and would make each chain a new one; it is cut off.
 */
#include <linux/jhash.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/stacktrace.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "witness.h"

#define CHAINS		512
#define BUCKETS		1024	/* a power of two, so that half of them stay free */
#define MOST_ENTRANCES	16

static bool chains = true;
module_param(chains, bool, 0444);
MODULE_PARM_DESC(chains, "send the call chain of each call");

/* All of it is guarded by the lock of tell.c. */
static struct table {
	u32 used;
	u32 entrances;
	unsigned long entrance[MOST_ENTRANCES];	/* return addresses into the entry code of interrupts */
	u16 buckets[BUCKETS];			/* numbers of chains, or 0 */
	struct {
		u32 depth;
		unsigned long at[WITNESS_DEPTH];
	} chain[CHAINS];
} *table;

int witness_chains_open(void)
{
	if (!chains)
		return 0;
	table = vzalloc(sizeof(*table));
	return table ? 0 : -ENOMEM;
}

void witness_chains_close(void)
{
	vfree(table);
	table = NULL;
}

/* Before the lock is taken. The callers of the module's own functions begin after the last of these. */
u32 witness_unwind(unsigned long *trace)
{
	u32 depth, begin = 0;

	if (!table)
		return 0;
	depth = stack_trace_save(trace, WITNESS_UNWOUND, 0);
	for (u32 i = 0; i < depth && i < WITNESS_UNWOUND - WITNESS_DEPTH; i++)
		if (within_module(trace[i], THIS_MODULE))
			begin = i + 1;
	depth -= begin;
	memmove(trace, trace + begin, depth * sizeof(*trace));
	return min_t(u32, depth, WITNESS_DEPTH);
}

static u32 cut(const unsigned long *trace, u32 depth)
{
	for (u32 i = 0; i < depth; i++)
		for (u32 j = 0; j < table->entrances; j++)
			if (trace[i] == table->entrance[j])
				return i;
	return depth;
}

/* Learns the entrances of interrupts on the way. */
static u32 learn(const unsigned long *trace, u32 depth)
{
	static const char * const names[] = { "asm_", "handle_softirqs", "__do_softirq" };
	char symbol[32];	/* a prefix is enough */

	for (u32 i = 0; i < depth; i++) {
		scnprintf(symbol, sizeof(symbol), "%ps", (void *)trace[i]);
		for (int j = 0; j < ARRAY_SIZE(names); j++) {
			if (strncmp(symbol, names[j], strlen(names[j])))
				continue;
			if (table->entrances < MOST_ENTRANCES)
				table->entrance[table->entrances++] = trace[i];
			return i;
		}
	}
	return depth;
}

/* The bucket of a chain, or the free one where it belongs. */
static u16 *bucket(const unsigned long *trace, u32 depth)
{
	u32 at = jhash(trace, depth * sizeof(*trace), depth);

	for (;; at++) {
		u16 *found = &table->buckets[at & (BUCKETS - 1)];
		u32 known = *found;

		if (!known || (table->chain[known - 1].depth == depth &&
			       !memcmp(table->chain[known - 1].at, trace, depth * sizeof(*trace))))
			return found;
	}
}

/* Under the lock. The number of a chain, or 0; a fresh one is to be sent before it is used. */
u32 witness_chain(const unsigned long *trace, u32 depth, u32 *kept, bool *fresh)
{
	u16 *found;

	*fresh = false;
	if (!table || !depth)
		return 0;
	depth = cut(trace, depth);
	found = bucket(trace, depth);
	if (*found || table->used == CHAINS)
		return *found;
	depth = learn(trace, depth);
	found = bucket(trace, depth);
	if (*found || !depth)
		return *found;
	*kept = depth;
	table->chain[table->used].depth = depth;
	memcpy(table->chain[table->used].at, trace, depth * sizeof(*trace));
	*found = ++table->used;
	*fresh = true;
	return *found;
}
