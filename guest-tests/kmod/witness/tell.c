// SPDX-License-Identifier: GPL-2.0
/*
 * A call is written into a page and reported by a read of the doorbell, which returns when Sluice has carried it out:
 * until then the kernel must not continue. Calls come from any context, including hard interrupts, so this uses a raw
 * spinlock.
 */
#include <linux/hardirq.h>
#include <linux/io.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "witness.h"

#define PAGE_ENTRIES	((PAGE_SIZE - sizeof(struct witness_message)) / sizeof(struct witness_entry))

static struct pci_dev *door;
static void __iomem *bar;
static struct witness_message *page;
static dma_addr_t page_bus;
static DEFINE_RAW_SPINLOCK(lock);
static u32 sequence;
static u64 told, refused;

static u32 flags_now(void)
{
	return (in_hardirq() ? WITNESS_HARD_INTERRUPT : 0) | (in_serving_softirq() ? WITNESS_SOFT_INTERRUPT : 0);
}

static u32 requester(struct device *dev)
{
	for (; dev; dev = dev->parent)
		if (dev_is_pci(dev))
			return pci_domain_nr(to_pci_dev(dev)->bus) << 16 | pci_dev_id(to_pci_dev(dev));
	return ~0u;
}

/* 0 is not a message number: the function returns it for a refused message. */
static u32 next_sequence(void)
{
	if (!++sequence)
		sequence = 1;
	return sequence;
}

static void ring(u32 total, u32 first, u32 count)
{
	page->sequence = cpu_to_le32(next_sequence());
	page->total = cpu_to_le32(total);
	page->first = cpu_to_le32(first);
	page->count = cpu_to_le32(count);
	page->nanos = cpu_to_le64(ktime_get_mono_fast_ns());
	/* readl orders the stores before it */
	if (readl(bar + WITNESS_DOORBELL) != sequence)
		refused++;
}

static void put(u32 n, dma_addr_t address, u32 length)
{
	page->entries[n].address = cpu_to_le64(address);
	page->entries[n].length = cpu_to_le32(length);
	page->entries[n].zero = 0;
}

static void tell_list(struct scatterlist *sgl, int nents)
{
	struct scatterlist *sg;
	u32 total = 0, first = 0, n = 0;
	int i;

	/* An IOMMU merges entries, and leaves empty ones behind. */
	for_each_sg(sgl, sg, nents, i)
		if (sg_dma_len(sg))
			total++;
	for_each_sg(sgl, sg, nents, i) {
		if (!sg_dma_len(sg))
			continue;
		put(n++, sg_dma_address(sg), sg_dma_len(sg));
		if (n < PAGE_ENTRIES)
			continue;
		ring(total, first, n);
		first += n;
		n = 0;
	}
	if (n || !total)
		ring(total, first, n);
}

/* The text is built in the page, in the place of entries. */
static void tell_chain(u32 chain, const unsigned long *trace, u32 depth)
{
	char *text = (char *)page->entries;
	size_t room = PAGE_SIZE - sizeof(*page), size = 0;

	for (u32 i = 0; i < depth; i++)
		size += scnprintf(text + size, room - size, "%pS\n", (void *)trace[i]);
	page->operation = cpu_to_le32(WITNESS_CHAIN);
	page->chain = cpu_to_le32(chain);
	page->size = cpu_to_le64(size);
	ring(0, 0, 0);
}

void witness_tell(const struct witness_call *call)
{
	unsigned long trace[WITNESS_UNWOUND], flags;
	u32 depth = witness_unwind(trace), kept, chain;
	bool fresh;

	raw_spin_lock_irqsave(&lock, flags);
	if (page) {
		chain = witness_chain(trace, depth, &kept, &fresh);
		if (fresh)
			tell_chain(chain, trace, kept);
		page->chain = cpu_to_le32(chain);
		page->zero = 0;
		page->operation = cpu_to_le32(call->operation);
		page->direction = cpu_to_le32(call->direction);
		page->attributes = cpu_to_le32(call->attributes);
		page->requester = cpu_to_le32(requester(call->dev));
		page->number = cpu_to_le32(call->dev ? witness_number(call->dev) : 0);
		page->flags = cpu_to_le32(call->flags | flags_now());
		page->cpu = cpu_to_le32(raw_smp_processor_id());
		page->pid = cpu_to_le32(current->pid);
		page->extra = cpu_to_le64(call->extra);
		page->size = cpu_to_le64(call->size);
		strscpy_pad(page->name, call->dev ? dev_name(call->dev) : "", sizeof(page->name));
		strscpy_pad(page->call, call->name, sizeof(page->call));
		if (call->sgl) {
			tell_list(call->sgl, call->nents);
		} else {
			if (call->length)
				put(0, call->address, call->length);
			ring(!!call->length, 0, !!call->length);
		}
		told++;
	}
	raw_spin_unlock_irqrestore(&lock, flags);
}

int witness_open(struct pci_dev *found)
{
	int err;

	door = found;
	err = pci_enable_device_mem(door);
	if (err)
		return err;
	pci_set_master(door);
	err = dma_set_mask_and_coherent(&door->dev, DMA_BIT_MASK(64));
	if (err)
		goto disable;
	err = -ENODEV;
	bar = pci_iomap(door, 0, 0);
	if (!bar)
		goto disable;
	if (readl(bar + WITNESS_IDENTIFICATION) != WITNESS_IDENTIFIED ||
	    readl(bar + WITNESS_VERSION) != WITNESS_PRESENT_VERSION) {
		pci_err(door, "not a witness function of version %d\n", WITNESS_PRESENT_VERSION);
		goto unmap;
	}
	err = -ENOMEM;
	if (witness_chains_open())
		goto unmap;
	page = dma_alloc_coherent(&door->dev, PAGE_SIZE, &page_bus, GFP_KERNEL);
	if (!page)
		goto forget;
	writel(lower_32_bits(page_bus), bar + WITNESS_PAGE_LOW);
	writel(upper_32_bits(page_bus), bar + WITNESS_PAGE_HIGH);
	return 0;
forget:
	witness_chains_close();
unmap:
	pci_iounmap(door, bar);
disable:
	pci_clear_master(door);
	pci_disable_device(door);
	return err;
}

void witness_close(void)
{
	struct witness_message *gone = page;
	unsigned long flags;

	witness_tell(&(struct witness_call){ .operation = WITNESS_GOODBYE, .name = "rmmod" });
	raw_spin_lock_irqsave(&lock, flags);
	page = NULL;
	raw_spin_unlock_irqrestore(&lock, flags);
	witness_chains_close();
	pci_info(door, "%llu calls reported, %llu messages refused\n", told, refused);
	dma_free_coherent(&door->dev, PAGE_SIZE, gone, page_bus);
	pci_iounmap(door, bar);
	pci_clear_master(door);
	pci_disable_device(door);
}
