/* SPDX-License-Identifier: GPL-2.0 */
#ifndef WITNESS_H
#define WITNESS_H

#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/pci.h>
#include <linux/scatterlist.h>
#include <linux/version.h>

#include "message.h"

/* dma_map_phys and what came with it, instead of dma_map_page_attrs */
#define WITNESS_ATTR_MMIO	(1 << 10)	/* DMA_ATTR_MMIO where there is one */
#define WITNESS_PHYS_API	(LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0))

/* One call of the kernel: a list in sgl, or a single range if length is not 0. */
struct witness_call {
	enum witness_operation operation;
	const char *name;
	struct device *dev;
	u32 direction;
	u32 attributes;
	u32 flags;
	struct scatterlist *sgl;
	int nents;
	dma_addr_t address;
	size_t length;
	u64 extra, size;
};

/* tell.c: the way to the witness function */
int witness_open(struct pci_dev *door);
void witness_close(void);
void witness_tell(const struct witness_call *call);

/* chain.c: who called */
#define WITNESS_DEPTH	20	/* return addresses of a chain */
#define WITNESS_UNWOUND	(WITNESS_DEPTH + 8)	/* with those of the module */
int witness_chains_open(void);
void witness_chains_close(void);
u32 witness_unwind(unsigned long *trace);
u32 witness_chain(const unsigned long *trace, u32 depth, u32 *kept, bool *fresh);

/* main.c: which devices are reported */
bool witness_is_watched(struct device *dev);
u32 witness_number(struct device *dev);

/* points.c: reported after the kernel's own work, by tracepoints: map, sync for the device, alloc, free */
int witness_points_start(void);
void witness_points_stop(void);

/* hooks.c: reported before it, by ftrace: sync for the CPU, unmap */
int witness_hooks_start(void);
void witness_hooks_stop(void);

/*
 * dma_sync_* of a device that needs no sync does nothing, and unmaps may be skipped: so on x86. A driver's dma_set_mask
 * sets the flag again, so it is cleared at each call that maps.
 */
static inline void witness_need_sync(struct device *dev)
{
#ifdef CONFIG_DMA_NEED_SYNC
#if WITNESS_PHYS_API
	if (dev_dma_skip_sync(dev))
		dev_clear_dma_skip_sync(dev);
#else
	dev->dma_skip_sync = false;
#endif
#endif
}

#endif
