// SPDX-License-Identifier: GPL-2.0
/*
 * Function entry hooks, for calls that must be reported before the kernel's own work: the writes of a non-coherent
 * device must be transferred before a bounce buffer is copied. By ftrace instead of kprobes, which miss calls in nested
 * interrupts.
 */
#include <linux/dma-buf.h>
#include <linux/fs.h>
#include <linux/ftrace.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <uapi/linux/dma-buf.h>

#include "witness.h"

#define ARGUMENT(n)	ftrace_regs_get_argument(fregs, n)
#define HOOK(name)	static void notrace name(unsigned long ip, unsigned long parent, struct ftrace_ops *ops, \
					 struct ftrace_regs *fregs)

HOOK(on_sync_cpu)
{
	struct device *dev = (void *)ARGUMENT(0);

	if (!witness_is_watched(dev))
		return;
	witness_tell(&(struct witness_call){ .operation = WITNESS_SYNC_FOR_CPU,
		.name = "dma_sync_single_for_cpu", .dev = dev, .direction = ARGUMENT(3),
		.address = ARGUMENT(1), .length = ARGUMENT(2) });
}

HOOK(on_sync_sg_cpu)
{
	struct device *dev = (void *)ARGUMENT(0);

	if (!witness_is_watched(dev))
		return;
	witness_tell(&(struct witness_call){ .operation = WITNESS_SYNC_FOR_CPU,
		.name = "dma_sync_sg_for_cpu", .dev = dev, .direction = ARGUMENT(3),
		.sgl = (void *)ARGUMENT(1), .nents = ARGUMENT(2), .size = ARGUMENT(2) });
}

HOOK(on_unmap)
{
	struct device *dev = (void *)ARGUMENT(0);

	if (!witness_is_watched(dev))
		return;
	witness_tell(&(struct witness_call){ .operation = WITNESS_UNMAP,
		.name = WITNESS_PHYS_API ? "dma_unmap_phys" : "dma_unmap_page", .dev = dev,
		.direction = ARGUMENT(3), .attributes = ARGUMENT(4), .address = ARGUMENT(1),
		.length = ARGUMENT(2) });
}

#if !WITNESS_PHYS_API
/* dma_unmap_phys with DMA_ATTR_MMIO in later versions */
HOOK(on_unmap_resource)
{
	struct device *dev = (void *)ARGUMENT(0);

	if (!witness_is_watched(dev))
		return;
	witness_tell(&(struct witness_call){ .operation = WITNESS_UNMAP, .name = "dma_unmap_resource", .dev = dev,
		.direction = ARGUMENT(3), .attributes = ARGUMENT(4) | WITNESS_ATTR_MMIO, .address = ARGUMENT(1),
		.length = ARGUMENT(2) });
}
#endif

static void tell_access(enum witness_operation operation, const char *name, struct dma_buf *buf, u32 direction)
{
	witness_tell(&(struct witness_call){ .operation = operation, .name = name, .direction = direction,
		.extra = file_inode(buf->file)->i_ino, .size = buf->size });
}

HOOK(on_begin)
{
	tell_access(WITNESS_CPU_BEGIN, "dma_buf_begin_cpu_access", (void *)ARGUMENT(0), ARGUMENT(1));
}

HOOK(on_end)
{
	tell_access(WITNESS_CPU_END, "dma_buf_end_cpu_access", (void *)ARGUMENT(0), ARGUMENT(1));
}

/* dma_buf_end_cpu_access is inlined into this one, so user space's calls do not pass its entry. */
HOOK(on_ioctl)
{
	struct dma_buf *buf = ((struct file *)ARGUMENT(0))->private_data;
	struct dma_buf_sync sync;

	if (ARGUMENT(1) != DMA_BUF_IOCTL_SYNC ||
	    copy_from_user_nofault(&sync, (void __user *)ARGUMENT(2), sizeof(sync)))
		return;
	if (!(sync.flags & DMA_BUF_SYNC_END))
		return;
	switch (sync.flags & DMA_BUF_SYNC_RW) {
	case DMA_BUF_SYNC_READ:
		tell_access(WITNESS_CPU_END, "DMA_BUF_IOCTL_SYNC", buf, DMA_FROM_DEVICE);
		break;
	case DMA_BUF_SYNC_WRITE:
		tell_access(WITNESS_CPU_END, "DMA_BUF_IOCTL_SYNC", buf, DMA_TO_DEVICE);
		break;
	case DMA_BUF_SYNC_RW:
		tell_access(WITNESS_CPU_END, "DMA_BUF_IOCTL_SYNC", buf, DMA_BIDIRECTIONAL);
		break;
	}
}

#if WITNESS_PHYS_API
/* Used by block drivers and dma-buf-mapping behind an IOMMU; has no tracepoints. The attributes of a link are on the
 * stack. */
HOOK(on_iova_link)
{
	struct device *dev = (void *)ARGUMENT(0);
	struct dma_iova_state *state = (void *)ARGUMENT(1);

	if (!witness_is_watched(dev))
		return;
	witness_need_sync(dev);
	witness_tell(&(struct witness_call){ .operation = WITNESS_MAP, .name = "dma_iova_link", .dev = dev,
		.direction = ARGUMENT(5), .address = state->addr + ARGUMENT(3), .length = ARGUMENT(4) });
}

HOOK(on_iova_unlink)
{
	struct device *dev = (void *)ARGUMENT(0);
	struct dma_iova_state *state = (void *)ARGUMENT(1);

	if (!witness_is_watched(dev))
		return;
	witness_tell(&(struct witness_call){ .operation = WITNESS_UNMAP, .name = "dma_iova_unlink", .dev = dev,
		.direction = ARGUMENT(4), .attributes = ARGUMENT(5), .address = state->addr + ARGUMENT(2),
		.length = ARGUMENT(3) });
}

HOOK(on_iova_destroy)
{
	struct device *dev = (void *)ARGUMENT(0);
	struct dma_iova_state *state = (void *)ARGUMENT(1);

	if (!witness_is_watched(dev))
		return;
	witness_tell(&(struct witness_call){ .operation = WITNESS_UNMAP, .name = "dma_iova_destroy", .dev = dev,
		.direction = ARGUMENT(3), .attributes = ARGUMENT(4), .address = state->addr,
		.length = ARGUMENT(2) });
}
#endif

static struct hook {
	const char *name;
	struct ftrace_ops ops;
	bool needed;	/* or transfers are missed */
	bool on;
} hooks[] = {
	{ "__dma_sync_single_for_cpu", { .func = on_sync_cpu }, true },
	{ "__dma_sync_sg_for_cpu", { .func = on_sync_sg_cpu }, true },
#if WITNESS_PHYS_API
	{ "dma_unmap_phys", { .func = on_unmap }, true },
	{ "dma_iova_link", { .func = on_iova_link } },
	{ "dma_iova_unlink", { .func = on_iova_unlink } },
	{ "dma_iova_destroy", { .func = on_iova_destroy } },
#else
	{ "dma_unmap_page_attrs", { .func = on_unmap }, true },
	{ "dma_unmap_resource", { .func = on_unmap_resource } },
#endif
	{ "dma_buf_begin_cpu_access", { .func = on_begin } },
	{ "dma_buf_end_cpu_access", { .func = on_end } },
	{ "dma_buf_ioctl", { .func = on_ioctl } },
};

int witness_hooks_start(void)
{
	for (int i = 0; i < ARRAY_SIZE(hooks); i++) {
		struct hook *hook = &hooks[i];
		int err = ftrace_set_filter(&hook->ops, (unsigned char *)hook->name, strlen(hook->name), 1);

		if (!err)
			err = register_ftrace_function(&hook->ops);
		hook->on = !err;
		if (err && hook->needed) {
			pr_err("witness: %s cannot be hooked: error %d\n", hook->name, err);
			witness_hooks_stop();
			return err;
		}
		if (err)
			pr_info("witness: %s cannot be hooked: error %d; its calls are not reported\n", hook->name, err);
	}
	return 0;
}

void witness_hooks_stop(void)
{
	for (int i = 0; i < ARRAY_SIZE(hooks); i++) {
		if (!hooks[i].on)
			continue;
		unregister_ftrace_function(&hooks[i].ops);
		ftrace_free_filter(&hooks[i].ops);
		hooks[i].on = false;
	}
}
